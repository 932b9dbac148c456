"""From samples to the points of a drawn trace."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SCALES_UV = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def reduce_to_pixels(
    times: NDArray[np.float64], samples: NDArray[np.float32], rate: float, n_pixels: int
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Keep the lowest and the highest value of every few samples, so that no peak is lost.

    The groups lie on an absolute grid of time: as the window moves on, a group keeps its samples and the
    drawn trace does not shimmer.

    Parameters
    ----------
    times : array of shape (n,), s, evenly spaced at `rate`
    samples : array of shape (n, n_channels), NaN where unknown
    n_pixels : int
        Width of the plot; at most about two points are kept for each.

    Returns
    -------
    times : array of shape (m,)
    samples : array of shape (m, n_channels)
    """
    group = math.ceil(len(times) / max(n_pixels, 1))
    if group <= 2:
        return times, samples
    first = round(float(times[0]) * rate)
    head = -first % group
    n_groups = (len(times) - head) // group
    if n_groups < 1:
        return times, samples
    body = samples[head : head + n_groups * group].reshape(n_groups, group, -1)
    starts = times[head : head + n_groups * group : group]
    reduced = np.stack((body.min(axis=1), body.max(axis=1)), axis=1).reshape(2 * n_groups, -1)
    moments = np.stack((starts, starts + 0.5 * group / rate), axis=1).ravel()
    tail = head + n_groups * group
    return (
        np.concatenate((times[:head], moments, times[tail:])),
        np.concatenate((samples[:head], reduced, samples[tail:])),
    )


def fitting_scale(samples: NDArray[np.float32], rows_per_scale: float = 1.5) -> int:
    """The µV that one row of the plot should span, so that most channels stay within `rows_per_scale` rows.

    Robust against single bad channels: the median over channels of the 1 % to 99 % range.
    """
    known = samples[np.isfinite(samples).all(axis=1)]
    if len(known) == 0:
        return 50
    low, high = np.percentile(known, (1, 99), axis=0)
    wanted = float(np.median(high - low)) / rows_per_scale
    return next((scale for scale in SCALES_UV if scale >= wanted), SCALES_UV[-1])


def next_scale(scale: int, step: int) -> int:
    """The scale `step` places further up (coarser) or down in `SCALES_UV`, ends included."""
    place = SCALES_UV.index(scale) + step
    return SCALES_UV[min(max(place, 0), len(SCALES_UV) - 1)]
