"""Small sessions with an answer in them, and a network and a recipe small enough to learn it in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from models.learning.training.recipe import Recipe
from models.network.network import Network
from realtime.types import EegInfo, Frame
from recordings.session.writer import write_session

SMALL = {
    "fast.width": 16,
    "fast.layers": 1,
    "places": 2,
    "fast.image_px": 32,
    "width": 16,
    "compression": "mean",
    "fusion.heads": 2,
    "fusion.head_width": 8,
    "eeg.hidden": 16,
}
QUICK = Recipe(
    steps=12, batch=8, warmup=2, match_from=0.5, check_every=4, save_every=4, log_every=3, negatives=2,
    validation=0.2, refit=False,
)  # fmt: skip


def fresh(config, labels=("O1", "O2", "Fp1")) -> Network:
    """An untrained network, always the same."""
    torch.manual_seed(0)
    return Network(config, labels)


def write_flashes(
    folder: Path, seconds: float, seed: int, gain: float = 1.0, marks: Sequence[tuple[float, str]] = ()
) -> Path:
    """A session in which every flash of the picture makes a bump in the EEG 0.1 s later.

    `marks` are markers, each so many seconds after the first frame.
    """
    rng = np.random.default_rng(seed)
    rate, fps, start = 200.0, 20.0, 100.0
    n_frames, n = round(seconds * fps), round(seconds * rate)
    onsets = np.flatnonzero(rng.random(n_frames) < 0.08)
    samples = 5 * rng.standard_normal((n, 3)).astype(np.float32)
    bump = 30 * gain * np.hanning(24)
    for onset in onsets:
        at = round((onset / fps + 0.1) * rate)
        stop = min(n, at + 24)
        samples[at:stop] += (bump[: max(0, stop - at), None] * [1.0, 0.7, -0.5]).astype(np.float32)

    def frames():
        for k in range(n_frames):
            lit = any(0 <= k - onset < 3 for onset in onsets)
            yield Frame(np.full((32, 32, 3), 230 if lit else 20, np.uint8), start + k / fps, k)

    info = EegInfo("Cap", ("O1", "O2", "Fp1"), "uV", rate, f"cap-{seed}", "lab")
    markers = [(start + after, text) for after, text in marks]
    write_session(folder, info, start + np.arange(n) / rate, samples, frames(), markers)
    return folder
