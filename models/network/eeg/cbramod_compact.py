"""CBraMod and the compact tower added up: the EEG encoder of the large presets."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from models.network.compression import shares
from models.network.eeg.cbramod import BAND_HZ, CBraModConfig, CBraModEncoder
from models.network.eeg.compact import CompactConfig, CompactEncoder
from models.network.interfaces import EegConfig, EegEncoder, EegFeatures
from realtime.config import GridConfig


class CBraModCompactConfig(EegConfig):
    """CBraMod's 1-s tokens spread onto the time grid by a learned map and added to the compact tower's."""

    kind: Literal["cbramod+compact"] = "cbramod+compact"
    cbramod: CBraModConfig = CBraModConfig()
    compact: CompactConfig = CompactConfig()

    def build(self, labels: tuple[str, ...], grid: GridConfig) -> EegEncoder:
        """Build the part."""
        return CBraModCompactEncoder(self, labels, grid)


class CBraModCompactEncoder(nn.Module):
    """CBraMod's tokens, spread onto the time grid, plus the compact tower. See `interfaces.EegEncoder`.

    Both read the same signal, in the band CBraMod was pretrained on; the compact tower learns filters of its
    own. The slots of the sum are the queries of the fusion.
    """

    band_hz = BAND_HZ
    token_width: int | None = None
    token_times: Tensor | None = None

    def __init__(self, config: CBraModCompactConfig, labels: tuple[str, ...], grid: GridConfig) -> None:
        super().__init__()
        self.compact = CompactEncoder(config.compact, labels, grid)
        self.grid_width = self.compact.grid_width
        self.cbramod = CBraModEncoder(config.cbramod, labels, grid, self.grid_width)
        nn.init.zeros_(self.cbramod.spread.out.weight)  # the sum starts as the compact tower alone
        nn.init.zeros_(self.cbramod.spread.out.bias)

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        """Encode eeg (N, C, n_times) µV; see `interfaces.EegEncoder`."""
        near, _, near_shares = self.compact(eeg, valid, scale, explain)
        far, _, far_shares = self.cbramod(eeg, valid, scale, explain)
        channels = None
        if explain:  # each tower's electrodes, by that tower's part in the sum
            parts = [part.square().mean(dim=(1, 2)).unsqueeze(1) for part in (near, far)]
            channels = shares(parts[0] * near_shares + parts[1] * far_shares)
        return EegFeatures(near + far, None, channels)
