"""Several teachers at once, each with its weight; and the study that asks what one brings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from commands.options import NetworkGroup
from models.learning.studies import taught
from models.learning.training.distillation import distribution_kd
from models.learning.training.objective import Objective
from models.learning.training.recipe import Recipe
from realtime.errors import ConfigError
from tests.support.networks import small_network


def test_teachers_are_named_once_each_and_weigh_what_is_said() -> None:
    _, recipe = NetworkGroup(teachers=["said.npz=0.5", "frames:fast"]).changes()
    assert recipe.distil == "distribution"
    assert recipe.teachers == {"said.npz": 0.5, "frames:fast": 1.0}
    chosen = NetworkGroup(settings=["recipe.distil=feature"], teachers=["said.npz"]).changes()[1]
    assert chosen.distil == "feature"
    assert Recipe(teacher="said.npz").teachers == {}  # nobody listens without a distillation


@pytest.mark.parametrize("wrong", ["said.npz=0", "said.npz=much", "=1", "a.npz,a.npz", "a.npz=inf"])
def test_a_weight_that_is_none_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="is no teacher"):
        Recipe(teacher=wrong)
    with pytest.raises(ConfigError, match="is no teacher"):
        NetworkGroup(teachers=wrong.split(",")).changes()


def test_what_is_learned_from_several_is_the_sum_of_what_each_asks_for_by_its_weight() -> None:
    torch.manual_seed(0)
    recipe = Recipe(distil="distribution", teacher="a.npz=0.5,b.npz=3")
    objective = Objective(small_network(), recipe, [3, 5])
    cosine, labels = torch.rand(4, 4), torch.eye(4) * 2 - 1
    said = [torch.randn(4, 3), torch.randn(4, 5)]
    given = objective.distil_loss(None, cosine, labels, slice(0, 4), said)  # type: ignore[arg-type]
    expected = 0.5 * distribution_kd(cosine, said[0]) + 3 * distribution_kd(cosine, said[1])
    torch.testing.assert_close(given, expected)


@pytest.mark.long
def test_the_study_has_a_teacher_that_knows_what_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(taught, "_TRAIN_S", 50.0)
    monkeypatch.setattr(taught, "_TEST_S", 30.0)
    sessions = taught.write_sessions(tmp_path, snr=0.4)
    with np.load(sessions[0] / taught.TEACHER) as file:
        stamps, rows = file["stamps"], file["embeddings"]
    assert len(stamps) == len(rows) > 20
    assert (np.diff(stamps) >= 0).all()
    assert (rows.sum(axis=1) == 1).all()
    faces = rows[:, sorted(set(taught.KINDS)).index("face")].mean()
    assert 0.15 < faces < 0.55  # one token in three


@pytest.mark.long
def test_the_study_runs_from_end_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taught, "_TRAIN_S", 50.0)
    monkeypatch.setattr(taught, "_TEST_S", 30.0)
    recipe = Recipe(steps=2, match=0.0, validation=0, teacher=taught.TEACHER, distil_weight=1.0)
    rows = list(taught.taught(recipe, [0.5], [0], ["none", "feature"], snr=0.4))
    assert [row.way for row in rows] == ["none", "feature"]
    assert all(0 <= value <= 1 for row in rows for value in (*row.two, *row.ten))
    table = taught.as_markdown(rows)
    assert table.count("\n") == 4
    assert "0.5 min" in table
