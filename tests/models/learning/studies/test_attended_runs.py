"""What would run on objects side by side is chosen without the block it is judged on."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from models.learning.studies import attended_runs as study
from models.learning.studies.attended import Said


def said(strength: float, seed: int, spread: float = 0.05, n: int = 200) -> Said:
    """Passes whose own film lies `strength` spreads above ten phases."""
    scores = np.random.default_rng(seed).normal(size=(n, 11))
    scores[:, 0] += strength
    return Said(None, spread * scores)


@pytest.mark.parametrize(
    ("network", "linear", "names"),
    [
        (2.0, -0.3, ("agreement",)),
        (-0.3, 2.0, ("linear",)),
        (1.5, 1.5, ("agreement", "linear")),
    ],
)
def test_what_says_nothing_is_left_out_and_two_that_know_are_summed(network, linear, names):
    found, weights = study.choice({"agreement": said(network, 1), "linear": said(linear, 2)})
    assert found == names
    assert (weights > 0).all()


def test_each_block_is_judged_by_what_was_chosen_on_the_others(monkeypatch):
    """Two blocks out at a time for the choice, one for the verdict: no block chooses for itself."""
    trainings, blocks = [], np.repeat(np.arange(3), 4)

    class Shown:
        def blocks(self, n):
            return blocks

        def spans(self, there):
            return sorted(set(blocks[there].tolist()))

    monkeypatch.setattr(study, "sides", lambda *_: (None, Shown(), Shown()))
    monkeypatch.setattr(study, "trained", lambda config, recipe, recordings, spans: trainings.append(spans))

    def judge(network, recordings, spans, shown, chosen):
        block = set(blocks[chosen].tolist())
        assert not block & set(spans)
        return {"agreement": said(1.0, len(trainings)), "linear": said(1.0, 50 + len(trainings))}

    monkeypatch.setattr(study, "judge", judge)
    found = study.runs(None, None, n_blocks=3)
    assert trainings == [[2], [1], [0], [1, 2], [0, 2], [0, 1]]
    assert len(found["chosen"]) == 3
    assert found["runs"]["ten_way"] > max(found[name]["ten_way"] for name in study.NAMES.values())
    assert found["less_best"]["ten_way"][0] > 0


def test_a_run_that_was_broken_off_measures_only_the_seeds_that_are_missing(tmp_path, monkeypatch):
    figures = {"two_way": 0.9, "ten_way": 0.7}
    row = dict.fromkeys((*study.NAMES.values(), "even", "runs"), figures)
    row |= {"chosen": [{"name": "network", "share": 1.0}], "less_best": {"ten_way": [0.0, -0.1, 0.1]}}
    (tmp_path / "runs.json").write_text(json.dumps([{"seed": 0, **row}]))
    asked = []
    monkeypatch.setattr(
        study, "runs", lambda material, config, recipe, tell: asked.append(recipe.seed) or row
    )
    monkeypatch.setattr(
        sys, "argv", ["attended_runs", str(tmp_path), "--out", str(tmp_path / "runs.md"), "--seeds", "2"]
    )
    study.main()
    assert asked == [1]
    assert "| 1 | 0.900 / 0.700" in (tmp_path / "runs.md").read_text()
