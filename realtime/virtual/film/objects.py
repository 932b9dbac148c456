"""A film of several objects, each of which moves and changes at its own moments.

Each object has a home, a cell of the picture that it never leaves, so objects never overlap and where one is
can be known exactly at any time. Every 0.1 to 0.65 s it goes, within a tenth of a second, to another light,
another size and another spot of its home. A flash is a pair of opposite changes of light, so an object gives
less than three in any second (WCAG 2.2, 2.3.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import sin, tau

import numpy as np
from numpy.typing import NDArray

from realtime.errors import ConfigError
from realtime.types import Rectangle
from realtime.video.opencv import cv2
from realtime.virtual.film import brush
from realtime.virtual.film.brush import Canvas
from realtime.virtual.film.film import ClockFilm
from realtime.virtual.film.script import PALETTES, Colour, Event, Palette
from realtime.virtual.timeline import Moments, chance

LAYOUTS = {2: (1, 2), 4: (2, 2), 6: (2, 3), 9: (3, 3)}
"""Rows and columns of homes, by the number of objects."""

_MOMENTS, _LOOK, _LIGHT, _SIZE, _ACROSS, _DOWN = range(501, 507)
_KINDS = ("disc", "flower", "ring", "box")
_LIGHTS = (0.25, 0.6, 1.0)  # of the way from the tile's colour to the object's own
_SIZES = (0.2, 0.3, 0.4)  # radius, of the shorter side of a home
_CHANGE_S = 0.1
_GUTTER = 0.03  # of the picture's height, on each side of a home
_SWAY = 0.02  # of the shorter side of a home: an object never quite stands still


@dataclass(frozen=True)
class Pose:
    """How an object is at a moment.

    `x`, `y` and `radius` are in units of the picture's height, as the brush has them; `light` is 0 to 1.
    """

    x: float
    y: float
    radius: float
    light: float
    turn: float


class ObjectsFilm(ClockFilm):
    """Several objects that change at their own moments, laid out over the picture.

    Parameters
    ----------
    seed, fps, size
        As of any film made from the clock.
    n_objects : {4, 2, 6, 9}

    Raises
    ------
    ConfigError
        There is no layout for so many objects.
    """

    def __init__(
        self, seed: int = 0, fps: float = 30.0, size: tuple[int, int] = (480, 270), n_objects: int = 4
    ):
        super().__init__(seed, fps, size)
        if n_objects not in LAYOUTS:
            raise ConfigError(f"no film has {n_objects} objects: {', '.join(map(str, LAYOUTS))} are possible")
        self.n_objects = n_objects
        self._aspect = size[0] / size[1]

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Draw frame `number`: array of shape (height, width, 3), uint8 RGB."""
        canvas = Canvas(_backdrop(self.seed, self.n_objects, self.size).copy())
        for index in range(self.n_objects):
            _figure(canvas, self.seed, index, self.pose(index, self.stamp(number)))
        return np.asarray(cv2.merge([cv2.convertScaleAbs(plane) for plane in canvas.planes]), np.uint8)

    def onsets(self, number: int) -> list[Event]:
        """List nothing: objects change, and none appears."""
        return []

    def home(self, index: int) -> Rectangle:
        """Return the part of the picture that object `index` never leaves."""
        rows, columns = LAYOUTS[self.n_objects]
        row, column = divmod(index, columns)
        across, down = _GUTTER / self._aspect, _GUTTER
        return Rectangle(
            column / columns + across,
            row / rows + down,
            (column + 1) / columns - across,
            (row + 1) / rows - down,
        )

    def rectangle(self, index: int, time: float) -> Rectangle:
        """Return the part of the picture that object `index` takes at `time`, seconds on the LSL clock."""
        pose = self.pose(index, time)
        across = pose.radius / self._aspect
        x = pose.x / self._aspect
        return Rectangle(x - across, pose.y - pose.radius, x + across, pose.y + pose.radius)

    def pose(self, index: int, time: float) -> Pose:
        """Return how object `index` is at `time`, seconds on the LSL clock."""
        moments = self.moments(index)
        now = moments.index_at(time)
        done = min((time - moments.start(now)) / _CHANGE_S, 1.0)
        done *= done * (3 - 2 * done)
        before, after = self._aim(index, now - 1), self._aim(index, now)
        across, down, size, light = (a + (b - a) * done for a, b in zip(before, after, strict=True))
        home = self.home(index)
        width, height = (home.right - home.left) * self._aspect, home.bottom - home.top
        short = min(width, height)
        sway = _SWAY * short * sin(tau * (0.31 * time + chance(self.seed, _LOOK, index, 3)))
        room = [side / 2 - (size + _SWAY) * short for side in (width, height)]
        return Pose(
            x=(home.left + home.right) / 2 * self._aspect + across * room[0] + sway,
            y=(home.top + home.bottom) / 2 + down * room[1],
            radius=size * short,
            light=light,
            turn=0.4 * time + tau * chance(self.seed, _LOOK, index, 4),
        )

    def moments(self, index: int) -> Moments:
        """Return when object `index` begins to change."""
        return Moments(0.375, 0.73, self.seed, _MOMENTS + 10 * index)

    def _aim(self, index: int, change: int) -> tuple[float, float, float, float]:
        """Where a change leads: place across and down (-1 to 1 of the room there is), size, and light."""
        return (
            2 * chance(self.seed, _ACROSS, index, change) - 1,
            2 * chance(self.seed, _DOWN, index, change) - 1,
            _SIZES[int(chance(self.seed, _SIZE, index, change) * len(_SIZES))],
            _LIGHTS[_other_light(self.seed, index, change)],
        )


