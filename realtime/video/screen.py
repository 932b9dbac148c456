"""What is on a screen, as a live video source: for stimuli that another program shows.

Through mss (X11, Windows, macOS), which the extra `screen` brings; it is imported when the screen is opened.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.errors import VideoError
from realtime.time.clock import Clock, LslClock
from realtime.types import VideoInfo
from realtime.video.frames import shrink
from realtime.video.live import LiveVideo
from realtime.video.opencv import cv2


class _ScreenDevice:
    """One screen, looked at by absolute deadlines.

    A look takes some milliseconds, and the picture is from somewhere within: the stamp is their middle.
    """

    stamp_source = "middle of the capture"

    damaged = 0

    def __init__(self, number: int, fps: float, short_side: int, clock: Clock):
        self._number, self._period_s, self._short_side, self._clock = number, 1 / fps, short_side, clock
        self._grabber: Any = None
        self._due = 0.0

    def open(self) -> VideoInfo:
        # One of its own: on some systems what looks at a screen belongs to the thread that made it.
        grabber = self._connect()
        try:
            height, width = self._look(grabber).shape[:2]
        finally:
            grabber.close()
        return VideoInfo(f"screen {self._number}", width, height, 1 / self._period_s, self.stamp_source)

    def grab(self) -> tuple[NDArray[np.uint8], float]:
        self._grabber = self._grabber or self._connect()
        self._clock.sleep_until(self._due)
        before = self._clock.now()
        self._due += self._period_s * (
            (before - self._due) // self._period_s + 1
        )  # those missed are left out
        image = self._look(self._grabber)
        return image, (before + self._clock.now()) / 2

    def close(self) -> None:
        if self._grabber is not None:
            self._grabber.close()
            self._grabber = None

    def _connect(self) -> Any:
        try:
            import mss
        except ImportError:
            raise VideoError(
                "the screen is read by the package mss, which is not here: pip install 'phosphene[screen]'"
            ) from None
        try:
            return mss.MSS()
        except mss.ScreenShotError as error:
            raise VideoError(
                f"the screen cannot be read ({error}): it takes a desktop session under X11, Windows or "
                "macOS, and under Wayland log in with 'on Xorg'"
            ) from error

    def _look(self, grabber: Any) -> NDArray[np.uint8]:
        import mss

        try:
            screens = grabber.monitors[1:]  # the first entry is all of them together
            if not 1 <= self._number <= len(screens):
                there = ", ".join(f"{i} ({s['width']}×{s['height']})" for i, s in enumerate(screens, 1))
                raise VideoError(f"there is no screen {self._number}; there are: {there or 'none'}")
            shot = grabber.grab(screens[self._number - 1])
        except mss.ScreenShotError as error:
            raise VideoError(
                f"screen {self._number} cannot be read any more ({error}): is it still switched on?"
            ) from error
        image = cv2.cvtColor(np.asarray(shot), cv2.COLOR_BGRA2RGB)
        return shrink(np.asarray(image, dtype=np.uint8), self._short_side)


class ScreenSource(LiveVideo):
    """A screen of this machine.

    Parameters
    ----------
    number : int
        1 for the first, as the system counts them.
    clock : Clock
    fps : float
        Looks a second.
    short_side : int
        Pictures are reduced to so many pixels on their shorter side: a whole desktop is more than a model
        sees or a disk takes.
    """

    def __init__(self, number: int = 1, clock: Clock | None = None, fps: float = 30.0, short_side: int = 540):
        clock = clock or LslClock()
        super().__init__(_ScreenDevice(number, fps, short_side, clock), clock)
