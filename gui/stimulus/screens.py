"""Which screen a stimulus is shown on, and pictures as it takes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QGuiApplication, QScreen

from realtime.errors import VideoError
from realtime.types import Frame
from realtime.video.opencv import cv2


def only_screen() -> bool:
    """Say whether a stimulus covers the window, because there is no other screen."""
    return len(QGuiApplication.screens()) == 1


def choose_screen(number: int | None) -> QScreen:
    """Return the screen of this number from 1; the second, where there is one, by default.

    Raises
    ------
    VideoError
        There is no such screen.
    """
    screens = QGuiApplication.screens()
    if number is None:
        return screens[min(1, len(screens) - 1)]
    if not 1 <= number <= len(screens):
        sizes = ((i, screen.size()) for i, screen in enumerate(screens, 1))
        there = ", ".join(f"{i} ({size.width()}×{size.height()})" for i, size in sizes)
        raise VideoError(f"there is no screen {number} to show the film on; there are: {there}")
    return screens[number - 1]


def lit(frame: Frame, brightness: float) -> Frame:
    """Return the frame with this share of its light."""
    if brightness >= 1:
        return frame
    return replace(frame, image=(frame.image * np.float32(max(brightness, 0.0))).astype(np.uint8))


def for_the_screen(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a picture (height, width, 3) in the largest size that fits, as (…, 4) with blue first."""
    height, width = image.shape[:2]
    scale = min(size[0] / width, size[1] / height)
    if scale != 1:
        fitting = max(1, round(width * scale)), max(1, round(height * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = np.asarray(cv2.resize(image, fitting, interpolation=how), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGRA), dtype=np.uint8)
