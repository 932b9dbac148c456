"""Many electrodes are filtered as their own data asks, few are left as they are."""

from __future__ import annotations

import numpy as np
import pytest

from models.checkpoint import load_checkpoint
from models.config import preset
from models.learning.spatial import patterns, spatial_layers
from models.learning.train import Material, train_sessions
from models.learning.training import search
from models.learning.training.recipe import Recipe
from models.learning.training.search import Sought
from models.learning.training.validation import HeldWindows
from tests.support.flashes import SMALL, write_flashes

STEPS = Recipe(steps=60, batch=16, warmup=5, match=0.0, check_every=15)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return write_flashes(tmp_path_factory.mktemp("many") / "run", 60.0, 3, n_more=8)


def learned(session, out, recipe=STEPS, **changes):
    made = train_sessions(Material([session]), out, preset("demo", {**SMALL, **changes}), recipe)
    return load_checkpoint(made.folder).network


@pytest.mark.slow
def test_many_electrodes_get_filters_where_a_network_with_them_is_better_on_what_is_held_out(many, tmp_path):
    """What disturbs all electrodes is three times what a flash adds; a minute is little to learn that."""
    network = learned(many, tmp_path / "model")
    assert network.config.eeg.spatial == len(patterns(network)) >= 3
    first = patterns(network)[0]
    assert max(abs(first[name]) for name in first if name.startswith("E")) < 0.3
    assert abs(first["O1"]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("better", "k"), [("plain", 0), ("filtered", 3)])
def test_which_beginning_is_taken_is_decided_by_what_is_held_out(many, tmp_path, monkeypatch, better, k):
    def sought(learner, parts, state=None, work=None):
        has = bool(spatial_layers(learner.make(parts[0][0])))
        judged = tuple(HeldWindows.of(learner.recordings, held) for _, held in parts)
        scored = tuple(one.judged(np.eye(len(one.starts))) for one in judged)
        return Sought(2, 4, [], 0.9 if has == (better == "filtered") else 0.8, scored, parts)

    monkeypatch.setattr(search, "seek", sought)
    network = learned(many, tmp_path / better)
    assert network.config.eeg.spatial == len(patterns(network)) >= k
    assert bool(patterns(network)) == bool(k)


@pytest.mark.slow
def test_what_the_configuration_says_holds_and_few_electrodes_are_taken_as_they_are(many, tmp_path):
    plain = STEPS.model_copy(update={"steps": 5, "validation": 0.0})
    assert learned(many, tmp_path / "none", plain, **{"eeg.spatial": 0}).config.eeg.spatial == 0
    assert len(patterns(learned(many, tmp_path / "two", plain, **{"eeg.spatial": 2}))) == 2
    few = write_flashes(tmp_path / "few", 60.0, 3)
    assert patterns(learned(few, tmp_path / "plain", plain)) == []
