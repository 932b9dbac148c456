"""Folds, learning curves and tables: every figure from windows that its network never saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.config import preset
from models.learning.baselines import FilmFeatures
from models.learning.crossval import Watch, cross_validate, learning_curve
from models.learning.data.dataset import Recordings
from models.learning.data.folds import folds_of
from models.learning.studies import modalities, what
from models.learning.studies.ablation import Variant, ablation, as_markdown, in_order, variants
from models.learning.train import Material
from models.learning.training import losses
from models.learning.training.recipe import Recipe
from realtime.config import ConditioningConfig
from realtime.errors import ConfigError
from tests.support.flashes import QUICK, SMALL, fresh, write_flashes


@pytest.fixture(scope="module")
def sessions(tmp_path_factory) -> list[Path]:
    root = tmp_path_factory.mktemp("flashes")
    return [write_flashes(root / f"run{i}", 50.0, i) for i in range(3)]


@pytest.fixture(scope="module")
def small():
    return preset("demo", SMALL)


@pytest.fixture(scope="module")
def recordings(sessions, small) -> Recordings:
    found = Recordings(sessions, small.grid, ConditioningConfig())
    found.embed(fresh(small))
    return found


def test_folds_never_share_a_moment_and_leave_a_guard(recordings):
    for how, n in (("runs", 3), ("4 blocks", 4), ("1-2/3", 2)):
        folds = folds_of(recordings, how)
        assert len(folds) == n
        for fold in folds:
            for test in fold.test:
                for train in (t for t in fold.train if t.session == test.session):
                    assert (
                        train.stop + recordings.n_rows <= test.start
                        or test.stop + recordings.n_rows <= train.start
                    )
    covered = [span for fold in folds_of(recordings, "4 blocks") for span in fold.test if span.session == 0]
    assert sum(s.stop - s.start for s in covered) == recordings.tables[0].n_slots


def test_folds_that_cannot_be_are_refused_in_words(recordings):
    with pytest.raises(ConfigError, match="5 blocks"):
        folds_of(recordings, "shuffled")
    with pytest.raises(ConfigError, match="beyond the 3"):
        folds_of(recordings, "1-2/7")
    with pytest.raises(ConfigError, match="nothing to learn from"):
        folds_of(recordings, "1-3")


@pytest.mark.slow
def test_cross_validation_judges_every_session_and_the_curve_and_the_table_follow(sessions, small, tmp_path):
    told, seen = [], []
    found = cross_validate(
        Material(sessions), small, QUICK, "1/2-3",
        state=tmp_path, watch=Watch(told.append, lambda *step: seen.append(step)),
    )  # fmt: skip
    assert [share for _, share in seen] == pytest.approx(np.arange(1, 2 * QUICK.steps + 1) / 2 / QUICK.steps)
    assert seen[-1][0].startswith(f"without run1+run2 (2 of 2), step {QUICK.steps} of {QUICK.steps}, loss ")
    assert found["n_windows"] == 3 * 24
    assert found["split"]["folds"] == ["run0", "run1+run2"]
    assert {part["session"] for part in found["split"]["test"]} == {"run0", "run1", "run2"}
    assert found["baselines"]["cca"]["n_windows"] == 72
    assert len(told) == len(list(tmp_path.glob("*.state"))) == 2
    seen.clear()
    short = QUICK.model_copy(update={"steps": 3})
    row, _ = learning_curve(
        Material(sessions), small, short, (0.5, 0.6), "1/2-3", Watch(report=lambda *step: seen.append(step))
    )
    assert seen[-1][0].startswith("0.6 min, without run1+run2")
    assert [share for _, share in seen] == pytest.approx(np.arange(1, 4 * 3 + 1) / (4 * 3))
    assert row["minutes"] == 0.5
    assert {"network", "ridge", "cca"} <= set(row)


@pytest.mark.slow
def test_a_table_has_a_row_for_each_part_with_its_interval(sessions, small):
    changed = {name: value for name, value in SMALL.items() if name != "compression"}
    chosen = [
        Variant("compression", "pma", {**changed, "compression": "pma"}),
        Variant("loss", "infonce", SMALL, {"loss": "infonce", "match": 0}),
    ]
    rows = list(ablation(Material(sessions), "demo", QUICK, "1/2-3", chosen))
    assert [row.name for row in rows] == ["pma", "infonce"]
    assert rows[0].similarity_ci[0] <= rows[0].similarity <= rows[0].similarity_ci[1]
    assert rows[1].match is None
    assert in_order(rows[::-1]) == rows
    text = as_markdown(rows).splitlines()
    assert len(text) == 4
    assert all(line.count("|") == 8 for line in text)
    assert len({(v.group, v.name) for v in variants()}) == len(variants())
    for variant in variants():
        preset("demo", variant.network)
        Recipe(**variant.recipe)


def test_the_question_of_one_softmax_is_measured_for_both_streams(sessions):
    recipe = Recipe(steps=3, batch=6, warmup=1)
    outcomes = [
        modalities.compare(Material(sessions), recipe, "1/2-3", kind, 0.5) for kind in modalities.LOSSES
    ]
    for outcome in outcomes:
        for part in (outcome.video, outcome.second, outcome.together):
            assert part["two_way_ci"][0] <= part["two_way"] <= part["two_way_ci"][1]
    table = modalities.as_markdown(outcomes)
    assert table.count("\n") == 5
    assert "one softmax over all" in table


def test_a_missing_stream_has_no_pull(sessions, small, recordings):
    torch.manual_seed(0)
    model = modalities.TwoStreams(fresh(small), 6)
    windows = recordings.every(recordings.spans(), 200)
    sides = model(recordings, FilmFeatures(recordings), windows)
    session, end = (torch.from_numpy(part) for part in windows)
    labels = losses.three_state(session, end, 80)
    for kind in modalities.LOSSES:
        nobody = torch.zeros(len(labels), dtype=torch.bool)
        if kind != modalities.LOSSES[1]:
            model.zero_grad()
            model.loss(kind, sides, labels, nobody).backward(retain_graph=True)
            assert float(model.second.head.weight.grad.abs().sum()) == 0.0


@pytest.mark.long
def test_what_is_seen_beyond_when_is_measured_beside_a_network_without_places():
    recipe = Recipe(steps=2, batch=4, warmup=1, validation=0)
    rows = list(what.what_beyond_when(recipe, ["the left half alone"], n_train=1, seconds=24.0))
    ((name, found),) = rows
    assert name == "the left half alone"
    assert 0 <= found["placeless"]["two_way"] <= 1
    assert found["placeless"]["n_windows"] == found["n_windows"]
    header, _, row = what.as_markdown(rows).splitlines()
    linear = ["ridge", "banded", "cca", "responses", "mne |"]
    assert header.split(" | ")[1:] == ["similarity", "placeless", "match", *linear]
    assert row.startswith("| the left half alone | ")
