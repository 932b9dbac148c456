"""Films made from the clock: any process with the same seed sees the same frame at the same moment.

Frame `k` is on show from `k / fps` seconds on the LSL clock on. The window that shows a film and the virtual
subject that watches it never exchange a word about it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import floor

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from realtime.virtual.film import scenes
from realtime.virtual.film.script import Event, Script


class ClockFilm(ABC):
    """A film without end, as a pure function of the frame's number.

    Parameters
    ----------
    seed : int
        Which film.
    fps : float
        Frames a second.
    size : (int, int)
        Width and height in pixels. The scene is the same at every size; only its sharpness differs.

    Raises
    ------
    ConfigError
        No such film can be drawn.
    """

    def __init__(self, seed: int = 0, fps: float = 30.0, size: tuple[int, int] = (480, 270)):
        if fps <= 0 or min(size) < 16:
            raise ConfigError(
                f"a film of {fps} frames a second and {size[0]}×{size[1]} cannot be drawn: "
                "give a positive rate and at least 16×16 pixels"
            )
        self.seed, self.fps, self.size = seed, fps, size

    @abstractmethod
    def frame(self, number: int) -> NDArray[np.uint8]:
        """Draw frame `number`.

        Returns
        -------
        array of shape (height, width, 3), uint8 RGB
        """

    @abstractmethod
    def onsets(self, number: int) -> list[Event]:
        """List the events that show for the first time in frame `number`."""

    def stamp(self, number: int) -> float:
        """Return when frame `number` comes on, seconds on the LSL clock."""
        return number / self.fps

    def number_at(self, time: float) -> int:
        """Return the number of the frame on show at `time`."""
        number = floor(time * self.fps)
        if self.stamp(number + 1) <= time:  # the product may round to either side of a whole number
            return number + 1
        return number if self.stamp(number) <= time else number - 1


class Film(ClockFilm):
    """Shots, and events within them (`realtime.virtual.film.script`): what the first demo shows."""

    def __init__(self, seed: int = 0, fps: float = 30.0, size: tuple[int, int] = (480, 270)):
        super().__init__(seed, fps, size)
        self.script = Script(seed)

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Draw frame `number`: array of shape (height, width, 3), uint8 RGB."""
        return scenes.draw(self.script, self.stamp(number), self.size)

    def onsets(self, number: int) -> list[Event]:
        """List the events that show for the first time in frame `number`."""
        shot = self.script.shot_at(self.stamp(number))
        since, until = self.stamp(number - 1), self.stamp(number)
        return [
            e
            for e in self.script.events_between(since, until + 1e-9)
            if since < e.start and shot.start <= e.start
        ]
