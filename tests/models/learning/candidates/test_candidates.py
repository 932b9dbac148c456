"""The best of network, linear model and their sum is chosen, written, and is exactly what runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from commands.app import app
from experiment.model_choice import ModelChoice
from models.checkpoint import load_checkpoint
from models.combination import FILE, Combination
from models.config import preset
from models.inference.engine import Engine
from models.inference.linear_engine import LinearEngine
from models.inference.sums.combined_engine import CombinedEngine
from models.learning import candidates
from models.learning.data.dataset import Windows
from models.learning.data.light import on_slots
from models.learning.evaluate import evaluate_checkpoint
from models.learning.judging.metrics import Scored
from models.learning.judging.scoring import see_windows
from models.learning.train import Material, fed, train_sessions
from models.learning.training.recipe import Recipe
from models.learning.training.search import Sought
from models.light_features import light_on_show, light_rows, moments
from models.response_model import ResponseModel
from realtime.errors import WeightsError
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from recordings.player import Player
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.session import Session
from tests.support.flashes import SMALL, write_flashes

LABELS = ("O1", "O2", "Fp1")
TRIES = Recipe(steps=30, batch=16, warmup=5, match=0.0, check_every=15)


def said(strength: float, seed: int, scale: float = 0.1, n: int = 60) -> Scored:
    """Scores of n windows in a row whose true pairs lie `strength` standard deviations above the others."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((n, n)) + strength * np.eye(n)
    return Scored(scale * noise, np.arange(0.0, 2.0 * n, 2.0))


def chosen(monkeypatch, network: float, ridge: float, cca: float) -> Combination:
    """Choose with such strengths in two parts; the linear model's scores are on a scale of their own."""
    runs = {
        "ridge": [said(ridge, 10 + k, 0.05) for k in (0, 1)],
        "cca": [said(cca, 20 + k, 0.2) for k in (0, 1)],
        "responses": [said(0.0, 30 + k, 0.1) for k in (0, 1)],
    }
    monkeypatch.setattr(candidates, "linear_runs", lambda parts, recordings, places: runs)
    return candidates.choose(Sought(5, 9, [], 0.9, tuple(said(network, k) for k in (0, 1)), ()), None)


# ---------------------------------------------------------------- which is chosen
@pytest.mark.parametrize(
    ("network", "ridge", "cca", "name"),
    [
        (3.0, 0.0, 0.0, "network"),
        (0.0, 0.5, 3.0, "cca"),
        (0.0, 2.5, 0.3, "ridge"),
        (2.0, 0.0, 2.0, "network+cca"),
    ],
)
def test_the_best_on_held_out_parts_is_chosen_and_what_says_nothing_is_left_out(
    monkeypatch, network, ridge, cca, name
):
    found = chosen(monkeypatch, network, ridge, cca)
    assert found.name == name
    assert set(found.judged) >= {"network", "ridge", "cca"}
    likeliest = max(found.judged, key=lambda one: found.judged[one]["likelihood"])
    assert found.judged[found.name]["likelihood"] >= found.judged[likeliest]["likelihood"] - 0.05


def test_a_sum_that_may_be_better_by_chance_alone_is_not_chosen(monkeypatch):
    """CCA knows next to nothing: fitted to the windows that judge it, a sum often looks a little better."""
    often = 0
    for seed in range(12):
        runs = {
            name: [said(strength, 100 * seed + 10 * number + k) for k in (0, 1)]
            for number, (name, strength) in enumerate((("ridge", 0.0), ("cca", 0.15), ("responses", 0.0)), 1)
        }
        monkeypatch.setattr(candidates, "linear_runs", lambda parts, recordings, places, runs=runs: runs)
        network = tuple(said(2.0, 100 * seed + k) for k in (0, 1))
        found = candidates.choose(Sought(5, 9, [], 0.9, network, ()), None)
        often += (
            max(one["likelihood"] for one in found.judged.values()) > found.judged["network"]["likelihood"]
        )
        assert found.name == "network"
    assert often > 6, "the sums looked no better: this asks nothing"


def test_a_sum_weighs_its_parts_by_what_they_know_on_their_own_scales(monkeypatch):
    """Equally good, the one with scores twice as wide: two thirds of the weight make them count alike."""
    found = chosen(monkeypatch, 2.0, 0.0, 2.0)
    assert found.weight == pytest.approx(2 / 3, abs=0.08)
    assert found.judged["network+cca"]["two_way"] > found.judged["network"]["two_way"] + 0.03
    assert found.match(0.9) > 0.9 > 0.1 > found.match(-0.2)


def test_what_was_chosen_comes_back_from_its_file_and_a_damaged_one_is_refused(tmp_path):
    made = Combination("network+ridge", 0.4, (8.0, -1.0), {"network": {"two_way": 0.7}})
    made.save(tmp_path)
    assert Combination.load(tmp_path) == made
    assert Combination.load(tmp_path / "nowhere") is None
    for text in ("{", "[]", '{"name": "x", "weight": 7, "odds": [1, 2], "judged": {}}', '{"weight": 1}'):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(WeightsError, match="train again"):
            Combination.load(tmp_path)


