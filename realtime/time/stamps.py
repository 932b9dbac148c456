"""From samples as a sender stamped them to samples at regular times on our clock.

Stamps are put on our clock with the measured offsets (`realtime.time.offsets`), then time is regressed on
sample number: causally, robustly, anew after each gap (`realtime.time.timeline`). A segment is worked off in
blocks of about 1/32 s (`realtime.time.segment`); the samples of a block take their times from the line fitted
to the blocks before it. Every decision falls at a sample's number, never at a chunk's border, so the result
does not depend on how the samples were chunked.

    HOLDING ──the first stamps give a line──▶ RUNNING ──a stamp off the line──▶ DOUBTING
       ▲                                         ▲                                │ │
       │                                         └──── back on it: outliers ──────┘ │
       └──────────── the next ones agree: a gap, or overlap ────────────────────────┘
"""

from __future__ import annotations

import math

import numpy as np

from realtime.errors import ClockError, StreamFormatError
from realtime.time.offsets import ClockOffsets
from realtime.time.segment import Segment
from realtime.time.segment_buffers import Given, Kept
from realtime.time.timeline import Rate, first_break, fit_start
from realtime.types import EegChunk, FloatArray, RawChunk, TimeArray

_BLOCKS_PER_S = 32
_FIRST_BLOCKS = 16  # a stream's first line is fitted to this many blocks (0.5 s),
_HOLD_BLOCKS = 8  # after a gap to at most so many, where they are wanted,
_HOLD_LEAST = 16  # and to at least this many samples,
_HOLD_MOST_S = 1.0  # or to this much, where a sender repeats its stamps
_STANDSTILL_S = 4.0  # stamps that stay the same for this long are no clock
_BACK_MOST_S = 1.0  # stamps that fall back by less are overlap, by more an error
_DOUBT_S = 0.25  # samples off the line that do not agree for so long are a burst: late, not lost


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
    overlap_samples : int
        Dropped because their stamps lay before what had already been given out.

    Raises
    ------
    StreamFormatError
        Where `rate_nominal` is 0 (an irregular stream).

    Notes
    -----
    Samples come out at once, but for the first 0.5 s of a stream, up to 0.25 s after a gap, and those that
    lie off the line until the next few tell whether a gap is there. A gap too small to tell at once from
    the sender's own jitter or packets is found some 0.25 s or four packets later; until then times are wrong
    by its length.

    Settling, measured with stamps that jitter by ±5 ms (uniform, 200 ppm off the nominal rate): times are
    good to 0.8 ms from the first sample on, and to 0.5 ms after 10 s at 250 Hz (3 s at 1000 Hz).
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
        self.overlap_samples = 0
        self._block = max(4, 2 ** round(math.log2(rate_nominal / _BLOCKS_PER_S)))
        self._n_doubt = max(8, round(_DOUBT_S * rate_nominal))
        self._offsets = ClockOffsets()
        self._segment: Segment | None = None
        self._kept = Kept()  # held at a segment's start, or in doubt
        self._out = Given()
        self._last = -math.inf  # the last time given out
        self._overlapping = False
        # what outlives a gap
        self._rate = Rate.claimed(rate_nominal)
        self._noise = self._envelope = self._scatter = 0.0
        self._due: float | None = None  # when the next sample was expected

    @property
    def rate_effective(self) -> float:
        """Samples a second on our clock, as fitted; the nominal rate before the first fit."""
        return 1 / (self._segment.line.period if self._segment else self._rate.period)

    @property
    def drift_ppm(self) -> float:
        """How much faster than claimed the sender samples, parts per million."""
        return (self.rate_effective / self.rate_nominal - 1) * 1e6

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

        Raises
        ------
        ClockError
            Where the stamps are no clock: not finite, standing still, or fallen back by more than 1 s.
        """
        for offset in chunk.offsets:
            self._offsets.add(offset)
        times, samples = self._offsets.correct(chunk.stamps), chunk.samples
        if not np.isfinite(times).all():
            raise ClockError(
                "a time stamp of the EEG stream is not a number: restart the headset's program, or stamp the "
                "samples when they arrive with --clock arrival"
            )
        start = 0
        while start < len(times):
            if self._segment is None:
                start = self._hold(times, samples, start)
            elif len(self._kept):
                start = self._doubt(self._segment, times, samples, start)
            else:
                start = self._run(self._segment, times, samples, start)
        return self._out.take()

    def flush(self) -> list[EegChunk]:
        """Give out what is still held back, at the end of a stream; what is in doubt counts as outliers."""
        if len(self._kept):
            times, samples = self._kept.take()
            if self._segment is None:
                self._start(times, samples)
            else:
                self._accept_outliers(self._segment, samples)
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
        n_seen = 1 + np.count_nonzero(times[1:] != times[:-1])
        if n_seen < 4 and n < _HOLD_MOST_S * self.rate_nominal:
            return
        if n_seen < 2:
            if n < _STANDSTILL_S * self.rate_nominal:
                return
            raise ClockError(
                f"the EEG stream's time stamps stand still at {times[0]:.3f} s: restart the headset's "
                "program, or stamp the samples when they arrive with --clock arrival"
            )
        if cut := first_break(times, self._rate, self._envelope):
            self._kept.take()
            segment = self._start(times[:cut], samples[:cut])
            self._break(segment, back=bool(times[cut] < segment.line.time))
            self._kept.add(times[cut:], samples[cut:])
        elif n >= _HOLD_BLOCKS * self._block or self._fits_well(times):
            self._start(*self._kept.take())

    def _fits_well(self, times: TimeArray) -> bool:
        return fit_start(times, self._block, self._rate, self._noise).error <= 0.1 * self._rate.period

    def _start(self, times: TimeArray, samples: FloatArray) -> Segment:
        """Begin a segment with its first samples, and give them out."""
        fit = fit_start(times, self._block, self._rate, self._noise)
        stamps = fit.line.at(-len(times), len(times))
        if self._due is not None:
            self.lost_samples += max(0, round((stamps[0] - self._due) / fit.line.period))
            self._due = None
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
        if off.max() > segment.limit or off.min() < -segment.limit:
            doubtful = start + int(np.argmax(np.abs(off) > segment.limit))
            self._kept.add(times[doubtful : doubtful + 1], samples[doubtful : doubtful + 1])
        if n := doubtful - start:
            self._give(segment.accept(expected[:n], times[start:doubtful]), samples[start:doubtful])
        if segment.broken:
            self._break(segment, back=False)
        return min(doubtful + 1, stop)

    def _give(self, stamps: TimeArray, samples: FloatArray) -> None:
        if self._overlapping:
            keep = stamps > self._last
            self.overlap_samples += int(np.count_nonzero(~keep))
            if not keep.any():
                return
            stamps, samples = stamps[keep], samples[keep]
            self._overlapping = False
        self.samples += len(stamps)
        self._last = stamps[-1]
        self._out.add(samples, stamps)

    # -- DOUBTING --------------------------------------------------------------------------------------

    def _doubt(self, segment: Segment, times: TimeArray, samples: FloatArray, start: int) -> int:
        """Weigh one more sample beside those that lie off the line."""
        n = len(self._kept)
        off = segment.off(times[start : start + 1], segment.expected(1, ahead=n))[0]
        if abs(off) <= segment.limit:
            self._accept_outliers(segment, self._kept.take()[1])
            return start
        self._kept.add(times[start : start + 1], samples[start : start + 1])
        n += 1
        n_agree = min(max(8, math.ceil(2 * segment.limit * self.rate_nominal)), self._n_doubt)
        if n >= n_agree:
            last = self._kept.peek()[0][-n_agree:]
            off = segment.off(last, segment.expected(n_agree, ahead=n - n_agree))
            if np.ptp(off) <= 2 * segment.limit and self._jump(segment, float(np.median(off)), n_agree):
                return start + 1
        if n >= self._n_doubt:
            self._accept_outliers(segment, self._kept.take()[1])
        return start + 1

    def _jump(self, segment: Segment, jump: float, n_agree: int) -> bool:
        """Handle that the last samples in doubt lie on a line of their own, `jump` seconds off ours."""
        if jump < -_BACK_MOST_S:
            if len(self._kept) < self._n_doubt:
                return False
            raise ClockError(
                f"the stream's time stamps fell back by {-jump:.1f} s and stayed there: its sender's clock "
                "was set back. Start again to read it on its new clock."
            )
        times, samples = self._kept.take()
        if n_before := len(times) - n_agree:
            self._accept_outliers(segment, samples[:n_before])
        if jump < 0:  # no gap does this: packets are stamped as they arrive, now late and now early
            segment.envelope = max(segment.envelope, -jump)
        self._break(segment, back=jump < 0)
        self._kept.add(times[n_before:], samples[n_before:])
        return True

    def _accept_outliers(self, segment: Segment, samples: FloatArray) -> None:
        """Give samples whose own stamps are not to be believed the times of the line."""
        self._give(segment.accept(segment.expected(len(samples)), None), samples)

    def _break(self, segment: Segment, back: bool) -> None:
        """End the segment: what follows does not join on."""
        self._due = segment.expected(1)[0]
        self._rate, self._noise = Rate.learned(segment.line), segment.line.noise
        self._envelope, self._scatter = segment.envelope, segment.scatter
        self._segment = None
        self._overlapping = back
        self.gaps += not back
        self._out.begin_segment()
