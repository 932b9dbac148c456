"""Which code is attended: a pass is set against the same pass of every trial; blocks are left out whole."""

from __future__ import annotations

import numpy as np
import pytest

from models.config import preset
from models.learning.data.dataset import Recordings, Windows
from models.learning.studies.codes import PASSES, Trials, attended, same_pass, told
from models.learning.train import Material
from models.learning.training.recipe import Recipe
from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import SessionError

GRID = {"slots_hz": 100, "interval_s": 2.1, "lag_s": 0.0}


def test_a_pass_meets_the_same_pass_of_every_trial():
    n = 3
    of_window = np.arange(n * PASSES)  # trial · passes + pass
    scores = of_window[:, None] * 100.0 + of_window
    found = same_pass(scores, n)
    assert found.shape == (n, PASSES, n)
    assert found[2, 1, 0] == (2 * PASSES + 1) * 100 + 1


def test_counts_are_of_single_passes_and_of_whole_trials():
    scores = np.zeros((4, PASSES, 4))
    scores[np.arange(4), :, np.arange(4)] = 1.0
    scores[0, 0] = [0.0, 5.0, 0.0, 0.0]  # one pass is taken for trial 1's, and outweighs the other
    scores[1, 0] = [1.5, 1.0, 0.0, 0.0]  # here the other pass makes up for it
    found = told(scores)
    assert (found["correct"], found["n"], found["correct_trials"], found["n_trials"]) == (6, 8, 3, 4)
    assert found["chance"] == 0.25
    assert found["share_ci"][0] < 0.75 < found["share_ci"][1]


def test_what_is_learned_from_leaves_out_whole_trials():
    starts = np.array([0, 520, 1040, 1560])
    trials = Trials(Windows(np.zeros(8, np.int64), np.arange(8)), starts, 2000)
    spans = trials.spans(np.array([True, False, True, True]))
    assert [(s.start, s.stop) for s in spans] == [(0, 520), (1040, 2000)]


def test_a_session_without_trials_is_refused(shared_data, tmp_path):
    session = shared_data / "sessions" / "p300-muse" / "run01"
    recordings = Recordings([session], GridConfig(**GRID), ConditioningConfig(), tmp_path)
    with pytest.raises(SessionError, match="0 whole trials marked code"):
        Trials.of(recordings, "code")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_real_codes_are_told_far_above_chance(shared_data, tmp_path):
    config = preset("demo", {f"grid.{name}": value for name, value in GRID.items()})
    material = Material([shared_data / "sessions" / "cvep32" / "run01"], cache=tmp_path)
    found = attended(material, config, Recipe(steps=150, validation=0, match=0), n_folds=2)
    assert found["network"]["share_ci"][0] > 5 * found["network"]["chance"]
