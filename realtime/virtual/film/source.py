"""A film made from the clock as a live video source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from realtime.time.clock import Clock
from realtime.types import Frame, StreamState, VideoHealth, VideoInfo
from realtime.virtual.film.film import Film


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
