"""CBraMod as an EEG encoder: published weights, the montage's order, and its 1-s tokens on the time grid."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.compression import shares
from models.network.criss_cross import PATCH, WIDTH, CBraMod
from models.network.eeg_encoder import CompactEncoder
from models.network.hub import fetch_file, load_strictly, read_state_dict, start_of
from models.network.interfaces import EegFeatures
from models.parts import CBraModCompactConfig, CBraModConfig
from realtime.config import GridConfig
from realtime.errors import ConfigError

HUB_IDS = ("weighting666/CBraMod", "braindecode/cbramod-pretrained")
BAND_HZ = (0.3, 75.0)  # of the recordings it was pretrained on
_MICROVOLTS = 100.0  # its unit
_MIN_VALID = 0.8  # a patch with more than 0.2 s missing counts as missing
_SPREAD_RANK, _GRID_WIDTH = 64, 32
# The electrodes of the pretraining recordings (Temple University Hospital corpus), in their order.
PRETRAINED_ORDER = (
    *("FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
    *("F7", "F8", "T7", "T8", "P7", "P8", "FZ", "CZ", "PZ"),
)
_OLD_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}


def load_cbramod(name: str = HUB_IDS[0], n_layers: int = 12, dropout: float = 0.1) -> CBraMod:
    """Load the published network, strictly: every tensor by name and shape.

    Parameters
    ----------
    name : str
        A `.pth` or `.safetensors` file, a folder that holds one, or a hub id.

    Raises
    ------
    WeightsError
        If the weights are nowhere to be had (the message says where to put them), or do not fit.
    """
    path = fetch_file("CBraMod", name, ("pretrained_weights.pth", "model.safetensors"), HUB_IDS)
    state = read_state_dict(path)
    head = "final_layer."  # braindecode saves its task head beside the encoder
    network = CBraMod(n_layers, dropout=dropout)
    load_strictly(network, {key: value for key, value in state.items() if not key.startswith(head)}, path)
    return network.eval()


def montage_order(labels: tuple[str, ...]) -> list[int]:
    """Positions of `labels` in the order CBraMod wants: its pretraining's electrodes first, others after.

    Its positional kernel runs along the channel index, so neighbours in the index should be those it knows.
    """

    def rank(i: int) -> int:
        name = labels[i].strip().upper()
        name = _OLD_NAMES.get(name, name)
        return PRETRAINED_ORDER.index(name) if name in PRETRAINED_ORDER else len(PRETRAINED_ORDER)

    return sorted(range(len(labels)), key=rank)


class CBraModEncoder(nn.Module):
    """CBraMod on the last whole seconds of the interval's EEG. See `interfaces.EegEncoder`.

    Its tokens, one a second and electrode, are the queries of the fusion, in time order. For the similarity
    they are spread onto the time grid by a learned map (`Spread`). A patch with too few valid samples is
    given as a masked patch.
    """

    band_hz = BAND_HZ
    token_width: int | None = WIDTH
    order: Tensor
    back: Tensor

    def __init__(
        self, config: CBraModConfig, labels: tuple[str, ...], grid: GridConfig, grid_width: int = _GRID_WIDTH
    ) -> None:
        super().__init__()
        self.n_patches = int(grid.interval_s)
        if grid.eeg_hz != PATCH or self.n_patches < 1:
            raise ConfigError(
                f"eeg = 'cbramod' reads patches of 1 s at {PATCH} Hz: grid.eeg_hz={grid.eeg_hz} must be "
                f"{PATCH}, and grid.interval_s={grid.interval_s} at least 1"
            )
        self.frozen = config.frozen
        weights = start_of(config.weights, config.frozen)
        if weights is None:
            self.network = CBraMod(config.layers, dropout=config.dropout)
        else:
            self.network = load_cbramod(weights, config.layers, config.dropout)
        self.network.stored_elsewhere = config.frozen and config.weights is not None
        if config.frozen:
            self.network.requires_grad_(False)
        order = torch.tensor(montage_order(labels))
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)
        self.norm = nn.LayerNorm(WIDTH)
        self.spread = Spread(len(labels) * WIDTH, self.n_patches, self.n_patches, grid, grid_width)
        self.grid_width = grid_width
        centres = torch.arange(self.n_patches) + 0.5 - self.n_patches - grid.lag_s  # of the pictures
        self.token_times = centres.repeat_interleave(len(labels))

    def train(self, mode: bool = True) -> CBraModEncoder:
        super().train(mode)
        if self.frozen:
            self.network.eval()  # no dropout in what is not trained
        return self

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        features = self.norm(self.network.features(*self.patches(eeg, valid)))  # (N, C, S, 200)
        by_second = features.index_select(1, self.back).transpose(1, 2)  # (N, S, C, 200)
        parts = by_second.flatten(2)
        channels = shares(self.spread.energy(parts, by_second.shape[2])) if explain else None
        return EegFeatures(self.spread(parts), by_second.flatten(1, 2), channels)

    def patches(self, eeg: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """The last whole seconds, channels in the montage's order, and which of them are masked.

        Returns
        -------
        x : (N, C, S, 200) float, µV/100, 0 where invalid
        masked : (N, C, S) bool
        """
        last = slice(eeg.shape[2] - self.n_patches * PATCH, None)
        clean = torch.where(valid, eeg, 0.0)[:, :, last] / _MICROVOLTS
        x = clean.index_select(1, self.order).unflatten(2, (self.n_patches, PATCH))
        there = torch.where(valid, 1.0, 0.0)[:, :, last].index_select(1, self.order)
        return x, there.unflatten(2, (self.n_patches, PATCH)).mean(dim=3) < _MIN_VALID


class Spread(nn.Module):
    """A learned map from what was made of each part of the EEG to that part's slots, linear and of low rank.

    EEG of [s, e) answers to the pictures of [s - lag, e - lag), so the parts, which divide the last
    `n_seconds` of EEG, fill the last `n_seconds` of slots; slots before stay 0.
    """

    def __init__(self, n_features: int, n_parts: int, n_seconds: int, grid: GridConfig, width: int) -> None:
        super().__init__()
        self.per_part, self.width = n_seconds * grid.slots_hz // n_parts, width
        self.before = grid.n_slots - n_seconds * grid.slots_hz
        self.mix = nn.Linear(n_features, _SPREAD_RANK)
        self.out = nn.Linear(_SPREAD_RANK, self.per_part * width)

    def forward(self, parts: Tensor) -> Tensor:
        """Spread parts (N, n_parts, n_features) as (N, G, width)."""
        slots = self.out(self.mix(parts)).unflatten(2, (self.per_part, self.width))
        return F.pad(slots.flatten(1, 2), (0, 0, self.before, 0))

    def energy(self, parts: Tensor, n_channels: int) -> Tensor:
        """Energy (N, C) that each electrode's features, which lie one after the other, pass on."""
        weight = self.mix.weight.unflatten(1, (n_channels, -1))  # (rank, C, features)
        passed = torch.einsum("npcf,rcf->npcr", parts.unflatten(2, (n_channels, -1)), weight)
        return passed.square().mean(dim=(1, 3))


