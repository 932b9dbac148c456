"""How late a brain answers, against what a network expects: the shift at which EEG and video agree best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.judging.scoring import see_windows
from models.network.network import Network


def similarity_by_shift(
    network: Network, recordings: Recordings, spans: Sequence[Span], shifts: Sequence[int]
) -> NDArray[np.float64]:
    """Mean similarity of each window's video with the EEG that comes so many slots later: (n_shifts,)."""
    reach = max(abs(shift) for shift in shifts)
    inner = [Span(s.session, s.start + reach, s.stop - reach) for s in spans]
    windows = recordings.every(inner, recordings.grid.n_slots // 2)
    video = see_windows(network, recordings, windows, match=False).video
    found = []
    for shift in shifts:
        later = Windows(windows.session, windows.end + shift)
        eeg = see_windows(network, recordings, later, match=False).eeg
        found.append(float((eeg * video).sum(dim=2).mean()))
    return np.array(found)


def recovered_lag(
    network: Network, recordings: Recordings, spans: Sequence[Span], reach_s: float = 0.25
) -> float:
    """Seconds by which these brains answer later than those the network learned from.

    The top of a parabola through the best shift and its neighbours, so finer than a slot.
    """
    hz = recordings.grid.slots_hz
    reach = round(reach_s * hz)
    shifts = np.arange(-reach, reach + 1)
    height = similarity_by_shift(network, recordings, spans, shifts.tolist())
    best = int(np.clip(height.argmax(), 1, len(shifts) - 2))
    left, top, right = height[best - 1 : best + 2]
    bend = left - 2 * top + right
    finer = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float((shifts[best] + finer) / hz)
