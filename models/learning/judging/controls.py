"""Could it be something else than the brain's answer? The same windows, a part of the input taken away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch

from models.learning.data.dataset import Recordings, Span, WindowBatch
from models.learning.judging.metrics import summary
from models.learning.judging.scoring import match_runs, score, similarity_runs
from models.network.network import Network
from realtime.eeg.conditioning import canonical

FRONTAL = re.compile(r"^(FP|AF|F\d|FZ|NZ|VEOG|HEOG|EOG)", re.I)
"""Electrodes that see blinks and eye movements: a camera on the face would see them too."""


def controls(network: Network, recordings: Recordings, test: Sequence[Span]) -> dict[str, Any]:
    """2-way accuracy of similarity and match with a part of the input silenced.

    Returns
    -------
    dict
        `without_frontal`: without frontal and eye electrodes (absent where that leaves none or changes
        nothing). `frontal_only`: the reverse. `eeg_only` and `video_only`: the other side is the same for all
        windows, so 0.5 is the only honest answer.
    """
    frontal = torch.tensor([bool(FRONTAL.match(canonical(label))) for label in recordings.labels])
    found = {}
    if frontal.any() and not frontal.all():
        found["without_frontal"] = _with(network, recordings, test, lambda b: silenced(b, frontal))
        found["frontal_only"] = _with(network, recordings, test, lambda b: silenced(b, ~frontal))
    found["eeg_only"] = _with(network, recordings, test, same_video)
    found["video_only"] = _with(network, recordings, test, same_eeg)
    return found


def silenced(batch: WindowBatch, electrodes: torch.Tensor) -> WindowBatch:
    """Without some electrodes (C,) bool: what they measured counts as missing."""
    return batch._replace(eeg_valid=batch.eeg_valid & ~electrodes[None, :, None])


def same_video(batch: WindowBatch) -> WindowBatch:
    """Every window shows frames of zeros."""
    return batch._replace(frames={path: torch.zeros_like(rows) for path, rows in batch.frames.items()})


def same_eeg(batch: WindowBatch) -> WindowBatch:
    """Every window holds EEG of zeros."""
    return batch._replace(eeg=torch.zeros_like(batch.eeg), eeg_scale=torch.ones_like(batch.eeg_scale))


def _with(network: Network, recordings: Recordings, test: Sequence[Span], change: Any) -> dict[str, Any]:
    seen = score(network, recordings, test, change=change)
    names = ("two_way", "two_way_ci", "n_windows")
    similarity, match = (
        summary(runs) for runs in (similarity_runs(seen, recordings), match_runs(seen, recordings))
    )
    return {
        "similarity": {name: similarity.get(name) for name in names},
        "match": {name: match.get(name) for name in names},
    }