# ---------------------------------------------------------------- exactly that runs
@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    root = tmp_path_factory.mktemp("flashes")
    return [write_flashes(root / f"run{k}", 50.0, k) for k in range(2)]


@pytest.fixture(scope="module")
def folder(sessions, tmp_path_factory):
    out = tmp_path_factory.mktemp("model") / "anna"
    return train_sessions(Material(sessions[:1]), out, preset("demo", SMALL), TRIES).folder


def test_a_training_judges_the_candidates_and_says_what_runs(folder):
    runs = load_checkpoint(folder).metrics["runs"]
    assert runs["name"] == Combination.load(folder).name
    assert {"network", "ridge", "cca"} <= set(runs["judged"])
    assert runs["judged"]["ridge"]["two_way"] > 0.6
    shown = CliRunner().invoke(app, ["info", str(folder)]).output
    assert f"runs: {runs['name']}" in shown
    kind = {True: LinearEngine, False: CombinedEngine}[runs["weight"] == 0] if runs["weight"] < 1 else Engine
    assert isinstance(ModelChoice(weights=str(folder), backend="eager").build(LABELS), kind)


@pytest.mark.parametrize(
    "name", ["network+ridge", "network+responses", "responses", "network+responses by place", "network"]
)
def test_what_runs_says_live_what_it_says_of_the_recording(sessions, folder, name):
    """The same windows, once through the live path and once as `evaluate` scores them."""
    weight = 0.5 if "+" in name else float(name == "network")
    by_place = "place" in name or weight == 1
    checkpoint = load_checkpoint(folder)
    learned = fed(Material(sessions[:1]), checkpoint.network)
    runs = Combination(name, weight, (10.0, 0.0), by_place=by_place)
    candidates.keep(runs, learned, learned.spans(), folder, checkpoint.network.config.places)
    engine = ModelChoice(weights=str(folder), backend="eager").build(LABELS)
    assert isinstance(engine, {0.0: LinearEngine, 0.5: CombinedEngine, 1.0: Engine}[weight])
    session = Session(sessions[1])
    sources = ReplayEeg(session, clock := ManualClock(session.start)), ReplayVideo(session, clock)
    pipeline = Pipeline(*sources, lambda labels: engine)
    Player(pipeline, sources, clock, session.span, float("inf")).run()
    readings = [r for r in pipeline.history if r.index % 8 == 0][2:]
    network = load_checkpoint(folder).network
    recordings = fed(Material(sessions[1:]), network)
    ends = np.array([round(r.end * 40) - recordings.tables[0].first for r in readings])
    windows = Windows(np.zeros(len(ends), np.int64), ends)
    seen = see_windows(network, recordings, windows, match=False, by_place=by_place)
    what, (offline,) = candidates.live_runs(folder, seen, recordings)
    assert len(readings) > 15
    assert np.corrcoef([r.similarity for r in readings], np.diag(offline.scores))[0, 1] > 0.99
    if what.has_linear:
        assert readings[-1].match == pytest.approx(what.match(readings[-1].similarity))
    assert readings[-1].chance.two_way > 0.5


def test_evaluate_judges_what_runs(sessions, folder):
    learned = fed(Material(sessions[:1]), load_checkpoint(folder).network)
    candidates.keep(Combination("responses", 0.0), learned, learned.spans(), folder)
    found = evaluate_checkpoint(folder, Material(sessions[1:]), with_controls=False)
    assert found["runs"]["name"] == "responses"
    assert found["two_way"] == found["runs"]["two_way"] != found["similarity"]["two_way"]


def test_responses_come_back_from_their_file_and_damaged_ones_are_refused(sessions, folder, tmp_path):
    learned = fed(Material(sessions[:1]), load_checkpoint(folder).network)
    candidates.keep(Combination("responses", 0.0, (5.0, -1.0)), learned, learned.spans(), tmp_path)
    model = ResponseModel.load(tmp_path)
    assert (model.labels, model.odds.tolist()) == (LABELS, [5.0, -1.0])
    again = ResponseModel.load(model.save(tmp_path / "copy").parent)
    assert np.array_equal(again.filters, model.filters)
    replace(model, mean=model.mean[:1]).save(tmp_path / "copy")
    with pytest.raises(WeightsError, match=r"mean do not fit.*train it again"):
        ResponseModel.load(tmp_path / "copy")
    with pytest.raises(WeightsError, match="train it again"):
        ResponseModel.load(tmp_path / "nowhere")


def test_light_live_is_the_light_of_the_recording():
    """Frames as they come, against all frames at once: rises and falls stand at the slot they appear at."""
    rng = np.random.default_rng(0)
    images = [np.full((40, 60, 3), value, np.uint8) for value in rng.integers(0, 256, 30)]
    rows, before = [], None
    for image in images:
        before = light_rows(image, before)
        rows.append(before)
    position = np.repeat(np.arange(3, 23), 2)
    shown = np.ones(40, bool)
    live = light_on_show(np.array(rows)[position], shown)
    offline = on_slots(
        np.stack([moments(image).mean(axis=1) for image in images])[:, :, None].astype(float), position, shown
    )
    assert live[:, 0] == pytest.approx(offline[:, 0], abs=1e-4)
    assert live[:, 0, 1:3].max() > 0.1
