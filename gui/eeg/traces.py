"""How much a row of traces spans, for each kind of channel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)


def fitting_scale(samples: NDArray[np.float32], rows_per_scale: float = 1.2) -> int:
    """Choose what one row of the plot spans, so that most channels stay within `rows_per_scale` rows.

    `samples` has shape (n, n_channels), in the channels' unit.

    Robust against single bad channels: the median over channels of the 1 % to 99 % range.
    """
    known = samples[np.isfinite(samples).all(axis=1)]
    if len(known) == 0:
        return 50
    low, high = np.percentile(known, (1, 99), axis=0)
    wanted = float(np.median(high - low)) / rows_per_scale
    return next((scale for scale in SCALES if scale >= wanted), SCALES[-1])


def next_scale(scale: int, step: int) -> int:
    """Return the scale `step` places further up (coarser) or down in `SCALES`, ends included."""
    place = SCALES.index(scale) + step
    return SCALES[min(max(place, 0), len(SCALES) - 1)]


class KindScales:
    """What a row spans, for each kind of channel; fitted once, and from then on as the user has it."""

    def __init__(self) -> None:
        self._by_kind: dict[str, int] = {}

    def __call__(self, kind: str) -> int:
        """Return what a row of this kind spans; 0 until there is enough signal to choose it."""
        return self._by_kind.get(kind, 0)

    def fit(self, kind: str, samples: NDArray[np.float32]) -> None:
        """Choose it for samples (n, n_channels) of this kind, where it was not chosen yet."""
        if kind not in self._by_kind:
            self._by_kind[kind] = fitting_scale(samples)

    def change(self, kind: str, step: int) -> None:
        """Coarser (`step` > 0) or finer."""
        if kind in self._by_kind:
            self._by_kind[kind] = next_scale(self._by_kind[kind], step)
