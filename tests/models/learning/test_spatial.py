"""Many electrodes are filtered as their own data asks, few are left as they are."""

from __future__ import annotations

import pytest

from models.checkpoint import load_checkpoint
from models.config import preset
from models.learning.spatial import patterns
from models.learning.train import Material, train_sessions
from models.learning.training.recipe import Recipe
from tests.support.flashes import SMALL, write_flashes

FEW_STEPS = Recipe(steps=40, batch=16, warmup=5, match=0.0, check_every=20, validation=0)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return write_flashes(tmp_path_factory.mktemp("many") / "run", 60.0, 3, n_more=8)


def learned(session, out, **changes):
    return load_checkpoint(
        train_sessions(Material([session]), out, preset("demo", {**SMALL, **changes}), FEW_STEPS).folder
    ).network


def test_many_electrodes_get_filters_that_take_out_what_disturbs_all_of_them(many, tmp_path):
    network = learned(many, tmp_path / "model")
    assert network.config.eeg.spatial == len(patterns(network)) >= 3
    first = patterns(network)[0]
    answering = {"O1", "O2", "Fp1"}
    assert max(abs(first[name]) for name in first if name not in answering) < 0.3
    assert abs(first["O1"]) == pytest.approx(1.0, abs=0.05)


def test_what_the_configuration_says_holds_and_few_electrodes_are_taken_as_they_are(many, tmp_path):
    assert learned(many, tmp_path / "none", **{"eeg.spatial": 0}).config.eeg.spatial == 0
    few = write_flashes(tmp_path / "few", 60.0, 3)
    network = learned(few, tmp_path / "plain")
    assert network.config.eeg.spatial == 0
    assert patterns(network) == []
