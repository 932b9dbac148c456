"""Does memory stay flat over an hour of stream time? Measured in a process of its own.

    python -m models.bench.memory WARM_UP_S MEASURED_S

prints its resident memory in MB at each second of stream time after the warm-up, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from models.bench.setting import LABELS, Section, Setting
from models.bench.timing import Goal, rounded
from models.inference.engine import Engine
from realtime.memory import rss_mb
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.types import EegHealth, EegInfo, Frame, RawChunk, StreamState, VideoHealth, VideoInfo
from realtime.virtual.film.film import Film

_BEAT_S = 0.05  # how often sources are asked, in stream time


class EndlessNoise:
    """An EEG source by the clock: always the same second of noise."""

    finished = False

    def __init__(self, clock: ManualClock, labels: tuple[str, ...], rate: int):
        self._clock, self._labels, self._rate, self._sent = clock, labels, rate, 0
        self._noise = np.random.default_rng(0).normal(0, 20, (rate, len(labels))).astype(np.float32)

    def open(self) -> EegInfo:
        """Open the source."""
        return EegInfo("noise", self._labels, "uV", self._rate)

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        """Take what is due; None while nothing is."""
        n = int(self._clock.now() * self._rate) - self._sent
        if n <= 0:
            return None
        numbers = self._sent + np.arange(n)
        self._sent += n
        return RawChunk(self._noise[numbers % self._rate], numbers / self._rate)

    def health(self) -> EegHealth:
        """Report how it stands."""
        return EegHealth("noise", StreamState.LIVE)

    def close(self) -> None:
        """Close the source."""
        pass


class EndlessFilm:
    """A video source by the clock: always the same second of the virtual film."""

    finished = False

    def __init__(self, clock: ManualClock, fps: int = 30):
        film = Film(fps=fps)
        self._clock, self._fps, self._sent = clock, fps, 0
        self._frames = [film.frame(number) for number in range(fps)]

    def open(self) -> VideoInfo:
        """Open the source."""
        height, width, _ = self._frames[0].shape
        return VideoInfo("film", width, height, self._fps, "clock")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Take what is due; None while nothing is."""
        stamp = self._sent / self._fps
        if stamp > self._clock.now():
            return None
        self._sent += 1
        return Frame(self._frames[(self._sent - 1) % self._fps].copy(), stamp, self._sent - 1)

    def health(self) -> VideoHealth:
        """Report how it stands."""
        return VideoHealth("film", StreamState.LIVE)

    def close(self) -> None:
        """Close the source."""
        pass


def memory(setting: Setting) -> Section:
    """Resident memory over an hour of stream time, in a process of its own.

    What is told as growth is the median of the last sixth less that of the first, so 50 minutes apart: single
    sizes rise and fall by several MB with what the allocator keeps, and a short slope would count that. The
    medians of all sixths tell a step from a slope.
    """
    warm_s, measured_s = (5, 20) if setting.quick else (900, 3600)
    told = subprocess.run(
        [sys.executable, "-m", "models.bench.memory", f"{warm_s}", f"{measured_s}"],
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    sizes = np.array(json.loads(told.stdout))
    sixths = [float(np.median(part)) for part in np.array_split(sizes, 6)]
    grown = sixths[-1] - sixths[0]
    numbers = {
        "grown_mb": rounded(grown),
        "measured_s": measured_s,
        "warm_up_s": warm_s,
        "rss_mb": rounded(sizes[-1]),
        "sixth_mb": {str(k): rounded(size) for k, size in enumerate(sixths, 1)},
    }
    goals = () if setting.quick else (Goal("memory: growth in an hour", grown, 1.0, "MB", most=True),)
    return Section(numbers, goals)


def resident(warm_s: float, measured_s: float) -> list[float]:
    """Resident memory in MB at each second of stream time after the warm-up, with the demo's network."""
    clock = ManualClock(0.0)
    engine = Engine.from_preset("demo", LABELS).compile("eager")
    pipeline = Pipeline(EndlessNoise(clock, LABELS, 256), EndlessFilm(clock), lambda labels: engine)
    sizes: list[float] = []
    while clock.now() < warm_s + measured_s:
        clock.set(clock.now() + _BEAT_S)
        pipeline.advance(clock.now())
        if clock.now() >= warm_s + len(sizes):
            sizes.append(rss_mb())
    pipeline.close()
    return sizes


if __name__ == "__main__":
    print(json.dumps(resident(float(sys.argv[1]), float(sys.argv[2]))))
