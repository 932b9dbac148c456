"""Several videos in the engine: each scored as if alone, all of them packed to share out the attention."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from models.config import preset
from models.inference import stages
from models.inference.backends import BACKENDS
from models.inference.engine import Engine
from models.network.network import Batch, Network
from realtime.errors import ConfigError
from realtime.model import OtherVideo
from realtime.types import Interval, Scores
from tests.support.checkpoints import write_checkpoint
from tests.support.networks import LABELS, small_network

N_TIMES, N_SLOTS = 300, 40
PARTS = {
    "own": {"masks": "own"},
    "own+1": {"masks": "own+1"},
    "past": {"masks": "past"},
    "global": {"masks": "global", "fusion": "perceiver"},
    "two paths": {"masks": "own+1", "slow": {"kind": "tiny", "image_px": 32, "width": 16}},
}


def interval(index: int) -> Interval:
    eeg = np.random.default_rng(index).normal(0, 20, (len(LABELS), N_TIMES)).astype(np.float32)
    return Interval(
        index, index * 0.25, eeg, np.ones(eeg.shape, bool), np.full(len(LABELS), 20, np.float32),
        np.arange(N_SLOTS), np.ones(N_SLOTS, bool),
    )  # fmt: skip


def shown(engine: Engine, index: int, video: int) -> dict[str, np.ndarray]:
    """What a video shows during an interval: another for each, the same whenever it is asked for."""
    random = np.random.default_rng((index, video))
    return {
        path: random.normal(size=(N_SLOTS // every, *engine.network.frame_shape(path))).astype(np.float32)
        for path, every in engine.card.paths.items()
    }


def score(engine: Engine, index: int, videos: tuple[int, ...], masked: tuple[int, ...] = ()) -> Scores:
    """Score an interval with these videos, the first of them as the main one."""
    main, *more = videos
    others = [
        OtherVideo(np.arange(N_SLOTS), np.full(N_SLOTS, n not in masked), shown(engine, index, n))
        for n in more
    ]
    return engine.score(interval(index), shown(engine, index, main), others)


def play(videos: tuple[int, ...], masked: tuple[int, ...] = (), **changes: Any) -> list[Scores]:
    engine = Engine(small_network(**changes))
    return [score(engine, index, videos, masked) for index in range(20, 33, 2)]


def parts_of(scores: Any) -> list[np.ndarray]:
    attention = scores.attention
    return [
        np.array([scores.similarity, scores.match]),
        attention.matrix, attention.frames, attention.places, attention.channels,
    ]  # fmt: skip


@pytest.mark.parametrize("masked", [(), (1,)])
def test_a_second_video_masked_or_not_changes_no_bit_of_the_first(masked: tuple[int, ...]) -> None:
    for alone, beside in zip(play((0,)), play((0, 1), masked), strict=True):
        for one, other in zip(parts_of(alone), parts_of(beside), strict=True):
            assert np.array_equal(one, other)
        assert np.array_equal(alone.impostors, beside.impostors)
        assert (alone.share, alone.others) == (1.0, ())
        assert beside.share == pytest.approx(1.0) if masked else 0 < beside.share < 1


@pytest.mark.parametrize("changes", PARTS.values(), ids=PARTS)
def test_each_video_scores_as_if_it_were_the_only_one(changes: dict[str, Any]) -> None:
    together = play((0, 1, 2), **changes)
    for n in (1, 2):
        for alone, all_three in zip(play((n,), **changes), together, strict=True):
            for one, other in zip(parts_of(alone), parts_of(all_three.others[n - 1]), strict=True):
                np.testing.assert_allclose(one, other, atol=1e-5)
    for scores in together:
        assert scores.share + sum(other.share for other in scores.others) == pytest.approx(1, abs=1e-5)
        assert min(other.share for other in scores.others) > 0


def test_whole_clip_encoders_score_several_videos_too(tmp_path) -> None:
    clip = {"kind": "videomae", "source": str(write_checkpoint("videomae", tmp_path))}
    changes = {"fast": None, "clip": clip, "compression.latents_per_s": 8, "grid.interval_s": 1.0}
    torch.manual_seed(0)
    engine = Engine(Network(preset("demo", changes), LABELS).eval())
    (other,) = score(engine, 20, (0, 1)).others
    engine.reset()
    alone = score(engine, 20, (1,))
    assert (other.similarity, other.match) == (alone.similarity, alone.match)
    assert 0 < other.share < 1


def test_a_video_that_showed_nothing_yet_is_told_as_nothing() -> None:
    engine = Engine(small_network())
    never = OtherVideo(np.full(N_SLOTS, -1), np.zeros(N_SLOTS, bool), {})
    (other,) = engine.score(interval(20), shown(engine, 20, 0), [never]).others
    assert (other.similarity, other.share) == (0.0, 0.0)
    assert np.isfinite(other.match)
    assert (other.attention.matrix == 0).all()


def test_one_video_is_fused_once_and_each_further_one_only_beside_the_fusion_of_all() -> None:
    for videos, calls in (((0,), 1), ((0, 1), 3), ((0, 1, 2), 4)):
        engine = Engine(small_network(masks="own+1"))
        seen = _watch_fusion(engine)
        score(engine, 20, videos)
        assert seen == [2] * len(videos) + [2 * len(videos)] * (calls - len(videos))


def _watch_fusion(engine: Engine) -> list[int]:
    """How many items each call of the fusion is given, as they come."""
    seen: list[int] = []

    def watched(stage: Any) -> Any:
        return lambda *given: (seen.append(given[3].shape[2]), stage(*given))[1]

    engine.stages.fuse = watched(engine.stages.fuse)
    engine.stages.fuse_all = watched(engine.stages.fuse_all)
    return seen


def test_compiled_shapes_are_of_the_number_of_videos_and_another_is_refused(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(stages.CHOICES, "kept", ("kept", "fp32"))
    monkeypatch.setitem(BACKENDS, "kept", "tests.support.backends:Kept")
    monkeypatch.setenv("PHOSPHENE_COMPILED", str(tmp_path))
    network = small_network(masks="own+1")
    engine = Engine(network).compile("kept", n_videos=2)
    plain = Engine(network)
    one, other = score(engine, 20, (0, 1)), score(plain, 20, (0, 1))
    assert (one.match, one.share, one.others[0].share) == (other.match, other.share, other.others[0].share)
    with pytest.raises(ConfigError, match="compiled for 2 videos and is given 1"):
        score(engine, 22, (0,))


def test_the_packing_is_that_of_one_forward_over_all_videos() -> None:
    """Shares live, against the attention of a single offline batch of the same intervals and videos."""
    network = small_network(masks="own+1")
    engine = Engine(network)
    for index in (28, 32):
        live = score(engine, index, (0, 1))
    cuts = [interval(28), interval(32)]
    frames = [shown(engine, index, video)["fast"] for video in (0, 1) for index in (28, 32)]
    batch = Batch(
        eeg=_stack([cut.eeg for cut in cuts]),
        eeg_valid=_stack([cut.eeg_valid for cut in cuts]),
        eeg_scale=_stack([cut.eeg_scale for cut in cuts]),
        frames={"fast": _stack(frames)},
        frame_valid=torch.ones(1, 4, N_SLOTS, dtype=torch.bool),
    )
    with torch.inference_mode():
        attention = network(batch, explain=True).fused.attention[0, -1]
    share = attention.unflatten(-1, (2, -1)).sum(dim=(0, 2)) / attention.sum()
    assert live.share == pytest.approx(float(share[0]), abs=1e-5)
    assert live.others[0].share == pytest.approx(float(share[1]), abs=1e-5)


def _stack(arrays: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays))[None]
