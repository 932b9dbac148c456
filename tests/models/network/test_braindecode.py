"""The adapter to braindecode, against a stand-in with its published interface.

These tests check the adapter; `tests/models/test_braindecode_itself.py` runs braindecode itself.
"""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from models.network.eeg.braindecode import BraindecodeConfig, BraindecodeEncoder, electrodes
from realtime.config import GridConfig
from realtime.errors import ConfigError, WeightsError
from tests.support.braindecode_stand_in import install

GRID, LABELS = GridConfig(), ("Fz", "CZ", "O1")


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)


def encoder(model: str, **changes: Any) -> BraindecodeEncoder:
    torch.manual_seed(0)
    return BraindecodeEncoder(BraindecodeConfig(model=model, **changes), LABELS, GRID).eval()


def interval() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    eeg = 20 * torch.randn(2, 3, GRID.n_times, generator=torch.Generator().manual_seed(1))
    return eeg, torch.ones_like(eeg, dtype=torch.bool), torch.ones(2, 3)


@pytest.mark.parametrize(
    ("model", "times"),
    [("ByPatch", [-2.0] * 3 + [-1.0] * 3), ("ByToken", [-1.5] * 6), ("Pooled", [-1.5])],
)
def test_features_of_any_shape_become_tokens_and_a_grid(model: str, times: list[float]) -> None:
    features = encoder(model)(*interval(), explain=True)
    assert features.tokens.shape == (2, len(times), 12)
    assert encoder(model).token_times.tolist() == times
    assert features.grid.shape == (2, GRID.n_slots, encoder(model).grid_width)
    assert features.channels is not None
    assert torch.allclose(features.channels.sum(dim=1), torch.ones(2))


def test_tokens_of_a_model_with_patches_come_in_time_order() -> None:
    ours = encoder("ByPatch")
    eeg, valid, scale = interval()
    tokens = ours(eeg, valid, scale).tokens
    last_of_cz = ours.norm(ours.network.map(eeg[0, 1, -200:] / 100))
    assert torch.allclose(tokens[0, 3 + 1], last_of_cz, atol=1e-6)


def test_the_model_is_told_electrodes_rate_and_length_and_gets_hundreds_of_microvolts() -> None:
    ours = encoder("ByToken")
    assert ours.network.names == ["Fz", "Cz", "O1"]  # as REVE's bank writes them
    assert ours.network.rate == 200.0
    assert ours.network.shape == (3, 400)
    places = electrodes(LABELS, 200.0)
    assert all(len(channel["loc"]) == 12 for channel in places)
    assert places[2]["loc"][1] < 0 < places[0]["loc"][1]  # O1 at the back, Fz in front


def test_an_invalid_sample_is_never_read() -> None:
    eeg, valid, scale = interval()
    valid[0, 1, 150:320] = False
    poisoned = torch.where(valid, eeg, float("nan"))
    for ours, theirs in zip(
        encoder("ByPatch")(eeg, valid, scale)[:2], encoder("ByPatch")(poisoned, valid, scale)[:2], strict=True
    ):
        assert torch.equal(ours, theirs)


def test_published_weights_are_loaded_frozen_and_left_out_of_checkpoints() -> None:
    ours = encoder("ByPatch", weights="known/weights", frozen=True)
    assert torch.equal(ours.network.map.weight, torch.ones(12, 200))
    assert not any(p.requires_grad for p in ours.network.parameters())
    assert ours.network.stored_elsewhere
    with pytest.raises(WeightsError, match="hf download other/weights"):
        encoder("ByPatch", weights="other/weights")


def test_without_braindecode_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "braindecode.models", None)
    with pytest.raises(ConfigError, match=r"pip install 'phosphene\[braindecode\]'"):
        encoder("ByPatch")


def test_unknown_models_and_models_without_features_are_refused() -> None:
    with pytest.raises(ConfigError, match="has no model of this name"):
        encoder("Labrum")
    with pytest.raises(ConfigError, match="gives no features"):
        encoder("Classifier")


def test_nothing_else_imports_braindecode() -> None:
    import subprocess

    code = (
        "import sys, models.network.network, models.network.eeg.cbramod, models.inference.engine;"
        "assert not any(name.split('.')[0] == 'braindecode' for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