class CBraModCompactEncoder(nn.Module):
    """CBraMod's tokens, spread onto the time grid, plus the compact tower. See `interfaces.EegEncoder`.

    Both read the same signal, in the band CBraMod was pretrained on; the compact tower learns filters of its
    own. The slots of the sum are the queries of the fusion.
    """

    band_hz = BAND_HZ
    token_width = None

    def __init__(self, config: CBraModCompactConfig, labels: tuple[str, ...], grid: GridConfig) -> None:
        super().__init__()
        self.compact = CompactEncoder(config.compact, labels, grid)
        self.grid_width = self.compact.grid_width
        self.cbramod = CBraModEncoder(config.cbramod, labels, grid, self.grid_width)
        nn.init.zeros_(self.cbramod.spread.out.weight)  # the sum starts as the compact tower alone
        nn.init.zeros_(self.cbramod.spread.out.bias)

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        near, _, near_shares = self.compact(eeg, valid, scale, explain)
        far, _, far_shares = self.cbramod(eeg, valid, scale, explain)
        channels = None
        if explain:  # each tower's electrodes, by that tower's part in the sum
            parts = [part.square().mean(dim=(1, 2)).unsqueeze(1) for part in (near, far)]
            channels = shares(parts[0] * near_shares + parts[1] * far_shares)
        return EegFeatures(near + far, None, channels)
