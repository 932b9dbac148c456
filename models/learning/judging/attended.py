"""At what in the frame does it look? The network's own shares of the places, against what cues say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.learning.data.cues import cover
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.judging.views import see
from models.network.network import Network
from realtime.chance import wilson

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Hits:
    """Of n windows whose cue is known: whether the attended object was chosen, and how much it got.

    Attributes
    ----------
    hit : array of shape (n,), float64
        1 where the attended object has the highest share a place.
    share, even : arrays of shape (n,), float64
        What the attended object got of all that was read by place, and its share of the frame's places.
    chance : array of shape (n,), float64
        One in the number of objects.
    """

    hit: Floats
    share: Floats
    even: Floats
    chance: Floats

    @classmethod
    def of(
        cls, maps: Floats, boxes: Sequence[Floats], attended: NDArray[np.int64], shape: tuple[int, int]
    ) -> Hits:
        """Judge maps over places.

        Parameters
        ----------
        maps : array of shape (n, rows · columns)
            How much of what is read is read at each place; each row sums to 1.
        boxes : n arrays of shape (n_objects, 4)
            Rectangles of the objects of each window.
        attended : array of shape (n,), int64
            Which of them is attended.
        shape : (int, int)
            Rows and columns of the places.
        """
        found = []
        for row, of_window, which in zip(maps, boxes, attended, strict=True):
            covered = cover(of_window, shape)
            width, height = of_window[:, 2] - of_window[:, 0], of_window[:, 3] - of_window[:, 1]
            even = width * height
            density = covered @ row
            inside = np.minimum(density * even * len(row), 1.0)
            best = density >= density.max() - 1e-12
            found.append((best[which] / best.sum(), inside[which], even[which], 1 / len(of_window)))
        columns = np.array(found, np.float64).reshape(-1, 4).T
        return cls(*columns)

    def __add__(self, other: Hits) -> Hits:
        """Join both."""
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__dataclass_fields__)
        return Hits(*(np.concatenate(pair) for pair in pairs))

    def told(self) -> dict[str, Any]:
        """Figures: hits of n with the rate's 95 % interval (Wilson), mean shares, chance."""
        n, hits = len(self.hit), round(float(self.hit.sum()))
        if not n:
            return {"n": 0}
        return {
            "n": n,
            "hits": hits,
            "hit_rate": round(float(self.hit.mean()), 4),
            "hit_rate_ci": [round(x, 4) for x in wilson(hits, n)],
            "chance": round(float(self.chance.mean()), 4),
            "share": round(float(self.share.mean()), 4),
            "share_even": round(float(self.even.mean()), 4),
        }


def cued(
    recordings: Recordings, windows: Windows
) -> tuple[NDArray[np.bool_], list[Floats], NDArray[np.int64]]:
    """Which windows have a cue that is somewhere (n,); of these the rectangles, and which is attended."""
    known, boxes, attended = [], [], []
    for number, start in zip(windows.session, recordings.starts(windows).tolist(), strict=True):
        cues, stop = recordings.cues[number], start + recordings.grid.interval_s
        which = -1 if cues is None else cues.attended(start, stop)
        known.append(cues is not None and which in cues.places)
        if cues is not None and known[-1]:
            boxes.append(cues.boxes(start, stop))
            attended.append(cues.places.index(which))
    return np.array(known, bool), boxes, np.array(attended, np.int64)


@torch.inference_mode()
def hits(network: Network, recordings: Recordings, test: Sequence[Span]) -> Hits | None:
    """Judge a network's map on all windows of `test` whose cue is known; None where there is none.

    None as well for a network without places.
    """
    windows = recordings.every(test, recordings.grid.n_slots)
    known, boxes, attended = cued(recordings, windows)
    if not known.any() or network.config.places == (1, 1):
        return None
    shares, _ = see(network.eval(), recordings, Windows(*(part[known] for part in windows))).shares()
    return Hits.of(by_place(shares.double().cpu().numpy()), boxes, attended, network.config.places)


def by_place(shares: Floats) -> Floats:
    """Return what is read at each place, of all that is read by place: (n, P) of shares (n, P+1)."""
    places = shares[:, 1:]
    parts: Floats = places / np.maximum(places.sum(axis=1, keepdims=True), 1e-12)
    return parts
