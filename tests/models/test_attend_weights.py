"""The shipped attend weights on a person and a film that nobody learned from: the map points at the truth."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.checkpoint import load_checkpoint
from models.learning.judging.attended import Hits, hits
from models.learning.studies.attender import write_attender
from models.learning.train import Material, fed

WEIGHTS = Path(__file__).parents[2] / "models" / "weights" / "attend"
PERSON, FILM = 3, 11


@pytest.fixture(scope="module")
def network():
    return load_checkpoint(WEIGHTS).network


@torch.inference_mode()
def judged(network, folder: Path, seconds: float, **attender) -> Hits:
    write_attender(folder, seconds, PERSON, FILM, drifts=0.0, **attender)
    recordings = fed(Material([folder]), network)
    return hits(network, recordings, recordings.spans())


@pytest.mark.slow
def test_the_map_points_at_the_attended_object(network, tmp_path):
    found = judged(network, tmp_path / "four", 60.0)
    assert len(found.hit) >= 15
    assert found.hit.mean() > 0.75
    assert found.share.mean() > 2 * found.even.mean()


def test_what_is_attended_passes_gates_that_are_open(network):
    gates = [value for name, value in network.named_parameters() if name.endswith("gate")]
    assert gates
    assert all(float(gate.detach().abs().min()) > 0 for gate in gates)


def test_they_ship_with_less_than_20_mb():
    assert sum(file.stat().st_size for file in WEIGHTS.rglob("*")) < 20e6


@pytest.mark.long
def test_hits_rise_with_the_answer_and_are_at_chance_without_one(network, tmp_path):
    found = [judged(network, tmp_path / str(snr), 600.0, snr=snr).hit.mean() for snr in (0.0, 0.1, 0.4)]
    assert abs(found[0] - 0.25) < 0.07
    assert found[0] < found[1] < found[2]
    assert found[2] > 0.9


@pytest.mark.long
@pytest.mark.parametrize(("n_objects", "least"), [(2, 0.9), (6, 0.7), (9, 0.6)])
def test_other_numbers_of_objects_are_found_too(network, tmp_path, n_objects, least):
    assert judged(network, tmp_path / "other", 200.0, n_objects=n_objects).hit.mean() > least
