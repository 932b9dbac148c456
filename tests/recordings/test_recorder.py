"""What is measured reaches the disk, whatever happens to the program or the disk."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import pyxdf

from realtime.errors import ConfigError, RunError, SessionError
from realtime.time.clock import ManualClock
from realtime.types import Attention, Chance, ClockOffset, EegInfo, Frame, RawChunk, Reading, VideoInfo
from recordings.recorder import Recorder
from recordings.replay import ReplayVideo
from recordings.session.headers import MARKERS, READINGS
from recordings.session.naming import session_folder
from recordings.session.options import RecordingOptions
from recordings.session.session import Session
from recordings.xdf.repair import repair
from recordings.xdf.writer import StreamHeader
from tests.support.pictures.numbered import numbered_frame, read_number
from tests.support.recorder_child import FPS, N_CHANNELS, RATE, samples_from

CAP = EegInfo("Cap", ("C3", "C4", "Cz"), "uV", 250.0, "cap-1", "lab")
CAMERA = VideoInfo("camera", 64, 48, 30.0, "driver")


def _chunk(first: int, n: int, offsets=()) -> RawChunk:
    k = np.arange(first, first + n)
    return RawChunk(np.stack([k, -k, k / 7], 1).astype(np.float32), 50.0 + k / 250.0, offsets)


def _frame(number: int) -> Frame:
    return Frame(numbered_frame(number, 64, 48), 100.0 + number / 30.0, number)


def _reading(index: int) -> Reading:
    attention = Attention(*(np.zeros((1,) * n, np.float32) for n in (2, 1, 2, 1)))
    return Reading(
        index, index, index / 4, index / 4 + 0.05, 0.5, 0.75, Chance((-0.1, 0.1), 0.9), attention, 0.2,
        np.zeros(1, np.int64), 1.0, 0.5,
    )  # fmt: skip


def _record(folder, n_seconds=4, **options) -> Recorder:
    """Everything at once, as fast as it goes."""
    recorder = Recorder(folder, {"cap": CAP}, {"camera": CAMERA}, **options)
    with recorder:
        for second in range(n_seconds):
            offset = ClockOffset(100.0 + second, 50.0 + second * 1e-5)
            for k in range(10):
                recorder.eeg("cap", _chunk(250 * second + 25 * k, 25, (offset,) if k == 0 else ()))
            recorder.marker(100.0 + second, f"second {second}")
            recorder.reading(_reading(400 + second))
            for k in range(30):
                while 30 * second + k - recorder.health().frames_written > 8:
                    time.sleep(0.001)  # a camera is slower than this loop
                recorder.frame("camera", _frame(30 * second + k))
    return recorder


def test_everything_that_was_fed_is_read_back(tmp_path):
    recorder = _record(tmp_path / "s")
    assert recorder.failure is None
    with Session(tmp_path / "s") as session:
        track = session.eeg()
        assert track.info == CAP
        pieces = list(track.pieces())
        samples = np.concatenate([p.samples for p in pieces])
        expected = _chunk(0, 1000)
        assert np.array_equal(samples, expected.samples)
        assert np.array_equal(np.concatenate([p.stamps for p in pieces]), expected.stamps)
        assert [o.value for o in track.offsets] == [50.0 + k * 1e-5 for k in range(4)]
        np.testing.assert_allclose([o.collected for o in track.offsets], [100, 101, 102, 103], rtol=1e-12)
        assert session.markers() == [(100.0 + k, f"second {k}") for k in range(4)]
        video = session.video()
        assert video.seq.tolist() == video.frame_index.tolist() == list(range(120))
        assert np.array_equal(video.times, [100.0 + n / 30.0 for n in range(120)])
        source = ReplayVideo(session, ManualClock(1e9))
        source.open()
        frames = list(iter(source.read, None))
        assert [read_number(f.image) for f in frames] == list(range(120))


def test_readings_are_a_stream_at_the_intervals_ends(tmp_path):
    _record(tmp_path)
    streams, _ = pyxdf.load_xdf(str(tmp_path / "session.xdf"), dejitter_timestamps=False)
    stream = next(s for s in streams if s["info"]["name"] == [READINGS])
    labels = [c["label"][0] for c in stream["info"]["desc"][0]["channels"][0]["channel"]]
    assert np.array_equal(stream["time_stamps"], [100.0, 100.25, 100.5, 100.75])
    row = dict(zip(labels, stream["time_series"][1], strict=True))
    assert row["interval"] == 401
    assert row["similarity"] == 0.5
    assert row["chance_high"] == 0.1
    assert np.isnan(row["two_way"])
    assert row["emitted_s"] == 100.3


def _until(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def _delete(folder, name):
    shutil.rmtree(folder) if name == "." else (folder / name).unlink()


def _move(folder, name):
    (folder / name).rename(folder.parent / f"moved-{name}")


def _replace(folder, name):
    _delete(folder, name)
    (folder / name).write_text("another file")


@pytest.mark.parametrize(
    ("do", "name", "word"),
    [
        (_delete, "session.xdf", "deleted"),
        (_delete, "camera.mkv", "deleted"),
        (_delete, ".", "deleted"),
        (_move, "session.xdf", "moved"),
        (_move, "camera.mkv", "moved"),
        (_replace, "camera.mkv", "deleted"),
    ],
)
def test_what_is_taken_away_while_it_is_recorded_is_noticed_and_written_again(tmp_path, do, name, word):
    folder = tmp_path / "s"
    with Recorder(folder, {"cap": CAP}, {"camera": CAMERA}) as recorder:
        _feed(recorder, 0)
        do(folder, name)
        begun = time.monotonic()
        _until(lambda: recorder.restored)
        assert time.monotonic() - begun < 1.5
        assert f"was {word}" in recorder.health().note
        _feed(recorder, 1)
    assert recorder.failure is None
    _is_whole(folder, recorder)


def _feed(recorder, second):
    """A second of everything, and wait until it is in the files."""
    written = recorder.health().frames_written
    recorder.eeg("cap", _chunk(250 * second, 250))
    for k in range(30):
        _until(lambda k=k: written + k - recorder.health().frames_written < 8)
        recorder.frame("camera", _frame(30 * second + k))
    _until(lambda: recorder.health().frames_written == written + 30 and recorder.health().queued == 0)


def _is_whole(folder, recorder):
    """Every sample and every frame are there, and the manifest says what happened."""
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["complete"], manifest["losses"]) == (True, [])
    assert manifest["warnings"] == recorder.restored
    for name, facts in manifest["files"].items():
        assert facts["sha256"] == hashlib.sha256((folder / name).read_bytes()).hexdigest()
    with Session(folder) as session:
        assert np.array_equal(session.eeg().read()[1], _chunk(0, 500).samples)
        assert session.video().frame_index.tolist() == list(range(60))
        source = ReplayVideo(session, ManualClock(1e9))
        source.open()
        assert [read_number(frame.image) for frame in iter(source.read, None)] == list(range(60))


def test_a_folder_that_is_moved_is_noticed_and_written_on(tmp_path):
    folder = tmp_path / "s"
    with Recorder(folder, {"cap": CAP}, {"camera": CAMERA}) as recorder:
        _feed(recorder, 0)
        folder.rename(tmp_path / "elsewhere")
        _until(lambda: recorder.restored)
        _feed(recorder, 1)
    (said,) = recorder.restored
    assert "was moved" in said
    assert str(tmp_path / "elsewhere") in said
    assert not folder.exists()
    _is_whole(tmp_path / "elsewhere", recorder)


def test_one_streams_nonsense_does_not_end_the_others(tmp_path):
    odd = StreamHeader("Odd", "Misc", 2, 0.0, "float32", "odd-1")
    with Recorder(tmp_path, {"cap": CAP}, others={"odd": odd}) as recorder:
        recorder.eeg("cap", _chunk(0, 100))
        recorder.samples("odd", np.array([1.0]), np.zeros((1, 5), np.float32))
        _until(lambda: recorder.losses)
        recorder.samples("odd", np.array([2.0]), np.ones((1, 2), np.float32))
        recorder.eeg("cap", _chunk(100, 100))
    assert recorder.failure is None
    assert "samples of odd" in recorder.losses[0]
    with Session(tmp_path) as session:
        assert np.array_equal(session.eeg().read()[1], _chunk(0, 200).samples)


def test_eeg_is_kept_in_its_own_format_under_its_senders_description(tmp_path, recwarn):
    xml = (
        '<?xml version="1.0"?>\n<info>\n\t<name>Cap</name><type>signal</type><channel_count>3</channel_count>'
        "<nominal_srate>250.0</nominal_srate><channel_format>int16</channel_format><source_id>cap-1</source_id>"
        "<desc><cap><size>54</size></cap></desc></info>\n"
    )
    info = replace(CAP, type="signal", header=xml)
    raw = (np.arange(900).reshape(300, 3) % 77).astype(np.int16)
    with Recorder(tmp_path, {"cap": info}) as recorder:
        chunk = replace(_chunk(0, 300), samples=raw.astype(np.float32), raw=raw)
        recorder.eeg("cap", chunk)
    assert xml.encode() in (tmp_path / "session.xdf").read_bytes()
    streams, _ = pyxdf.load_xdf(str(tmp_path / "session.xdf"), dejitter_timestamps=False)
    kept = next(s for s in streams if s["info"]["name"] == ["Cap"])
    assert kept["time_series"].dtype == np.int16
    assert np.array_equal(kept["time_series"], raw)
    assert all(len(s["clock_times"]) for s in streams if s["info"]["name"] != ["Cap"])
    with Session(tmp_path) as session:
        assert session.eeg().info.labels == CAP.labels  # as it was recorded, by the manifest
        assert session.eeg().info.unit == "uV"


def test_other_streams_keep_their_own_header_and_format(tmp_path):
    xml = (
        "<info><name>Gyro</name><type>GYRO</type><channel_count>2</channel_count><nominal_srate>52</nominal_srate>"
        "<channel_format>int16</channel_format><uid>abc</uid><desc><axes>xy</axes></desc></info>"
    )
    others = {"gyro": xml, "words": StreamHeader("Words", "Text", 2, 0.0, "string")}
    with Recorder(tmp_path, {"cap": CAP}, others=others) as recorder:
        recorder.samples(
            "gyro", np.array([1.0, 2.0]), np.array([[1, -2], [300, 4]], np.int16), [ClockOffset(1, 0)]
        )
        recorder.samples("words", np.array([1.5]), [["ä", "b"]])
    assert recorder.failure is None
    with Session(tmp_path) as session:
        streams = {s.info.name: s.info.stream_id for s in session.reader.streams.values()}
        assert session.reader.streams[streams["Gyro"]].info.xml == xml
        assert session.reader.read(streams["Gyro"])[1].tolist() == [[1, -2], [300, 4]]
        assert session.reader.read(streams["Words"])[1] == [["ä", "b"]]


def test_the_manifest_says_what_was_recorded_and_proves_it(tmp_path):
    _record(tmp_path, options=RecordingOptions(entities={"sub": "07"}))
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["complete"]
    assert manifest["eeg"]["cap"]["labels"] == ["C3", "C4", "Cz"]
    assert manifest["options"]["entities"] == {"sub": "07"}
    assert manifest["recording"]["samples"] == {"cap": 1000, MARKERS: 4, READINGS: 4}
    assert manifest["recording"]["frames_written"] == 120
    assert manifest["machine"]["cores"] == os.cpu_count()
    for name in ("session.xdf", "camera.mkv"):
        content = (tmp_path / name).read_bytes()
        assert manifest["files"][name] == {
            "bytes": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }


def test_a_recording_is_never_written_over(tmp_path):
    _record(tmp_path, 1)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(SessionError, match="never overwritten"):
        Recorder(tmp_path, {"cap": CAP})
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_codec_that_is_not_known_leaves_no_half_begun_recording(tmp_path):
    with pytest.raises(ConfigError, match="no-such-codec"):
        Recorder(tmp_path, {"cap": CAP}, {"camera": CAMERA}, options=RecordingOptions(codec="no-such-codec"))
    assert list(tmp_path.iterdir()) == []


def test_two_streams_of_one_name_are_refused(tmp_path):
    with pytest.raises(SessionError, match="under one name"):
        Recorder(tmp_path, {"camera": CAP}, {"camera": CAMERA})


def test_frames_that_come_too_fast_are_dropped_counted_and_missing_by_number(tmp_path):
    options = RecordingOptions(pictures_mb=4 * _frame(0).image.nbytes / 1e6)
    recorder = Recorder(tmp_path, {"cap": CAP}, {"camera": CAMERA}, options=options)  # not started yet
    for number in range(10):
        recorder.frame("camera", _frame(number))
    with recorder:
        while recorder.health().frames_written < 4:
            time.sleep(0.001)
        recorder.frame("camera", _frame(10))
    assert recorder.health().frames_dropped == {"camera": 6}
    with Session(tmp_path) as session:
        assert session.video().frame_index.tolist() == [0, 1, 2, 3, 4]
        assert session.video().seq.tolist() == [0, 1, 2, 3, 10]


def test_a_full_queue_of_samples_ends_the_recording_and_says_so(tmp_path):
    recorder = Recorder(tmp_path, {"cap": CAP}, options=RecordingOptions(queue_mb=0.02))
    fed = 0
    while recorder.failure is None:
        recorder.eeg("cap", _chunk(fed, 25))
        fed += 25
    assert isinstance(recorder.failure, RunError)
    assert "none is ever dropped" in recorder.health().failure
    recorder.eeg("cap", _chunk(fed, 25))  # feeding goes on being harmless
    with recorder:
        pass
    kept = Session(tmp_path).eeg().read()[1][:, 0]
    assert kept.tolist() == list(range(fed - 25))
    assert (
        "none is ever dropped" in json.loads((tmp_path / "manifest.json").read_text())["recording"]["failure"]
    )


def test_a_disk_that_fills_is_warned_of_in_time_and_then_the_recording_is_closed_whole(tmp_path):
    free = [10_000e6]
    clock = ManualClock(0.0)
    recorder = Recorder(tmp_path, {"cap": CAP}, clock=clock, free_bytes=lambda folder: free[0])
    with recorder:
        recorder.eeg("cap", _chunk(0, 250))
        assert recorder.health().note == ""
        free[0] = 1500e6
        clock.sleep_until(2.0)
        _until(lambda: "only 1500 MB" in recorder.health().note)
        free[0] = 100e6
        clock.sleep_until(4.0)
        _until(lambda: recorder.failure is not None)
        recorder.eeg("cap", _chunk(250, 250))
    assert "only 100 MB are free" in str(recorder.failure)
    with Session(tmp_path) as session:
        assert session.reader.complete
        assert session.eeg().n_samples == 250
    with pytest.raises(SessionError, match="only 100 MB are free"):
        Recorder(tmp_path / "next", {"cap": CAP}, free_bytes=lambda folder: 100_000_000)
    assert list((tmp_path / "next").iterdir()) == []


def test_a_disk_that_fails_keeps_what_came_before(tmp_path, monkeypatch):
    recorder = Recorder(tmp_path, {"cap": CAP})
    with recorder:
        recorder.eeg("cap", _chunk(0, 250))
        _until(lambda: recorder.health().queued == 0)
        real = os.write

        def broken(fd, data):
            if len(data) > 1000:
                real(fd, bytes(data[:100]))
                raise OSError(5, "Input/output error")
            return real(fd, data)

        monkeypatch.setattr("recordings.held_file.os.write", broken)
        recorder.eeg("cap", _chunk(250, 250))
        _until(lambda: recorder.failure is not None)
    assert "Input/output error" in str(recorder.failure)
    assert Session(tmp_path).eeg().read()[1][:, 0].tolist() == list(range(250))


def test_closing_twice_or_at_once_is_harmless(tmp_path):
    recorder = Recorder(tmp_path, {"cap": CAP}, {"camera": CAMERA}).start()
    recorder.close()
    recorder.close()
    assert recorder.failure is None
    assert Session(tmp_path).reader.complete


def _until(condition, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def _kill_while_recording(folder, seconds: float) -> int:
    """Start a recording in another process, kill it after so long; how many samples it had handed over."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.recorder_child", str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert int(child.stdout.readline()) > 0
    time.sleep(seconds)
    os.kill(child.pid, signal.SIGKILL)
    said = child.stdout.read().split()
    child.wait()
    return int(said[-1])


