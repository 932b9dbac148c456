"""EEG of nobody in particular at rest: background, alpha, blinks and the mains, sample by sample."""

from __future__ import annotations

import numpy as np

from realtime.types import FloatArray
from realtime.virtual.background import Artefacts, Background


class RestingEeg:
    """Microvolts at each electrode, the same for the same seed however they are cut into chunks.

    Parameters
    ----------
    labels : tuple of str
        Electrodes by their 10-10 names.
    rate : float
        Samples a second, 50 or more.
    noise_uv, alpha_uv, line_uv : float
        Standard deviation of the 1/f background, of alpha near PO3 and PO4, and amplitude of the mains.

    Raises
    ------
    ConfigError
        A label is no electrode.
    """

    def __init__(
        self,
        labels: tuple[str, ...],
        rate: float,
        seed: int,
        noise_uv: float = 10.0,
        alpha_uv: float = 8.0,
        blinks_per_min: float = 12.0,
        line_hz: float = 50.0,
        line_uv: float = 2.0,
    ):
        self._rate, self._noise_uv, self._alpha_uv = rate, noise_uv, alpha_uv
        self._blocks = Background(labels, rate, seed).blocks()
        self._artefacts = Artefacts(
            labels, seed, blinks_per_min, blink_uv=90.0, bursts_per_min=0.0, line_hz=line_hz, line_uv=line_uv,
            drift_uv=2 * noise_uv,
        )  # fmt: skip
        self._left = np.empty((0, len(labels)))
        self._taken = 0

    def read(self, n: int) -> FloatArray:
        """Return the next `n` samples: array of shape (n, n_channels), float32 µV."""
        parts = [self._left]
        while sum(map(len, parts)) < n:
            brain, alpha, _ = next(self._blocks)
            parts.append(self._noise_uv * brain + self._alpha_uv * alpha)
        joined = np.concatenate(parts)
        eeg, self._left = joined[:n].copy(), joined[n:]
        if n:
            self._artefacts.add(np.arange(self._taken, self._taken + n) / self._rate, eeg)
        self._taken += n
        return eeg.astype(np.float32)
