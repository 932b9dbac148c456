"""What the tests of the network share: small networks and batches, and weights made by a rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.config import NetworkConfig, preset
from models.network.network import Batch, Network

LABELS = ("Fz", "Cz", "Pz", "Oz")
# A second of video and half a second more of EEG: a fifth of the demo's cost, the same shapes.
SMALL: dict[str, Any] = {"grid.interval_s": 1.0, "fast.image_px": 32, "fast.width": 16, "width": 32}


def small_config(**changes: Any) -> NetworkConfig:
    """The demo's configuration, smaller; keywords change parts, with `__` for a dot."""
    return preset("demo", SMALL | {name.replace("__", "."): value for name, value in changes.items()})


def small_network(seed: int = 0, opened: bool = True, **changes: Any) -> Network:
    """A network in evaluation mode; `opened` gates let the video through, as after training."""
    torch.manual_seed(seed)
    network = Network(small_config(**changes), LABELS).eval()
    with torch.no_grad():
        for name, value in network.named_parameters():
            if opened and name.endswith("gate"):
                value.fill_(0.6)
    return network


def small_batch(
    network: Network, n_batch: int = 2, n_intervals: int = 1, n_videos: int = 1, seed: int = 1
) -> Batch:
    """Random EEG of 20 µV and random frame embeddings, all valid."""
    random = torch.Generator().manual_seed(seed)
    config, n_items = network.config, n_intervals * n_videos
    grid = config.grid
    eeg = 20 * torch.randn(n_batch, n_intervals, len(network.labels), grid.n_times, generator=random)
    frames = {
        path: torch.randn(
            n_batch, n_items, grid.n_slots // every, *network.frame_shape(path), generator=random
        )
        for path, every in config.paths.items()
    }
    return Batch(
        eeg=eeg,
        eeg_valid=torch.ones_like(eeg, dtype=torch.bool),
        eeg_scale=torch.full(eeg.shape[:3], 20.0),
        frames=frames,
        frame_valid=torch.ones(n_batch, n_items, grid.n_slots, dtype=torch.bool),
    )


def fill_by_rule(module: nn.Module, listing: Path, section: str, gain: float) -> None:
    """Fill a module as the original was filled: entry i of its sorted names is gain·sin(0.37·j + i).

    `listing` holds the original's names by section; names that ours does not have are counted and left out.
    """
    _, _, rest = listing.read_text().partition(f"# {section}\n")
    names = [line.split(" [")[0] for line in rest.partition("#")[0].strip().splitlines()]
    ours = dict(module.named_parameters())
    assert set(ours) <= set(names)
    with torch.no_grad():
        for i, name in enumerate(names):
            if name in ours:
                value = ours[name]
                value.copy_(wave(value.numel(), i, gain).view_as(value))
                if name.endswith("weight") and value.dim() == 1:
                    value += 1


def wave(n: int, i: int, gain: float) -> Tensor:
    """gain·sin(0.37·j + i) for j = 0 … n − 1, in float64."""
    return gain * torch.sin(0.37 * torch.arange(n, dtype=torch.float64) + i)
