"""What other tools get of a session is what was recorded: samples, gaps, events, videos in their places."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from realtime.errors import ConfigError, SessionError, StreamFormatError
from realtime.types import EegInfo
from recordings.exchange.bids import export_bids
from recordings.exchange.exporting import export_fif, to_raw
from recordings.exchange.importing import import_eeg
from recordings.session.session import Session
from tests.support.small_session import FPS, INFO, RATE, write_small

mne = pytest.importorskip("mne")
SKIPPED = slice(400, 475)  # samples the recording with a gap has lost


def write_with_a_gap(folder, **more):
    """Six seconds of which 0.3 s are missing; jittering stamps, 150 ppm off the nominal rate."""
    number = np.delete(np.arange(1500), SKIPPED)
    stamps = 100 + number / RATE * (1 - 150e-6) + np.random.default_rng(0).normal(0, 5e-4, len(number))
    return write_small(folder, stamps=stamps, **more)


@pytest.fixture
def session(tmp_path):
    with Session(write_with_a_gap(tmp_path / "session")) as opened:
        yield opened


def annotated(raw):
    return [(round(a["onset"], 3), round(a["duration"], 3), a["description"]) for a in raw.annotations]


# --- mne's Raw and FIF ------------------------------------------------------------------------------------


def test_samples_lie_where_their_time_puts_them_and_a_gap_is_marked_as_not_recorded(session):
    raw = to_raw(session)
    assert (raw.ch_names, raw.info["sfreq"], raw.n_times) == (["C3", "C4", "Cz"], RATE, 1500)
    number = np.delete(np.arange(1500), SKIPPED)
    microvolts = raw.get_data() * 1e6
    np.testing.assert_allclose(microvolts[0, number], np.arange(1425), atol=1e-9)
    assert not microvolts[:, SKIPPED].any()
    marks = annotated(raw)
    assert (1.6, 0.3, "BAD_ACQ_SKIP") in marks
    assert [text for _, _, text in marks] == ["video stimulus.mkv", "cat", "BAD_ACQ_SKIP", "dog"]
    assert marks[1][0] == pytest.approx(1.0, abs=0.002)
    assert marks[3][0] == pytest.approx(2.5, abs=0.002)
    assert marks[0][:2] == (0.0, pytest.approx(6.0 - 1 / FPS, abs=0.005))


def test_an_event_stays_beside_its_sample_however_far_the_nominal_rate_is_off(tmp_path):
    stamps = 100 + np.arange(1500) / RATE * (1 - 900e-6)
    write_small(tmp_path, stamps=stamps)
    with Session(tmp_path) as session:
        raw = to_raw(session)
        onset = raw.annotations.onset[raw.annotations.description == "dog"][0]
        assert onset * RATE == pytest.approx(np.searchsorted(stamps, 102.5), abs=1.0)


def test_a_nominal_rate_that_is_plainly_wrong_is_replaced_by_the_true_one(shared_data):
    with Session(shared_data / "xdf" / "two_streams_same_name.xdf") as session:
        raw = to_raw(session, "id=1", unit="uV")
        assert raw.info["sfreq"] == pytest.approx(915, abs=5)
        samples = (raw.get_data().T * 1e6).astype(np.float32)
        assert np.array_equal(samples, session.eeg("id=1").read()[1])


def test_the_unit_is_the_streams_or_the_one_that_is_given(tmp_path):
    for unit in ("V", "counts"):
        write_small(tmp_path / unit, 2.0, frames=False, info=replace(INFO, unit=unit))
    with Session(tmp_path / "V") as session:
        assert to_raw(session).get_data()[0, 7] == pytest.approx(7.0)
    with Session(tmp_path / "counts") as session:
        with pytest.raises(StreamFormatError, match="counts"):
            to_raw(session)
        assert to_raw(session, unit="0.5 uV").get_data()[0, 8] == pytest.approx(4e-6)


def test_a_session_goes_through_a_fif_file_and_comes_back_the_same(tmp_path, session):
    path = export_fif(session, tmp_path / "out_raw.fif")
    import_eeg(path, session.video().path, tmp_path / "back", start_marker="video stimulus.mkv")
    with Session(tmp_path / "back") as back:
        assert np.array_equal(back.eeg().read()[1], session.eeg().read()[1])
        assert back.eeg().info.labels == session.eeg().info.labels
        times = back.eeg().read()[0]
        assert np.flatnonzero(np.diff(times) > 0.1).tolist() == [399]
        assert [marker.text for marker in back.markers()] == ["video stimulus.mkv", "cat", "dog"]
        assert np.array_equal(back.video().frame_index, session.video().frame_index)


def test_what_lies_outside_the_recording_or_has_no_file_is_left_out(tmp_path):
    write_small(tmp_path, 2.0)  # the second marker is at 2.5 s
    (tmp_path / "stimulus.mkv").unlink()
    with Session(tmp_path) as session:
        assert annotated(to_raw(session)) == [(1.0, 0.0, "cat")]


def test_channel_types_and_the_date_are_those_of_the_file(tmp_path, session):
    path = session.path
    content = path.read_bytes().replace(
        b"<label>Cz</label><unit>uV</unit><type>EEG<", b"<label>Cz</label><unit>uV</unit><type>EOG<"
    )
    path.write_bytes(content)
    with Session(path) as changed:
        raw = to_raw(changed)
        assert raw.get_channel_types() == ["eeg", "eeg", "eog"]
        assert raw.info["meas_date"].isoformat()[:16] == changed.reader.header.findtext("datetime")[:16]


def test_a_fif_is_never_written_over_and_needs_a_name_that_mne_takes(tmp_path, session):
    path = export_fif(session, tmp_path / "a_eeg.fif")
    with pytest.raises(SessionError, match="cannot be written"):
        export_fif(session, path)
    with pytest.raises(ConfigError, match=r"ends in _raw\.fif or _eeg\.fif"):
        export_fif(session, tmp_path / "a.fif")


@pytest.mark.parametrize(("module", "extra"), [("mne", "mne"), ("mne_bids", "bids"), ("pybv", "bids")])
def test_a_missing_library_is_named_with_the_extra_that_brings_it(
    tmp_path, session, monkeypatch, module, extra
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"needs {module} .*pip install 'phosphene\[{extra}\]'"):
        export_fif(session, tmp_path / "a_raw.fif") if module == "mne" else export_bids(session, tmp_path)


# --- BIDS -------------------------------------------------------------------------------------------------


def read_table(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_a_session_becomes_a_run_of_a_bids_data_set(tmp_path, session):
    mne_bids = pytest.importorskip("mne_bids")
    path = export_bids(session, tmp_path / "set", {"sub": "03", "ses": "02", "task": "film", "run": "01"})
    stem = "sub-03_ses-02_task-film_run-01"
    assert path == tmp_path / "set" / "sub-03" / "ses-02" / "eeg" / f"{stem}_eeg.vhdr"
    raw = mne_bids.read_raw_bids(mne_bids.get_bids_path_from_fname(path), verbose="ERROR")
    expected = to_raw(session)
    np.testing.assert_allclose(raw.get_data(), expected.get_data(), rtol=2e-7)
    assert sorted(raw.annotations.description) == sorted(expected.annotations.description)
    described = json.loads((path.parent / f"{stem}_eeg.json").read_text())
    assert (described["SamplingFrequency"], described["Manufacturer"]) == (RATE, "n/a")
    assert "stim_file" in json.loads((path.parent / f"{stem}_events.json").read_text(encoding="utf-8"))


def test_its_videos_go_to_the_stimuli_with_the_onset_of_every_frame(tmp_path, session):
    pytest.importorskip("mne_bids")
    path = export_bids(session, tmp_path / "set", {"run": "01"})
    name = "sub-01_task-watch_run-01_stimulus.mkv"
    assert (tmp_path / "set" / "stimuli" / name).read_bytes() == session.video().path.read_bytes()
    frames = read_table(tmp_path / "set" / "stimuli" / f"{name}_frames.tsv")
    assert [int(row["frame"]) for row in frames] == list(range(180))
    np.testing.assert_allclose([float(row["onset"]) for row in frames], np.arange(180) / FPS, atol=2e-3)
    events = read_table(path.parent / "sub-01_task-watch_run-01_events.tsv")
    assert {row["trial_type"]: row["stim_file"] for row in events} == {
        "video stimulus.mkv": name, "cat": "n/a", "dog": "n/a", "BAD_ACQ_SKIP": "n/a",
    }  # fmt: skip


def test_the_manifest_says_whose_run_it_is_and_videos_may_stay_behind(tmp_path, session):
    pytest.importorskip("mne_bids")
    manifest = {"options": {"entities": {"sub": "07", "task": "rest"}}}
    (session.folder / "manifest.json").write_text(json.dumps(manifest))
    path = export_bids(session, tmp_path / "set", {"run": "02"}, video=False)
    assert path.name == "sub-07_task-rest_run-02_eeg.vhdr"
    assert not (tmp_path / "set" / "stimuli").exists()


def test_a_run_that_is_there_is_kept_and_a_name_that_bids_forbids_is_told(tmp_path, session):
    pytest.importorskip("mne_bids")
    path = export_bids(session, tmp_path / "set", {"run": "01"})
    before = path.with_suffix(".eeg").read_bytes()
    with pytest.raises(SessionError, match="never overwritten: take another run"):
        export_bids(session, tmp_path / "set", {"run": "01"})
    assert path.with_suffix(".eeg").read_bytes() == before
    with pytest.raises(ConfigError, match="a_b"):
        export_bids(session, tmp_path / "set", {"sub": "a_b"})


def test_a_session_of_eeg_alone_can_be_exported(tmp_path):
    pytest.importorskip("mne_bids")
    info = EegInfo("Cap", ("C3", "C4", "Cz"), "uV", RATE)
    write_small(tmp_path / "s", 2.0, start=100.0, frames=False, info=info)
    with Session(tmp_path / "s") as session:
        path = export_bids(session, tmp_path / "set")
    assert path.exists()