@lru_cache(maxsize=4096)
def _other_light(seed: int, index: int, change: int) -> int:
    """Draw what differs from the one before: odd changes draw from what their neighbours leave."""

    def free(i: int) -> int:
        return int(chance(seed, _LIGHT, index, i) * len(_LIGHTS))

    if change % 2 == 0:
        return free(change)
    left = [i for i in range(len(_LIGHTS)) if i not in (free(change - 1), free(change + 1))]
    return left[int(chance(seed, _LIGHT, index, change, 1) * len(left))]


def _palette(seed: int) -> Palette:
    return PALETTES[int(chance(seed, _LOOK) * len(PALETTES))]


@lru_cache(maxsize=4)
def _backdrop(seed: int, n_objects: int, size: tuple[int, int]) -> NDArray[np.float32]:
    """Draw what stands still: a sky, and a tile for each home, array of shape (3, height, width)."""
    width, height = size
    palette = _palette(seed)
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    top, bottom = (np.array(colour, np.float32)[:, None, None] for colour in (palette.top, palette.bottom))
    planes = np.ascontiguousarray(np.broadcast_to(top + (bottom - top) * down, (3, height, width)))
    film = ObjectsFilm(seed, size=size, n_objects=n_objects)
    tile = np.array(_tile(palette), np.float32)[:, None, None]
    for index in range(n_objects):
        left, top_edge, right, bottom_edge = film.home(index)
        part = planes[
            :,
            round(top_edge * height) : round(bottom_edge * height),
            round(left * width) : round(right * width),
        ]
        part += 0.6 * (tile - part)
    return planes


def _tile(palette: Palette) -> Colour:
    """Return the colour behind an object."""
    return palette.ink


def _figure(canvas: Canvas, seed: int, index: int, pose: Pose) -> None:
    palette = _palette(seed)
    own = palette.tokens[index % 2] if sum(palette.tokens[index % 2]) > 420 else (255, 236, 200)
    colour = [dark + (light - dark) * pose.light for dark, light in zip(_tile(palette), own, strict=True)]
    kind = _KINDS[(index + int(chance(seed, _LOOK, 1) * len(_KINDS))) % len(_KINDS)]
    radius = pose.radius
    shape = {
        "disc": brush.disc(radius),
        "flower": brush.flower(radius, 0.16, pose.turn),
        "ring": brush.ring(0.78 * radius, 0.44 * radius),
        "box": brush.box(0.7 * radius, 0.2 * radius, pose.turn),
    }[kind]
    canvas.fill(pose.x, pose.y, radius, shape, colour)
