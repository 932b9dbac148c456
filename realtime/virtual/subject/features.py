"""What early vision would notice in a frame: how light, contrast and the picture itself have changed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.types import Rectangle
from realtime.video.opencv import cv2
from realtime.virtual.film.script import Event

FEATURES = ("luminance", "contrast", "motion left", "motion right", "cut", "face")
"""Columns of what this module gives; `cut` and `face` are 1 in the frame where one shows first, else 0."""

_CUT_LEVEL = 0.05  # of the range; the film's own cuts lie above, its fastest moves below


class Stimulus(Protocol):
    """Numbered frames at known times. `realtime.virtual.film.film.Film` is one."""

    @property
    def fps(self) -> float:
        """Frames a second."""
        ...

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return frame `number`, array of shape (height, width, 3), uint8 RGB."""
        ...

    def onsets(self, number: int) -> list[Event]:
        """List what appears in that frame, where the source knows; else nothing."""
        ...


class Remembered:
    """A stimulus whose newest frames are kept, for several who look at the same ones.

    Parameters
    ----------
    stimulus : Stimulus
    memory : int
        Frames that are kept.
    """

    def __init__(self, stimulus: Stimulus, memory: int = 512):
        self._stimulus, self._memory = stimulus, memory
        self._known: OrderedDict[int, NDArray[np.uint8]] = OrderedDict()

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self._stimulus.fps

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return frame `number`, array of shape (height, width, 3), uint8 RGB."""
        if number not in self._known:
            self._known[number] = self._stimulus.frame(number)
            if len(self._known) > self._memory:
                self._known.popitem(last=False)
        return self._known[number]

    def onsets(self, number: int) -> list[Event]:
        """List what appears in that frame."""
        return self._stimulus.onsets(number)


@dataclass(frozen=True)
class Part:
    """A part of a stimulus, for a subject who does not see, or does not look at, the rest."""

    whole: Stimulus
    rectangle: Rectangle

    @property
    def fps(self) -> float:
        """Frames a second."""
        return self.whole.fps

    def frame(self, number: int) -> NDArray[np.uint8]:
        """Return this part of frame `number`, array of shape (height, width, 3), uint8 RGB."""
        image = self.whole.frame(number)
        (height, width), (left, top, right, bottom) = image.shape[:2], self.rectangle
        return image[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]

    def onsets(self, number: int) -> list[Event]:
        """List what appears in this part in that frame."""
        left, top, right, bottom = self.rectangle
        return [e for e in self.whole.onsets(number) if left <= e.x < right and top <= e.y < bottom]


def grey(image: NDArray[np.uint8], width: int = 160) -> NDArray[np.float32]:
    """Return luma (rows, columns) at `width` columns or fewer, 0 to 1: finer detail is not measured here."""
    if image.shape[1] > width:
        height = round(image.shape[0] * width / image.shape[1])
        image = np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)


def edge_energy(picture: NDArray[np.float32]) -> float:
    """Return the mean difference between neighbours of luma (rows, columns), across plus down.

    Not cv2.Sobel and cv2.magnitude: their last bit depends on where in memory the picture lies.
    """
    across, down = np.diff(picture, axis=1), np.diff(picture, axis=0)
    return float(np.abs(across).mean() + np.abs(down).mean())


def change(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float64]:
    """Measure the step from one grey frame to the next, without `face`: array of shape (5,).

    Motion is the mean absolute difference of a half of the picture once a change of the whole picture's light
    is taken out. A cut is a difference too large for motion, and then it is not counted as motion as well.
    All but the cut are square roots (with their sign): the answer of visual cortex to contrast saturates
    (Albrecht & Hamilton 1982, doi:10.1152/jn.1982.48.1.217).
    """
    difference = after - before
    light = float(difference.mean())
    moved = np.abs(difference - light)
    middle = moved.shape[1] // 2
    left, right = float(moved[:, :middle].mean()), float(moved[:, middle:].mean())
    cut = (left + right) / 2 > _CUT_LEVEL
    still = 0.0 if cut else 1.0
    seen = np.array([light, edge_energy(after) - edge_energy(before), still * left, still * right])
    return np.append(np.sign(seen) * np.sqrt(np.abs(seen)), float(cut))


class FeatureTrack:
    """Features of a stimulus by frame number, each frame looked at once.

    Parameters
    ----------
    stimulus : Stimulus
    memory : int
        Frames whose features are kept.
    """

    def __init__(self, stimulus: Stimulus, memory: int = 512):
        self.stimulus = stimulus
        self._memory = memory
        self._known: OrderedDict[int, NDArray[np.float64]] = OrderedDict()
        self._last: tuple[int, NDArray[np.float32]] | None = None

    def between(self, first: int, stop: int) -> NDArray[np.float64]:
        """Return the features of frames `first` to `stop - 1`: shape (stop - first, len(FEATURES))."""
        return np.stack([self._of(number) for number in range(first, stop)])

    def _of(self, number: int) -> NDArray[np.float64]:
        if number not in self._known:
            before, after = self._grey(number - 1), self._grey(number)
            faces = any(event.kind == "face" for event in self.stimulus.onsets(number))
            self._known[number] = np.append(change(before, after), float(faces))
            self._last = number, after
            if len(self._known) > self._memory:
                self._known.popitem(last=False)
        return self._known[number]

    def _grey(self, number: int) -> NDArray[np.float32]:
        if self._last is not None and self._last[0] == number:
            return self._last[1]
        return grey(self.stimulus.frame(number))
