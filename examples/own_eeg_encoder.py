"""An EEG encoder of your own, in one file

A part of the network is a configuration with a word (`kind`) and the module that it builds. Import the file,
and the word can be used wherever `compact` or `cbramod` can: in `train_sessions`, in checkpoints, live.

    python examples/own_eeg_encoder.py models/mine SESSION
"""

import sys
from typing import Literal

import torch
from torch import Tensor, nn

import phosphene
from phosphene import EegFeatures


class SpatialConfig(phosphene.EegConfig):
    kind: Literal["spatial"] = "spatial"
    sources: int = 16
    kernel_s: float = 0.4

    def build(self, labels: tuple[str, ...], grid: phosphene.GridConfig) -> "SpatialEncoder":
        return SpatialEncoder(self, labels, grid)


class SpatialEncoder(nn.Module):
    """Spatial filters with a temporal filter each. Slot g reads the EEG up to `kernel_s` after it."""

    band_hz = (0.5, 40.0)  # the band it is fed with, live and in training
    token_width: int | None = None  # its slots serve as tokens
    token_times: Tensor | None = None

    def __init__(self, config: SpatialConfig, labels: tuple[str, ...], grid: phosphene.GridConfig) -> None:
        super().__init__()
        per_slot, kernel = grid.per_slot, round(config.kernel_s * grid.eeg_hz)
        self.grid_width, self.n_points = config.sources, (grid.n_slots - 1) * per_slot + kernel
        self.mix = nn.Conv1d(len(labels), config.sources, 1, bias=False)
        self.filter = nn.Conv1d(config.sources, config.sources, kernel, per_slot, groups=config.sources)
        self.norm = nn.BatchNorm1d(config.sources)

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        x = torch.where(valid, eeg, 0.0) / scale.clamp(min=1e-3)[:, :, None]  # (N, C, points), no unit
        x = nn.functional.pad(x.clamp(-8, 8), (0, max(0, self.n_points - x.shape[2])))[..., : self.n_points]
        slots = self.norm(self.filter(self.mix(x))).transpose(1, 2)  # (N, slots, sources)
        shares = self.mix.weight.square().sum(dim=(0, 2))  # how much of each electrode is let through
        channels = (shares / shares.sum()).expand(len(x), -1) if explain else None
        return EegFeatures(slots, None, channels)


def main(out: str, session: str) -> phosphene.Engine:
    recipe = phosphene.Recipe(steps=10, batch=8, validation=0)
    phosphene.train_sessions(phosphene.Material([session]), out, "demo", recipe, {"eeg": "spatial"})
    return phosphene.Engine.from_checkpoint(out)  # what a live session runs


if __name__ == "__main__":
    print(main(*sys.argv[1:]).network.eeg_tower.encoder)
