"""A session goes on with other stages, or with another network, and its readings tell nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.inference.backends import installed
from models.inference.engine import Engine
from models.inference.stages import CompiledStages, Stages, compile_stages
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.types import Reading
from tests.support.fakes import ArrayEeg, ArrayVideo
from tests.support.networks import LABELS, small_network

RATE, FPS, SECONDS, SWAP_AT = 128.0, 20, 7.5, 105.0


def engine(seed: int = 0, **changes: Any) -> Engine:
    return Engine(small_network(seed, **changes), f"of seed {seed}")


def readings(first: Engine, second: Engine | None = None) -> list[Reading]:
    """Those of one session, in the middle of which the second engine takes over."""
    clock, random = ManualClock(100.0), np.random.default_rng(0)
    stamps = 100 + np.arange(int(SECONDS * RATE)) / RATE
    eeg = ArrayEeg(clock, random.normal(0, 20, (len(stamps), 4)), stamps, RATE, labels=LABELS)
    video = ArrayVideo(clock, 100 + np.arange(int(SECONDS * FPS)) / FPS, size=(32, 32))
    pipeline, found = Pipeline(eeg, video, lambda labels: first), []
    while clock.now() < 100 + SECONDS:
        clock.set(clock.now() + 0.125)
        found += pipeline.advance(clock.now())
        if second is not None and clock.now() == SWAP_AT:
            pipeline.swap(second.successor_to(pipeline.model))
    assert pipeline.model is (second or first)
    assert pipeline.skipped_ticks == pipeline.frames_not_ready == 0
    return found


def assert_equal(ours: list[Reading], theirs: list[Reading], within: float) -> None:
    assert [reading.index for reading in ours] == [reading.index for reading in theirs]
    for one, other in zip(ours, theirs, strict=True):
        assert one.similarity == pytest.approx(other.similarity, abs=within)
        assert one.match == pytest.approx(other.match, abs=within)
        np.testing.assert_allclose(one.attention.matrix, other.attention.matrix, atol=within)
        assert one.chance.n == other.chance.n


def test_the_same_network_goes_on_with_its_context_and_its_impostors() -> None:
    alone = readings(engine(masks="own+2"))
    first = engine(masks="own+2")
    second = first.on(CompiledStages(Stages.of(first.network), "the same again", {}), gain=1.0)
    assert_equal(readings(first, second), alone, within=0.0)
    assert (first.card.backend, second.card.backend, second.card.gain) == (
        "eager fp32",
        "the same again",
        1.0,
    )
    assert alone[-1].chance.n > 0


@pytest.mark.slow
@pytest.mark.skipif(not installed("openvino"), reason="openvino is not installed")
def test_another_backend_gives_the_readings_within_its_parity(tmp_path: Path) -> None:
    alone = readings(engine(masks="own+1"))
    first = engine(masks="own+1")
    second = first.on(compile_stages(first.network, "openvino", folder=tmp_path))
    assert second.card.backend == "openvino fp32"
    assert_equal(readings(first, second), alone, within=1e-3)


def test_another_network_gives_from_its_first_reading_on_what_it_gives_alone() -> None:
    alone, swapped = readings(engine(1)), readings(engine(0), engine(1))
    before = readings(engine(0))
    assert [r.index for r in swapped] == [r.index for r in alone]
    since = next(i for i, r in enumerate(swapped) if r.similarity != before[i].similarity)
    assert 105.0 <= swapped[since].end <= 105.5
    for one, other in zip(swapped[since:], alone[since:], strict=True):
        assert one.similarity == pytest.approx(other.similarity, abs=1e-6)
        assert one.match == pytest.approx(other.match, abs=1e-6)


def test_frames_are_embedded_once_more_only_where_the_encoders_weights_differ() -> None:
    first, second = engine(0), engine(1)
    assert second.successor_to(first).alike == frozenset()
    second.network.frame_encoders.load_state_dict(first.network.frame_encoders.state_dict())
    successor = second.successor_to(first)
    assert (successor.alike, successor.of) == (frozenset({"fast"}), None)
