"""The spatial filters of an EEG tower, set from the training data before the first step.

They are those of a CCA of the electrodes with rises and falls of what is attended, or of the whole frame
where no cue says so (`learning.responses.Responses`), and stay in the checkpoint like any weight. Unless a
configuration says how many there are, that is found on blocks left out of the training data, and a network
with filters is tried beside one without: codes that flicker ask for them, slow answers to pictures do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from models.config import NetworkConfig
from models.learning.baselines import LinearModels
from models.learning.data.dataset import Recordings, Span
from models.network.eeg.compact import CompactConfig, SpatialFilters
from models.network.network import Network

FEW = 8
"""Electrodes that are taken as they are: with five, filters brought nothing (docs/learning.md)."""
_MORE = 2  # components beside those that a linear model of the same data wants: a network can use weaker ones


def asks_for_filters(config: NetworkConfig, recordings: Recordings) -> bool:
    """Whether a network with spatial filters is to be tried beside one without.

    Few electrodes are taken as they are, and so are those of several people, who have layers of their own.
    """
    eeg = config.eeg
    return (
        isinstance(eeg, CompactConfig)
        and eeg.spatial is None
        and not eeg.people
        and len(recordings.labels) > FEW
    )


def with_filters(config: NetworkConfig, recordings: Recordings, train: Sequence[Span]) -> NetworkConfig:
    """Return the configuration with as many spatial filters as blocks left out of `train` ask for."""
    wanted = LinearModels(recordings).fit_responses(train).filters.shape[1]
    return settled(config, min(len(recordings.labels), wanted + _MORE))


def settled(config: NetworkConfig, k: int) -> NetworkConfig:
    """Return the configuration with k spatial filters, where their number is open."""
    if not isinstance(config.eeg, CompactConfig) or config.eeg.spatial is not None:
        return config
    return config.model_copy(update={"eeg": config.eeg.model_copy(update={"spatial": k})})


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
