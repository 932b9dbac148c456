"""Any of braindecode's models that can give features, as an EEG encoder (`braindecode:REVE`).

braindecode and what it brings are an extra, imported when this encoder is built and by nothing else. It needs
a torchaudio that loads beside this torch. Its models take `n_chans, n_times, sfreq, chs_info, n_outputs`,
load by `from_pretrained`, and called with `return_features=True` give a dict with `features`
(braindecode.org, "Loading and Adapting Pretrained Foundation Models").

Electrodes reach a model by their places: `chs_info` names them to REVE, which looks them up in a bank of its
own, and LaBraM takes `ch_names` at each call. REVE, LaBraM, EEGPT, BIOT and CBraMod of braindecode 1.8.1 run
in the tests where it is installed.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.network.compression import shares
from models.network.eeg.cbramod import BAND_HZ
from models.network.eeg.spread import Spread
from models.network.hub import not_here, start_of
from models.network.interfaces import EegConfig, EegEncoder, EegFeatures
from realtime.config import GridConfig
from realtime.errors import ConfigError, WeightsError

_MICROVOLTS = 100.0  # LaBraM's unit, and that of the models published after it
_STANDARDIZED = ("REVE",)  # these want their own running scale as the unit, and nothing beyond 15 of it
_MOST = 15.0
_GRID_WIDTH = 32


class BraindecodeConfig(EegConfig):
    """Any braindecode model by its class name, e.g. `braindecode:REVE`; `options` are its own arguments."""

    kind: Literal["braindecode"] = "braindecode"
    model: str = Field(min_length=1)
    weights: str | None = None
    frozen: bool = False
    options: Mapping[str, Any] = {}

    def build(self, labels: tuple[str, ...], grid: GridConfig) -> EegEncoder:
        """Build the part."""
        return BraindecodeEncoder(self, labels, grid)


class BraindecodeEncoder(nn.Module):
    """See `interfaces.EegEncoder`. The model sees the last whole seconds of the interval's EEG.

    In µV / 100, as LaBraM and those after it; REVE in the running scale of each electrode.

    Features of shape (N, C, P, D) become tokens of P times, others stand for the whole of the EEG. These
    models know no masks: a missing sample reads as 0.
    """

    band_hz = BAND_HZ
    grid_width = _GRID_WIDTH
    token_width: int | None
    token_times: Tensor | None

    def __init__(self, config: BraindecodeConfig, labels: tuple[str, ...], grid: GridConfig) -> None:
        super().__init__()
        self.n_channels, self.n_seconds = len(labels), int(grid.interval_s)
        self.n_times = self.n_seconds * grid.eeg_hz
        self.model, self.frozen = config.model, config.frozen
        self.network: Any = _build(config, labels, self.n_times, float(grid.eeg_hz))
        self.network.stored_elsewhere = config.frozen and config.weights is not None
        if config.frozen:
            self.network.requires_grad_(requires_grad=False)
        takes = inspect.signature(self.network.forward).parameters
        self.names = {"ch_names": list(labels)} if "ch_names" in takes else {}
        with torch.no_grad():
            shape = self._features(torch.zeros(1, self.n_channels, self.n_times)).shape[1:]
        by_channel = len(shape) == 3 and shape[0] == self.n_channels
        by_time = by_channel and self.n_seconds * grid.slots_hz % shape[1] == 0
        self.by_channel, self.n_parts = by_channel, shape[1] if by_time else 1
        self.token_width = shape[-1]
        self.norm = nn.LayerNorm(self.token_width)
        n_tokens = shape[:-1].numel()
        n_features = n_tokens // self.n_parts * self.token_width
        self.spread = Spread(n_features, self.n_parts, self.n_seconds, grid, self.grid_width)
        part_s = self.n_seconds / self.n_parts
        centres = (torch.arange(self.n_parts) + 0.5) * part_s - self.n_seconds - grid.lag_s
        self.token_times = centres.repeat_interleave(n_tokens // self.n_parts)

    def train(self, mode: bool = True) -> BraindecodeEncoder:
        """Set the mode; what is frozen stays as in evaluation."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        """Encode eeg (N, C, n_times) µV; see `interfaces.EegEncoder`."""
        x = torch.where(valid, eeg, 0.0)[:, :, -self.n_times :]
        standardized = self.model in _STANDARDIZED
        x = (x / scale[:, :, None]).clamp(-_MOST, _MOST) if standardized else x / _MICROVOLTS
        features = self.norm(self._features(x))
        if self.n_parts > 1:
            features = features.transpose(1, 2)  # (N, P, C, D)
        tokens = features.reshape(len(x), -1, self.token_width)  # in time order
        parts = tokens.reshape(len(x), self.n_parts, -1)
        channels = self._channels(parts, valid) if explain else None
        return EegFeatures(self.spread(parts), tokens, channels)

    def _channels(self, parts: Tensor, valid: Tensor) -> Tensor:
        """Share of each electrode; where features do not tell them apart, equal for all that are there."""
        if self.by_channel:
            return shares(self.spread.energy(parts, self.n_channels))
        return shares(torch.where(valid.any(dim=2), 1.0, 0.0))

    def _features(self, x: Tensor) -> Tensor:
        try:
            return self.network(x, return_features=True, **self.names)["features"]
        except (TypeError, KeyError, IndexError) as error:
            raise ConfigError(
                f"eeg = 'braindecode:{self.model}' gives no features; choose one of its foundation models, "
                f"for instance braindecode:REVE, braindecode:Labram or braindecode:CBraMod"
            ) from error
        except ValueError as error:  # LaBraM, of a name that it has no place for
            raise ConfigError(
                f"eeg = 'braindecode:{self.model}' does not take these electrodes ({error}): choose others "
                f"with --channels"
            ) from error


def _build(config: BraindecodeConfig, labels: tuple[str, ...], n_times: int, rate: float) -> Any:
    """Give the model for these electrodes and this length, with the weights that the configuration names."""
    try:
        zoo = import_module("braindecode.models")
    except ImportError as error:
        raise ConfigError(
            f"eeg = 'braindecode:{config.model}' needs braindecode ({error}): "
            f"run `pip install 'phosphene[braindecode]'`"
        ) from error
    kind: Any = getattr(zoo, config.model, None)
    if not hasattr(kind, "from_pretrained"):  # every model of braindecode has it, nothing else does
        raise ConfigError(f"eeg = 'braindecode:{config.model}': braindecode.models has no model of this name")
    signal = {
        "n_chans": len(labels),
        "n_times": n_times,
        "sfreq": rate,
        "chs_info": electrodes(labels, rate),
        "n_outputs": 2,
    }
    weights = start_of(config.weights, config.frozen)
    try:
        network = (
            kind(**signal, **config.options)
            if weights is None
            else _pretrained(kind, weights, signal, config)
        )
    except RuntimeError as error:
        if "position bank" not in str(error):
            raise
        raise WeightsError(
            "eeg = 'braindecode:REVE' looks its electrodes up in a file that is not on this machine: save "
            "https://huggingface.co/brain-bzh/reve-positions (positions.json) as reve_positions.json in a "
            "folder, and name that folder in the environment variable REVE_POSITIONS_PATH"
        ) from error
    _check_places(network, config.model, labels)
    return network


def _check_places(network: Any, model: str, labels: tuple[str, ...]) -> None:
    """Refuse electrodes that a model which looks places up has none for: it would leave them out."""
    places = getattr(network, "default_pos", None)
    if places is not None and len(places) != len(labels):
        raise ConfigError(
            f"eeg = 'braindecode:{model}' knows the places of {len(places)} of {len(labels)} electrodes "
            f"({', '.join(labels)}): choose those of the 10-05 system with --channels"
        )


def _pretrained(kind: Any, weights: str, signal: dict[str, Any], config: BraindecodeConfig) -> Any:
    try:
        return kind.from_pretrained(weights, **signal, **config.options)
    except (OSError, ValueError, RuntimeError) as error:
        if "position bank" in str(error):
            raise
        hub_id = f"braindecode/{config.model.lower()}-pretrained"
        raise not_here(f"braindecode:{config.model}", weights, (hub_id,), error) from error


def electrodes(labels: tuple[str, ...], rate: float) -> list[dict[str, Any]]:
    """Give what braindecode wants to know of each electrode: its name and place, as MNE tells them."""
    import mne  # comes with braindecode

    montage = mne.channels.make_standard_montage("standard_1005")
    as_written = {name.lower(): name for name in montage.ch_names}  # REVE's bank knows no other way
    names = [as_written.get(label.lower(), label) for label in labels]
    info = mne.create_info(names, rate, "eeg", verbose="error")
    info.set_montage(montage, match_case=False, on_missing="ignore", verbose="error")
    return list(info["chs"])
