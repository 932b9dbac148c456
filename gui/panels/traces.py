"""How much a row of traces spans."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALES_UV = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def fitting_scale(samples: NDArray[np.float32], rows_per_scale: float = 1.2) -> int:
    """Choose the µV of one row of the plot, so that most channels stay within `rows_per_scale` rows.

    `samples` has shape (n, n_channels), µV.

    Robust against single bad channels: the median over channels of the 1 % to 99 % range.
    """
    known = samples[np.isfinite(samples).all(axis=1)]
    if len(known) == 0:
        return 50
    low, high = np.percentile(known, (1, 99), axis=0)
    wanted = float(np.median(high - low)) / rows_per_scale
    return next((scale for scale in SCALES_UV if scale >= wanted), SCALES_UV[-1])


def next_scale(scale: int, step: int) -> int:
    """Return the scale `step` places further up (coarser) or down in `SCALES_UV`, ends included."""
    place = SCALES_UV.index(scale) + step
    return SCALES_UV[min(max(place, 0), len(SCALES_UV) - 1)]
