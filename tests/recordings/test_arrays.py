"""A recording as arrays: what pyxdf reads, and what the export writes."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.errors import SessionError, StreamFormatError
from realtime.types import EegInfo
from recordings.arrays import read_intervals, read_recording
from recordings.exchange.interval_arrays import export_intervals
from recordings.session.session import Session
from tests.support.small_session import write_small

pyxdf = pytest.importorskip("pyxdf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("arrays") / "small", ahead_s=50.0)


def test_samples_frames_and_markers_are_those_that_pyxdf_reads(folder):
    found = read_recording(folder)
    streams = {s["info"]["type"][0]: s for s in pyxdf.load_xdf(str(folder / "session.xdf"))[0]}
    np.testing.assert_array_equal(found.eeg, streams["EEG"]["time_series"])
    np.testing.assert_allclose(found.eeg_times + found.start, streams["EEG"]["time_stamps"], atol=1e-3)
    np.testing.assert_array_equal(found.frame_index, streams["VideoExternal"]["time_series"][:, 0])
    np.testing.assert_allclose(found.frame_times + found.start, streams["VideoExternal"]["time_stamps"])
    assert [event.text for event in found.markers] == ["cat", "dog"]
    assert found.markers[1].stamp == pytest.approx(2.5)
    assert found.labels == ("C3", "C4", "Cz")
    assert found.video == folder / "stimulus.mkv"
    assert min(found.eeg_times[0], found.frame_times[0]) == 0.0


def test_samples_come_in_microvolts_whatever_the_unit(tmp_path):
    info = EegInfo("Cap", ("C3", "C4", "Cz"), "mV", 250.0)
    folder = write_small(tmp_path / "mV", seconds=1.0, info=info)
    assert read_recording(folder).eeg[7, 0] == 7000.0
    assert read_recording(folder, unit="uV").eeg[7, 0] == 7.0
    with pytest.raises(StreamFormatError, match="parsec"):
        read_recording(folder, unit="parsec")


def test_a_session_without_a_video_is_read_and_one_that_is_not_there_is_refused(tmp_path):
    folder = write_small(tmp_path / "eeg", seconds=1.0, frames=False)
    found = read_recording(folder)
    assert found.video is None
    assert len(found.frame_times) == len(found.frame_index) == 0
    with pytest.raises(SessionError, match="nowhere"):
        read_recording(tmp_path / "nowhere")


def test_intervals_in_memory_are_those_that_the_export_writes(folder, tmp_path):
    found = read_intervals(folder)
    with Session(folder) as session, np.load(export_intervals(session, tmp_path / "out.npz")) as written:
        assert list(written["labels"]) == list(found.labels)
        for name, array in zip(found._fields[1:], found[1:], strict=True):
            np.testing.assert_array_equal(array, written[name])
            assert array.dtype == written[name].dtype
    with pytest.raises(SessionError, match="share less"):
        read_intervals(write_small(tmp_path / "short", seconds=2.0))
