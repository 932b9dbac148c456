"""What is done to a film's frames as they are shown, each change spread over half a second.

A sudden change would itself be an event in the film.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.virtual.film.objects import ObjectsFilm

Image = NDArray[np.uint8]

_HALO = (255, 244, 214)


class Effect(Protocol):
    """What `FilmSource` does to each frame before anybody sees it."""

    def __call__(self, image: Image, seconds: float) -> Image:
        """Change a frame.

        Parameters
        ----------
        image : array of shape (height, width, 3), uint8 RGB
        seconds : float
            Since the last frame that was shown.

        Returns
        -------
        array of shape (height, width, 3), uint8 RGB
        """
        ...


class Fading:
    """Numbers that follow what they are set to, by at most a full change in `fade_s` seconds.

    Parameters
    ----------
    n : int
        How many numbers, each 0 to 1 and 0 to begin with.
    """

    def __init__(self, n: int, fade_s: float):
        self.shown = np.zeros(n)
        self._fade_s = fade_s

    def follow(self, aim: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
        """Go towards `aim` (shape (n,)) for so many seconds; returns what is shown, of that shape."""
        stride = seconds / self._fade_s if self._fade_s > 0 else 1.0
        self.shown += np.clip(aim - self.shown, -stride, stride)
        return self.shown


class Dimmer:
    """Darkens the film: 0 leaves it as it is, 1 leaves a fifth of its light.

    Parameters
    ----------
    fade_s : float
        Time a full change takes.
    """

    def __init__(self, fade_s: float = 0.5):
        self.level = 0.0
        self._fading = Fading(1, fade_s)

    def set(self, level: float) -> None:
        """Darken by 0 to 1 from now on. Any thread may call this."""
        self.level = min(max(float(level), 0.0), 1.0)

    def __call__(self, image: Image, seconds: float) -> Image:
        """Darken a frame."""
        shown = float(self._fading.follow(np.array([self.level]), seconds)[0])
        if shown == 0:
            return image
        return (image * np.float32(1 - 0.8 * shown)).astype(np.uint8)


class Spotlight:
    """Lights up the home of one object: a bright frame around it, in the gutter where no object comes.

    Parameters
    ----------
    film : ObjectsFilm
    fade_s : float
        Time a full change takes.
    """

    def __init__(self, film: ObjectsFilm, fade_s: float = 0.5):
        self.index: int | None = None
        self._film = film
        self._fading = Fading(film.n_objects, fade_s)

    def set(self, index: int | None) -> None:
        """Light up this object from now on, or none. Any thread may call this."""
        self.index = index

    def __call__(self, image: Image, seconds: float) -> Image:
        """Draw the frames that are lit."""
        aim = np.zeros(self._film.n_objects)
        if (index := self.index) is not None:
            aim[index] = 1.0
        shown = self._fading.follow(aim, seconds)
        for number in np.flatnonzero(shown).tolist():
            image = _framed(image, self._film, number, float(shown[number]))
        return image


def _framed(image: Image, film: ObjectsFilm, index: int, strength: float) -> Image:
    height, width = image.shape[:2]
    home, thick = film.home(index), max(round(0.018 * height), 1)
    top, bottom = round(home.top * height), round(home.bottom * height)
    left, right = round(home.left * width), round(home.right * width)
    lit = image.copy()
    around = lit[top - thick : bottom + thick, left - thick : right + thick]
    around += (strength * (np.array(_HALO) - around)).astype(np.int16).astype(np.uint8)
    lit[top:bottom, left:right] = image[top:bottom, left:right]
    return lit
