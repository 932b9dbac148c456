"""A session handed on in each format comes back sample for sample, by import and by other readers."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from recordings.session.session import Session
from recordings.video.files import VideoWriter
from tests.support.files.xdf_bytes import eeg_file, eeg_header, wave
from tests.support.small_session import write_small

RATE, N = 250, 2500
LABELS = ("Fz", "Cz", "VEOG", "ECG")


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mkv"
    with VideoWriter(path, (64, 64)) as writer:
        for n in range(180):
            writer.write(np.full((64, 64, 3), n, np.uint8), n / 30)
    return path


@pytest.fixture
def session(tmp_path) -> Path:
    """EEG, an eye channel and a heart in mV, with a pause of three seconds in the middle."""
    stamps = 5000 + np.arange(N) / RATE
    stamps[N // 2 :] += 3.0
    header = eeg_header(labels=LABELS, units=["uV", "uV", "uV", "mV"], types=["EEG", "EEG", "EOG", "ECG"])
    return eeg_file(tmp_path / "trip.xdf", stamps, header)


@pytest.mark.parametrize(("ending", "step"), [("_raw.fif", 1e-5), (".edf", 2 * 60 / 65535), (".bdf", 1e-4)])
def test_what_is_exported_is_imported_again_sample_for_sample(tmp_path, session, film, command, ending, step):
    pytest.importorskip("mne" if "fif" in ending else "edfio")
    assert command("export", session, tmp_path / f"out{ending}")[0] == 0
    code, _, err = command("import", tmp_path / f"out{ending}", film, tmp_path / "new", "--offset-s", "0")
    assert code == 0, err
    sent = wave(N) * np.array([1, 1, 1, 1000])
    with Session(tmp_path / "new") as back:
        times, eeg = back.eeg().read()
        aux = next(s for s in back.reader.streams.values() if s.info.type == "AUX")
        others = back.reader.read(aux.info.stream_id)[1]
    expected = 5000 + np.arange(N) / RATE + 3.0 * (np.arange(N) >= N // 2)
    np.testing.assert_allclose(times - times[0], expected - expected[0], atol=1e-5)
    np.testing.assert_allclose(eeg, sent[:, :2], atol=step)
    np.testing.assert_allclose(others, sent[:, 2:], atol=1e3 * step)


@pytest.mark.parametrize("ending", ["_raw.fif", ".edf", ".bdf"])
def test_what_was_imported_replays_and_is_exported_as_it_came(tmp_path, session, film, command, ending):
    mne = pytest.importorskip("mne")
    pytest.importorskip("mne" if "fif" in ending else "edfio")
    first, again = tmp_path / f"first{ending}", tmp_path / f"again{ending}"
    command("export", session, first)
    assert command("import", first, film, tmp_path / "new", "--offset-s", "0")[0] == 0
    said = [command("replay", tmp_path / "new", "--speed", "max", "--headless", "--json") for _ in range(2)]
    assert [code for code, _, _ in said] == [0, 0], said[0][2]
    replays = [json.loads(out) for _, out, _ in said]
    assert replays[0]["readings"] >= 4
    assert replays[0]["digest"] == replays[1]["digest"]
    code, _, err = command("export", tmp_path / "new", again)
    assert code == 0
    assert "not exported: " in err  # the eye and the heart are a stream of their own now
    assert "AUX, 2 channels" in err
    one, two = (mne.io.read_raw(path, verbose="error") for path in (first, again))
    assert two.ch_names == ["Fz", "Cz"]
    np.testing.assert_allclose(
        one.get_data(two.ch_names), two.get_data(), atol=2e-9 if "edf" in ending else 1e-10
    )


@pytest.mark.parametrize("ending", [".edf", ".bdf"])
def test_edfio_and_mne_read_what_was_written(tmp_path, session, command, ending):
    edfio, mne = pytest.importorskip("edfio"), pytest.importorskip("mne")
    path = tmp_path / f"out{ending}"
    assert command("export", session, path)[0] == 0
    theirs = (edfio.read_bdf if ending == ".bdf" else edfio.read_edf)(path)
    assert theirs.labels == LABELS
    assert [s.physical_dimension for s in theirs.signals] == ["uV"] * 4
    assert "BAD_ACQ_SKIP" in {a.text for a in theirs.annotations}
    raw = mne.io.read_raw(path, verbose="error")
    values = raw.get_data(["Fz"])[0, : N // 2] * 1e6
    np.testing.assert_allclose(values, wave(N)[: N // 2, 0], atol=2e-3)
    assert command("export", session, path)[0] == 2  # never overwritten


def test_a_rate_that_is_no_whole_number_survives_edf(tmp_path, command):
    edfio = pytest.importorskip("edfio")
    rate = 128.25
    path = eeg_file(tmp_path / "a.xdf", 5000 + np.arange(N) / rate, eeg_header(rate=rate))
    assert command("export", path, tmp_path / "a.edf")[0] == 0
    (first, *_) = edfio.read_edf(tmp_path / "a.edf").signals
    assert first.sampling_frequency == pytest.approx(rate, rel=1e-5)
    np.testing.assert_allclose(first.data[:N], wave(N)[:, 0], atol=2e-3)


def test_arrays_of_intervals_are_the_same_in_both_formats(tmp_path, command):
    zarr = pytest.importorskip("zarr")
    folder = write_small(tmp_path / "small", seconds=5.0)
    for name in ("o.npz", "o.zarr"):
        assert command("export", folder, tmp_path / name)[0] == 0
    numpy, group = np.load(tmp_path / "o.npz"), zarr.open_group(tmp_path / "o.zarr", mode="r")
    for name in ("end", "eeg", "eeg_valid", "eeg_scale", "frame", "frame_valid"):
        assert np.array_equal(numpy[name], group[name][:])


# --- BIDS -------------------------------------------------------------------------------------------------


def _runs(root: Path) -> list[str]:
    return sorted(p.name for p in root.rglob("*_eeg.vhdr"))


def test_runs_that_were_numbered_when_recorded_keep_their_numbers(tmp_path, command):
    pytest.importorskip("mne_bids")
    first = write_small(tmp_path / "sub-01_ses-01_task-watch_run-01", seconds=3.0)
    second = tmp_path / "sub-01_ses-01_task-watch_run-02"
    shutil.copytree(first, second)
    for folder in (first, second):
        code, _, err = command("export", folder, tmp_path / "bids", "--bids")
        assert code == 0, err
    names = [f"sub-01_ses-01_task-watch_run-0{n}_eeg.vhdr" for n in (1, 2)]
    assert _runs(tmp_path / "bids") == names


def test_a_session_without_a_number_takes_the_next_free_run_and_options_win(tmp_path, command):
    pytest.importorskip("mne_bids")
    for n in range(3):
        folder = write_small(tmp_path / f"mine{n}", seconds=3.0, start=100.0 + n)
        assert command("export", folder, tmp_path / "bids", "--bids")[0] == 0
    assert _runs(tmp_path / "bids") == [
        "sub-01_task-watch_eeg.vhdr",
        "sub-01_task-watch_run-02_eeg.vhdr",
        "sub-01_task-watch_run-03_eeg.vhdr",
    ]
    options = ("--bids", "--sub", "07", "--ses", "2", "--task", "film", "--run", "5")
    assert command("export", folder, tmp_path / "other", *options)[0] == 0
    assert _runs(tmp_path / "other") == ["sub-07_ses-2_task-film_run-5_eeg.vhdr"]
    assert command("export", folder, tmp_path / "other", *options)[0] == 2
    assert command("export", folder, tmp_path / "other", "--bids", "--sub", "a_b")[0] == 2


def test_a_recording_that_is_in_the_data_set_is_recognised_and_not_made_a_run_again(tmp_path, command):
    pytest.importorskip("mne_bids")
    first, second = (write_small(tmp_path / f"s{n}", seconds=3.0, start=100.0 + n) for n in range(2))
    for folder in (first, second):
        assert command("export", folder, tmp_path / "bids", "--bids")[0] == 0
    for folder, name in ((first, "watch_eeg"), (second, "watch_run-02_eeg")):
        code, _, err = command("export", folder, tmp_path / "bids", "--bids")
        assert code == 2
        assert f"sub-01_task-{name}.vhdr is this recording already" in err.replace("\n", "")
    assert len(_runs(tmp_path / "bids")) == 2
    assert command("export", first, tmp_path / "bids", "--bids", "--run", "3")[0] == 0


def test_the_bids_validator_finds_no_error(tmp_path, session, command):
    """The validator of the BIDS schema, where it is installed (extra `validator`)."""
    pytest.importorskip("mne_bids")
    validator = shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("bids-validator-deno is not installed")
    small = write_small(tmp_path / "small", seconds=3.0)
    assert command("export", small, tmp_path / "bids", "--bids")[0] == 0
    assert command("export", small, tmp_path / "bids", "--bids", "--run", "2", "--ses", "b")[0] == 0
    assert command("export", session, tmp_path / "bids", "--bids", "--sub", "2", "--task", "rest")[0] == 0
    said = subprocess.run(
        [validator, tmp_path / "bids", "--json"], capture_output=True, text=True, timeout=100
    )
    issues = json.loads(said.stdout)["issues"]["issues"]
    assert [issue for issue in issues if issue["severity"] == "error"] == []
    assert said.returncode == 0
    (tmp_path / "bids" / "sub-01" / "eeg" / "sub-01_task-watch_events.tsv").write_text("no\ttable\n")
    said = subprocess.run(
        [validator, tmp_path / "bids", "--json"], capture_output=True, text=True, timeout=100
    )
    assert said.returncode != 0  # it does look


def test_bids_keeps_kinds_units_and_a_row_for_each_event(tmp_path, session, command):
    pytest.importorskip("mne_bids")
    assert command("export", session, tmp_path / "bids", "--bids", "--sub", "1")[0] == 0
    (channels,) = (tmp_path / "bids").rglob("*_channels.tsv")
    rows = [line.split("\t") for line in channels.read_text("utf-8-sig").splitlines()]
    kinds = {row[0]: row[1] for row in rows[1:]}
    assert kinds == {"Fz": "EEG", "Cz": "EEG", "VEOG": "EOG", "ECG": "ECG"}
    (header,) = (tmp_path / "bids").rglob("*_eeg.json")
    assert json.loads(header.read_text("utf-8"))["SamplingFrequency"] == RATE


def test_a_text_with_a_line_break_takes_one_row_of_the_events(tmp_path, command):
    pytest.importorskip("mne_bids")
    from realtime.types import EegInfo
    from recordings.session.writer import write_session

    info = EegInfo("Cap", ("Fz", "Cz"), "uV", 250.0)
    markers = [(101.0, "two\nlines\tand a tab"), (102.0, ""), (103.0, "Blöcke 刺激")]
    write_session(tmp_path / "s", info, 100 + np.arange(N) / RATE, wave(N, 2), markers=markers)
    assert command("export", tmp_path / "s", tmp_path / "bids", "--bids")[0] == 0
    (events,) = (tmp_path / "bids").rglob("*_events.tsv")
    rows = [line.split("\t") for line in events.read_text("utf-8-sig").splitlines()]
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [row[rows[0].index("trial_type")] for row in rows[1:]] == [
        "two lines and a tab",
        "n/a",
        "Blöcke 刺激",
    ]
