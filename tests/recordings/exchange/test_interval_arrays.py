"""Arrays of intervals hold what the network would have been given live, each row one interval."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import ConfigError, SessionError
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.video.frames import shrink
from recordings.exchange.interval_arrays import export_intervals
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.session import Session
from recordings.video.files import VideoReader
from tests.support.fakes import ArithmeticModel
from tests.support.small_session import FPS, RATE, write_small


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """Twelve seconds of which half a second of EEG is missing; the video begins later and ends earlier."""
    folder = tmp_path_factory.mktemp("intervals") / "session"
    number = np.delete(np.arange(3000), slice(1600, 1725))
    write_small(folder, 12.0, stamps=100.1 + number / RATE)
    with Session(folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def exported(session, tmp_path_factory):
    path = export_intervals(session, tmp_path_factory.mktemp("arrays") / "all.npz", image_px=24)
    with np.load(path) as arrays:
        yield dict(arrays)


def test_rows_are_the_intervals_of_a_replay_bit_by_bit(session, exported):
    clock, model = ManualClock(0.0), ArithmeticModel()
    model.card = model.card.__class__(**{**vars(model.card), "band_hz": ConditioningConfig().band_hz})
    pipeline = Pipeline(ReplayEeg(session, clock), ReplayVideo(session, clock), lambda labels: model)
    for now in np.arange(99.0, 115.0, 0.05):
        clock.set(now)
        pipeline.advance(now)
    assert len(model.intervals) > 20
    rows = {end: row for row, end in enumerate(exported["end"].tolist())}
    for interval in model.intervals:
        row = rows[interval.end]
        assert exported["eeg"][row].tobytes() == interval.eeg.tobytes()
        assert np.array_equal(exported["eeg_valid"][row], interval.eeg_valid)
        assert np.array_equal(exported["eeg_scale"][row], interval.eeg_scale)
        assert np.array_equal(exported["frame"][row], interval.frame_seq)
        assert np.array_equal(exported["frame_valid"][row], interval.frame_valid)


def test_every_interval_that_both_streams_can_fill_is_there_with_what_is_missing_masked(exported):
    ends, grid = exported["end"], GridConfig()
    np.testing.assert_array_equal(np.diff(ends), 0.25)
    assert ends[0] == 102.75  # EEG from 100.1 on
    assert ends[-1] >= 111.75
    shapes = {name: exported[name].shape[1:] for name in ("eeg", "eeg_valid", "eeg_scale", "frame")}
    assert shapes == {"eeg": (3, 500), "eeg_valid": (3, 500), "eeg_scale": (3,), "frame": (80,)}
    times = ends[:, None] + (np.arange(500) - 500) / grid.eeg_hz
    lost = (times > 100.1 + 1600 / RATE) & (times < 100.1 + 1724 / RATE)
    assert not exported["eeg_valid"][:, 0][lost].any()
    assert exported["eeg_valid"].mean() > 0.9


def test_the_frame_of_each_slot_is_the_one_that_was_on_show(exported):
    grid = GridConfig()
    times = exported["end"][:, None] - grid.lag_s + (np.arange(80) - 80) / grid.slots_hz
    expected = np.floor((times - 100.0) * FPS + 1e-6).astype(int)
    valid = exported["frame_valid"] & (exported["frame"] < 359)
    assert np.array_equal(exported["frame"][valid], expected[valid])


def test_pictures_are_kept_once_each_and_small(session, exported):
    assert exported["pictures"].shape[1:] == (24, 24, 3)
    shown = np.unique(exported["frame"][exported["frame_valid"]])
    assert np.array_equal(exported["picture_frame"], shown)
    with VideoReader(session.video().path) as reader:
        for row in (0, 100, len(shown) - 1):
            assert np.array_equal(exported["pictures"][row], shrink(reader.frame(int(shown[row])), 24))


def test_the_file_says_what_it_holds(exported):
    assert exported["labels"].tolist() == ["C3", "C4", "Cz"]
    settings = json.loads(str(exported["settings"]))
    assert settings["grid"] == GridConfig().model_dump()
    assert (settings["video"], settings["session"]) == ("stimulus.mkv", "session")
    assert ConditioningConfig(**settings["conditioning"]) == ConditioningConfig()


def test_another_hop_and_a_strict_interval_can_be_asked_for(session, tmp_path):
    grid = GridConfig(hop_s=2.0, lag_s=0.0)
    conditioning = ConditioningConfig(channels=("Cz", "C3"), band_hz=None, notch_hz=None)
    path = export_intervals(session, tmp_path / "few.npz", conditioning, grid)
    with np.load(path) as arrays:
        assert arrays["end"].tolist() == [104.0, 106.0, 108.0, 110.0]  # the video ends before 112 s
        assert arrays["eeg"].shape == (4, 2, 400)
        assert arrays["labels"].tolist() == ["Cz", "C3"]
        assert "pictures" not in arrays


def test_zarr_holds_the_same(session, exported, tmp_path):
    zarr = pytest.importorskip("zarr")
    path = export_intervals(session, tmp_path / "all.zarr", image_px=24)
    group = zarr.open_group(path, mode="r")
    assert group.attrs["labels"] == ["C3", "C4", "Cz"]
    assert group.attrs["settings"] == json.loads(str(exported["settings"]))
    for name in set(exported) - {"labels", "settings"}:
        assert np.array_equal(group[name][...], exported[name])
        assert group[name].dtype == exported[name].dtype


def test_what_cannot_be_written_is_told_and_leaves_nothing(session, tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match=r"\.npz or as \.zarr"):
        export_intervals(session, tmp_path / "all.csv")
    (tmp_path / "old.npz").write_text("mine")
    with pytest.raises(SessionError, match="never overwritten"):
        export_intervals(session, tmp_path / "old.npz")
    with pytest.raises(SessionError, match="share less than the 22"):
        export_intervals(session, tmp_path / "long.npz", grid=GridConfig(interval_s=22.0))
    with pytest.raises(SessionError, match="cannot be written"):
        export_intervals(session, tmp_path / "nowhere" / "all.npz")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(ConfigError, match=r"pip install 'phosphene\[zarr\]'"):
        export_intervals(session, tmp_path / "all.zarr")
    assert [path.name for path in tmp_path.iterdir()] == ["old.npz"]


def test_a_session_that_breaks_off_while_it_is_written_leaves_nothing(session, tmp_path, monkeypatch):
    monkeypatch.setattr(VideoReader, "frame", lambda self, index: (_ for _ in ()).throw(OSError("gone")))
    for name in ("all.npz", "all.zarr"):
        with pytest.raises(SessionError, match="gone"):
            export_intervals(session, tmp_path / name, image_px=16)
    assert not list(tmp_path.iterdir())
