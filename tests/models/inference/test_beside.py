"""A session begins at once, goes over to faster stages while it runs, and says what ran it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiment.summary import RanOn
from models.combination import Combination
from models.inference import compile as compiling
from models.inference.backends import BACKENDS
from models.inference.beside import faster
from models.inference.beside.faster import Faster
from models.inference.engine import EAGER, Engine
from models.inference.linear_engine import LinearEngine
from models.inference.stages import compile_stages, load_stages
from models.inference.sums.combined_engine import CombinedEngine
from models.response_model import ResponseModel
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.view import PipelineView
from tests.models.inference.test_compile import Failing
from tests.models.inference.test_swapped import FPS, RATE, assert_equal, engine, readings
from tests.support.backends import only_swift
from tests.support.fakes import ArrayEeg, ArrayVideo
from tests.support.networks import LABELS, small_network


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    only_swift(monkeypatch, tmp_path)
    return tmp_path


class Session:
    """Seven seconds of noise and film, played step by step."""

    def __init__(self, model: Engine):
        self.clock, stamps = ManualClock(100.0), 100 + np.arange(int(7 * RATE)) / RATE
        samples = np.random.default_rng(0).normal(0, 20, (len(stamps), 4))
        eeg = ArrayEeg(self.clock, samples, stamps, RATE, labels=LABELS)
        video = ArrayVideo(self.clock, 100 + np.arange(7 * FPS) / FPS, size=(32, 32))
        self.pipeline = Pipeline(eeg, video, lambda labels: model)
        self.ran_on = RanOn(self.pipeline)
        self.pipeline.taps.attach(self.ran_on.take)

    def play(self, until: float) -> None:
        while self.clock.now() < until:
            self.clock.set(self.clock.now() + 0.125)
            self.pipeline.advance(self.clock.now())


def wait_for(what: Callable[[], Any]) -> None:
    stop = time.monotonic() + 60
    while not what():
        assert time.monotonic() < stop
        time.sleep(0.01)


def found_for(pipeline: Pipeline) -> bool:
    """Whether something faster waits to take over, or has."""
    return pipeline._successor is not None or pipeline.model.card.backend == "swift fp32"


def test_what_an_earlier_start_has_built_takes_over_and_the_session_says_since_when_and_what_it_brings(
    folder,
):
    session, notes = Session(engine()), []
    first = session.pipeline.model
    compile_stages(first.network, "auto", folder=folder)
    session.play(102.5)
    Faster(session.pipeline, notes.append).take_found()
    assert session.pipeline.model is first  # not within a tick
    session.play(104.0)
    assert session.pipeline.model.card.backend == "swift fp32"
    view = PipelineView(session.pipeline, session.clock, lambda: None)
    assert view.runs_on.startswith("swift fp32 · 3.0 × eager · since ")
    eager, swift = session.ran_on.rows()
    assert (eager["backend"], eager["since_s"], swift["backend"]) == (EAGER, 0.0, "swift fp32")
    assert swift["since_s"] == pytest.approx(1.0, abs=0.3)
    assert swift["times_faster"] == pytest.approx(eager["tick_ms"] / swift["tick_ms"], rel=0.1)
    assert not notes


def test_a_session_that_found_nothing_builds_after_its_first_reading_and_then_goes_over(folder, monkeypatch):
    built: list[int] = []

    def build(self: Faster, model: Engine) -> bool:
        built.append(self._pipeline.published)
        compile_stages(model.network, "auto", folder=folder)
        return True

    monkeypatch.setattr(Faster, "_build", build)
    monkeypatch.setattr(faster, "_LOOK_S", 0.005)
    session = Session(engine())
    seeker = Faster(session.pipeline, pytest.fail).launch()
    try:
        time.sleep(0.05)
        assert not built
        session.play(103.0)
        wait_for(lambda: found_for(session.pipeline))
        session.play(104.0)
        assert session.pipeline.model.card.backend == "swift fp32"
        assert built[0] > 0
    finally:
        seeker.stop()


def test_the_readings_are_those_of_a_session_that_stayed_as_it_began(folder):
    first = engine(masks="own+1")
    found = compile_stages(first.network, "auto", folder=folder)
    assert_equal(readings(first, first.on(found, 1, found.gain)), readings(engine(masks="own+1")), within=0.0)


def test_a_network_that_is_swapped_in_later_is_made_faster_too(folder, monkeypatch):
    monkeypatch.setattr(faster, "_LOOK_S", 0.005)
    first, second = engine(0), engine(1)
    for each in (first, second):
        compile_stages(each.network, "auto", folder=folder)
    session = Session(first)
    seeker = Faster(session.pipeline, pytest.fail).launch()
    try:
        time.sleep(0.05)
        assert session.pipeline._successor is None  # a first reading goes before all else
        session.play(103.0)  # in which it may have taken over
        wait_for(lambda: found_for(session.pipeline))
        session.play(103.5)
        session.pipeline.swap(second.successor_to(session.pipeline.model))
        session.play(104.0)
        wait_for(lambda: found_for(session.pipeline))
        session.play(105.0)
        card = session.pipeline.model.card
        assert (card.weights, card.backend) == ("of seed 1", "swift fp32")
    finally:
        seeker.stop()
    assert [row["backend"] for row in session.ran_on.rows()] == [EAGER, "swift fp32", EAGER, "swift fp32"]


def summed(seed: int = 0) -> CombinedEngine:
    """A network and responses by place, as a training may have chosen them."""
    network, random = engine(seed), np.random.default_rng(2)
    grid, lags = network.card.grid, 13
    model = ResponseModel(
        LABELS, grid, (1, 2), np.zeros(4), random.normal(size=(4, 2)), np.zeros(2), np.ones(2),
        random.normal(size=(2 * lags, 2)), np.array([10.0, 0.0]), network.network.config.places,
    )  # fmt: skip
    by_place = Engine(network.network, "small", by_place=True)
    runs = Combination("network+responses by place", 0.5, (10.0, 0.0), by_place=True)
    return CombinedEngine(by_place, LinearEngine(model), runs)


def test_a_sum_goes_over_to_faster_stages_too_and_its_readings_stay(folder):
    first = summed()
    compile_stages(first.network.network, "auto", folder=folder)
    session = Session(first)
    session.play(102.5)
    Faster(session.pipeline, pytest.fail).take_found()
    session.play(104.0)
    assert isinstance(session.pipeline.model, CombinedEngine)
    assert session.pipeline.model.card.backend == "swift fp32"
    again = summed()
    found = compile_stages(again.network.network, "auto", folder=folder)
    assert_equal(readings(again, again.on(found, 1, found.gain)), readings(summed()), within=0.0)


def test_where_eager_is_the_fastest_nothing_is_swapped(folder, monkeypatch):
    monkeypatch.setattr(compiling, "race", lambda runs, inputs: [1.0, *[2.0 for _ in runs[1:]]])
    session = Session(engine())
    compile_stages(session.pipeline.model.network, "auto", folder=folder)
    Faster(session.pipeline, pytest.fail).take_found()
    assert session.pipeline._successor is None


def test_what_fails_in_another_process_is_a_note_and_the_session_goes_on(folder, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    notes: list[str] = []
    session = Session(engine())
    seeker = Faster(session.pipeline, notes.append).launch()
    try:
        session.play(103.0)
        wait_for(lambda: notes)
        session.play(104.0)
        assert session.pipeline.model.card.backend == EAGER
    finally:
        seeker.stop()
    assert notes == ["no faster backend was built: code 1"]


def test_a_stage_that_is_given_up_leaves_the_others_to_the_faster_backend(folder, monkeypatch):
    monkeypatch.setitem(BACKENDS, "failing", f"{Failing.__module__}:Failing")
    network = small_network()
    compiled = compile_stages(network, "auto", folder=folder)
    assert compiled.label == "swift fp32"
    found = load_stages(network, "auto", folder)
    assert found is not None
    assert found.gain == 3.0
    assert len(list(folder.glob("*.given-up"))) == len(compiled.parts)
