"""braindecode's own foundation models, with random weights, through the adapter: where it is installed.

pip install --no-deps braindecode …      # and what it imports; torchaudio's names are stood in for here
"""

from __future__ import annotations

import json
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from models.inference.engine import Engine
from models.network.eeg.braindecode import BraindecodeConfig
from realtime.config import GridConfig
from realtime.errors import ConfigError, WeightsError
from tests.models.test_model_family import moment
from tests.support.networks import LABELS, small_network

GRID = GridConfig()
SMALL: dict[str, dict[str, Any]] = {"REVE": {"depth": 2, "embed_dim": 64, "heads": 4, "head_dim": 16}}
MODELS = ("REVE", "Labram", "EEGPT", "BIOT", "CBraMod")
PLACES = {"Fz": (0.0, 0.06, 0.1), "Cz": (0.0, 0.0, 0.12), "Pz": (0.0, -0.07, 0.1), "Oz": (0.0, -0.11, 0.03)}


class Names(ModuleType):
    """A module in which every name is an empty class: other models of braindecode inherit from them."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


@pytest.fixture(scope="module", autouse=True)
def braindecode_itself(tmp_path_factory: pytest.TempPathFactory) -> Any:
    if find_spec("braindecode") is None:
        pytest.skip("braindecode is not installed: its own models have not been run")
    folder = tmp_path_factory.mktemp("places")
    (folder / "reve_positions.json").write_text(json.dumps(PLACES))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REVE_POSITIONS_PATH", str(folder))
        parts = {name: Names(f"torchaudio{name}") for name in ("", ".functional", ".transforms")}
        for name, module in parts.items():
            module.__spec__ = ModuleSpec(module.__name__, None, is_package=not name)
            module.__dict__["__path__"] = []
            patch.setitem(sys.modules, module.__name__, module)
            if name:
                setattr(parts[""], name[1:], module)
        yield


def settings(model: str) -> dict[str, Any]:
    return {"kind": "braindecode", "model": model, "options": SMALL.get(model, {})}


@pytest.mark.parametrize("model", MODELS)
def test_an_engine_runs_it(model: str) -> None:
    engine = Engine(small_network(eeg=settings(model), grid__interval_s=2.0))
    scores = engine.score(*moment(engine))
    assert -1 <= scores.similarity <= 1
    assert np.isclose(scores.attention.channels.sum(), 1, atol=1e-4)


def test_reve_knows_where_an_electrode_is_and_not_only_which_comes_first() -> None:
    torch.manual_seed(0)
    config = BraindecodeConfig(**settings("REVE"))
    encoder = config.build(LABELS, GRID).eval()
    other = config.build(LABELS[::-1], GRID).eval()
    other.load_state_dict(encoder.state_dict())
    eeg = 20 * torch.randn(1, 4, GRID.n_times)
    given = eeg, torch.ones_like(eeg, dtype=torch.bool), torch.full((1, 4), 20.0)
    turned = (eeg.flip(1), *given[1:])
    with torch.no_grad():
        tokens, same, misplaced = encoder(*given)[1], other(*turned)[1], other(*given)[1]
    by_electrode = [part.unflatten(1, (-1, 4)) for part in (tokens, same, misplaced)]
    torch.testing.assert_close(by_electrode[1].flip(2), by_electrode[0], rtol=1e-4, atol=1e-4)
    assert (by_electrode[2] - by_electrode[0]).abs().max() > 1e-2


def test_electrodes_without_a_place_are_refused() -> None:
    with pytest.raises(ConfigError, match="knows the places of 1 of 2 electrodes"):
        BraindecodeConfig(**settings("REVE")).build(("Cz", "X7"), GRID)
    with pytest.raises(ConfigError, match="does not take these electrodes"):
        BraindecodeConfig(model="Labram").build(("Cz", "X7"), GRID)


def test_without_its_bank_of_places_the_error_says_where_it_is_to_be_had(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REVE_POSITIONS_PATH", str(tmp_path))
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: (_ for _ in ()).throw(OSError("offline")))
    with pytest.raises(WeightsError, match=r"reve_positions\.json"):
        BraindecodeConfig(**settings("REVE")).build(LABELS, GRID)
