"""The straight line of time over sample number, followed as it slowly drifts.

A Kalman filter of three states, updated once a block with the block's mean residual (Bar-Shalom, Li &
Kirubarajan 2001, *Estimation with Applications to Tracking and Navigation*, ch. 5-6): the time of the next
sample, the seconds between samples, and how the stamps of a clock that was set lie to both. Innovations are
clipped at three standard deviations (Huber 1964).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from realtime.types import BoolArray, TimeArray

RATE_BOUND = 0.1  # a sender's rate lies within this share of what it claims
AT_ONCE = 0.3  # a stamp that follows by less than this many periods was waiting with the one before
_PACKETS_END = 0.7  # share of samples that end a packet, below which they come in packets
_PACKETS = 0.3  # share of such stamps from which on they mean packets, and not jitter
_RATE_PRIOR = 500e-6  # how far a sender's rate may lie from what it claims (relative, 1 sd)
_RATE_OFF = 2e-3  # a rate further off than this is believed from the first stamps on
_RATE_LOOSE = 2e-2  # and this is how far it is sought once it has shown itself wrong
_RATE_WALK = 1e-7  # how a crystal wanders with temperature: relative, per root second
_TIME_WALK_S = 2e-5  # and how a measured clock offset does: seconds, per root second
_LEAST_NOISE_S = 2e-5  # clock offsets are no better than this (liblsl: about 0.2 ms)
_LATE_S = 3e-3  # how unequally late packets are, before it is known
_MEMORY = 64  # blocks over which the noise is averaged,
_BIAS_MEMORY = 32  # and over which the bias is
_BIAS_MOST = 6.0  # standard deviations of the bias of a line that does not lag


@dataclass
class Line:
    """Time of sample k of the current block: `time + period * k`; its stamp lies `clock` after that.

    Attributes
    ----------
    time, period, clock : float
        Seconds; seconds per sample; seconds by which a clock that was set is off beyond what was taken for
        its step.
    covariance : array of shape (3, 3)
        Of the three; never changed in place.
    noise : float
        Standard deviation of a block's mean residual, seconds.
    bias : float
        Mean residual over the last second or so; not near 0 where the line lags behind, seconds.
    """

    time: float
    period: float
    covariance: NDArray[np.float64]
    noise: float
    clock: float = 0.0
    bias: float = 0.0
    n_updates: int = 0

    def at(self, first: int, n: int) -> TimeArray:
        """Return times (n,) of `n` samples from number `first` of the block on."""
        times: TimeArray = self.time + self.period * np.arange(first, first + n, dtype=np.float64)
        return times

    def deviation(self, k: float) -> float:
        """Return standard deviation expected of a block's residual whose mean sample number is `k`."""
        seen = np.array([1.0, k, 1.0])
        return math.sqrt(seen @ self.covariance @ seen + self.noise**2)

    def update(self, residual: float, k: float) -> float:
        """Take in a block's mean residual at mean sample number `k`; returns how far stamps there moved."""
        seen = np.array([1.0, k, 1.0])
        shared = self.covariance @ seen
        variance = float(seen @ shared) + self.noise**2
        deviation = math.sqrt(variance)
        clipped = min(max(residual, -3 * deviation), 3 * deviation)
        self._learn(clipped * self.noise / deviation)  # as much of it as is noise
        moved = shared * (clipped / variance)
        self.time += float(moved[0])
        self.period += float(moved[1])
        self.clock += float(moved[2])
        self.covariance = self.covariance - shared[:, None] * (shared / variance)
        return float(seen @ moved)

    def _learn(self, residual: float) -> None:
        """How noisy the stamps are, and whether the line lags behind: then it is let go a little.

        The noise is taken about the bias, else a line that lags would think its stamps noisy and lag more.
        """
        self.n_updates += 1
        self.bias += (residual - self.bias) / _BIAS_MEMORY
        share = max(1 / _MEMORY, 1 / (self.n_updates + 3))
        self.noise += share * (max(1.25 * abs(residual - self.bias), _LEAST_NOISE_S) - self.noise)  # to sd
        if abs(self.bias) > _BIAS_MOST * self.noise / math.sqrt(2 * _BIAS_MEMORY):
            self._let_go(self.bias**2 / 8, (self.bias * self.period) ** 2 / 320)

    def advance(self, n: int) -> None:
        """Move the block's first sample on by `n`, and let time and rate wander."""
        seconds = n * self.period
        self.time += seconds
        self.covariance = self.covariance.copy()
        self.covariance[0] += n * self.covariance[1]
        self.covariance[:, 0] += n * self.covariance[:, 1]
        self._let_go(_TIME_WALK_S**2 * seconds, (_RATE_WALK * self.period) ** 2 * seconds)

    def bound(self, nominal: float) -> None:
        """Keep the period within its bounds about the `nominal` one, seconds."""
        self.period = min(max(self.period, (1 - RATE_BOUND) * nominal), (1 + RATE_BOUND) * nominal)

    def loosen(self, residual: float) -> None:
        """Forget time and rate: what was believed has been wrong by `residual` for several blocks."""
        rate = (_RATE_LOOSE * self.period) ** 2
        self.covariance = np.diag([self.covariance[0, 0] + residual**2, rate, 0.0])

    def set_clock(self, error: float) -> None:
        """Learn how stamps lie to this line, of a clock that was set by a step known to within `error`, s."""
        self._let_go(0.0, 0.0, error**2)

    def _let_go(self, var_time: float, var_period: float, var_clock: float = 0.0) -> None:
        self.covariance = self.covariance.copy()
        for state, variance in enumerate((var_time, var_period, var_clock)):
            self.covariance[state, state] += variance


