"""A second network of another seed is a candidate too; where the mean is best, both run, live as judged."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from experiment.model_choice import ModelChoice
from models.checkpoint import load_checkpoint
from models.combination import SECOND, TWO, Combination
from models.config import preset
from models.inference.beside.faster import network_of
from models.inference.engine import Engine
from models.inference.sums.combined_engine import CombinedEngine
from models.inference.sums.pair_engine import PairEngine
from models.learning import train as training
from models.learning.candidates import choose, keep, live_runs
from models.learning.crossval import cross_validate
from models.learning.data.dataset import Windows
from models.learning.judging.scoring import see_windows
from models.learning.person import train_from
from models.learning.train import Material, fed, train_sessions
from models.learning.training.recipe import Recipe
from models.learning.training.search import Sought
from realtime.errors import ConfigError, WeightsError
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from recordings.player import Player
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.session import Session
from tests.models.learning.candidates.test_candidates import said
from tests.support.flashes import SMALL, write_flashes

pytestmark = pytest.mark.slow

TRIES = Recipe(steps=30, batch=16, warmup=5, match=0.0, check_every=15, networks=2)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    root = tmp_path_factory.mktemp("flashes")
    return [write_flashes(root / f"run{k}", 50.0, k) for k in range(2)]


@pytest.fixture(scope="module")
def trained(sessions, tmp_path_factory):
    """A folder in which two networks run, whatever the choice would have been, and what was reported."""
    shares: list[float] = []

    def two(sought, recordings, second=None):
        found = choose(sought, recordings, second)
        assert TWO in found.judged
        return replace(found, name=TWO, weight=1.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "choose", two)
        out = tmp_path_factory.mktemp("model") / "anna"
        report = lambda progress: shares.append(progress.share)  # noqa: E731
        made = train_sessions(Material(sessions[:1]), out, preset("demo", SMALL), TRIES, report=report)
    return made.folder, shares


@pytest.mark.parametrize(("other", "name"), [(2.0, TWO), (-2.0, "network")])
def test_two_networks_that_know_apart_are_the_better_choice_and_a_poor_second_is_left_out(
    monkeypatch, other, name
):
    empty = {kind: [said(-0.3, 30 + k) for k in (0, 1)] for kind in ("ridge", "cca", "responses")}
    monkeypatch.setattr("models.learning.candidates.linear_runs", lambda parts, recordings, places: empty)
    one, two = (
        Sought(5, 9, [], 0.9, tuple(said(strength, seed + k) for k in (0, 1)), ())
        for strength, seed in ((2.0, 0), (other, 10))
    )
    found = choose(one, None, two)
    assert found.name == name
    assert found.has_two == (name == TWO)


def test_progress_goes_once_from_nothing_to_the_end_over_both(trained):
    _, shares = trained
    assert shares == sorted(shares)
    assert shares[0] < 0.1
    assert shares[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("name", [TWO, f"{TWO}+cca"])
def test_both_run_live_and_say_what_they_say_of_the_recording(sessions, trained, tmp_path, name):
    folder = Path(shutil.copytree(trained[0], tmp_path / "anna"))
    learned = fed(Material(sessions[:1]), load_checkpoint(folder).network)
    keep(Combination(name, 1.0 if name == TWO else 0.5), learned, learned.spans(), folder)
    model = ModelChoice(weights=str(folder), backend="auto").build(("O1", "O2", "Fp1"))
    assert isinstance(model, PairEngine if name == TWO else CombinedEngine)
    assert network_of(model) is None  # both stay on the backend they began on
    session = Session(sessions[1])
    sources = ReplayEeg(session, clock := ManualClock(session.start)), ReplayVideo(session, clock)
    pipeline = Pipeline(*sources, lambda labels: model)
    Player(pipeline, sources, clock, session.span, float("inf")).run()
    readings = [r for r in pipeline.history if r.index % 8 == 0][2:]
    network = load_checkpoint(folder).network
    recordings = fed(Material(sessions[1:]), network)
    ends = np.array([round(r.end * 40) - recordings.tables[0].first for r in readings])
    windows = Windows(np.zeros(len(ends), np.int64), ends)
    seen = see_windows(network, recordings, windows, match=False)
    what, (offline,) = live_runs(folder, seen, recordings)
    assert what.has_two
    assert np.diag(offline.scores) == pytest.approx([r.similarity for r in readings], abs=0.02)
    places = readings[-1].attention
    assert places.places.sum() + places.whole == pytest.approx(1.0, abs=1e-3)
    assert readings[-1].chance.n > 0


def test_two_that_do_not_belong_together_are_refused(trained):
    folder, _ = trained
    first = Engine.from_checkpoint(folder)
    with pytest.raises(WeightsError, match="train it again"):
        PairEngine(first, Engine.from_preset(preset("demo", SMALL), first.network.labels, seed=9))


def test_a_frame_encoder_that_is_trained_is_refused_and_one_network_leaves_no_second(sessions, tmp_path):
    learning = preset("demo", {**SMALL, "fast.frozen": False})
    with pytest.raises(ConfigError, match="leave the frame encoder frozen"):
        train_sessions(Material(sessions[:1]), tmp_path / "learns", learning, TRIES)
    out = tmp_path / "one"
    (out / SECOND).mkdir(parents=True)
    plain = TRIES.model_copy(update={"networks": 1, "steps": 5, "validation": 0.0})
    train_sessions(Material(sessions[:1]), out, preset("demo", SMALL), plain)
    assert not (out / SECOND).exists()


def test_where_there_is_but_one_network_two_are_refused_and_not_forgotten(sessions, trained, tmp_path):
    with pytest.raises(ConfigError, match="a cross-validation has one network"):
        cross_validate(Material(sessions), preset("demo", SMALL), TRIES)
    with pytest.raises(ConfigError, match="continued has one network"):
        train_from(trained[0], Material(sessions[1:]), tmp_path / "on", TRIES)
