"""The shipped weights on virtual subjects whose truth is known: lag, signal-to-noise ratio, engagement."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from models.checkpoint import load_checkpoint
from models.inference.examples import StageExamples
from models.learning.judging.lag import recovered_lag
from models.learning.judging.metrics import summary
from models.learning.judging.scoring import score, similarity_runs
from models.learning.train import Material, fed
from realtime.types import EegInfo
from realtime.virtual.subject.session import simulate_session
from realtime.virtual.subject.subject import SubjectOptions
from recordings.session.writer import write_session

WEIGHTS = Path(__file__).parents[2] / "models" / "weights" / "demo"


def write_subject(folder: Path, seconds: float, **options) -> Path:
    who = SubjectOptions(seed=3, film_seed=11, always_engaged=True, **options)
    told = simulate_session(seconds, who, (160, 90))
    info = EegInfo("Virtual subject", told.labels, "microvolts", told.rate, "virtual-3")
    write_session(folder, info, told.stamps, told.samples, told.frames(), told.markers)
    return folder


@pytest.fixture(scope="module")
def network():
    return load_checkpoint(WEIGHTS).network


def judged(network, folder: Path) -> dict:
    recordings = fed(Material([folder]), network)
    return summary(similarity_runs(score(network, recordings, recordings.spans(), match=False), recordings))


def test_the_shipped_fusion_fuses(network):
    """No gate is shut, and what comes out of the blocks is not what went in."""
    gates = {name: float(value) for name, value in network.state_dict().items() if name.endswith("_gate")}
    assert gates
    assert all(abs(gate) > 1e-3 for gate in gates.values()), gates
    given = [part.clone() for part in StageExamples(network).fuse()[0]]
    tokens, *media, agreed, allowed, eeg_ends, item_ends = given
    with torch.inference_mode():
        fused = network.fuse(tokens, tuple(media), agreed, allowed, eeg_ends, item_ends)
    assert (fused.tokens - tokens).norm() > 0.01 * tokens.norm()
    size = sum(path.stat().st_size for path in WEIGHTS.iterdir())
    assert size < 20e6


def test_a_brain_that_answers_later_is_found_to_within_25_ms(network, tmp_path):
    recordings = fed(Material([write_subject(tmp_path / "late", 32.0, snr=0.8, lag_s=0.1)]), network)
    found = recovered_lag(network, recordings, recordings.spans())
    print(f"lag {found * 1e3:.1f} ms")
    assert found == pytest.approx(0.1, abs=0.025)


@pytest.mark.long
def test_accuracy_rises_with_the_signal_and_is_at_chance_without_one(network, tmp_path):
    found = [
        judged(network, write_subject(tmp_path / str(snr), 120.0, snr=snr)) for snr in (0.0, 0.1, 0.2, 0.8)
    ]
    accuracies = [part["two_way"] for part in found]
    print(*((part["two_way"], part["two_way_ci"]) for part in found))
    low, high = found[0]["two_way_ci"]
    assert low < 0.5 < high
    assert accuracies == sorted(accuracies)
    assert accuracies[-1] > 0.95
