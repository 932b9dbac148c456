"""Band-limited interpolation of regular samples onto the model's time grid, at exact times.

Each grid point is a weighted sum over the samples around it, in units of the headset's own sample spacing
as its stamps tell it. Nothing is assumed about the true rate. A point waits for the samples on its right,
so there are as few of them as the signal allows: what the conditioner lets through lies well below half
the rate, and a kernel fitted to that spectrum (Wiener's least mean squares; for fractional delays Laakso
et al. 1996, IEEE Signal Processing Magazine 13(1):30) does with two or three where a symmetric one takes
six. Every point is made by the same kernel, whoever asks and when, so an interval stays a pure function
of its samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from realtime.eeg.conditioning import HIGHEST_SHARE, LOWPASS_ORDER
from realtime.ring import GridRing
from realtime.types import BoolArray, EegChunk, FloatArray, IndexArray, TimeArray

_TOUCHED = 2  # samples on either side whose loss takes a point: the others weigh little, and are held
_PHASES = 512
_FREQUENCIES, _FLAT_BELOW = 2048, 0.01  # of the spectrum a kernel is fitted to; shares of the rate
_FLOOR = 1e-6  # share of white noise in it: keeps weights from growing
_STEP = 2.0**-16  # weights are whole multiples: what rounds differently on another machine falls away


@dataclass(frozen=True)
class Kernel:
    """Weights of the samples around a point, for each phase of it between two samples.

    Attributes
    ----------
    before, after : int
        Samples on its left and on its right; it waits for the latter.
    table : array of shape (_PHASES + 1, before + after), float64
        Rows sum to one, so a constant stays constant. Looked up with linear interpolation between phases:
        products and sums only, which are the same bit for bit however many points are made at a time.
    """

    before: int
    after: int
    table: NDArray[np.float64]


@cache
def symmetric_kernel() -> Kernel:
    """Windowed sinc over six samples on either side: errors of -57 dB up to 0.3 of the rate, -52 up to 0.35.

    For signals that no band was cut from. Kaiser's window of 60 dB: 0.1102 (A - 8.7), Kaiser & Schafer 1980.
    """
    half, beta = 6, 5.65
    offset = _phases()[:, None] - np.arange(-half + 1, half + 1)
    inside = np.clip(1 - (offset / half) ** 2, 0, None)
    table = np.sinc(offset) * np.i0(beta * np.sqrt(inside)) * (np.abs(offset) < half)
    return Kernel(half, half, table / table.sum(axis=1, keepdims=True))


@cache
def fitted_kernel(before: int, after: int, cut: float) -> Kernel:
    """Return the kernel of least mean squared error for pink noise behind the conditioner's low-pass.

    A constant and a straight line are kept as they are.

    Parameters
    ----------
    cut : float
        The low-pass's corner, as a share of the rate.
    """
    place, phase = np.arange(-before + 1, after + 1), _phases()
    frequency = (np.arange(_FREQUENCIES) + 0.5) / (2 * _FREQUENCIES)
    power = 1 / (1 + (frequency / cut) ** (2 * LOWPASS_ORDER)) / (_FLAT_BELOW + frequency)
    power /= power.sum()

    def correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum products of what each time gives alone: that is the cosine of their difference."""
        first, second = (np.exp(2j * np.pi * time[:, None] * frequency) for time in (one, other))
        return np.asarray(((first * power) @ second.conj().T).real)

    places = place.astype(np.float64)
    alike = correlation(places, places) + _FLOOR * np.eye(len(place))
    kept = np.stack([np.ones(len(place)), place]).T
    system = np.block([[alike, kept], [kept.T, np.zeros((2, 2))]])
    wanted = [correlation(places, phase), np.ones((1, len(phase))), phase[None]]
    weights = np.linalg.solve(system, np.concatenate(wanted))[: len(place)].T
    table = np.round(weights / _STEP) * _STEP
    table[np.arange(len(phase)), np.abs(table).argmax(axis=1)] += 1 - table.sum(axis=1)
    return Kernel(before, after, table)


