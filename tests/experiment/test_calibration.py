"""A calibration records, trains beside the session in a process of its own, and hands a model over."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import pytest

from experiment.person import calibration as under_test
from experiment.person.calibration import CalibrationRun
from experiment.person.training import TrainingNow, TrainingProcess, TrainingRequest, worth_in_words
from models.checkpoint import load_checkpoint
from models.combination import Combination
from realtime.errors import RunError
from realtime.time.clock import ManualClock
from tests.support.flashes import SMALL, write_flashes

DONE = {"folder": "model", "runs": {"name": "network", "judged": {}}}
TINY = {"steps": 4, "batch": 8, "check_every": 2, "match": 0.0}


class Recorded:
    """Stands for what records: counts what is asked of it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.current: Path | None = None

    def start(self, entities) -> Path:
        self.asked.append("start")
        self.current = Path("sessions/anna")
        return self.current

    def stop(self) -> None:
        self.asked.append("stop")
        self.current = None


class Trains:
    """Stands for a training's process: its state is set by the test."""

    made: ClassVar[list[Trains]] = []

    def __init__(self, request, now) -> None:
        self.request, self.now, self.stopped = request, TrainingNow(), False
        self.made.append(self)

    def launch(self):
        return self

    def state(self) -> TrainingNow:
        return self.now

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture
def parts(monkeypatch):
    """A calibration of ten seconds with a clock of its own, and what it is made of."""
    Trains.made.clear()
    monkeypatch.setattr(under_test, "TrainingProcess", Trains)
    clock, recorded, swapped = ManualClock(5.0), Recorded(), []
    grid = SimpleNamespace(slots_hz=40)
    pipeline = SimpleNamespace(labels=("Cz",), videos=(0,), swap=swapped.append, grid=grid)
    running = SimpleNamespace(pipeline=pipeline)
    request = TrainingRequest((), "model", parent="anna")
    made = CalibrationRun(running, recorded, request, 10.0, now=clock.now)
    return made, clock, recorded, swapped


def built(choice, labels, n_videos):
    """Stands for a model: whose weights it has, and which electrodes."""
    return choice.weights, labels


def until(condition) -> None:
    """Wait for a thread's work, at most some seconds."""
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_it_records_then_trains_on_that_then_loads_and_hands_over(parts, monkeypatch):
    made, clock, recorded, swapped = parts
    monkeypatch.setattr(under_test.ModelChoice, "build", built)
    assert made.poll().stage == "waiting"
    made.begin()
    clock.set(11.0)
    now = made.poll()
    assert (now.stage, now.share, now.left_s) == ("recording", 0.6, 4.0)
    clock.set(15.0)
    assert made.poll().stage == "training"
    assert recorded.asked == ["start", "stop"]
    (training,) = Trains.made
    assert training.request == TrainingRequest(
        (str(Path("sessions/anna")),), "model", parent="anna", changes={"grid.slots_hz": 40}
    )
    training.now = TrainingNow("on all data", 0.5, 30.0)
    assert (made.poll().share, made.poll().left_s) == (0.5, 30.0)
    with pytest.raises(RunError, match="no new model yet: the calibration is training"):
        made.take_over()
    training.now = replace(training.now, done=DONE)
    until(lambda: made.poll().stage == "ready")
    made.take_over()
    assert [successor.model for successor in swapped] == [("model", ("Cz",))]
    assert made.poll().stage == "running"


@pytest.mark.parametrize("since", [None, Path("sessions/berta")])
def test_a_recording_that_somebody_else_ended_is_learned_from_and_the_next_one_is_left_alone(parts, since):
    made, clock, recorded, _ = parts
    made.begin()
    recorded.current = since  # by the record button, once or twice
    clock.set(7.0)
    assert made.poll().stage == "training"
    assert Trains.made[0].request.sessions == (str(Path("sessions/anna")),)
    assert recorded.asked == ["start"]


def test_it_can_be_stopped_at_any_time_and_says_what_is_kept(parts):
    made, clock, recorded, _ = parts
    made.begin()
    made.stop()
    assert made.poll().stage == "failed"
    assert "the recording is kept" in made.poll().failure
    assert recorded.asked == ["start", "stop"]
    made.begin()
    clock.set(99.0)
    assert made.poll().stage == "training"
    made.stop()
    assert Trains.made[0].stopped
    assert "before anything was learned" in made.poll().failure


def test_why_a_training_failed_is_passed_on(parts):
    made, clock, *_ = parts
    made.begin()
    clock.set(20.0)
    made.poll()
    Trains.made[0].now = TrainingNow(failure="the film is too short")
    assert (made.poll().stage, made.poll().failure) == ("failed", "the film is too short")


@pytest.mark.slow
def test_a_training_in_a_process_tells_how_far_it_is_and_what_came_out(tmp_path):
    session = write_flashes(tmp_path / "anna", 40.0, 0)
    request = TrainingRequest(
        (str(session),), str(tmp_path / "model"), changes=SMALL, recipe={**TINY, "validation": 0.3}
    )
    training = TrainingProcess(request).launch()
    shares = []
    deadline = time.monotonic() + 120
    while not training.state().over and time.monotonic() < deadline:
        shares.append(training.state().share)
        time.sleep(0.02)
    done = training.state().done
    assert done is not None, training.state().failure
    assert shares == sorted(shares)
    assert (done["how"], done["folder"]) == ("fresh", str(tmp_path / "model"))
    assert load_checkpoint(tmp_path / "model").metrics["runs"]["name"] == done["runs"]["name"]
    assert "told the right moment" in worth_in_words(done)
    assert Combination.load(tmp_path / "model").name == done["runs"]["name"]


@pytest.mark.slow
def test_a_process_that_cannot_train_says_why(tmp_path):
    request = json.dumps({**vars(TrainingRequest((str(tmp_path),), str(tmp_path / "model")))})
    done = subprocess.run(
        [sys.executable, "-m", "experiment.person.child", request], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "session.xdf" in json.loads(done.stdout.splitlines()[-1])["failed"]


def test_the_worth_of_a_model_is_told_with_its_interval():
    judged = {"network": {"two_way": 0.834, "two_way_ci": [0.76, 0.89]}}
    words = worth_in_words({"runs": {"name": "network", "judged": judged}})
    assert "83 of 100 cases (95 %: 76 to 89; chance is 50): above chance" in words
    judged["network"]["two_way_ci"] = [0.48, 0.6]
    assert worth_in_words({"runs": {"name": "network", "judged": judged}}).endswith("at chance")
    assert "not known" in worth_in_words(DONE)
    summed = {"network+responses": judged["network"]}
    words = worth_in_words({"runs": {"name": "network+responses", "judged": summed}})
    assert "the network and a linear model (responses to light) told" in words