@dataclass(frozen=True)
class Rate:
    """Seconds per sample, as claimed or as learned before a gap, and its variance."""

    period: float
    variance: float
    nominal: float

    @classmethod
    def claimed(cls, rate_hz: float) -> Rate:
        """As a sender claims it."""
        return cls(1 / rate_hz, (_RATE_PRIOR / rate_hz) ** 2, 1 / rate_hz)

    @classmethod
    def learned(cls, line: Line, rate_hz: float) -> Rate:
        """As a line has learned it."""
        variance = float(line.covariance[1, 1]) + (50e-6 * line.period) ** 2
        return cls(line.period, variance, 1 / rate_hz)

    def allows(self, period: float) -> bool:
        """Whether a sender that claims this rate may have that period."""
        return abs(period / self.nominal - 1) <= RATE_BOUND


@dataclass(frozen=True)
class Start:
    """A line through the first samples of a segment (sample 0 is the first), and how good it is.

    Attributes
    ----------
    error : float
        Standard error of its time, seconds.
    scatter : float
        Robust standard deviation of the stamps about it, seconds.
    envelope : float
        Largest deviation of a stamp that is not an outlier, seconds.
    early : float
        Largest deviation of one that comes before its time.
    """

    line: Line
    error: float
    scatter: float
    envelope: float
    early: float


def ends(times: TimeArray, period: float) -> BoolArray:
    """Which samples, of all but the last, are the last of their packet; shape (n_samples - 1,).

    What comes in packets is stamped as it comes: the packet's arrival is that of its last sample, and those
    before it waited, each a period longer than the next. So a stamp says where its sample lies only where
    the next one does not follow at once. A few that follow at once, among many that do not, are jitter.
    """
    step = times[1:] - times[:-1]
    at_once = (step >= 0) & (step < AT_ONCE * period)
    if np.count_nonzero(at_once) < _PACKETS * np.count_nonzero(np.isfinite(step)):
        at_once = step == 0
    last: BoolArray = ~at_once
    return last


