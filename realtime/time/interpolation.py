"""Band-limited interpolation of regular samples onto the model's time grid, at exact times.

Each grid point is a windowed-sinc sum over the samples around it, in units of the headset's own sample
spacing as its stamps tell it. Nothing is assumed about the true rate; content above the conditioning
band was removed causally before, so the kernel only has to interpolate.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.ring import GridRing
from realtime.types import BoolArray, EegChunk, FloatArray, IndexArray, TimeArray

_TOUCHED = 2  # samples on either side whose loss takes a point: the others weigh little, and are held
HALF_WIDTH = 6
"""Samples on either side of a point. With the window below the error stays under -60 dB up to 0.35 of the
rate, and the newest point waits 6 samples for its neighbours: 23 ms at 256 Hz."""

_KAISER_BETA = 5.65  # 60 dB, Kaiser & Schafer 1980: 0.1102 (A - 8.7)
_PHASES = 512


def _kernel_table() -> NDArray[np.float64]:
    """Weights of the 2·HALF_WIDTH samples around a point, for each phase of it between two samples.

    Rows sum to one, so a constant stays constant. Looked up with linear interpolation between phases:
    products and sums only, which are the same bit for bit however many points are made at a time.
    """
    phase = np.arange(_PHASES + 1)[:, None] / _PHASES
    offset = phase - np.arange(-HALF_WIDTH + 1, HALF_WIDTH + 1)[None, :]
    inside = np.clip(1 - (offset / HALF_WIDTH) ** 2, 0, None)
    table = np.sinc(offset) * np.i0(_KAISER_BETA * np.sqrt(inside)) * (np.abs(offset) < HALF_WIDTH)
    weights: NDArray[np.float64] = table / table.sum(axis=1, keepdims=True)
    return weights


_TABLE = _kernel_table()


def interpolate(samples: FloatArray, position: np.ndarray, phase: np.ndarray) -> FloatArray:
    """Values between samples `position` and `position + 1`, `phase` (0 to 1) of the way.

    Parameters
    ----------
    samples : array of shape (n_samples, n_channels)
    position : array of shape (n_points,), int
        Needs HALF_WIDTH - 1 samples before and HALF_WIDTH after.
    phase : array of shape (n_points,), float64

    Returns
    -------
    array of shape (n_points, n_channels), float32
    """
    step = phase * _PHASES
    row = np.minimum(step.astype(np.int64), _PHASES - 1)
    fraction = (step - row)[:, None]
    weights = _TABLE[row] + fraction * (_TABLE[row + 1] - _TABLE[row])
    points = np.zeros((len(position), samples.shape[1]))
    # A sum over the taps in fixed order instead of a matrix product: BLAS picks its order by shape.
    for tap in range(2 * HALF_WIDTH):
        points += weights[:, tap, None] * samples[position + (tap - HALF_WIDTH + 1)]
    return points.astype(np.float32)


class GridInterpolator:
    """Writes conditioned EEG onto the grid ring, each point once, as soon as its neighbours are there.

    Points within HALF_WIDTH samples of a segment's border stay missing, before and after a gap alike, so that
    what a point holds does not depend on when it was asked for.
    """

    def __init__(self, grid_hz: int, ring: GridRing):
        self._grid_hz = grid_hz
        self._ring = ring
        self._samples = np.zeros((0, ring.width), np.float32)
        self._bad = np.zeros((0, ring.width), bool)
        self._stamps: TimeArray = np.zeros(0)

    def push(self, chunk: EegChunk) -> None:
        """Take in conditioned samples and write the grid points they complete."""
        if chunk.gap_before:
            self._samples, self._bad, self._stamps = self._samples[:0], self._bad[:0], self._stamps[:0]
        self._samples = np.concatenate([self._samples, chunk.samples])
        bad = np.zeros(chunk.samples.shape, bool) if chunk.bad is None else chunk.bad
        self._bad = np.concatenate([self._bad, bad])
        self._stamps = np.concatenate([self._stamps, chunk.stamps])
        stop = len(self._stamps) - HALF_WIDTH  # points lie before the stamp of this sample
        if stop < HALF_WIDTH:
            return
        start = HALF_WIDTH - 1
        first = int(np.ceil(self._stamps[start] * self._grid_hz))
        last = int(np.ceil(self._stamps[stop] * self._grid_hz))
        first = max(first, self._ring.head if self._ring.first is not None else first)
        if last > first:
            times = np.arange(first, last) / self._grid_hz
            # ceil() and the search may round a point on a sample to different sides: keep it inside.
            position = np.clip(np.searchsorted(self._stamps, times, side="right") - 1, start, stop - 1)
            spacing = self._stamps[position + 1] - self._stamps[position]
            phase = np.clip((times - self._stamps[position]) / spacing, 0.0, 1.0)
            self._ring.write(first, interpolate(self._samples, position, phase), self._whole(position))
        self._samples, self._bad = self._samples[stop - start :], self._bad[stop - start :]
        self._stamps = self._stamps[stop - start :]

    def _whole(self, position: IndexArray) -> BoolArray | None:
        """Whether each point (n_points, n_channels) has good samples around it; None where all are good."""
        if not self._bad.any():
            return None
        around = position[:, None] + np.arange(1 - _TOUCHED, 1 + _TOUCHED)
        return np.asarray(~self._bad[around].any(axis=1))
