"""What runs, beside everything it was chosen from, on windows that nobody learned from."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from models.learning.judging.metrics import Scored
from models.learning.studies import chosen as study
from tests.support.flashes import SMALL, write_flashes


def _scored(quality: float, seed: int) -> list[Scored]:
    noise = np.random.default_rng(seed).normal(size=(40, 40))
    return [Scored(quality * np.eye(40) + noise, 2.0 * np.arange(40))]


def test_the_choice_is_set_against_the_best_single_candidate_on_the_same_windows():
    said = {"network": _scored(1.0, 0), "ridge": _scored(0.5, 1), "cca": _scored(3.0, 2)}
    said |= {"responses": _scored(0.0, 3), study.TWO: _scored(9.0, 4), study.CHOICE: _scored(3.0, 2)}
    found = study.told(said)
    assert found["best"] == "cca"
    assert found["less_best"] == [0.0, 0.0, 0.0]
    worse = study.told({**said, study.CHOICE: _scored(0.0, 5)})
    assert worse["less_best"][2] < 0


@pytest.mark.long
def test_a_row_is_measured_once_for_each_name_and_stands_in_the_table(tmp_path, monkeypatch, capsys):
    session = write_flashes(tmp_path / "run01", 60.0, seed=1)
    out = tmp_path / "chosen.md"
    words = ["chosen", str(session), "--name", "flashes", "--folds", "2 blocks", "--out", str(out), "--set"]
    words += [
        *(f"{name}={value}" for name, value in SMALL.items()),
        "recipe.steps=30",
        "recipe.check_every=15",
    ]
    monkeypatch.setattr(sys, "argv", words)
    study.main()
    (row,) = json.loads(out.with_suffix(".json").read_text())
    assert row["data"] == "flashes"
    assert len(row["chosen"]) == 2
    assert set(row["figures"]) == {"network", "ridge", "cca", "responses", study.TWO, study.CHOICE}
    assert row["figures"][study.CHOICE]["two_way"][0] == pytest.approx(0.85, abs=0.15)
    assert out.read_text().count("| flashes |") == 1
    assert "| flashes |" in capsys.readouterr().out
