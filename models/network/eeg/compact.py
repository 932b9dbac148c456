"""A small EEG encoder from scratch: at 2 s it is often as good as a large one, so every comparison has it."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.interfaces import EegConfig, EegEncoder, EegFeatures
from realtime.config import GridConfig
from realtime.errors import ConfigError


class CompactConfig(EegConfig):
    """A small convolutional encoder from scratch (docs/design.md: the shape that learned)."""

    kind: Literal["compact"] = "compact"
    hidden: int = Field(32, ge=4)  # filters of the first convolution
    kernel_s: float = Field(0.5, gt=0)  # how far it looks past the picture
    dropout: float = Field(0.2, ge=0, lt=1)
    clip: float = Field(8.0, gt=0)  # in units of the running robust scale
    spatial: int | None = Field(
        None, ge=0
    )  # components of the electrodes, 0 for none; None: found in training
    spatial_learns: bool = False  # whether its filters, set from the training data, are trained further

    def build(self, labels: tuple[str, ...], grid: GridConfig) -> EegEncoder:
        """Build the part."""
        return CompactEncoder(self, labels, grid)


class SpatialFilters(nn.Module):
    """Electrodes → components by filters set in closed form from the training data (`learning.spatial`).

    What a network lacks with minutes of data and many electrodes is the spatial filter. Further training,
    where it is asked for, goes through a change with a tenth of the others' rate.

    Attributes
    ----------
    filters, patterns : (k, C)
        Of EEG in units of its running scale, and what each component looks like on the scalp (Haufe et al.
        2014); patterns are 0 until the filters are set.
    """

    filters: Tensor
    patterns: Tensor

    def __init__(self, n_channels: int, k: int, learns: bool) -> None:
        super().__init__()
        if k > n_channels:
            raise ConfigError(f"eeg.spatial={k} components of {n_channels} electrodes: name at most as many")
        self.register_buffer("filters", nn.init.orthogonal_(torch.empty(k, n_channels)))
        self.register_buffer("patterns", torch.zeros(k, n_channels))
        self.change = nn.Parameter(torch.zeros(k, n_channels)) if learns else None

    @property
    def weight(self) -> Tensor:
        """The filters as they are applied, (k, C)."""
        return self.filters if self.change is None else self.filters + 0.1 * self.change

    def forward(self, x: Tensor) -> Tensor:
        """Filter (N, C, n_times): (N, k, n_times)."""
        return self.weight @ x


class CompactEncoder(nn.Module):
    """Convolution that looks past the picture, then a mean onto the grid. See `interfaces.EegEncoder`.

    Slot g is made of the EEG from slot g to `kernel_s` after it: the brain answers 50–400 ms after a picture.
    EEG that the interval does not hold (a lag shorter than the kernel) reads as 0.
    """

    band_hz = (0.5, 40.0)
    token_width: int | None = None
    token_times: Tensor | None = None

    def __init__(self, config: CompactConfig, labels: tuple[str, ...], grid: GridConfig) -> None:
        super().__init__()
        self.clip = config.clip
        self.grid_width = config.hidden
        self.per_slot = grid.per_slot
        kernel = round(config.kernel_s * grid.eeg_hz) + 1
        self.n_points = grid.n_slots * self.per_slot + kernel - 1
        n_inputs = config.spatial or len(labels)
        self.spatial = (
            SpatialFilters(len(labels), config.spatial, config.spatial_learns) if config.spatial else None
        )
        self.conv = nn.Conv1d(n_inputs, config.hidden, kernel, bias=False)
        self.norm = nn.BatchNorm1d(config.hidden)
        self.pool = nn.AvgPool1d(self.per_slot)
        self.dropout = nn.Dropout(config.dropout)
        self.smooth = nn.Conv1d(config.hidden, config.hidden, 5, padding=2)

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        """Encode eeg (N, C, n_times) µV; see `interfaces.EegEncoder`."""
        x = self.condition(eeg, valid, scale)
        sources = x if self.spatial is None else self.spatial(x)
        hidden = self.dropout(self.pool(F.elu(self.norm(self.conv(sources)))))  # (N, hidden, G)
        hidden = hidden + F.elu(self.smooth(hidden))
        return EegFeatures(hidden.transpose(1, 2), None, self.channel_shares(x) if explain else None)

    def condition(self, eeg: Tensor, valid: Tensor, scale: Tensor) -> Tensor:
        """EEG (N, C, n_times) in units of its running scale, clipped; 0 where invalid or without a scale."""
        known = (scale > 0)[:, :, None]
        unit = torch.where(known, scale[:, :, None], 1.0)
        x = torch.where(valid & known, eeg, 0.0) / unit
        missing = self.n_points - x.shape[2]  # a negative pad cuts off
        x = x.clamp(-self.clip, self.clip)
        return F.pad(x, (0, missing)) if missing else x

    def channel_shares(self, x: Tensor) -> Tensor:
        """Share (N, C) of each electrode in the energy the first convolution passes on, one look a slot."""
        assert self.norm.running_var is not None
        gain = self.norm.weight * (self.norm.running_var + self.norm.eps).rsqrt()
        weight = self.conv.weight * gain[:, None, None]
        if self.spatial is not None:
            weight = torch.einsum("hkt,kc->hct", weight, self.spatial.weight)
        n_channels = x.shape[1]
        alone = weight.transpose(0, 1).reshape(-1, 1, weight.shape[2])  # (C·hidden, 1, kernel)
        passed = F.conv1d(x, alone, stride=self.per_slot, groups=n_channels)
        energy = passed.unflatten(1, (n_channels, -1)).square().mean(dim=(2, 3))
        return energy / energy.sum(dim=1, keepdim=True).clamp(min=1e-12)
