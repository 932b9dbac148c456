"""The virtual headset: a real LSL outlet with all that real ones do, so the program can be tried without one.

phosphene headset --name Tryout --channels 8 --rate 500
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from realtime.config import Frozen
from realtime.eeg.electrodes import HEADSETS
from realtime.eeg.units import microvolts_per_unit
from realtime.lsl.outlet import open_outlet
from realtime.time.clock import Clock
from realtime.types import BoolArray, FloatArray, IndexArray, TimeArray
from realtime.virtual.head_model import direction
from realtime.virtual.resting import RestingEeg
from realtime.virtual.timeline import chance

if TYPE_CHECKING:
    import pylsl

_DROPS, _JITTER = 401, 402
_JITTER_BLOCK = 1024
_LONGEST_WAIT_S = 0.1  # a stop is noticed within this time


class HeadsetOptions(Frozen):
    """What the headset is and what is wrong with it.

    Attributes
    ----------
    channels : tuple of str
        10-10 names; a number (at most 64) takes that many of a known headset, over all of the head.
    unit : str
        What its samples are in: "uV", "mV", "V", …
    chunk : int
        Samples sent at a time.
    dropouts : float or tuple of (float, float)
        Chance that samples are lost in any second, for `dropout_s` each; or (start, length) of each loss in
        seconds since the first sample.
    drift_ppm : float
        How much faster than it says it samples.
    jitter_ms : float
        Its stamps are off by up to this, evenly.
    stamps : {"sample", "arrival", "unix"}
        The time of each sample; one stamp for a chunk, when it was sent; or Unix time, as some senders do.
    ramp : {"time", "number"} or None
        Channel 0 carries its sample's own time (seconds since the first) or number, in place of EEG.
    seconds : float or None
        Ends after so long.
    """

    name: str = Field(default="Phosphene virtual headset", min_length=1)
    channels: tuple[str, ...] = Field(default=HEADSETS["unicorn"], min_length=1)
    rate: float = Field(default=250.0, ge=50, le=20_000)
    unit: str = "uV"
    chunk: int = Field(default=8, ge=1)
    noise_uv: float = Field(default=10.0, ge=0)
    alpha_uv: float = Field(default=8.0, ge=0)
    blinks_per_min: float = Field(default=12.0, ge=0)
    line_hz: float = Field(default=50.0, gt=0)
    line_uv: float = Field(default=2.0, ge=0)
    dropouts: float | tuple[tuple[float, float], ...] = 0.0
    dropout_s: float = Field(default=0.5, gt=0)
    drift_ppm: float = Field(default=0.0, ge=-10_000, le=10_000)
    jitter_ms: float = Field(default=0.0, ge=0)
    stamps: Literal["sample", "arrival", "unix"] = "sample"
    ramp: Literal["time", "number"] | None = None
    format: Literal["float32", "double64"] = "float32"
    source_id: str = ""
    seconds: float | None = Field(default=None, gt=0)
    seed: int = 0

    @field_validator("channels", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """Turn a count, or names with commas between them, into a tuple of names."""
        if isinstance(value, str):
            value = int(value) if value.strip().isdigit() else [name.strip() for name in value.split(",")]
        if not isinstance(value, int):
            return value
        fitting = [labels for labels in HEADSETS.values() if len(labels) >= value]
        if value < 1 or not fitting:
            raise ValueError(f"{value} channels: 1 to 64 are possible")
        labels = min(fitting, key=len)
        return tuple(labels[i] for i in np.linspace(0, len(labels) - 1, value).round().astype(int))

    @model_validator(mode="after")
    def _possible(self) -> HeadsetOptions:
        for label in self.channels:
            direction(label)
        microvolts_per_unit(self.unit)
        if isinstance(self.dropouts, float) and not 0 <= self.dropouts <= 1:
            raise ValueError(f"dropouts={self.dropouts:g} is no chance: 0 to 1")
        return self


class Signal(Protocol):
    """What the headset picks up."""

    def read(self, n: int) -> FloatArray:
        """Return the next `n` samples: array of shape (n, n_channels), µV."""
        ...


class VirtualHeadset:
    """Samples and stamps of the headset as functions of the sample's number: nothing here knows LSL.

    Parameters
    ----------
    options : HeadsetOptions
    start : float
        When sample 0 is taken, seconds on the LSL clock.
    signal : Signal, optional
        What it picks up; EEG at rest by default.
    """

    def __init__(self, options: HeadsetOptions, start: float, signal: Signal | None = None):
        self.options, self.start = options, start
        self._signal = signal or _at_rest(options)
        self._per_uv = 1 / microvolts_per_unit(options.unit)
        self._unix = time.time() - time.monotonic() if options.stamps == "unix" else 0.0
        self._taken = 0

    def times(self, number: IndexArray) -> TimeArray:
        """Return when samples are taken, s on the LSL clock; `number` counts from 0, shape (n_samples,)."""
        return self.start + number / (self.options.rate * (1 + self.options.drift_ppm * 1e-6))

    def read(self, n: int) -> tuple[NDArray[np.float64], TimeArray]:
        """Return the next `n` samples but those lost, (n_kept, n_channels) in its unit, and stamps."""
        number = np.arange(self._taken, self._taken + n)
        self._taken += n
        times = self.times(number)
        samples = self._signal.read(n).astype(np.float64) * self._per_uv
        if self.options.ramp:
            samples[:, 0] = number if self.options.ramp == "number" else times - self.start
        kept = self.received(times - self.start)
        return samples[kept], self._stamps(number, times)[kept]

    def received(self, since_start: TimeArray) -> BoolArray:
        """Say which samples arrive, by their times since the first one: both of shape (n_samples,)."""
        kept = np.ones(len(since_start), bool)
        for begin, length in self._losses(since_start):
            kept &= (since_start < begin) | (since_start >= begin + length)
        return kept

    def _losses(self, since_start: TimeArray) -> list[tuple[float, float]]:
        options = self.options
        if isinstance(options.dropouts, tuple):
            return list(options.dropouts)
        if not options.dropouts or not len(since_start):
            return []
        seconds = range(int(since_start[0] - options.dropout_s), int(since_start[-1]) + 1)
        hit = (s for s in seconds if s > 0 and chance(options.seed, _DROPS, s) < options.dropouts)
        return [(float(s), options.dropout_s) for s in hit]

    def _stamps(self, number: IndexArray, times: TimeArray) -> TimeArray:
        options = self.options
        if options.stamps == "arrival" and len(times):
            number, times = np.full_like(number, number[-1]), np.full_like(times, times[-1])
        if options.jitter_ms:
            times = times + options.jitter_ms / 1e3 * _shake(options.seed, number)
        return times + self._unix


def _at_rest(options: HeadsetOptions) -> RestingEeg:
    return RestingEeg(
        options.channels, options.rate, options.seed, options.noise_uv, options.alpha_uv,
        options.blinks_per_min, options.line_hz, options.line_uv,
    )  # fmt: skip


def _shake(seed: int, number: IndexArray) -> NDArray[np.float64]:
    """Draw evenly from [-1, 1) for each sample, by its number."""
    block, place = number // _JITTER_BLOCK, number % _JITTER_BLOCK
    draws = np.empty(len(number))
    for b in np.unique(block):
        key = np.array([seed & (1 << 64) - 1, (_JITTER << 48) + int(b)], np.uint64)
        row = np.random.Generator(np.random.Philox(key=key)).uniform(-1, 1, _JITTER_BLOCK)
        draws[block == b] = row[place[block == b]]
    return draws


def serve(
    options: HeadsetOptions,
    clock: Clock,
    should_stop: Callable[[], bool],
    signal: Signal | None = None,
    start: float | None = None,
) -> int:
    """Stream over LSL until told to stop or for `options.seconds`; returns how many samples went.

    Each chunk leaves when its last sample has been taken, by absolute deadlines. Sample 0 is taken at `start`
    (by default when the stream opens): a signal that knows the time has to begin at the same moment. Called
    in the thread that is to stream; it blocks.
    """
    outlet = open_outlet(_stream_info(options), max_buffered=60)
    signal = signal or _at_rest(options)  # a second, in which the stream can be found; sample 0 is after it
    headset = VirtualHeadset(options, clock.now() if start is None else start, signal)
    total = None if options.seconds is None else round(options.seconds * options.rate)
    sent = taken = 0
    while not should_stop() and (total is None or taken < total):
        n = options.chunk if total is None else min(options.chunk, total - taken)
        due = float(headset.times(np.array([taken + n - 1]))[0])
        if clock.now() < due:
            clock.sleep_until(min(due, clock.now() + _LONGEST_WAIT_S))
            continue
        samples, stamps = headset.read(n)
        taken += n
        if len(stamps):
            outlet.push_chunk(samples, stamps.tolist())
            sent += len(stamps)
    return sent


def _stream_info(options: HeadsetOptions) -> pylsl.StreamInfo:
    """Describe the stream with a label, a unit and a type for each channel (XDF's EEG meta-data)."""
    import pylsl

    source_id = options.source_id or f"phosphene-headset-{uuid.uuid4().hex[:12]}"
    info = pylsl.StreamInfo(
        options.name, "EEG", len(options.channels), options.rate, options.format, source_id
    )
    info.set_channel_labels(list(options.channels))
    info.set_channel_units(options.unit)
    info.set_channel_types("EEG")
    maker = info.desc().append_child("acquisition")
    maker.append_child_value("manufacturer", "Phosphene")
    maker.append_child_value("model", "virtual headset")
    return info
