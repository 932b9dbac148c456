"""Filters of the drawn EEG. What the model is fed stays as it is whatever is chosen here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from realtime.types import FloatArray


@dataclass(frozen=True)
class ViewFilter:
    """A causal band-pass over what is drawn, or nothing where `band_hz` is None.

    `warm_up_s` of EEG before the drawn stretch are filtered with it and thrown away, so that every stretch
    may be filtered by itself.
    """

    name: str
    band_hz: tuple[float, float] | None = None
    warm_up_s: float = 0.0

    def __call__(self, samples: FloatArray, rate: float) -> FloatArray:
        """Filter samples (n, n_channels) at `rate` Hz; what is not known stays so, and counts as 0."""
        if self.band_hz is None or len(samples) == 0:
            return samples
        known = np.isfinite(samples)
        filtered = sosfilt(_sections(self.band_hz, rate), np.where(known, samples, 0.0), axis=0)
        return np.where(known, filtered, np.nan).astype(np.float32)


AS_THE_MODEL = ViewFilter("as the model sees it")
FILTERS = (
    AS_THE_MODEL,
    ViewFilter("1 – 15 Hz", (1.0, 15.0), 2.0),
    ViewFilter("theta, 4 – 8 Hz", (4.0, 8.0), 1.5),
    ViewFilter("alpha, 8 – 13 Hz", (8.0, 13.0), 1.5),
    ViewFilter("beta, 13 – 30 Hz", (13.0, 30.0), 1.0),
)


def band(low: float, high: float) -> ViewFilter:
    """Return the filter of a band in Hz; it settles in two periods of the lowest frequency."""
    return ViewFilter(f"{low:g} – {high:g} Hz", (low, high), min(max(2 / low, 1.0), 8.0))


@cache
def _sections(band_hz: tuple[float, float], rate: float) -> NDArray[np.float64]:
    sections: NDArray[np.float64] = butter(2, band_hz, "bandpass", fs=rate, output="sos")
    return sections
