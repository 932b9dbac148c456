"""What a stream carries beside its EEG (EOG, EMG, an accelerometer), kept to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from realtime.eeg.channels import kinds_of, own_gains, units_of
from realtime.ring import GridRing
from realtime.time.interpolation import GridInterpolator, symmetric_kernel
from realtime.types import EegChunk, EegInfo


class SideChannels:
    """The channels that are not chosen as EEG, on the EEG's grid, unfiltered and in their own unit.

    Parameters
    ----------
    info : EegInfo
    chosen : sequence of int
        Channels that are EEG, by number; of the others those that are EEG as well are left out.
    hz : int
        Points a second of the grid.
    history_s : float
        How much is kept.

    Attributes
    ----------
    labels, kinds, units : tuple of str
        Of each channel; voltages are in µV.
    ring : GridRing
        Rows of n_channels; NaN where the sender gave no number.
    """

    def __init__(self, info: EegInfo, chosen: Sequence[int], hz: int, history_s: float):
        kinds, units = kinds_of(info), units_of(info)
        self._pick = [i for i, kind in enumerate(kinds) if i not in set(chosen) and kind != "eeg"]
        gains, volts = own_gains(info) if self._pick else (np.ones(info.n_channels), np.ones(0, bool))
        self._gains = gains[self._pick]
        self.labels = tuple(info.labels[i] for i in self._pick)
        self.kinds = tuple(kinds[i] for i in self._pick)
        self.units = tuple("µV" if volts[i] else units[i] for i in self._pick)
        self.ring = GridRing(round(history_s * hz), len(self._pick))
        self._interpolator = GridInterpolator(hz, self.ring, symmetric_kernel())

    def push(self, chunk: EegChunk) -> None:
        """Take a chunk of the whole stream, samples (n_samples, n_channels of the stream) in its own unit."""
        if self._pick:
            samples = (chunk.samples[:, self._pick] * self._gains).astype(np.float32)
            self._interpolator.push(EegChunk(samples, chunk.stamps, chunk.gap_before))
