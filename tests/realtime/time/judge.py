"""Compares what is made of generated stamps with the truth."""

from __future__ import annotations

import numpy as np

from realtime.time.stamps import StampFitter
from tests.realtime.time.arrivals import Arrivals, Sender, arrivals, events

SETTLED_S = 1.0
GOOD_MS, PACKETS_MS = 1.0, 5.0


def fitted(came: Arrivals, size: int) -> tuple[StampFitter, np.ndarray, np.ndarray]:
    """The times given, and the number of each one's sample among those that came."""
    fitter = StampFitter(came.sender.rate)
    chunks = [chunk for raw in came.chunks(size) for chunk in fitter.push(raw)] + fitter.flush()
    times = np.concatenate([chunk.stamps for chunk in chunks])
    return fitter, times, np.concatenate([chunk.samples[:, 0] for chunk in chunks]).astype(int)


def settled(came: Arrivals, number: np.ndarray) -> np.ndarray:
    """Which samples must have their right times: from a second after each event on."""
    sender = came.sender
    since = came.true[number] - 1000.0
    packet_s = sender.packet / sender.rate
    chosen = since > SETTLED_S + packet_s
    for begin, end in events(sender):
        chosen &= (since < begin - 0.1 - packet_s) | (since > end + SETTLED_S + packet_s)
    return chosen


def worst_ms(came: Arrivals, times: np.ndarray, number: np.ndarray) -> float:
    """The largest error of a settled time, beyond what the clock's measurements scatter by; ms."""
    error = times - came.true[number]
    chosen = settled(came, number)
    if came.sender.packet:  # how long a packet is on its way at least, nobody can know
        error = error - np.median(error[chosen])
    return float(np.abs(error[chosen]).max() - 3.5 * came.sender.offset_scatter_s) * 1e3


def faults(sender: Sender, size: int) -> list[str]:
    """What is wrong with what is made of a sender's stamps in chunks of `size`; empty where all is right."""
    came = arrivals(sender)
    fitter, times, number = fitted(came, size)
    found = []
    if not np.array_equal(number, np.arange(len(came.stamps))):
        found.append("samples are missing, or twice")
    if not np.all(np.diff(times) > 0):
        found.append("times do not rise")
    counted, true = (fitter.gaps, fitter.lost_samples), (len(sender.gaps), sender.lost)
    if counted != true:
        found.append(f"gaps and lost {counted}, true {true}")
    if len(fitter.clock_steps) != len(sender.steps):
        found.append(f"clock steps {fitter.clock_steps}, true {sender.steps}")
    allowed_ms = PACKETS_MS if sender.packet else GOOD_MS
    if not (worst := worst_ms(came, times, number)) < allowed_ms:
        found.append(f"a time is {worst:.2f} ms off")
    return found
