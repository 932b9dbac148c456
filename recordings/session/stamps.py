"""A stream's stamps as they can be used: none missing, and no clock that was set in between.

A stamp that is no number takes its place by its sample's number. Where a sender's clock is set (back, or
further ahead than anybody pauses a recording, or to times at which the recorder was no longer there), what
follows is taken to join on: nothing says how long it took, and samples do not stop when a clock is set.
Everything else is a pause, and keeps its length.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from realtime.time.offsets import ClockOffsets
from realtime.types import ClockOffset, IndexArray, TimeArray
from recordings.xdf.index import XdfStream
from recordings.xdf.reader import XdfReader
from recordings.xdf.sync import trusted

BACK_S = 1.0  # stamps that fall back by less overlap: their sender stamps packets as they come
PAUSE_MOST_S = 86_400.0  # no recording is paused for longer
_LOOKED_AT_S = 10.0  # steps ahead by less are never a clock that was set
_LATE_S = 30.0  # stamps may lie so far behind the recorder's last measurement, or three times its usual rest


class ClockSet(NamedTuple):
    """A clock was set.

    Attributes
    ----------
    sample : int
        The first sample after it.
    step_s : float
        How far it was set, seconds; negative for back.
    shift_s : float
        What is added to every stamp from there on.
    time : float
        When, seconds on the session's clock.
    """

    sample: int
    step_s: float
    shift_s: float
    time: float

    def __str__(self) -> str:
        """Return a sentence for the user."""
        way = "ahead" if self.step_s > 0 else "back"
        return (
            f"its clock was set {way} by {abs(self.step_s):.1f} s at sample {self.sample} "
            f"({self.time:.1f} s): what follows is taken to join on"
        )


class _Jump(NamedTuple):
    """Times of a sample and the one before it that do not lie where the rate puts them."""

    sample: int
    before: float
    after: float


def clock_sets(jumps: Iterable[_Jump], step_s: float, latest: float = math.inf) -> list[ClockSet]:
    """Find the jumps at which a clock was set, among those of a stream in its order.

    Parameters
    ----------
    step_s : float
        Usual time between two samples.
    latest : float
        No sample can be later, seconds on the session's clock.
    """
    found: list[ClockSet] = []
    shift = 0.0
    listed = list(jumps)
    for i, (sample, before, after) in enumerate(listed):
        pause, unshifted = after - before - step_s, after - (before + shift) - step_s
        following = listed[i + 1].after - listed[i + 1].before - step_s if i + 1 < len(listed) else math.nan
        if shift and abs(unshifted) <= BACK_S:  # the clock is right again
            new = 0.0
        elif (
            pause < -BACK_S
            or pause > PAUSE_MOST_S
            or after + shift > latest >= before + shift
            or abs(pause + following) <= BACK_S  # and back again
        ):
            new = shift - pause
        else:
            continue
        shift = new
        found.append(ClockSet(sample, pause, shift, after + shift))
    return found


def shifts(sets: Sequence[ClockSet], samples: IndexArray) -> TimeArray:
    """Return what is added to the stamps of samples with these numbers (n,), seconds (n,)."""
    by_set: TimeArray = np.array([0.0, *(one.shift_s for one in sets)])
    return by_set[np.searchsorted([one.sample for one in sets], samples, side="right")]


def jumps_in(times: TimeArray, step_s: float, first: int = 0) -> list[_Jump]:
    """Find where times (n,) jump; `first` is the number of the first sample."""
    pauses = np.diff(times) - step_s
    at = np.flatnonzero((pauses < -BACK_S) | (pauses > _LOOKED_AT_S))
    return [_Jump(first + int(i) + 1, float(times[i]), float(times[i + 1])) for i in at]


def filled(stamps: TimeArray, step_s: float) -> TimeArray:
    """Give each of the stamps (n,) that is no number its place between the others."""
    return filled_at(stamps, np.arange(len(stamps)), step_s)


def filled_at(stamps: TimeArray, samples: IndexArray, step_s: float) -> TimeArray:
    """Fill in the stamps (n,) of the samples with these numbers (n,); where none is known they begin at 0."""
    is_known = np.isfinite(stamps)
    if is_known.all():
        return stamps
    known = np.flatnonzero(is_known)
    if not len(known):
        counted: TimeArray = np.multiply(step_s, samples + 1.0, dtype=np.float64)
        return counted
    placed: TimeArray = np.interp(samples, samples[known], stamps[known]).astype(np.float64)
    first, last = known[0], known[-1]
    placed[:first] -= step_s * (samples[first] - samples[:first])
    placed[last + 1 :] += step_s * (samples[last + 1 :] - samples[last])
    placed[is_known] = stamps[is_known]
    return placed


def measured_offsets(stream: XdfStream) -> tuple[ClockOffset, ...]:
    """Return a stream's clock offsets as they were measured live.

    The file gives the moment of a measurement on the sender's clock (LabRecorder writes `now - offset`),
    `ClockOffset` on the recorder's.
    """
    _, times, values = trusted(stream)
    return tuple(ClockOffset(float(t + v), float(v)) for t, v in zip(times, values, strict=True))


def corrector(stream: XdfStream) -> ClockOffsets:
    """Make what brings a stream's stamps, handed to it in file order, to the session's clock."""
    offsets = ClockOffsets()
    for offset in measured_offsets(stream):
        offsets.add(offset)
    return offsets


def latest_time(stream: XdfStream) -> float:
    """Return the time after which no sample of the stream can lie, s; infinite where no offsets say it."""
    _, times, values = trusted(stream)
    if len(times) < 3:
        return math.inf
    measured = np.sort(times + values)
    return float(measured[-1] + max(_LATE_S, 3 * np.diff(measured).max()))


class StreamStamps:
    """The usable stamps of a regular stream, chunk by chunk.

    Parameters
    ----------
    reader : XdfReader
    stream_id : int
    """

    def __init__(self, reader: XdfReader, stream_id: int):
        self._reader, self._id = reader, stream_id
        self.stream = reader.streams[stream_id]
        self._step_s = self.stream.info.layout.step_s
        self.first_sample: IndexArray = np.concatenate(([0], np.cumsum(self.stream.n_in_chunk)))

    @cached_property
    def sets(self) -> tuple[ClockSet, ...]:
        """Where the sender's clock was set."""
        return tuple(clock_sets(self._jumps(), self._step_s, latest_time(self.stream)))

    def of_chunk(self, k: int, stamps: TimeArray) -> TimeArray:
        """Return the stamps (n,) of the k-th chunk, none missing, on the clock the stream began on."""
        if not np.isfinite(stamps).any():
            stamps = self._firsts()[k] + self._step_s * np.arange(len(stamps))
        whole = filled(stamps, self._step_s)
        first = int(self.first_sample[k])
        if self.sets:
            whole = whole + shifts(self.sets, first + np.arange(len(whole)))
        return _without_strays(whole, self._step_s)

    def first_stamps(self) -> TimeArray:
        """Return the stamp of each chunk's first sample (n_chunks,)."""
        return self._firsts() + shifts(self.sets, self.first_sample[:-1])

    def _firsts(self) -> TimeArray:
        """First stamps as in the file; one that is no number is counted on from those beside it."""
        return filled_at(self.stream.first_stamp, self.first_sample[:-1], self._step_s)

    def _jumps(self) -> Iterator[_Jump]:
        """Jumps of the corrected times, from the chunks around which the first stamps jump."""
        firsts = self._firsts()
        if not len(firsts):
            return
        times = np.append(corrector(self.stream).correct(firsts), math.nan)
        pauses = np.diff(times) - self._step_s * self.stream.n_in_chunk
        looked_at = ~((pauses >= -BACK_S) & (pauses <= _LOOKED_AT_S))  # the last chunk always
        for k in np.flatnonzero(looked_at):
            stamps = self._reader.read_chunk(self._id, int(k))[0]
            if not np.isfinite(stamps).any():
                continue
            stamps = filled(stamps, self._step_s)
            following = firsts[k + 1 : k + 2]
            at = corrector(self.stream).correct(np.concatenate([stamps, following]))
            yield from jumps_in(at[np.isfinite(at)], self._step_s, int(self.first_sample[k]))


def _without_strays(stamps: TimeArray, step_s: float) -> TimeArray:
    """Take stamps (n,) that leap away and back again within a chunk for no numbers.

    All that follow would else be thought to be as late.
    """
    jumps = jumps_in(stamps, step_s)
    strays = stamps
    for leap, back in itertools.pairwise(jumps):
        if abs(leap.after - leap.before + back.after - back.before - 2 * step_s) <= BACK_S:
            strays = stamps.copy() if strays is stamps else strays
            strays[leap.sample : back.sample] = math.nan
    return filled(strays, step_s)
