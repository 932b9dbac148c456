"""From samples as a sender stamped them to samples at regular times on our clock.

Stamps are put on our clock with the measured offsets (`realtime.time.offsets`), then time is regressed on
sample number: causally, robustly, anew after each gap (`realtime.time.timeline`). A segment is worked off in
blocks of about 1/32 s (`realtime.time.segment`); the samples of a block take their times from the line fitted
to the blocks before it. Every decision falls at a sample's number, never at a chunk's border, so the result
does not depend on how the samples were chunked.

    HOLDING ──the first stamps give a line──▶ RUNNING ──a stamp off the line──▶ DOUBTING
       ▲                                         ▲                               │ │ │
       │                                         ├──── back on it: were late ────┘ │ │
       │                                         └── a clock was set: re-anchored ─┘ │
       └──────────── they stay off it, and equally far: a gap ───────────────────────┘

The bounds of the model: a rate within 10 % of the claimed one; a gap is a whole number of samples, and at
most a day; stamps that fall back, or leap by more, are a clock that was set, and time goes on where it was.
"""

from __future__ import annotations

import math

import numpy as np

from realtime.errors import StreamFormatError
from realtime.time.doubt import Doubt
from realtime.time.offsets import ClockOffsets
from realtime.time.segment import Segment
from realtime.time.segment_buffers import Given, Kept
from realtime.time.stated import StatedTimes
from realtime.time.timeline import Line, Rate, ends, first_break, fit_start
from realtime.types import EegChunk, FloatArray, IndexArray, RawChunk, TimeArray

_BLOCKS_PER_S = 32
_FIRST_BLOCKS = 16  # a stream's first line is fitted to this many blocks (0.5 s),
_HOLD_BLOCKS = 8  # after a gap to at most so many, where they are wanted,
_HOLD_LEAST = 16  # and to at least this many samples,
_HOLD_MOST_S = 1.0  # or to this much, where a sender repeats its stamps
_STANDSTILL_S = 4.0  # stamps that stay the same for this long are no clock: samples are counted
_LEAST_STEP = 0.1  # of a period, between two times
_SETTLED_S = 60.0  # after this the line says where a segment began as well as it ever will
_GAP_MOST_S = 86_400.0  # a leap of the stamps by more than this is a clock that was set
_LOWER_MOST_S = 0.05  # samples that come early by no more than this show that the line was late
_SAME_STEP_S = 0.05  # a clock that goes back to where it was, to within this


