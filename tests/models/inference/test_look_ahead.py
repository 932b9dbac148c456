"""What the videos show is seen before the EEG has come: sooner, and the same to the bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.inference.engine import Engine
from realtime.model import LooksAhead, OtherVideo
from tests.models.inference.test_several_videos_scored import (
    N_SLOTS,
    PARTS,
    interval,
    parts_of,
    score,
    shown,
)
from tests.support.networks import small_network


def on_show(engine: Engine, index: int, *videos: int) -> list[OtherVideo]:
    whole = np.arange(N_SLOTS), np.ones(N_SLOTS, bool)
    return [OtherVideo(*whole, shown(engine, index, n)) for n in videos]


def counted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many times the stage that mixes a video has run, one entry each time."""
    runs, mix = [], engine.stages.video

    def video(frames, valid):
        runs.append(1)
        return mix(frames, valid)

    monkeypatch.setattr(engine, "stages", replace(engine.stages, video=video))
    return runs


@pytest.mark.parametrize("videos", [(0,), (0, 1)])
@pytest.mark.parametrize("part", PARTS)
def test_scores_are_the_same_to_the_bit_and_each_video_is_mixed_once(part, videos, monkeypatch):
    ahead, at_once = (Engine(small_network(**PARTS[part])) for _ in range(2))
    assert isinstance(ahead, LooksAhead)
    runs = counted(ahead, monkeypatch)
    for index in range(20, 33, 2):
        ahead.look(index, on_show(ahead, index, *videos))
        assert len(runs) == len(videos)
        for one, other in zip(
            parts_of(score(ahead, index, videos)), parts_of(score(at_once, index, videos)), strict=True
        ):
            assert np.array_equal(one, other, equal_nan=True)
        assert len(runs) == len(videos)
        runs.clear()


def test_what_was_seen_of_other_frames_or_of_another_interval_is_not_used(monkeypatch):
    ahead, at_once = (Engine(small_network()) for _ in range(2))
    runs = counted(ahead, monkeypatch)
    stale = OtherVideo(np.arange(N_SLOTS) - 1, np.ones(N_SLOTS, bool), shown(ahead, 7, 0))
    masked = OtherVideo(np.arange(N_SLOTS), np.arange(N_SLOTS) > 3, shown(ahead, 7, 0))
    for index, seen, given in ((20, 20, stale), (22, 22, masked), (24, 26, None), (26, 20, None)):
        ahead.look(seen, [given or on_show(ahead, seen, 0)[0]])
        found = score(ahead, index, (0,))
        assert found.similarity == score(at_once, index, (0,)).similarity
    assert len(runs) == 8


def test_after_a_seek_nothing_is_left_of_it(monkeypatch):
    engine = Engine(small_network())
    runs = counted(engine, monkeypatch)
    engine.look(20, on_show(engine, 20, 0))
    engine.reset()
    engine.score(interval(20), shown(engine, 20, 0))
    assert len(runs) == 2
