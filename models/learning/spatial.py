"""The spatial filters of an EEG tower, set from the training data before the first step.

They are those of a CCA of the electrodes with rises and falls of what is attended, or of the whole frame
where no cue says so (`learning.responses.Responses`), and stay in the checkpoint like any weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from models.learning.baselines import LinearModels
from models.learning.data.dataset import Recordings, Span
from models.network.eeg.compact import SpatialFilters
from models.network.network import Network


def set_spatial(network: Network, recordings: Recordings, train: Sequence[Span]) -> None:
    """Fit the spatial filters of a network to `train`; nothing happens to a network without."""
    for layer in spatial_layers(network):
        found = LinearModels(recordings).fit_responses(train, components=len(layer.filters))
        with torch.no_grad():
            layer.filters.copy_(torch.from_numpy(found.filters.T.copy()))
            layer.patterns.copy_(torch.from_numpy(found.patterns.T.copy()))


def spatial_layers(network: Network) -> list[SpatialFilters]:
    """All layers of the EEG tower whose filters are set from data."""
    return [part for part in network.eeg_tower.modules() if isinstance(part, SpatialFilters)]


def patterns(network: Network) -> list[dict[str, Any]]:
    """Return each component on the scalp: electrode names to values, the largest of them 1 or -1."""
    return [
        dict(zip(network.labels, (row / row.abs().max().clamp(min=1e-12)).tolist(), strict=True))
        for layer in spatial_layers(network)
        for row in layer.patterns
    ]