def fit_start(times: TimeArray, block: int, rate: Rate, noise: float) -> Start:
    """Fit the first stamps of a segment, robustly; shape (n_samples,), at least one.

    `noise` is the noise known from an earlier segment (0: none), the least that is assumed.
    """
    index = np.flatnonzero(ends(times, rate.period))
    if not len(index):
        index = np.array([len(times) - 1])
    seen = times[index]
    rate = _believed(rate, index, seen)
    if len(index) < _PACKETS_END * (len(times) - 1):
        noise = max(noise, _LATE_S)
    offset, scatter = _centre(seen - rate.period * index)
    residual = times - (offset + rate.period * np.arange(len(times)))
    n_free = _independent(residual[index])
    few = 1 + 8 / len(index)  # a scatter estimated from few is easily too small
    n_blocks = max(1.0, min(len(times) / block, len(index)))  # that say something
    error = max(few * scatter / math.sqrt(n_free), noise / math.sqrt(n_blocks), _LEAST_NOISE_S)
    noise = max(error * math.sqrt(n_blocks), noise)

    single = np.zeros(len(times), bool)
    single[index] = True
    limit = np.where(
        single, 4 * scatter, np.inf
    )  # repeated stamps are never outliers, they are early samples
    usual = residual[np.abs(residual) <= limit]
    envelope = float(np.abs(usual).max(initial=0.0))

    reach = len(times) - (len(times) - 1) / 2  # from the middle of these samples to the next one
    line = Line(
        time=offset + rate.period * len(times),
        period=rate.period,
        covariance=rate.variance * np.outer([reach, 1, 0], [reach, 1, 0]) + np.diag([error**2, 0, 0]),
        noise=noise,
    )
    return Start(line, error, scatter, envelope, -float(usual.min(initial=0.0)))


def _centre(values: TimeArray) -> tuple[float, float]:
    """Huber-like location and robust standard deviation."""
    middle = float(np.median(values))
    scatter = 1.4826 * float(np.median(np.abs(values - middle)))
    return middle + float(np.mean(np.clip(values - middle, -3 * scatter, 3 * scatter))), scatter


def _independent(residual: TimeArray) -> float:
    """How many independent values these are worth: packets are late or early as a whole.

    Independent values change sides of their median every other time on average (Wald & Wolfowitz 1940).
    """
    above = residual > np.median(residual)
    return min(len(residual), 2.0 * (1 + np.count_nonzero(above[1:] != above[:-1])))


def _believed(rate: Rate, index: np.ndarray, seen: TimeArray) -> Rate:
    """Return the rate to start with: the one expected, unless the stamps say clearly that it is another."""
    if len(index) < 4:
        return rate
    half = len(index) // 2
    period = float(np.median((seen[half:] - seen[:-half]) / (index[half:] - index[:-half])))
    scatter = _centre(seen - period * index)[1]
    n_free = _independent(seen - period * index)
    if len(index) < 8:
        scatter = max(scatter, _LATE_S)  # too few to tell
    error = 1.25 * math.sqrt(12 / n_free) * scatter / (index[-1] - index[0])
    if rate.allows(period) and abs(period - rate.period) > max(6 * error, _RATE_OFF * rate.period):
        return replace(rate, period=period, variance=error**2 + (1e-3 * period) ** 2)
    return rate


def first_break(times: TimeArray, rate: Rate, envelope: float) -> int:
    """Find the first sample after a gap or a fall back among a segment's first ones (n,); 0 if there is none.

    A step counts where it stands alone: packets stamped as they arrive step again and again. `envelope` is
    how far stamps are known to deviate from a line, seconds.
    """
    index = np.flatnonzero(ends(times, rate.period))
    if len(index) < 4:
        return 0
    steps = np.diff(times[index]) - rate.period * np.diff(index)
    usual = np.median(steps)
    spread = 1.4826 * np.median(np.abs(steps - usual))
    k = int(np.argmax(np.abs(steps - usual)))
    size = steps[k] - usual
    others = np.abs(np.delete(steps, k) - usual).max()
    if abs(size) <= max(2.5 * rate.period, 1.5e-3, 2 * envelope, 8 * spread, 4 * others):
        return 0
    residual = times[index] - rate.period * index
    shift = np.median(residual[k + 1 :]) - np.median(residual[: k + 1])
    return int(index[k]) + 1 if shift / size > 0.5 else 0