def kernel_for(highest_hz: float | None, rate: float) -> Kernel:
    """Choose the kernel that waits least for a signal that was cut at `highest_hz` (None: it was not).

    A point waits for two samples where there are five or more of them a period of the highest frequency (8 ms
    at 256 Hz), else for three. What that costs stands in docs/performance.md.
    """
    if highest_hz is None:
        return symmetric_kernel()
    before, after = (10, 2) if highest_hz <= 0.2 * rate else (9, 3)
    return fitted_kernel(before, after, min(highest_hz, HIGHEST_SHARE * rate) / rate)


def _phases() -> NDArray[np.float64]:
    return np.arange(_PHASES + 1) / _PHASES


def interpolate(samples: FloatArray, position: np.ndarray, phase: np.ndarray, kernel: Kernel) -> FloatArray:
    """Values between samples `position` and `position + 1`, `phase` (0 to 1) of the way.

    Parameters
    ----------
    samples : array of shape (n_samples, n_channels)
    position : array of shape (n_points,), int
        Needs `kernel.before - 1` samples before and `kernel.after` after.
    phase : array of shape (n_points,), float64
    kernel : Kernel

    Returns
    -------
    array of shape (n_points, n_channels), float32
    """
    step = phase * _PHASES
    row = np.minimum(step.astype(np.int64), _PHASES - 1)
    fraction = (step - row)[:, None]
    weights = kernel.table[row] + fraction * (kernel.table[row + 1] - kernel.table[row])
    points = np.zeros((len(position), samples.shape[1]))
    # A sum over the taps in fixed order instead of a matrix product: BLAS picks its order by shape.
    for tap in range(kernel.before + kernel.after):
        points += weights[:, tap, None] * samples[position + (tap - kernel.before + 1)]
    return points.astype(np.float32)


class GridInterpolator:
    """Writes conditioned EEG onto the grid ring, each point once, as soon as its neighbours are there.

    Points that lack one of their kernel's samples in their segment stay missing, after a gap and before it,
    so that what a point holds does not depend on when it was asked for.
    """

    def __init__(self, grid_hz: int, ring: GridRing, kernel: Kernel):
        self._grid_hz = grid_hz
        self._ring = ring
        self._kernel = kernel
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
        stop = len(self._stamps) - self._kernel.after  # points lie before the stamp of this sample
        if stop < self._kernel.before:
            return
        start = self._kernel.before - 1
        first, last = self._point_at(self._stamps[start]), self._point_at(self._stamps[stop])
        first = max(first, self._ring.head if self._ring.first is not None else first)
        if last > first:
            times = np.arange(first, last) / self._grid_hz
            position = np.searchsorted(self._stamps, times, side="right") - 1
            spacing = self._stamps[position + 1] - self._stamps[position]
            phase = (times - self._stamps[position]) / spacing
            points = interpolate(self._samples, position, phase, self._kernel)
            self._ring.write(first, points, self._whole(position))
        self._samples, self._bad = self._samples[stop - start :], self._bad[stop - start :]
        self._stamps = self._stamps[stop - start :]

    def _point_at(self, stamp: float) -> int:
        """Return the first point that does not lie before a stamp, as the search compares them."""
        point = int(np.ceil(stamp * self._grid_hz))
        if (point - 1) / self._grid_hz >= stamp:
            return point - 1
        return point + int(point / self._grid_hz < stamp)

    def _whole(self, position: IndexArray) -> BoolArray | None:
        """Whether each point (n_points, n_channels) has good samples around it; None where all are good."""
        if not self._bad.any():
            return None
        around = position[:, None] + np.arange(1 - _TOUCHED, 1 + _TOUCHED)
        return np.asarray(~self._bad[around].any(axis=1))
