"""A film made from the clock: any process with the same seed sees the same frame at the same moment.

Frame `k` is on show from `k / fps` seconds on the LSL clock on. The window that shows the film and the
virtual subject that watches it never exchange a word about it.
"""

from __future__ import annotations

from math import floor

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from realtime.time.clock import Clock
from realtime.types import Frame, StreamState, VideoHealth, VideoInfo
from realtime.virtual import scenes
from realtime.virtual.script import Event, Script


class Film:
    """A film without end, as a pure function of the frame's number.

    Parameters
    ----------
    seed : int
        Which film.
    fps : float
        Frames a second.
    size : (int, int)
        Width and height in pixels. The scene is the same at every size; only its sharpness differs.
    """

    def __init__(self, seed: int = 0, fps: float = 30.0, size: tuple[int, int] = (480, 270)):
        if fps <= 0 or min(size) < 16:
            raise ConfigError(
                f"a film of {fps} frames a second and {size[0]}×{size[1]} cannot be drawn: "
                "give a positive rate and at least 16×16 pixels"
            )
        self.seed, self.fps, self.size = seed, fps, size
        self.script = Script(seed)

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Frame `number`, array of shape (height, width, 3), uint8 RGB."""
        return scenes.draw(self.script, self.stamp(number), self.size)

    def stamp(self, number: int) -> float:
        """When frame `number` comes on, seconds on the LSL clock."""
        return number / self.fps

    def number_at(self, time: float) -> int:
        """The frame on show at `time`."""
        number = floor(time * self.fps)
        if self.stamp(number + 1) <= time:  # the product may round to either side of a whole number
            return number + 1
        return number if self.stamp(number) <= time else number - 1

    def onsets(self, number: int) -> list[Event]:
        """The events that show for the first time in frame `number`."""
        shot = self.script.shot_at(self.stamp(number))
        since, until = self.stamp(number - 1), self.stamp(number)
        return [
            e
            for e in self.script.events_between(since, until + 1e-9)
            if since < e.start and shot.start <= e.start
        ]


class FilmSource:
    """The film as a live video source: the frame on show now, those that nobody took in time are dropped.

    Frames are numbered as the film numbers them, from time 0 of the clock.

    Parameters
    ----------
    film : Film
    clock : Clock
        Its time decides which frame is on show.
    fade_s : float
        Time a full change of `dim` takes: a jump would itself be an event in the film.
    """

    def __init__(self, film: Film, clock: Clock, fade_s: float = 0.5):
        self.film = film
        self.dim = 0.0
        self._shown_dim = 0.0
        self._fade_s = fade_s
        self._clock = clock
        self._opened = False
        self._last: int | None = None
        self._taken = 0
        self._missed = 0

    def set_dim(self, dim: float) -> None:
        """Darken the film: 0 leaves it, 1 leaves a fifth of its light. Any thread may call this."""
        self.dim = min(max(float(dim), 0.0), 1.0)

    def open(self) -> VideoInfo:
        self._opened = True
        width, height = self.film.size
        return VideoInfo(f"film {self.film.seed}", width, height, self.film.fps, "film clock")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        number = self.film.number_at(self._clock.now())
        if self._last is not None and number <= self._last:
            due = self.film.stamp(self._last + 1)
            if due > self._clock.now() + timeout_s:
                self._clock.sleep_until(self._clock.now() + timeout_s)
                return None
            self._clock.sleep_until(due)
            number = self.film.number_at(self._clock.now())
        steps = 1 if self._last is None else number - self._last
        self._last, self._taken, self._missed = number, self._taken + 1, self._missed + steps - 1
        return Frame(self._dimmed(self.film.frame(number), steps), self.film.stamp(number), number)

    def _dimmed(self, image: NDArray[np.uint8], steps: int) -> NDArray[np.uint8]:
        stride = steps / (self.film.fps * self._fade_s) if self._fade_s > 0 else 1.0
        self._shown_dim += float(np.clip(self.dim - self._shown_dim, -stride, stride))
        if self._shown_dim == 0:
            return image
        return (image * np.float32(1 - 0.8 * self._shown_dim)).astype(np.uint8)

    def health(self) -> VideoHealth:
        width, height = self.film.size
        last, now = self._last, self._clock.now()
        return VideoHealth(
            name=f"film {self.film.seed}",
            state=StreamState.LIVE if self._opened else StreamState.SEARCHING,
            width=width,
            height=height,
            fps_nominal=self.film.fps,
            fps_effective=self.film.fps,
            frames=self._taken,
            dropped=self._missed,
            age_s=float("inf") if last is None else now - self.film.stamp(last),
            stamp_source="film clock",
        )

    @property
    def finished(self) -> bool:
        return False

    def close(self) -> None:
        self._opened = False
