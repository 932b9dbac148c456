"""A film made from the clock as a live video source."""

from __future__ import annotations

from realtime.time.clock import Clock
from realtime.types import Frame, StreamState, VideoHealth, VideoInfo
from realtime.virtual.film.effects import Effect
from realtime.virtual.film.film import ClockFilm


class FilmSource:
    """The film as a live video source: the frame on show now, those that nobody took in time are dropped.

    Frames are numbered as the film numbers them, from time 0 of the clock.

    Parameters
    ----------
    film : ClockFilm
    clock : Clock
        Its time decides which frame is on show.
    effect : Effect, optional
        What is done to each frame before it is shown.
    """

    def __init__(self, film: ClockFilm, clock: Clock, effect: Effect | None = None):
        self.film = film
        self._effect = effect
        self._clock = clock
        self._opened = False
        self._last: int | None = None
        self._taken = 0
        self._missed = 0

    def open(self) -> VideoInfo:
        """Begin to show the film."""
        self._opened = True
        width, height = self.film.size
        return VideoInfo(f"film {self.film.seed}", width, height, self.film.fps, "film clock")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Return the frame on show, or None where no new one comes within `timeout_s`."""
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
        image = self.film.frame(number)
        if self._effect is not None:
            image = self._effect(image, steps / self.film.fps)
        return Frame(image, self.film.stamp(number), number)

    def health(self) -> VideoHealth:
        """Count what was taken and what nobody took in time."""
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
        """Never: the film has no end."""
        return False

    def close(self) -> None:
        """Show it no longer."""
        self._opened = False
