"""Small sessions with an answer in them, and a network and a recipe small enough to learn it in seconds."""

from __future__ import annotations

import json
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
    folder: Path,
    seconds: float,
    seed: int,
    gain: float = 1.0,
    marks: Sequence[tuple[float, str]] = (),
    n_more: int = 0,
) -> Path:
    """A session in which every flash of the picture makes a bump in the EEG 0.1 s later.

    `marks` are markers, each so many seconds after the first frame; `n_more` electrodes have none of it, but
    what disturbs the others.
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

    labels = ("O1", "O2", "Fp1", *(f"E{k}" for k in range(n_more)))
    if n_more:
        disturbing = 90 * rng.standard_normal((n, 1)).astype(np.float32)
        more = disturbing + 5 * rng.standard_normal((n, n_more)).astype(np.float32)
        samples = np.concatenate([samples + disturbing, more], axis=1)
    info = EegInfo("Cap", labels, "uV", rate, f"cap-{seed}", "lab")
    markers = [(start + after, text) for after, text in marks]
    write_session(folder, info, start + np.arange(n) / rate, samples, frames(), markers)
    return folder


def write_cells(folder: Path, seconds: float, seed: int) -> Path:
    """A session of four times four cells that flash by themselves; the EEG answers to the one a marker names.

    Another cell is named every 4 s; the map of the markers lies beside the session.
    """
    rng = np.random.default_rng(seed)
    rate, fps, start, hold = 200.0, 20.0, 100.0, 4.0
    n_frames, n = round(seconds * fps), round(seconds * rate)
    onsets = rng.random((n_frames, 16)) < 0.08
    lit = sum(np.roll(onsets, shift, axis=0) for shift in range(3)) > 0
    targets = rng.permuted(np.arange(round(seconds / hold)) % 16)
    samples = 5 * rng.standard_normal((n, 3)).astype(np.float32)
    bump = 30 * np.hanning(24)[:, None] * [1.0, 0.7, -0.5]
    for frame, cell in np.argwhere(onsets):
        at = round((frame / fps + 0.1) * rate)
        if cell == targets[min(int(frame / fps / hold), len(targets) - 1)] and at + 24 <= n:
            samples[at : at + 24] += bump.astype(np.float32)

    def frames():
        for k in range(n_frames):
            cells = np.where(lit[k].reshape(4, 4), 230, 20).astype(np.uint8)
            yield Frame(cells.repeat(8, 0).repeat(8, 1)[..., None].repeat(3, 2), start + k / fps, k)

    info = EegInfo("Cap", ("O1", "O2", "Fp1"), "uV", rate, f"cap-{seed}", "lab")
    markers = [(start + hold * k, f"cell{target}") for k, target in enumerate(targets)]
    write_session(folder, info, start + np.arange(n) / rate, samples, frames(), markers)
    cues = {"cell": {"rows": 4, "columns": 4, "seconds": hold}}
    (folder / "cues.json").write_text(json.dumps(cues), encoding="utf-8")
    return folder
