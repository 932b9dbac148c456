"""The audit of a session says what is in it and everything that is wrong with it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from realtime.types import EegInfo, Frame
from recordings.recorder import Recorder
from recordings.session.info import describe
from recordings.session.session import Session
from recordings.session.writer import write_session
from recordings.video.files import VideoReader
from tests.recordings.test_recorder import CAMERA, CAP, _chunk, _frame
from tests.support.files.mp4_bytes import remuxed
from tests.support.pictures.numbered import numbered_frame
from tests.support.small_session import write_small

RATE = 250.0


def _audit(folder, **options):
    with Session(folder) as session:
        report = describe(session, **options)
    return json.loads(json.dumps(report, allow_nan=False))


def _write(folder, n=5000, labels=("Fz", "Cz", "Pz"), change=lambda samples, stamps: None, frames=()):
    random = np.random.default_rng(0)
    samples = random.normal(0, 15, (n, len(labels))).astype(np.float32)
    stamps = 100 + np.arange(n) / RATE
    change(samples, stamps)
    info = EegInfo("Cap", labels, "uV", RATE, "cap")
    write_session(folder, info, stamps, samples, frames)
    return folder


def test_a_good_session_has_no_problems_and_all_its_numbers(tmp_path):
    frames = [Frame(numbered_frame(n, 64, 64), 100.5 + n / 30, n) for n in range(300)]
    report = _audit(_write(tmp_path, frames=frames))
    assert report["problems"] == []
    assert report["complete"]
    assert report["manifest"] is None
    assert report["duration_s"] == pytest.approx(5000 / RATE, abs=0.01)
    (eeg,) = report["eeg"]
    assert eeg["rate_effective"] == pytest.approx(RATE, rel=1e-5)
    assert (eeg["gaps"], eeg["lost_samples"], eeg["samples"]) == (0, 0, 5000)
    assert [c["label"] for c in eeg["channels"]] == ["Fz", "Cz", "Pz"]
    assert all(8 < c["amplitude_uv"] < 12 for c in eeg["channels"])
    (video,) = report["video"]
    assert (video["frames_stamped"], video["frames_in_file"]) == (300, 300)
    assert video["frames_missing"] == video["frames_dropped"] == 0
    assert video["fps"] == pytest.approx(30)
    assert video["times_apart_ms"] < 1.0
    assert video["starts_after_eeg_s"] == pytest.approx(0.5)
    assert [s["samples"] for s in report["streams"]] == [5000, 0, 300]


def test_gaps_bad_channels_and_a_wrong_rate_are_problems(tmp_path):
    def spoil(samples, stamps):
        samples[:, 1] = 3.0
        samples[:, 2] *= 100
        stamps[2500:] += 1.0

    problems = _audit(_write(tmp_path / "a", change=spoil))["problems"]
    assert "Cap: 1 gaps, 250 samples lost" in problems
    assert "Cap: Cz is flat for 100% of the time" in problems
    assert "Cap: Pz is noisy for 100% of the time" in problems

    def slow(samples, stamps):
        stamps[:] = 100 + np.arange(len(stamps)) / 240.0

    problems = _audit(_write(tmp_path / "b", change=slow))["problems"]
    assert any("240.0" in p and "where it claims 250" in p for p in problems)


def test_values_in_volts_are_suspected(tmp_path):
    def volts(samples, stamps):
        samples *= 1e-6

    assert any("in volts?" in p for p in _audit(_write(tmp_path, change=volts))["problems"])


def test_frames_that_were_dropped_lost_or_late_are_problems(tmp_path):
    numbers = [n for n in range(300) if n != 50 and not 100 <= n < 120]
    frames = [Frame(numbered_frame(n, 64, 64), 100 + n / 30, n) for n in numbers]
    _write(tmp_path, frames=frames)
    report = _audit(tmp_path)
    assert report["video"][0]["frames_dropped"] == 21
    assert any("21 frames were dropped" in p for p in report["problems"])
    assert any("no frame for 700 ms after 103.300 s" in p for p in report["problems"])
    file = tmp_path / "stimulus.mkv"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    report = _audit(tmp_path)
    missing = report["video"][0]["frames_missing"]
    assert missing > 0
    assert any(f"{missing} of 279 stamped frames are not in stimulus.mkv" in p for p in report["problems"])


def test_a_missing_video_and_a_recording_that_was_not_closed_are_problems(tmp_path):
    write_small(tmp_path)
    (tmp_path / "stimulus.mkv").unlink()
    xdf = tmp_path / "session.xdf"
    data = xdf.read_bytes()
    xdf.write_bytes(data[: data.index(b"<first_timestamp>") - 35])  # before the first footer
    report = _audit(tmp_path)
    assert not report["complete"]
    assert any("not closed" in p for p in report["problems"])
    assert any("'stimulus.mkv', which is not in" in p for p in report["problems"])
    assert report["eeg"][0]["samples"] == 1500


def test_a_file_that_was_changed_after_recording_is_found_by_its_check_sum(tmp_path):
    with Recorder(tmp_path, {"cap": CAP}, {"camera": CAMERA}) as recorder:
        recorder.eeg("cap", _chunk(0, 1000))
        recorder.frame("camera", _frame(0))
    assert _audit(tmp_path, check_sums=True)["manifest"]["complete"]
    assert not any("changed" in p for p in _audit(tmp_path, check_sums=True)["problems"])
    path = tmp_path / "session.xdf"
    path.write_bytes(path.read_bytes().replace(b">Cap<", b">Cup<"))
    assert "session.xdf has changed since it was recorded" in _audit(tmp_path, check_sums=True)["problems"]
    assert not any("changed" in p for p in _audit(tmp_path)["problems"])


def test_the_shared_sessions_and_others_recordings_are_audited(shared_data):
    expected = {
        "sessions/p300-muse/run01": [],
        "sessions/eeglab32/run01": [],
        "sessions/cvep32/run01": ["BioSemi32: 31 gaps, 3720 samples lost"],
    }
    for run, problems in expected.items():
        assert _audit(shared_data / run)["problems"] == problems
    for name in ("clock_resets", "muse_eeg_acc_gyro_ppg", "muse_empty_siblings", "minimal"):
        assert _audit(shared_data / "xdf" / f"{name}.xdf")["streams"]


def test_frames_without_a_number_are_named(tmp_path, command):
    """A transport stream marks a packet that its receiver could not mend; FFmpeg hands the mark on."""
    folder = write_small(tmp_path / "s", seconds=3.0)
    data = bytearray(remuxed(folder / "stimulus.mkv", tmp_path / "t.ts").read_bytes())
    of_film = [at for at in range(0, len(data), 188) if (data[at + 1] & 0x1F) << 8 | data[at + 2] == 0x100]
    data[of_film[len(of_film) // 2] + 1] |= 0x80
    (folder / "stimulus.mkv").write_bytes(data)
    with VideoReader(folder / "stimulus.mkv") as reader:
        assert (reader.n_left_out, len(reader)) == (1, 89)
    code, report, _ = command("info", folder, "--json")
    assert code == 0
    said = "1 frames of stimulus.mkv have no time or are damaged"
    assert any(said in problem for problem in json.loads(report)["problems"])
