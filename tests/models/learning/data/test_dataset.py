"""Training cuts what the live window sees, keeps it on disk, and holds its splits apart."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from models.config import preset
from models.inference.engine import Engine
from models.learning.data.cache import cache_folder, session_table
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.data.folds import as_split, first_minutes, held_parts
from models.learning.data.frames import encoder_key
from models.learning.data.sampling import draw
from models.learning.data.teacher import Teacher
from models.learning.training.recipe import Recipe
from models.network.network import Network
from realtime.align import frames_at
from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import ConfigError, SessionError, StreamFormatError
from realtime.model import means_of
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.types import EegInfo
from realtime.video.frames import shrink
from recordings.intervals import SessionIntervals
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.session import Session
from recordings.video.files import VideoReader
from tests.support.small_session import write_small

GRID, CONDITIONING = GridConfig(), ConditioningConfig()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("sessions")
    write_small(root / "one", seconds=12.0)
    write_small(root / "two", seconds=9.0, start=500.0)
    return root


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Network(preset("demo", {"slot_means": False}), ("C3", "C4", "Cz"))


@pytest.fixture(scope="module")
def recordings(folder, network):
    found = Recordings([folder / "one", folder / "two"], GRID, CONDITIONING)
    found.embed(network)
    return found


def test_a_window_is_the_live_interval_bit_for_bit_at_every_slot(folder, recordings):
    with Session(folder / "one") as session:
        live = SessionIntervals(session, CONDITIONING, GRID)
    table = recordings.tables[0]
    for index in range(live.first, live.last + 1, 7):
        interval, position = live.interval(index)
        window = Windows(np.array([0]), np.array([index - table.first]))
        eeg, valid, scale = recordings.eeg(window)
        found, shown = recordings.positions(window)
        assert np.array_equal(eeg[0], interval.eeg)
        assert np.array_equal(np.broadcast_to(valid[0], interval.eeg.shape), interval.eeg_valid)
        assert np.array_equal(scale[0], interval.eeg_scale)
        assert np.array_equal(shown[0], interval.frame_valid)
        points = np.arange(5 * (index - recordings.n_rows), 5 * (index - recordings.lag_slots))
        at_points = table.read("at_points", points[0] - 5 * table.first, points[-1] + 1 - 5 * table.first)
        assert np.array_equal(at_points, frames_at(live.frame_stamps, points / 200))
        assert np.array_equal(np.where(shown[0], found[0], -1), np.where(interval.frame_valid, position, -1))


def test_frames_of_a_batch_are_the_live_embeddings_but_for_half_precision(folder, recordings, network):
    window = recordings.every([Span(1, 0, recordings.tables[1].n_slots)], 55)
    batch = recordings.batch(window)
    position, shown = recordings.positions(window)
    encoder = network.frame_encoders["fast"]
    with Session(folder / "two") as session, VideoReader(session.video().path) as reader:
        for i, slot in ((0, 0), (1, 40), (2, 79)):
            assert shown[i, slot]
            image = torch.from_numpy(shrink(reader.frame(int(position[i, slot])), encoder.image_px))
            with torch.inference_mode():
                live = encoder(encoder.preprocess([image]))[0]
            assert torch.allclose(batch.frames["fast"][i, slot], live, atol=4e-3)


class Watching(Engine):
    """Keeps what it is shown."""

    def score(self, interval, embeddings, others=()):
        self.__dict__.setdefault("seen", {})[interval.index] = embeddings[means_of("fast")]
        return super().score(interval, embeddings, others)


def test_means_over_slots_are_those_of_a_replay_but_for_half_precision(folder):
    torch.manual_seed(0)
    engine = Watching(Network(preset("demo"), ("C3", "C4", "Cz")))
    found = Recordings([folder / "two"], GRID, CONDITIONING)
    found.embed(engine.network)
    with Session(folder / "two") as session:
        clock = ManualClock(session.start)
        pipeline = Pipeline(ReplayEeg(session, clock), ReplayVideo(session, clock), lambda labels: engine)
        while clock.now() < session.end + 1:
            clock.set(clock.now() + 0.25)
            pipeline.advance(clock.now())
        pipeline.close()
    ends = np.array([index * GRID.hop_slots for index in engine.seen]) - found.tables[0].first
    batch = found.batch(Windows(np.zeros(len(ends), np.int64), ends))
    live = torch.from_numpy(np.stack(list(engine.seen.values())))
    assert len(live) > 20
    assert torch.allclose(batch.frames["fast"][batch.frame_valid], live[batch.frame_valid], atol=4e-3)
    engine.network.config = engine.network.config.model_copy(update={"slot_means": False})
    found.embed(engine.network)
    assert not torch.allclose(
        found.batch(Windows(np.zeros(1, np.int64), ends[:1])).frames["fast"][0], live[0]
    )


def test_what_was_computed_is_read_again_and_another_band_is_computed_anew(folder):
    with Session(folder / "one") as session:
        first = session_table(session, CONDITIONING, GRID)
        stamp = (first.folder / "eeg.npy").stat().st_mtime_ns
        again = session_table(session, CONDITIONING, GRID)
        other = session_table(session, CONDITIONING.model_copy(update={"band_hz": (1.0, 30.0)}), GRID)
    assert (again.folder / "eeg.npy").stat().st_mtime_ns == stamp
    assert again.folder == first.folder != other.folder
    assert not list(first.folder.parent.glob(".*-*"))  # nothing half-written is left


def test_what_an_encoder_gives_depends_on_its_weights_and_on_its_settings(network):
    def key(seed=0, **changes):
        torch.manual_seed(seed)
        made = Network(preset("demo", changes), ("Cz",))
        return encoder_key(made.frame_encoders["fast"], made.config.fast.model_dump())

    assert key() == encoder_key(network.frame_encoders["fast"], network.config.fast.model_dump())
    others = [key(seed=1), key(places=2), key(**{"fast.heads": 2}), key(**{"fast.image_px": 32})]
    assert len({key(), *others}) == 5


def test_the_same_weights_on_another_grid_of_places_are_embedded_anew(folder, network):
    found = Recordings([folder / "one"], GRID, CONDITIONING)
    found.embed(network)
    coarse = Network(preset("demo", {"places": 1}), network.labels)
    coarse.frame_encoders.load_state_dict(network.frame_encoders.state_dict())
    found.embed(coarse)
    batch = found.batch(Windows(np.array([0]), np.array([found.spans()[0].stop - 1])))
    assert batch.frames["fast"].shape[2] == 1


def test_a_session_that_cannot_be_written_to_is_cached_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "access", lambda *_: False)
    session = tmp_path / "session"
    session.mkdir()
    assert cache_folder(session).is_relative_to(tmp_path / "cache" / "phosphene")
    assert cache_folder(session, tmp_path / "mine").is_relative_to(tmp_path / "mine")


def test_random_windows_lie_inside_their_spans_and_reach_every_slot(recordings):
    spans = [Span(0, 3, 3 + recordings.n_rows + 4), Span(1, 50, 50 + recordings.n_rows + 2)]
    windows = recordings.random(spans, 600, np.random.default_rng(0))
    for number, start, stop in ((0, 3, 3 + recordings.n_rows + 4), (1, 50, 50 + recordings.n_rows + 2)):
        ends = windows.end[windows.session == number]
        assert set(ends) == set(range(start + recordings.n_rows, stop))


def test_windows_in_a_row_do_not_overlap(recordings):
    windows = recordings.every(recordings.spans(), recordings.grid.n_slots)
    for number in (0, 1):
        starts = recordings.starts(windows)[windows.session == number]
        assert np.allclose(np.diff(starts), recordings.grid.interval_s)


class OfMinutes:
    """Recordings of which only the length counts."""

    n_rows = 100

    def __init__(self, minutes: float) -> None:
        self._minutes = minutes

    def minutes(self, spans) -> float:
        return self._minutes


def test_a_held_out_block_is_a_guard_away_from_what_is_learned():
    recordings = OfMinutes(3.33)
    ((train, held),) = held_parts([Span(0, 0, 4000), Span(1, 0, 120)], recordings, 0.1)
    assert held == [Span(0, 1800, 2200)]
    assert train == [Span(0, 0, 1700), Span(0, 2300, 4000), Span(1, 0, 120)]
    assert held_parts([Span(0, 0, 4000)], recordings, 0.0) == []


def test_what_is_held_out_depends_on_how_much_there_is():
    """Two minutes are judged, if need be in three parts; of five runs and more, whole ones are left out."""
    thirds = held_parts([Span(0, 0, 6000)], OfMinutes(2.5))
    assert len(thirds) == 3
    length = {held[0].stop - held[0].start for _, held in thirds}
    assert length == {1600}  # 2 of 2.5 min in three parts
    assert len(held_parts([Span(0, 0, 20_000)], OfMinutes(8.3))) == 2
    ((train, held),) = held_parts([Span(k, 0, 4800) for k in range(10)], OfMinutes(20.0))
    assert [span.session for span in held] == [4]
    assert [span.session for span in train] == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_the_first_minutes_are_taken_session_after_session():
    spans = [Span(0, 0, 2400), Span(1, 10, 2410)]
    assert first_minutes(spans, 1.5, 40) == [Span(0, 0, 2400), Span(1, 10, 1210)]


def test_a_split_is_told_in_seconds_of_each_session(recordings):
    told = as_split({"train": [Span(1, 40, 80)]}, recordings)
    start = recordings.tables[1].first / 40
    assert told["train"][0].pop("id") == recordings.ids[1] != recordings.ids[0]
    assert told == {"train": [{"session": "two", "from_s": start + 1, "to_s": start + 2}]}


def test_twins_are_near_and_stand_side_by_side(recordings):
    recipe = Recipe(loss="multi_positive", twin_s=0.1)
    windows = draw(recordings, recordings.spans(), 10, recipe, np.random.default_rng(0))
    assert np.array_equal(windows.session[::2], windows.session[1::2])
    assert (np.abs(windows.end[::2] - windows.end[1::2]) <= 4).all()


def test_a_session_without_a_channel_of_the_first_is_refused_by_name(folder, tmp_path):
    other = EegInfo("Cap", ("C3", "C4", "Pz"), "uV", 250.0, "cap-2", "lab")
    write_small(tmp_path / "other", seconds=9.0, info=other)
    with pytest.raises(StreamFormatError, match="Cz"):
        Recordings([folder / "one", tmp_path / "other"], GRID, CONDITIONING)


def test_no_session_and_one_too_short_are_told(folder, tmp_path):
    with pytest.raises(SessionError, match="at least one"):
        Recordings([], GRID, CONDITIONING)
    write_small(tmp_path / "short", seconds=2.0)
    with pytest.raises(SessionError, match=r"record longer"):
        Recordings([tmp_path / "short"], GRID, CONDITIONING)


# ---------------------------------------------------------------- teachers
def test_a_teacher_beside_the_session_gives_the_mean_of_what_lies_in_the_window(folder, recordings):
    for name in ("one", "two"):
        start = {"one": 100.0, "two": 500.0}[name]
        stamps = start + np.arange(0, 12, 0.5)
        np.savez(folder / name / "text.npz", stamps=stamps, embeddings=np.stack([stamps, stamps**0], 1))
    teacher = Teacher("text.npz", recordings)
    windows = recordings.every(recordings.spans(), 60)
    found = teacher(recordings.batch(windows))
    starts = recordings.starts(windows)
    for row, begin in zip(found.numpy(), starts, strict=True):
        inside = np.arange(np.ceil(begin * 2 - 1e-6) / 2, begin + 2 - 1e-6, 0.5)
        assert row[0] == pytest.approx(inside.mean(), abs=1e-3)
        assert row[1] == 1


def test_the_frozen_frames_can_teach_and_a_missing_file_is_named(recordings, folder):
    batch = recordings.batch(recordings.every(recordings.spans(), 200))
    taught = Teacher("frames:fast", recordings)(batch)
    assert torch.allclose(taught, batch.frames["fast"].flatten(2).mean(dim=1), atol=1e-5)
    with pytest.raises(SessionError, match=r"sound\.npz"):
        Teacher("sound.npz", recordings)
    with pytest.raises(ConfigError, match="frames:fast"):
        Teacher("frames:slow", recordings)


def test_what_fits_is_kept_in_memory_and_gives_the_same_batches(folder, tmp_path, monkeypatch):
    network = Network(preset("demo", {"fast.width": 16, "fast.layers": 1}), ("C3", "C4", "Cz"))

    def made(most: int, most_of_means: int) -> Recordings:
        monkeypatch.setattr("models.learning.data.dataset._HELD", most)
        monkeypatch.setattr("models.learning.data.dataset._HELD_MEANS", most_of_means)
        found = Recordings([folder / "one"], GridConfig(), ConditioningConfig(), tmp_path)
        found.embed(network)
        return found

    def in_memory(found: Recordings) -> tuple[bool, bool]:
        (tables,) = {rows._held is not None for rows in found.tables[0].arrays.values()}
        return tables, found._means["fast"][0]._held is not None

    nothing, without_means, everything = made(0, 0), made(2**28, 0), made(2**28, 2**28)
    assert [in_memory(found) for found in (nothing, without_means, everything)] == [
        (False, False), (True, False), (True, True),
    ]  # fmt: skip
    first, *others = (
        found.batch(found.every(found.spans(), 60)) for found in (nothing, without_means, everything)
    )
    for other in others:
        assert torch.allclose(first.frames["fast"], other.frames["fast"], rtol=0, atol=1e-6)
        for one, same in zip(first, other, strict=True):
            if not isinstance(one, dict):
                assert torch.equal(torch.nan_to_num(one), torch.nan_to_num(same))


MANY = """
import sys, numpy as np, psutil, torch
from models.config import preset
from models.learning.data import dataset
from models.learning.data.dataset import Recordings
from models.network.network import Network
from realtime.config import ConditioningConfig, GridConfig
torch.set_num_threads(1)
dataset._HELD = dataset._HELD_MEANS = 0  # as where they do not fit
recordings = Recordings(sys.argv[1:], GridConfig(), ConditioningConfig())
recordings.embed(Network(preset("demo", {"fast.width": 16, "fast.layers": 1}), ("C3", "C4", "Cz")))
rng, process = np.random.default_rng(0), psutil.Process()
recordings.batch(recordings.random(recordings.spans(), 64, rng))
before = process.memory_info().rss
for _ in range(60):
    recordings.batch(recordings.random(recordings.spans(), 64, rng))
print(process.memory_info().rss - before, before)
"""


@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_hundred_sessions_need_no_more_memory_than_two(folder, tmp_path):
    used = []
    for n in (2, 200):
        sessions = [tmp_path / f"{n}-{i}" for i in range(n)]
        for session in sessions:
            shutil.copytree(folder / "one", session, ignore=shutil.ignore_patterns(".phosphene"))
        told = subprocess.run(
            [sys.executable, "-c", MANY, *map(str, sessions)],
            cwd=Path(__file__).parents[3], capture_output=True, text=True, check=True,
        )  # fmt: skip
        used.append([int(word) / 2**20 for word in told.stdout.split()])
    grown, total = np.array(used).T
    print(f"\n2 and 200 sessions: {total.round()} MB before, {grown.round(1)} MB more after 60 batches")
    assert grown.max() < 40, used
    assert total[1] - total[0] < 100, used