def _check_what_is_left(folder, n_fed: int, lost_s: float = 1.0) -> float:
    """Compare with what was handed over; what is lost, in seconds. A busy machine may lose more than half."""
    repair(folder / "session.xdf", in_place=True)
    with Session(folder) as session:
        pieces = list(session.eeg().pieces())
        samples = np.concatenate([p.samples for p in pieces])
        n = len(samples)
        assert n_fed - lost_s * RATE <= n <= n_fed + RATE
        assert np.array_equal(samples, samples_from(0, n))
        assert np.array_equal(np.concatenate([p.stamps for p in pieces]), 100.0 + np.arange(n) / RATE)
        kept = [m.text for m in session.markers()]
        assert kept == [f"sample {500 * k}" for k in range(1, len(kept) + 1)]
        assert (n - RATE) // 500 <= len(kept) <= (n + RATE) // 500  # the kill may fall between both streams
        video = ReplayVideo(session, ManualClock(1e9))
        video.open()
        frames = list(iter(video.read, None))
        assert all(read_number(frame.image) == frame.seq for frame in frames)
        assert all(frame.stamp == 100.0 + frame.seq / FPS for frame in frames)
        assert len(frames) >= (n / RATE - 1.6) * FPS
    assert not json.loads((folder / "manifest.json").read_text())["complete"]
    return max(0.0, (n_fed - n) / RATE)