class StampFitter:
    """Regular times for the samples of one stream.

    Parameters
    ----------
    rate_nominal : float
        Samples a second as the sender claims; it may be wrong by several percent.

    Attributes
    ----------
    samples : int
        Given out so far.
    gaps, lost_samples : int
        Places where samples are missing, and how many by the length of the gaps.
    clock_steps : list of (float, float)
        Where a clock was set: time on our clock, and by how much; seconds.

    Raises
    ------
    StreamFormatError
        Where `rate_nominal` is 0 (an irregular stream).

    Notes
    -----
    Samples come out at once, but for the first 0.5 s of a stream (1 s where it comes in few packets), up to
    0.25 s after a gap, and those that lie off the line until the next few tell why. A gap too small to tell
    at once from jitter is found some 0.25 s or four packets later; until then times are wrong by its length.
    How exact times are is measured in docs/trust.md.
    """

    def __init__(self, rate_nominal: float):
        if not (math.isfinite(rate_nominal) and rate_nominal > 0):
            raise StreamFormatError(
                f"the stream's nominal rate is {rate_nominal:g} (irregular), and EEG needs a regular one. "
                "Choose the device's EEG stream, or have its sender state the rate."
            )
        self.rate_nominal = rate_nominal
        self.samples = 0
        self.gaps = 0
        self.lost_samples = 0
        self.clock_steps: list[tuple[float, float]] = []
        self._note = ""
        self._block = max(4, 2 ** round(math.log2(rate_nominal / _BLOCKS_PER_S)))
        self._offsets = ClockOffsets()
        self._eras: IndexArray = np.zeros(0, np.int64)  # of the sender's clock, of samples not given out yet
        self._last = -math.inf  # the last time given out
        self._segment: Segment | None = None
        self._kept = Kept()  # held at a segment's start, or in doubt
        self._doubt: Doubt | None = None
        self._stated = StatedTimes(1 / rate_nominal)
        self._shift = 0.0  # what was taken off the stamps since, where a clock was set; s
        self._out = Given()
        # what outlives a gap
        self._rate = Rate.claimed(rate_nominal)
        self._noise = self._envelope = self._scatter = 0.0
        self._due: float | None = None  # when the first sample after the last gap was expected
        self._lost_before = self._begun = 0  # lost before that gap; given out before the segment

    @property
    def rate_effective(self) -> float:
        """Samples a second on our clock, as fitted; the nominal rate before the first fit."""
        return 1 / (self._segment.line.period if self._segment else self._rate.period)

    @property
    def drift_ppm(self) -> float:
        """How much faster than claimed the sender samples, parts per million."""
        return (self.rate_effective / self.rate_nominal - 1) * 1e6

    @property
    def note(self) -> str:
        """What is odd about the stamps, in words; empty while nothing is."""
        notes = [self._note] if self._note else []
        if self.clock_steps:
            n, (_, by) = len(self.clock_steps), self.clock_steps[-1]
            times = "" if n == 1 else f" {n} times, last"
            notes.append(f"the clock of its stamps was set{times} by {by:+.6g} s: time goes on where it was")
        if self._stated.missing:
            notes.append(f"{self._stated.missing} samples without a time stamp keep their place")
        return "; ".join(notes)

    @property
    def jitter_ms(self) -> float:
        """Standard deviation of the sender's stamps about the line, milliseconds."""
        return (self._segment.scatter if self._segment else self._scatter) * 1e3

    def push(self, chunk: RawChunk) -> list[EegChunk]:
        """Take in samples; give out those whose times are decided, in order.

        Returns
        -------
        list of EegChunk
            One for each segment; samples keep the stream's unit.
        """
        for offset in chunk.offsets:
            self._offsets.add(offset)
        stamps, samples = self._stated.fill(chunk.stamps, chunk.samples)
        times, eras = self._offsets.based(stamps)
        times = times + self._shift
        self._eras = np.concatenate([self._eras, eras])
        start = 0
        while start < len(times):
            shift = self._shift
            if self._segment is None:
                start = self._hold(times, samples, start)
            elif self._doubt is not None:
                start = self._weigh(self._segment, self._doubt, times, samples, start)
            else:
                start = self._run(self._segment, times, samples, start)
            if self._shift != shift:
                times[start:] += self._shift - shift
        return self._out.take()

    def flush(self) -> list[EegChunk]:
        """Give out what is still held back, at the end of a stream; what is in doubt counts as outliers."""
        if len(self._kept):
            if self._segment is None:
                self._start(*self._kept.take())
            else:
                self._accept_late(self._segment)
        return self._out.take()

    # -- HOLDING ---------------------------------------------------------------------------------------

    def _hold(self, times: TimeArray, samples: FloatArray, start: int) -> int:
        """Let the first samples of a segment wait for a line; returns how far the chunk is used up."""
        stop: int = min(len(times), start + self._block - len(self._kept) % self._block)
        self._kept.add(times[start:stop], samples[start:stop])
        if len(self._kept) % self._block == 0:
            self._try_start()
        return stop

    def _try_start(self) -> None:
        n = len(self._kept)
        if n < (_HOLD_LEAST if self.samples else _FIRST_BLOCKS * self._block):
            return
        times, samples = self._kept.peek()
        n_seen = 1 + np.count_nonzero(ends(times, self._rate.period))
        if n_seen < 4 and n < _HOLD_MOST_S * self.rate_nominal:
            return
        if n_seen < 2:
            if n < _STANDSTILL_S * self.rate_nominal:
                return
            self._note = "its time stamps stand still: samples are counted instead"
        if cut := first_break(times, self._rate, self._envelope):
            self._kept.take()
            segment = self._start(times[:cut], samples[:cut])
            late = float(times[cut] - segment.expected(1)[0])
            self._part(segment, late, times[cut:], samples[cut:])
        elif n >= _HOLD_BLOCKS * self._block or self._fits_well(times):
            self._start(*self._kept.take())

    def _fits_well(self, times: TimeArray) -> bool:
        return fit_start(times, self._block, self._rate, self._noise).error <= 0.1 * self._rate.period

    def _start(self, times: TimeArray, samples: FloatArray) -> Segment:
        """Begin a segment with its first samples, and give them out."""
        fit = fit_start(times, self._block, self._rate, self._noise)
        stamps = fit.line.at(-len(times), len(times))
        self._begun = self.samples
        self._recount(fit.line, len(times))
        self._segment = Segment(fit, times, self._block, self.rate_nominal, self._envelope)
        self._give(stamps, samples)
        return self._segment

    # -- RUNNING ---------------------------------------------------------------------------------------

    def _run(self, segment: Segment, times: TimeArray, samples: FloatArray, start: int) -> int:
        """Give out samples up to the block's end, or to the first that lies off the line."""
        stop = min(len(times), start + segment.room)
        expected = segment.expected(stop - start)
        off = segment.off(times[start:stop], expected)
        doubtful = stop
        if off.max() > segment.limit or off.min() < -segment.early:
            doubtful = start + int(np.argmax((off > segment.limit) | (off < -segment.early)))
        if n := doubtful - start:
            self._give(segment.accept(expected[:n], times[start:doubtful]), samples[start:doubtful])
        if doubtful < stop:
            time = float(times[doubtful])
            self._kept.add(times[doubtful : doubtful + 1], samples[doubtful : doubtful + 1])
            first = float(off[doubtful - start])
            self._doubt = Doubt(time, first, self.rate_nominal, segment.limit, segment.newest_off())
        if segment.shifted > 0:
            self._break(segment)
        elif segment.shifted < 0:
            self._set_clock(segment, segment.shifted)
            segment.shifted = 0.0
        elif segment.block_done:
            self._recount(segment.line, self.samples - self._begun)
        return min(doubtful + 1, stop)

    def _recount(self, line: Line, n: int) -> None:
        """Count what is missing before this segment, by where its line now says that it began `n` ago."""
        if self._due is None:
            return
        began = line.time - n * line.period
        self.lost_samples = self._lost_before + max(1, round((began - self._due) / line.period))
        if n > _SETTLED_S * self.rate_nominal:
            self._due = None

    def _give(self, stamps: TimeArray, samples: FloatArray) -> None:
        n = len(stamps)
        times = self._offsets.slewed(stamps, self._eras[:n])
        self._eras = self._eras[n:]
        if times[0] <= self._last:  # the sender came back with another clock: no time is given twice
            times = np.maximum(times, self._last + _LEAST_STEP / self.rate_nominal * np.arange(1, n + 1))
        self._last = float(times[-1])
        self.samples += n
        self._out.add(samples, times)

    # -- DOUBTING --------------------------------------------------------------------------------------

    def _weigh(
        self, segment: Segment, doubt: Doubt, times: TimeArray, samples: FloatArray, start: int
    ) -> int:
        """Weigh one more sample beside those that lie off the line."""
        off = float(segment.off(times[start : start + 1], segment.expected(1, ahead=doubt.n))[0])
        if -segment.early <= off <= segment.limit:
            self._accept_late(segment)
            return start
        self._kept.add(times[start : start + 1], samples[start : start + 1])
        doubt.add(float(times[start]), off)
        if (found := doubt.jump()) is not None:
            jump, first = found
            kept_times, kept_samples = self._kept.take()
            self._doubt = None
            if not doubt.leaps(jump):
                segment.follow(jump)
                self._give(segment.accept(segment.expected(doubt.n), kept_times), kept_samples)
                return start + 1
            if first:
                self._give(segment.accept(segment.expected(first), None), kept_samples[:first])
            self._part(segment, jump, kept_times[first:], kept_samples[first:])
        elif doubt.given_up:
            self._accept_late(segment)
        return start + 1

    def _accept_late(self, segment: Segment) -> None:
        """Give samples whose own stamps are not to be believed the times of the line."""
        samples = self._kept.take()[1]
        self._doubt = None
        self._give(segment.accept(segment.expected(len(samples)), None), samples)

    def _part(self, segment: Segment, jump: float, times: TimeArray, samples: FloatArray) -> None:
        """Go on with samples that lie `jump` seconds off the line of the segment, and stay there."""
        back = self._shift != 0 and abs(jump - self._shift) < _SAME_STEP_S
        if -_LOWER_MOST_S <= jump < 0:
            segment.lower(jump)
        elif jump < 0 or jump > _GAP_MOST_S or back:
            self._set_clock(segment, jump)
        else:
            self._break(segment)
            self._kept.add(times - segment.line.clock, samples)
            return
        self._give(segment.accept(segment.expected(len(samples)), None), samples)

    def _set_clock(self, segment: Segment, jump: float) -> None:
        """Go on along the line with a clock that was set by `jump` seconds."""
        self._shift = 0.0 if abs(jump - self._shift) < _SAME_STEP_S else self._shift - jump
        self.clock_steps.append((float(segment.expected(1)[0]), jump))
        segment.set_clock()

    def _break(self, segment: Segment) -> None:
        """End the segment: samples are missing before what follows."""
        self._due, self._lost_before = float(segment.expected(1)[0]), self.lost_samples
        self._rate, self._noise = Rate.learned(segment.line, self.rate_nominal), segment.line.noise
        self._envelope, self._scatter = segment.envelope, segment.scatter
        self._shift -= segment.line.clock
        self._segment = self._doubt = None
        self.gaps += 1
        self._out.begin_segment()
