"""Which of several videos is watched? The share of attention each gets, the true one among others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.judging.metrics import calibration, interval
from models.learning.judging.views import see
from models.network.network import Network
from realtime.chance import IMPOSTOR_GAP_S, auc

Floats = NDArray[np.float64]
DRAWS = 9  # sets of impostors each window is shown beside


@dataclass(frozen=True)
class Watched:
    """Shares of the watched video, the first, and of those beside it.

    Attributes
    ----------
    shares : array of shape (n_windows, n_draws, n_videos), float64
        Each set sums to 1.
    """

    shares: Floats

    def __add__(self, other: Watched) -> Watched:
        """Join both."""
        return Watched(np.concatenate([self.shares, other.shares]))

    def told(self) -> dict[str, Any]:
        """How often the watched one got most, its mean share, AUC, and how far shares are to be believed."""
        n_windows, _, n_videos = self.shares.shape
        if not n_windows:
            return {"of": n_videos, "n_windows": 0}
        own, others = self.shares[..., 0], self.shares[..., 1:]
        right = (own[..., None] > others).all(axis=2) + 0.5 * (own == others.max(axis=2))
        by_window = right.mean(axis=1)
        found = calibration(own.ravel(), others.ravel())
        return {
            "of": n_videos,
            "n_windows": n_windows,
            "right": round(float(by_window.mean()), 4),
            "right_ci": [round(x, 4) for x in interval(by_window)],
            "chance": round(1 / n_videos, 4),
            "share": round(float(own.mean()), 4),
            "auc": round(auc(own.ravel(), others.ravel()) or 0.0, 4),
            "calibration": found.as_dict(),
        }


def watched(
    network: Network, recordings: Recordings, test: Sequence[Span], n_videos: int = 2
) -> Watched | None:
    """Show every window of `test` its own video beside others of the same run, at least 4 s away.

    Parameters
    ----------
    n_videos : int
        How many videos there are to choose between.

    Returns
    -------
    Watched or None
        None where the fusion tells no shares, or no window has enough others.
    """
    windows = [recordings.every([span], recordings.grid.n_slots) for span in test]
    found = [part for some in windows if (part := _of_run(network, recordings, some, n_videos)) is not None]
    return None if not found else Watched(np.concatenate([part.shares for part in found]))


@torch.inference_mode()
def _of_run(network: Network, recordings: Recordings, windows: Windows, n_videos: int) -> Watched | None:
    starts = recordings.starts(windows)
    rows, columns = sets_of(starts, recordings.grid.interval_s, n_videos)
    if not len(rows):
        return None
    views = see(network.eval(), recordings, windows)
    shares = []
    for out in views.pairs(torch.from_numpy(rows), torch.from_numpy(columns), explain=True):
        if out.fused.shares is None:
            return None
        items = out.fused.shares[:, 0].sum(dim=-1)  # (p, V · (1 + K))
        shares.append(items.unflatten(1, (n_videos, -1)).sum(dim=2))
    found = torch.cat(shares).double().numpy()
    found = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12)
    return Watched(found.reshape(-1, DRAWS, n_videos))


def sets_of(starts: Floats, length: float, n_videos: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Windows (p,) and their sets of videos (p, n_videos), the true one first; `DRAWS` sets a window.

    The same impostors at every call; windows with too few are left out.
    """
    chance = np.random.default_rng(0)
    rows, columns = [], []
    for i, start in enumerate(starts):
        others = np.flatnonzero(np.abs(starts - start) >= max(IMPOSTOR_GAP_S, length) - 1e-9)
        if len(others) < n_videos - 1:
            continue
        for _ in range(DRAWS):
            rows.append(i)
            columns.append([i, *chance.choice(others, n_videos - 1, replace=False)])
    return np.array(rows, np.int64), np.array(columns, np.int64).reshape(-1, n_videos)