@pytest.mark.parametrize("attempt", range(3))
def test_a_killed_recording_loses_less_than_a_second_and_holds_no_wrong_value(tmp_path, attempt):
    assert samples_from(0, 1).shape[1] == N_CHANNELS
    seconds = 2.0 + random.Random(attempt).random()
    n_fed = _kill_while_recording(tmp_path / "s", seconds)
    _check_what_is_left(tmp_path / "s", n_fed)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_fifty_killed_recordings_lose_half_a_second_each_at_most(tmp_path):
    luck = random.Random(time.time_ns())
    lost_s = []
    for attempt in range(50):
        n_fed = _kill_while_recording(tmp_path / str(attempt), luck.uniform(0.5, 5.0))
        lost_s.append(_check_what_is_left(tmp_path / str(attempt), n_fed, lost_s=0.5))
    print(f"lost: {np.median(lost_s):.3f} s in the middle, {max(lost_s):.3f} s at most")


def test_folders_are_named_after_bids_and_take_the_next_free_run(tmp_path):
    first = session_folder(tmp_path, {"sub": "03", "task": "film"})
    assert first == tmp_path / "sub-03_ses-01_task-film_run-01"
    first.mkdir()
    assert session_folder(tmp_path, {"sub": "03", "task": "film"}).name.endswith("run-02")
    assert session_folder(tmp_path, {"sub": "03"}, "sub-{sub}/{task}").parts[-2:] == ("sub-03", "watch")
    with pytest.raises(ConfigError, match="exists already"):
        session_folder(tmp_path, {"sub": "03", "task": "film", "run": "01"})
    with pytest.raises(ConfigError, match=r"sub='\.\./x': use letters and digits"):
        session_folder(tmp_path, {"sub": "../x"})
    with pytest.raises(ConfigError, match="asks for 'acq'"):
        session_folder(tmp_path, {}, "{acq}_{run}")
