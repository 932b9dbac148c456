"""An EEG stream as one array of equally spaced samples, as most file formats want it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from realtime.time.stamps import StampFitter
from realtime.types import EegChunk, FloatArray, IndexArray, RawChunk, TimeArray
from recordings.session.tracks import EegTrack

_RATE_OFF = 1e-3  # a nominal rate further than this from the truth is not taken at its word


class Regular(NamedTuple):
    """A stream's samples, each at the place that its time gives it.

    Attributes
    ----------
    rate : float
        Samples a second: the nominal rate, or the true one where they lie more than 0.1 % apart.
    samples : array of shape (n_samples, n_channels), float32
        In the stream's unit, 0 where nothing was recorded.
    skipped : list of (int, int)
        First sample and length of each stretch in which nothing was recorded.
    times : array of shape (n_recorded,), float64 s, session's clock
    place : array of shape (n_recorded,), int64
        Where the sample of each time stands.
    """

    rate: float
    samples: FloatArray
    skipped: list[tuple[int, int]]
    times: TimeArray
    place: IndexArray

    def onsets(self, times: Sequence[float] | TimeArray) -> TimeArray:
        """Convert times (n,) on the session's clock to seconds since the first sample, counted in samples.

        So a marker lies beside the same sample in every tool, however far the nominal rate is off.
        """
        at = np.asarray(times, np.float64)
        outside = np.minimum(at - self.times[0], 0.0) + np.maximum(at - self.times[-1], 0.0)
        onsets: TimeArray = np.interp(at, self.times, self.place) / self.rate + outside
        return onsets


def regular(track: EegTrack) -> Regular:
    """Lay a stream out, by the times that the pipeline gives its samples (`realtime.time.stamps`).

    Raises
    ------
    SessionError, StreamFormatError
        A chunk is damaged, or the stream states no rate.
    """
    chunks, rate = _fitted(track)
    n, starts, skipped = 0, [], []
    last = -np.inf
    for chunk in chunks:
        lost = max(0, round((chunk.stamps[0] - last) * rate) - 1) if chunk.gap_before and n else 0
        if lost:
            skipped.append((n, lost))
        starts.append(n + lost)
        n += lost + len(chunk.stamps)
        last = chunk.stamps[-1]
    samples = np.zeros((n, track.info.n_channels), np.float32)
    for start, chunk in zip(starts, chunks, strict=True):
        samples[start : start + len(chunk.stamps)] = chunk.samples
    place = [start + np.arange(len(chunk.stamps)) for start, chunk in zip(starts, chunks, strict=True)]
    times = np.concatenate([chunk.stamps for chunk in chunks])
    return Regular(rate, samples, skipped, times, np.concatenate(place))


def _fitted(track: EegTrack) -> tuple[list[EegChunk], float]:
    """Fit the samples' times, and choose the rate to lay them out at."""
    fitter, offsets, chunks = StampFitter(track.info.rate_nominal), track.offsets, []
    for piece in track.pieces():
        chunks += fitter.push(RawChunk(piece.samples, piece.stamps, offsets))
        offsets = ()
    chunks += fitter.flush()
    honest = abs(fitter.drift_ppm) * 1e-6 <= _RATE_OFF
    return chunks, fitter.rate_nominal if honest else fitter.rate_effective
