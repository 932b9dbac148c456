"""Draws senders at random, from any source of random numbers: a seed, or hypothesis."""

from __future__ import annotations

import math
from random import Random

from tests.realtime.time.arrivals import Sender

RATES = (128.0, 250.0, 256.0, 500.0, 512.0, 1000.0, 2000.0)
QUIET_S = 5.0  # between two events, at least
LEAST_S = 0.0025  # a gap that is shorter is not told from a link that became slower
JITTERS = 5  # and so is one of less than this many times the jitter
ALIKE_S = 0.05
SURE = 5  # standard errors within which a count of samples must be told
SD = 0.6  # of a jitter of 1: normal and one-sided √(1 - 2 / π), uniform on both sides √(1 / 3)


def least_packets(jitter_s: float, period: float) -> int:
    """Packets on either side of a gap without which its length cannot be told to the sample.

    With N arrivals before and N after, of standard deviation s, the step between two lines of one unknown
    slope is known to within s·√(8 / N) by least squares: 2 s² / N of its variance come from the lines' levels
    and 6 s² / N from the slope, as the lines' middles are N packets apart. `SURE` times that must be less
    than half a period: N ≥ 8 (2 · SURE · s / period)².
    """
    return math.ceil(8 * (2 * SURE * SD * jitter_s / period) ** 2)


def draw_sender(random: Random) -> Sender:
    """Draw a stream with up to three things that happen to it.

    Jitter is up to half a period, of packets as of single samples. Events lie at least `QUIET_S` apart, and
    `least_packets`. A gap is at least one sample, `LEAST_S` and `JITTERS` times the jitter; a clock is set
    back by at least two packets. A gap of the length by which a clock was set back before, to within
    `ALIKE_S`, is not drawn: its stamps are those of a clock that is set right.
    """
    rate = random.choice([*RATES, float(random.randint(128, 2000))])
    packet = random.choice([0, 0, 1, 2, 3, 5, 8, 10, 12, 20, 25, 40, random.randint(1, 40)])
    jitter = min(random.choice([0.0, 0.5e-3, 1e-3, 2e-3, 4e-3, random.random() / 2 / rate]), 0.5 / rate)
    quiet = max(QUIET_S, least_packets(jitter, 1 / rate) * packet / rate)
    pauses, gaps, steps, at = [], [], [], quiet + 1
    for kind in random.choices(["pause", "gap", "step"], k=random.randint(0, 3)):
        if kind == "pause" and packet:
            pauses.append((at, random.choice([0.05, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 5 * random.random()])))
            at += pauses[-1][1]
        elif kind == "gap":
            least = max(LEAST_S, JITTERS * jitter, 1 / rate)
            lost = math.ceil(max(random.choice([0.0, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0]), least) * rate)
            if any(abs(lost / rate + step) < ALIKE_S for _, step in steps):
                continue
            gaps.append((at, lost))
            at += lost / rate
        elif kind == "step":
            step = random.choice([-12.0, -0.7, -0.2, 200_000.0])
            steps.append((at, min(step, -2 * packet / rate) if step < 0 else step))
        at += quiet + random.uniform(0, 3) + 2 * packet / rate
    return Sender(
        rate, packet, jitter, random.random() < 0.5, random.uniform(-500, 500), 0.0, tuple(pauses),
        tuple(gaps), tuple(steps), random.choice([0.0, 0.0, 0.5e-3, 2e-3, 10e-3]), at,
        random.randrange(2**31),
    )  # fmt: skip
