"""A small antialiased brush: shapes as signed distances, laid over a picture in units of its height.

x runs from 0 to the aspect ratio, y from 0 (top) to 1, so a drawing looks the same at every size. cv2's own
shapes know no transparency and no soft edge, and these need both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from realtime.video.opencv import cv2

Colour = Sequence[float] | NDArray[np.float32]
Array = NDArray[np.float32]
Distance = Callable[[Array, Array], Array]
"""Signed distance to an edge (negative inside), from x (1, w) and y (h, 1) relative to the shape's centre."""


class Canvas:
    """A picture being drawn.

    Parameters
    ----------
    planes : array of shape (3, height, width), float32, 0 to 255
        Red, green and blue, drawn on in place. Planes, since a strided one takes twice as long.
    """

    def __init__(self, planes: Array):
        self.planes = planes
        self.height, self.width = planes.shape[1:]
        self.aspect = self.width / self.height

    def fill(
        self,
        x: float,
        y: float,
        reach: float,
        distance: Distance,
        colour: Colour,
        alpha: float = 1.0,
        soft: float = 0.0,
    ) -> None:
        """Lay `colour` over what is within `distance` of (x, y).

        Parameters
        ----------
        reach : float
            Nothing of the shape lies further than this from (x, y).
        alpha : float
            Opacity, 0 to 1.
        soft : float
            Width of the edge beyond the one pixel that antialiasing takes.
        """
        h = self.height
        reach += soft + 1 / h
        left, right = max(int((x - reach) * h), 0), min(int((x + reach) * h) + 2, self.width)
        top, bottom = max(int((y - reach) * h), 0), min(int((y + reach) * h) + 2, h)
        if left >= right or top >= bottom or alpha <= 0:
            return
        across = ((np.arange(left, right, dtype=np.float32) + 0.5) / h - np.float32(x))[None, :]
        down = ((np.arange(top, bottom, dtype=np.float32) + 0.5) / h - np.float32(y))[:, None]
        cover = distance(across, down) * np.float32(-1 / (soft + 1 / h))
        cover += np.float32(0.5)
        np.maximum(cover, 0, out=cover)
        np.minimum(cover, 1, out=cover)
        if soft:
            cover *= cover * (3 - 2 * cover)  # a straight ramp shows its two ends as lines
        cover *= np.float32(alpha)
        self._blend(self.planes[:, top:bottom, left:right], cover, colour)

    def below(self, edge: Array, colour: Colour) -> None:
        """Lay `colour` over everything below `edge`, an array of shape (width,) of heights y."""
        top = max(int(edge.min() * self.height) - 1, 0)
        rows = np.arange(top, self.height, dtype=np.float32)[:, None] + 0.5
        cover = np.clip(rows - edge[None, :].astype(np.float32) * self.height + 0.5, 0, 1)
        self._blend(self.planes[:, top:], cover, colour)

    def rings(
        self, circles: Sequence[tuple[float, float, float, float]], width: float, colour: Colour
    ) -> None:
        """Lay thin circles (x, y, radius, alpha) in one coat: what is wide and thin is dear as a distance."""
        cover = np.zeros((self.height, self.width), np.uint8)
        fine, thickness = 16 * self.height, max(round(width * self.height), 1)
        for x, y, radius, alpha in circles:
            at = round(x * fine - 8), round(y * fine - 8)  # a pixel's middle is a whole number here
            cv2.circle(cover, at, round(radius * fine), int(255 * alpha), thickness, cv2.LINE_AA, 4)
        smooth = cv2.GaussianBlur(cover, (3, 3), 0).astype(np.float32)
        self._blend(self.planes, smooth * np.float32(1 / 255), colour)

    @staticmethod
    def _blend(under: Array, cover: Array, colour: Colour) -> None:
        change = np.asarray(colour, np.float32)[:, None, None] - under
        change *= cover
        under += change


def disc(radius: float) -> Distance:
    """Make a disc."""
    return lambda x, y: np.sqrt(x * x + y * y) - np.float32(radius)


def oval(radius: float, flat: float) -> Distance:
    """Make a disc pressed to `flat` of its height."""
    return lambda x, y: np.sqrt(x * x + (y / np.float32(flat)) ** 2) - np.float32(radius)


def ring(radius: float, thickness: float) -> Distance:
    """Make a ring; `radius` is that of its middle."""
    return lambda x, y: np.abs(np.sqrt(x * x + y * y) - np.float32(radius)) - np.float32(thickness / 2)


def arc(radius: float, thickness: float) -> Distance:
    """Make the lower part of a ring, as a smile."""

    def distance(x: Array, y: Array) -> Array:
        whole = np.abs(np.sqrt(x * x + y * y) - np.float32(radius)) - np.float32(thickness / 2)
        return np.asarray(np.maximum(whole, np.float32(radius * 0.35) - y))

    return distance


def box(half: float, corner: float, angle: float) -> Distance:
    """Make a square with round corners, turned by `angle` radians."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))

    def distance(x: Array, y: Array) -> Array:
        u = np.abs(cos * x + sin * y) - np.float32(half - corner)
        v = np.abs(cos * y - sin * x) - np.float32(half - corner)
        outside = np.sqrt(np.maximum(u, 0) ** 2 + np.maximum(v, 0) ** 2)
        return np.asarray(outside + np.minimum(np.maximum(u, v), 0) - np.float32(corner))

    return distance


def flower(radius: float, depth: float, angle: float) -> Distance:
    """Make five petals: cos 5φ from cos φ by Chebyshev's polynomial is cheaper than an arctangent."""
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))

    def distance(x: Array, y: Array) -> Array:
        r = np.sqrt(x * x + y * y) + np.float32(1e-6)
        c = (cos * x + sin * y) / r
        petals = c * (5 + c * c * (16 * c * c - 20))
        edge = np.float32(radius) * (1 - np.float32(depth) * (1 - petals))
        return np.asarray(r - edge, np.float32)

    return distance


def quarter(size: float, turn: int) -> Distance:
    """Make a quarter of a disc that fills the tile of side `size` around the centre, in 4 turns."""
    right, down = (turn in (0, 3)) * 2 - 1, (turn in (0, 1)) * 2 - 1
    half = np.float32(size / 2)

    def distance(x: Array, y: Array) -> Array:
        rounded = np.sqrt((x + right * half) ** 2 + (y + down * half) ** 2) - np.float32(size)
        return np.maximum(rounded, np.maximum(np.abs(x), np.abs(y)) - half)

    return distance
