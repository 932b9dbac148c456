"""A recorded session replayed as fast as it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bench.setting import Section, Setting
from models.bench.timing import Goal, interleaved, middle, rounded, told
from models.inference.engine import Engine
from realtime.model import Model, OtherVideo
from realtime.pipeline import Pipeline
from realtime.sources import VideoSource
from realtime.time.clock import ManualClock
from realtime.types import (
    Frame,
    Interval,
    Scores,
    StreamState,
    VideoHealth,
    VideoInfo,
)
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.session import Session
from recordings.session.tracks import VideoTrack

_EXAMPLE = "recordings", "examples", "virtual-subject"


class KnownFrames:
    """A model beside the embeddings of a film's frames: a picture is the number of its frame, in 8 bytes."""

    def __init__(self, model: Model, rows: Mapping[str, NDArray[np.float32]]):
        self._model, self.card, self._rows = model, model.card, rows

    @staticmethod
    def picture(number: int) -> NDArray[np.uint8]:
        """Make the picture (height, width, 3) of a number."""
        return np.frombuffer(int(number).to_bytes(9, "big"), np.uint8).reshape(1, 3, 3)

    def encode(self, images: list[NDArray[np.uint8]], path: str, video: int = 0) -> NDArray[np.float32]:
        """Look up the rows (n_frames, n_places, width) of frames whose pictures are their numbers."""
        return self._rows[path][[int.from_bytes(image.tobytes(), "big") for image in images]]

    def score(
        self,
        interval: Interval,
        embeddings: Mapping[str, NDArray[np.float32]],
        others: Sequence[OtherVideo] = (),
    ) -> Scores:
        """Hand an interval on to the model: embeddings have shape (n_slots / every, n_places, width)."""
        return self._model.score(interval, embeddings, others)

    def reset(self) -> None:
        """Forget what was seen."""
        self._model.reset()


class NumberedFrames:
    """The video of a session without its pictures: each frame at its time, as `KnownFrames` reads it."""

    def __init__(self, track: VideoTrack, clock: ManualClock):
        self._track, self._clock, self._next = track, clock, 0

    @property
    def finished(self) -> bool:
        """Whether everything was handed out."""
        return self._next >= self._track.n_samples

    def open(self) -> VideoInfo:
        """Open the source."""
        return VideoInfo(self._track.name, 3, 1, self._track.fps_nominal, "recorded")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Take what is due; None while nothing is."""
        if self.finished or self._track.times[self._next] > self._clock.now():
            return None
        number, self._next = self._next, self._next + 1
        return Frame(KnownFrames.picture(number), float(self._track.times[number]), number)

    def health(self) -> VideoHealth:
        """Report how it stands."""
        return VideoHealth(self._track.name, StreamState.LIVE)

    def close(self) -> None:
        """Close the source."""
        pass


def replay(setting: Setting) -> Section:
    """Time the example session through the demo's network at full speed: from its film, and frames known.

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
    return Section(numbers, (Goal("replay: times real time, frames known", middle(known_speed), 60.0),))


def _play(
    session: Session,
    video: Callable[[ManualClock], VideoSource],
    model: Callable[[tuple[str, ...]], Model],
) -> None:
    clock = ManualClock(session.start)
    pipeline = Pipeline(ReplayEeg(session, clock), video(clock), model)
    pipeline.model.reset()
    while clock.now() < session.end:
        clock.set(min(clock.now() + pipeline.grid.hop_s, session.end))  # as the player does at full speed
        pipeline.advance(clock.now())
    pipeline.close()
