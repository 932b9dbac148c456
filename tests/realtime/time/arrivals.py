"""Stamps generated from times that are known: packets, jitter, pauses, gaps, clocks that are set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.types import ClockOffset, RawChunk

PUSH_S = 20e-6  # samples of a packet are pushed one after another
MEASURED_S = 5.0  # between two measurements of the clock


@dataclass(frozen=True)
class Sender:
    """How a stream is sent.

    Attributes
    ----------
    packet : int
        Samples to a packet; 0 for a sender that stamps each sample when it was taken.
    jitter_s : float
        How unequally long a packet is on its way (`late`: standard deviation of a normal one, of which only
        the later half is; else the most, to both sides), or a good sender's stamps (the most, to both sides).
    pauses : tuple of (float, float)
        When the link stands still, and for how long; what was sent comes at the pause's end.
    gaps : tuple of (float, int)
        When samples are lost, and how many.
    steps : tuple of (float, float)
        When the sender's clock is set, and by how much.
    offset_scatter_s : float
        Standard deviation of the measurements of the clock.
    """

    rate: float
    packet: int
    jitter_s: float = 0.0
    late: bool = True
    ppm: float = 0.0
    off_share: float = 0.0
    pauses: tuple[tuple[float, float], ...] = ()
    gaps: tuple[tuple[float, int], ...] = ()
    steps: tuple[tuple[float, float], ...] = ()
    offset_scatter_s: float = 0.0
    seconds: float = 30.0
    seed: int = 0

    @property
    def lost(self) -> int:
        return sum(n for _, n in self.gaps)


@dataclass(frozen=True)
class Arrivals:
    """What came of a sender.

    Attributes
    ----------
    stamps, true : array of shape (n_samples,), float64 s
    number : array of shape (n_samples,), int64
        Of each sample among all that were taken.
    """

    sender: Sender
    stamps: NDArray[np.float64]
    true: NDArray[np.float64]
    number: NDArray[np.int64]
    offsets: tuple[ClockOffset, ...]

    def chunks(self, size: int) -> Iterator[RawChunk]:
        """The stream in chunks; channel 0 is the sample's position among those that came."""
        due = list(self.offsets)
        for start in range(0, len(self.stamps), size):
            part = self.stamps[start : start + size]
            given = []
            while due and due[0].collected - due[0].value <= part.max():
                given.append(due.pop(0))
            values = np.arange(start, start + len(part), dtype=np.float32)[:, None]
            yield RawChunk(values, part, tuple(given))


def arrivals(sender: Sender, start: float = 1000.0) -> Arrivals:
    """Generate what a sender would have sent."""
    rng = np.random.default_rng(sender.seed)
    rate = sender.rate * (1 + sender.ppm * 1e-6) * (1 + sender.off_share)
    n = int(sender.seconds * rate)
    number = np.arange(n)
    kept = np.ones(n, bool)
    for at, lost in sender.gaps:
        first = int(at * rate)
        if sender.packet:
            first = first // sender.packet * sender.packet
        kept[first : first + lost] = False
    true = start + number / rate
    stamps = _packets(sender, true, rng) if sender.packet else true + sender.jitter_s * rng.uniform(-1, 1, n)
    stamps, true, number = stamps[kept], true[kept], number[kept]
    for at, step in sender.steps:
        stamps = stamps + step * (true >= start + at)
    return Arrivals(sender, stamps, true, number, _offsets(sender, start, rng))


def _packets(sender: Sender, true: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    last = np.minimum((np.arange(len(true)) // sender.packet + 1) * sender.packet, len(true)) - 1
    way = rng.normal(0, 1, len(true)) if sender.late else rng.uniform(-1, 1, len(true))
    way = sender.jitter_s * (np.abs(way) if sender.late else way)
    came = true[last] + way[last]
    for at, length in sender.pauses:
        begun = true[0] + at
        came = np.where((came >= begun) & (came < begun + length), begun + length, came)
    came = np.maximum.accumulate(came)
    pushed = np.arange(len(true)) * PUSH_S
    return np.maximum.accumulate(came - pushed) + pushed  # each at least PUSH_S after the one before


def _offsets(sender: Sender, start: float, rng: np.random.Generator) -> tuple[ClockOffset, ...]:
    if not sender.offset_scatter_s:
        return ()
    times = np.arange(start, start + sender.seconds, MEASURED_S)
    values = rng.normal(0, sender.offset_scatter_s, len(times))
    return tuple(ClockOffset(float(t + v), float(v)) for t, v in zip(times, values, strict=True))


def events(sender: Sender) -> list[tuple[float, float]]:
    """When something happens to a stream, from its beginning to its end; seconds since the start."""
    gaps = [(at, at + lost / sender.rate) for at, lost in sender.gaps]
    pauses = [(at, at + length) for at, length in sender.pauses]
    return [*gaps, *pauses, *((at, at) for at, _ in sender.steps)]
