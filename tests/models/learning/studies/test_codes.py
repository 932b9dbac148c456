"""Which code is attended: a pass is set against the same pass of every trial; blocks are left out whole."""

from __future__ import annotations

import numpy as np
import pytest

from models.config import preset
from models.learning.data.dataset import Recordings
from models.learning.studies.codes import NETWORK, RECIPE, attended, same_pass, told
from models.learning.studies.trials import PASSES, Trials, changed
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


def trials() -> Trials:
    return Trials(0, np.array([0, 520, 1040, 1560]), np.array([3, 1, 2, 0]), n_rows=240, n_slots=210)


def test_what_is_learned_from_are_whole_trials_each_by_itself():
    spans = trials().spans(np.array([True, False, True, False]))
    assert [(s.start, s.stop) for s in spans] == [
        (0, 451),
        (1040, 1491),
    ]  # two passes, the lag, and the scale
    assert trials().blocks(2).tolist() == [0, 0, 1, 1]


def test_the_film_at_another_phase_lies_within_its_trial():
    chosen = np.array([False, True, False, False])
    passes, others = trials().windows(chosen), trials().phases(1, np.array([20, 190]))
    assert passes.end.tolist() == [520 + 240, 520 + 450]
    assert others.end.tolist() == [520 + 260, 520 + 430]


def test_settings_of_a_study_change_its_network_and_its_recipe():
    network, recipe = changed(["places=4", "recipe.steps=7"], {"places": 8, "mixer": "tcn"}, Recipe(), 3)
    assert network == {"places": "4", "mixer": "tcn"}
    assert (recipe.steps, recipe.seed) == (7, 3)


def test_a_session_without_trials_is_refused(shared_data, tmp_path):
    session = shared_data / "sessions" / "p300-muse" / "run01"
    recordings = Recordings([session], GridConfig(**GRID), ConditioningConfig(), tmp_path)
    with pytest.raises(SessionError, match="0 whole trials marked codeN"):
        Trials.of(recordings, prefix="code")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_real_codes_are_told_far_above_chance(shared_data, tmp_path):
    material = Material([shared_data / "sessions" / "cvep32" / "run01"], cache=tmp_path)
    recipe = RECIPE.model_copy(update={"steps": 80})
    found = attended(material, preset("demo", NETWORK), recipe, n_folds=2)
    assert found["network"]["share_ci"][0] > 10 * found["network"]["chance"]
    assert found["responses"]["share_ci"][0] > 10 * found["responses"]["chance"]
