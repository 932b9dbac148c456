"""Beside other objects that flash, the best of the places says what the frame as a whole cannot, live too."""

from __future__ import annotations

import numpy as np
import pytest

from experiment.model_choice import ModelChoice
from models.checkpoint import load_checkpoint
from models.combination import Combination, over_places
from models.config import preset
from models.learning.evaluate import evaluate_checkpoint
from models.learning.train import Material, train_sessions
from models.learning.training.recipe import Recipe
from models.light_features import light_on_show, light_rows
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from recordings.player import Player
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.session import Session
from tests.support.flashes import SMALL, write_cells

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sessions(tmp_path_factory):
    root = tmp_path_factory.mktemp("cells")
    return [write_cells(root / f"run{k}", 80.0, k) for k in range(2)]


@pytest.fixture(scope="module")
def folder(sessions, tmp_path_factory):
    recipe = Recipe(steps=45, batch=16, warmup=5, match=0.0, check_every=15)
    out = tmp_path_factory.mktemp("model") / "anna"
    return train_sessions(Material(sessions[:1]), out, preset("demo", {**SMALL, "places": 4}), recipe).folder


def test_what_runs_tells_videos_apart_by_what_is_attended_where_the_whole_frame_does_not(sessions, folder):
    runs = Combination.load(folder)
    assert runs.by_place
    assert "responses by place" in runs.name
    assert runs.judged["responses by place"]["two_way"] > runs.judged["responses"]["two_way"] + 0.1
    found = evaluate_checkpoint(folder, Material(sessions[1:]), with_controls=False)
    assert found["runs"]["name"] == runs.name
    assert found["two_way"] == found["runs"]["two_way"] > found["similarity"]["two_way"] + 0.1
    assert found["runs"]["null_two_way"] == pytest.approx(0.5, abs=0.1)


def test_a_live_session_reads_by_place_and_knows_this_moment_from_others(sessions, folder):
    labels = load_checkpoint(folder).network.labels
    engine = ModelChoice(weights=str(folder), backend="eager").build(labels)
    session = Session(sessions[1])
    sources = ReplayEeg(session, clock := ManualClock(session.start)), ReplayVideo(session, clock)
    pipeline = Pipeline(*sources, lambda labels: engine)
    Player(pipeline, sources, clock, session.span, float("inf")).run()
    readings = list(pipeline.history)
    chances = [reading.chance.two_way for reading in readings if reading.chance.two_way is not None]
    assert np.mean(chances[len(chances) // 2 :]) > 0.75
    assert np.mean([r.match for r in readings]) > 0.6


def test_a_soft_maximum_lies_between_the_mean_and_the_highest_and_of_one_place_is_that_place():
    scores = np.random.default_rng(0).uniform(-1, 1, (50, 16))
    soft = over_places(scores)
    assert (soft <= scores.max(axis=1) + 1e-12).all()
    assert (soft >= scores.mean(axis=1) - 1e-12).all()
    assert over_places(scores[:, :1]) == pytest.approx(scores[:, 0])


def test_light_by_place_is_the_light_of_each_place_by_itself():
    rng = np.random.default_rng(1)
    images = [
        rng.integers(0, 256, (2, 3, 1), np.uint8).repeat(32, 0).repeat(32, 1).repeat(3, 2) for _ in range(12)
    ]
    rows, before, apart = [], None, [None] * 6
    cells = []
    for image in images:
        before = light_rows(image, before, (2, 3))
        rows.append(before)
        parts = [image[32 * r : 32 * r + 32, 32 * c : 32 * c + 32] for r in range(2) for c in range(3)]
        apart = [light_rows(part, last) for part, last in zip(parts, apart, strict=True)]
        cells.append(np.concatenate(apart))
    shown = np.ones(12, bool)
    shown[5] = False
    assert light_on_show(np.array(rows), shown) == pytest.approx(
        light_on_show(np.array(cells), shown), abs=2e-3
    )
    assert not light_on_show(np.array(rows), shown)[5].any()
