"""What pyxdf makes of a file: a robust line through the offsets, a straight line through the stamps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from realtime.types import BoolArray, TimeArray

_HUBER_S = 1e-4  # offsets further than this from the line count as outliers (pyxdf's winsor_threshold)


def _outlying(x: TimeArray, deviations: float, seconds: float) -> BoolArray:
    """Which values lie further from the median than so many median absolute deviations and seconds."""
    away = np.abs(x - np.median(x))
    far: BoolArray = (away / (np.median(away) + np.finfo(float).eps) > deviations) & (away > seconds)
    return far


def epochs(times: TimeArray, values: TimeArray) -> list[slice]:
    """Find runs of offsets, at times (n,) with values (n,), measured against one clock of the sender.

    A new run begins where the sender's clock goes back, or where both the time between two measurements and
    the offset itself jump far out of their usual range: the sender was restarted. Limits are pyxdf's.
    """
    if len(times) < 2:
        return [slice(0, len(times))] if len(times) else []
    step, change = np.diff(times), np.diff(values)
    resets = (step < 0) | (_outlying(step, 5.0, 5.0) & _outlying(change, 10.0, 1.0))
    edges = [0, *(np.flatnonzero(resets) + 1).tolist(), len(times)]
    return [slice(a, b) for a, b in itertools.pairwise(edges)]


def split_by_epoch(stamps: TimeArray, times: TimeArray, runs: Sequence[slice]) -> list[int]:
    """Find the first sample of each run of offsets, given stamps (n_samples,) and offset times (n,).

    The border lies at the first sample that is nearer to the next run's first measurement than to this
    run's last.
    """
    edges = [0]
    for this, following in itertools.pairwise(runs):
        rest = stamps[edges[-1] :]
        crossed = np.abs(rest - times[this.stop - 1]) >= np.abs(rest - times[following.start])
        edges.append(edges[-1] + (int(np.argmax(crossed)) if crossed.any() else len(rest)))
    return [*edges, len(stamps)]


def synchronized(stamps: TimeArray, times: TimeArray, values: TimeArray) -> TimeArray:
    """All stamps of a stream on the recorder's clock, by a robust line through the offsets of each epoch.

    Parameters
    ----------
    stamps : array of shape (n_samples,), float64 s, in file order
    times, values : array of shape (n_offsets,), float64 s
        As they stand in the file (see `trusted`).
    """
    runs = epochs(times, values)
    if not runs or not len(stamps):
        return stamps.copy()
    edges = split_by_epoch(stamps, times, runs)
    result = stamps.copy()
    for run, start, stop in zip(runs, edges[:-1], edges[1:], strict=True):
        at, slope, there = _robust_line(times[run], values[run])
        result[start:stop] += there + slope * (stamps[start:stop] - at)
    return result


def _robust_line(x: TimeArray, y: TimeArray) -> tuple[float, float, float]:
    """Line through (x, y) of least Huber loss: a place, the slope, and the height at that place.

    Found by reweighted least squares (Huber 1981): points beyond the limit count in proportion to limit over
    distance. Starts from the median-based line of Theil and Sen, which outliers cannot lead astray.
    """
    if len(x) == 1:
        return float(x[0]), 0.0, float(y[0])
    centre = float(x.mean())
    t = x - centre
    slope = _median_slope(t, y)
    height = float(np.median(y - slope * t))
    for _ in range(200):
        off = np.abs(y - height - slope * t)
        weight = _HUBER_S / np.maximum(off, _HUBER_S)
        mean_t, mean_y = np.average(t, weights=weight), np.average(y, weights=weight)
        spread = np.sum(weight * (t - mean_t) ** 2)
        new_slope = float(np.sum(weight * (t - mean_t) * (y - mean_y)) / spread) if spread > 0 else 0.0
        new_height = float(mean_y - new_slope * mean_t)
        settled = abs(new_height - height) + abs(new_slope - slope) * np.ptp(t) < 1e-12
        slope, height = new_slope, new_height
        if settled:
            break
    return centre, slope, height


def _median_slope(t: TimeArray, y: TimeArray) -> float:
    """Median slope between points half the record apart."""
    half = (len(t) + 1) // 2
    run = t[half:] - t[: len(t) - half]
    rise = y[half:] - y[: len(y) - half]
    return float(np.median(rise[run > 0] / run[run > 0])) if (run > 0).any() else 0.0


def dejittered(stamps: TimeArray, rate_nominal: float) -> tuple[TimeArray, list[slice]]:
    """Stamps on a straight line within each segment, as pyxdf's jitter removal puts them.

    A segment ends where two stamps lie more than 1 s and more than 500 nominal intervals apart.

    Returns
    -------
    stamps : array of shape (n_samples,), float64 s
    segments : list of slice
    """
    if not len(stamps):
        return stamps.copy(), []
    if rate_nominal <= 0:
        return stamps.copy(), [slice(0, len(stamps))]
    breaks = np.flatnonzero(np.abs(np.diff(stamps)) > max(1.0, 500 / rate_nominal)) + 1
    edges = [0, *breaks.tolist(), len(stamps)]
    result = stamps.copy()
    segments = [slice(a, b) for a, b in itertools.pairwise(edges)]
    for segment in segments:
        n = segment.stop - segment.start
        if n > 1:
            k = np.arange(n) - (n - 1) / 2
            y = stamps[segment]
            result[segment] = y.mean() + k * (np.sum(k * (y - y.mean())) / np.sum(k * k))
    return result, segments
