"""A recorded session replayed as fast as it goes, and memory over a long one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bench.setting import LABELS, Section, Setting
from models.bench.timing import Goal, interleaved, middle, rounded, told
from models.inference.engine import Engine
from realtime.clock import ManualClock
from realtime.model import Model, OtherVideo
from realtime.pipeline import Pipeline
from realtime.sources import VideoSource
from realtime.summary import rss_mb
from realtime.types import (
    EegHealth,
    EegInfo,
    Frame,
    Interval,
    RawChunk,
    Scores,
    StreamState,
    VideoHealth,
    VideoInfo,
)
from realtime.virtual.film import Film
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session import Session
from recordings.tracks import VideoTrack

_EXAMPLE = "recordings", "examples", "virtual-subject"
_BEAT_S = 0.05  # how often sources are asked, in stream time


class KnownFrames:
    """A model beside the embeddings of a film's frames: a picture is the number of its frame, in 8 bytes."""

    def __init__(self, model: Model, rows: Mapping[str, NDArray[np.float32]]):
        self._model, self.card, self._rows = model, model.card, rows

    @staticmethod
    def picture(number: int) -> NDArray[np.uint8]:
        return np.frombuffer(int(number).to_bytes(9, "big"), np.uint8).reshape(1, 3, 3)

    def encode(self, images: list[NDArray[np.uint8]], path: str, video: int = 0) -> NDArray[np.float32]:
        return self._rows[path][[int.from_bytes(image.tobytes(), "big") for image in images]]

    def score(
        self,
        interval: Interval,
        embeddings: Mapping[str, NDArray[np.float32]],
        others: Sequence[OtherVideo] = (),
    ) -> Scores:
        return self._model.score(interval, embeddings, others)

    def reset(self) -> None:
        self._model.reset()


class NumberedFrames:
    """The video of a session without its pictures: each frame at its time, as `KnownFrames` reads it."""

    def __init__(self, track: VideoTrack, clock: ManualClock):
        self._track, self._clock, self._next = track, clock, 0

    @property
    def finished(self) -> bool:
        return self._next >= self._track.n_samples

    def open(self) -> VideoInfo:
        return VideoInfo(self._track.name, 3, 1, self._track.fps_nominal, "recorded")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        if self.finished or self._track.times[self._next] > self._clock.now():
            return None
        number, self._next = self._next, self._next + 1
        return Frame(KnownFrames.picture(number), float(self._track.times[number]), number)

    def health(self) -> VideoHealth:
        return VideoHealth(self._track.name, StreamState.LIVE)

    def close(self) -> None:
        pass


def replay(setting: Setting) -> Section:
    """The example session through the demo's network, as fast as it goes: from its film, and frames known.

    Known embeddings are noise of their size; what they say does not change how long it takes.
    """
    folder = Path(str(files(_EXAMPLE[0]).joinpath(*_EXAMPLE[1:])))
    if not folder.is_dir():
        return Section({"skipped": f"{folder} is not here"})
    with Session(folder) as session:
        video = session.video()

        @cache
        def engine(labels: tuple[str, ...]) -> Engine:
            return Engine.from_preset("demo", labels).compile(setting.replayed_with)

        @cache
        def known(labels: tuple[str, ...]) -> KnownFrames:
            shape = (video.n_samples, *engine(labels).network.frame_shape("fast"))
            rows = np.random.default_rng(0).normal(size=shape).astype(np.float32)
            return KnownFrames(engine(labels), {"fast": rows})

        runs = {
            "film": lambda: _play(session, lambda clock: ReplayVideo(session, clock), engine),
            "known": lambda: _play(session, lambda clock: NumberedFrames(video, clock), known),
        }
        times = interleaved(runs, setting.seconds, rounds=1 if setting.quick else 3)
    film, known_speed = ([session.duration / ms * 1e3 for ms in times[name]] for name in runs)
    numbers = told("times_real_time", film) | told("cached_times_real_time", known_speed)
    numbers |= {"backend": setting.replayed_with, "session_s": rounded(session.duration)}
    return Section(numbers, (Goal("replay: times real time, frames known", middle(known_speed), 30.0),))


def _play(
    session: Session,
    video: Callable[[ManualClock], VideoSource],
    model: Callable[[tuple[str, ...]], Model],
) -> None:
    clock = ManualClock(session.start)
    pipeline = Pipeline(ReplayEeg(session, clock), video(clock), model)
    pipeline.model.reset()
    while clock.now() < session.end:
        clock.set(min(clock.now() + _BEAT_S, session.end))
        pipeline.advance(clock.now())
    pipeline.close()


class EndlessNoise:
    """An EEG source by the clock: always the same second of noise."""

    finished = False

    def __init__(self, clock: ManualClock, labels: tuple[str, ...], rate: int):
        self._clock, self._labels, self._rate, self._sent = clock, labels, rate, 0
        self._noise = np.random.default_rng(0).normal(0, 20, (rate, len(labels))).astype(np.float32)

    def open(self) -> EegInfo:
        return EegInfo("noise", self._labels, "uV", self._rate)

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        n = int(self._clock.now() * self._rate) - self._sent
        if n <= 0:
            return None
        numbers = self._sent + np.arange(n)
        self._sent += n
        return RawChunk(self._noise[numbers % self._rate], numbers / self._rate)

    def health(self) -> EegHealth:
        return EegHealth("noise", StreamState.LIVE)

    def close(self) -> None:
        pass


class EndlessFilm:
    """A video source by the clock: always the same second of the virtual film."""

    finished = False

    def __init__(self, clock: ManualClock, fps: int = 30):
        film = Film(fps=fps)
        self._clock, self._fps, self._sent = clock, fps, 0
        self._frames = [film.frame(number) for number in range(fps)]

    def open(self) -> VideoInfo:
        height, width, _ = self._frames[0].shape
        return VideoInfo("film", width, height, self._fps, "clock")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        stamp = self._sent / self._fps
        if stamp > self._clock.now():
            return None
        self._sent += 1
        return Frame(self._frames[(self._sent - 1) % self._fps].copy(), stamp, self._sent - 1)

    def health(self) -> VideoHealth:
        return VideoHealth("film", StreamState.LIVE)

    def close(self) -> None:
        pass


def memory(setting: Setting) -> Section:
    """Resident memory over stream time, after a warm-up: its slope by least squares, for an hour."""
    warm_s, measured_s = (5, 20) if setting.quick else (120, 480)
    clock = ManualClock(0.0)
    engines = {"demo": Engine.from_preset("demo", LABELS).compile("eager")}
    pipeline = Pipeline(EndlessNoise(clock, LABELS, 256), EndlessFilm(clock), lambda labels: engines["demo"])
    seconds, sizes = [], []
    while clock.now() < warm_s + measured_s:
        clock.set(clock.now() + _BEAT_S)
        pipeline.advance(clock.now())
        if clock.now() >= warm_s:
            seconds.append(clock.now())
            sizes.append(rss_mb())
    slope = float(np.polyfit(seconds, sizes, 1)[0]) * 3600
    numbers = {
        "mb_per_hour": rounded(slope),
        "measured_s": measured_s,
        "warm_up_s": warm_s,
        "rss_mb": rounded(sizes[-1]),
        "readings": pipeline.published,
    }
    goals = () if setting.quick else (Goal("memory: growth in an hour", slope, 1.0, "MB", most=True),)
    return Section(numbers, goals)
