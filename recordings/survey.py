"""What a recorded session holds before it is played: where EEG is missing, and what was said of it then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.errors import PhospheneError
from realtime.time.stamps import StampFitter
from realtime.types import RawChunk
from realtime.worker import Worker
from recordings.session.outcome import all_readings
from recordings.session.session import Session
from recordings.session.tracks import EegTrack


class Gap(NamedTuple):
    """EEG is missing between these two times, seconds on the session's clock."""

    start: float
    stop: float


class Survey:
    """Reads a session through in a thread of its own, beside the player, from `start` on.

    Parameters
    ----------
    folder : str or Path
    eeg : str
        Which EEG stream, where there are several.

    Attributes
    ----------
    gaps : tuple of Gap
        Those found so far.
    similarity : tuple of (float, float)
        Time and similarity of each reading that was recorded with the session.
    """

    def __init__(self, folder: str | Path, eeg: str = ""):
        self.gaps: tuple[Gap, ...] = ()
        self.similarity: tuple[tuple[float, float], ...] = ()
        self._folder, self._eeg = folder, eeg
        self._steps: Iterator[None] | None = None  # None before the start
        self._worker = Worker("survey", self._step)

    def start(self) -> Survey:
        """Begin to read; a second call does nothing."""
        if self._steps is None:
            self._steps = self._read()
            self._worker.start()
        return self

    def stop(self) -> None:
        """End the reading."""
        self._worker.stop()

    @property
    def done(self) -> bool:
        """Whether the session was read to its end."""
        return self._steps is not None and not self._worker.alive

    def _step(self) -> bool:
        assert self._steps is not None
        try:
            return next(self._steps, "over") != "over"
        except PhospheneError:
            return False  # a time line without gaps; the player says what is wrong with the file

    def _read(self) -> Iterator[None]:
        with Session(self._folder) as session:
            for readings in all_readings(session)[:1]:
                times, values = readings.time + session.start, readings["similarity"]
                self.similarity = tuple(zip(times.tolist(), values.tolist(), strict=True))
            yield
            for gap in gaps_of(session.eeg(self._eeg or None)):
                if gap is not None:
                    self.gaps = (*self.gaps, gap)
                yield


def gaps_of(track: EegTrack) -> Iterator[Gap | None]:
    """Gaps in the order of time, found by the code that finds them live; None after a piece without one."""
    fitter, offsets, last = StampFitter(track.info.rate_nominal), track.offsets, -np.inf
    for piece in track.pieces():
        nothing = np.zeros((len(piece.stamps), 0), np.float32)
        for chunk in fitter.push(RawChunk(nothing, piece.stamps, offsets)):
            if chunk.gap_before and np.isfinite(last):
                yield Gap(float(last), float(chunk.stamps[0]))
            last = chunk.stamps[-1]
        offsets = ()
        yield None
