"""Measures a camera's delay: a screen turns black and white at times we know, and the camera looks at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QGuiApplication

from experiment.display import why_no_window
from gui.app import application
from gui.stimulus.surface import new_surface
from gui.stimulus.words import picture_of
from realtime.errors import ConfigError, RunError, VideoError
from realtime.time.clock import Clock, LslClock
from realtime.types import TimeArray
from realtime.video.calibration import (
    CameraOffset,
    change_times,
    estimate_offset,
    flash_brightness,
    save_offset,
)
from realtime.video.camera import open_video
from realtime.video.frames import shrink
from realtime.video.live import LiveVideo
from realtime.worker import Worker

_POLL_MS = 1  # how often the Qt thread looks whether a change is due
_READ_S = 0.05
_SHORT_SIDE = 24  # pixels of a frame that are kept: 32 × 24 of a usual one
_DARK_S = 0.6  # before the first change
_TAIL_S = 1.0  # after the last one: a slow camera's frames are still on their way
_WORDS = (
    "⚠ Flashing light. It can trigger seizures in people with photosensitive epilepsy: if that may be you, "
    "or somebody near by, press Escape now.\n\n"
    "Point the camera at this screen, from near by, and let it stand still.\n\nIt will flash for {:.0f} s."
)


class CameraCalibration(NamedTuple):
    """What was measured of which camera, and where it is kept."""

    camera: str
    stamp_source: str
    offset: CameraOffset
    path: Path


def calibrate_camera(
    spec: str,
    n_changes: int = 40,
    lead_s: float = 6.0,
    should_stop: Callable[[], bool] = lambda: False,
    folder: Path | None = None,
) -> CameraCalibration:
    """Flash a screen in front of a camera, and keep how late its stamps are.

    The screen is the participant's where there are two. From the next time it is opened the camera's frames
    are placed by what is kept, live and in recordings. Called in the main thread; takes about
    `lead_s` + `n_changes` / 3 seconds.

    Parameters
    ----------
    spec : str
        The camera as for `open_video`: a number, a device or a URL.
    n_changes : int
        How often the screen turns; 40 are good for a few milliseconds.
    lead_s : float
        How long a word on what to do is shown before.
    should_stop : callable
        Asked all the time; True ends the measurement.
    folder : Path, optional
        Where the offset is kept; the user's settings by default.

    Raises
    ------
    VideoError
        It is no camera, it does not open, or it does not see the screen flash.
    RunError
        The measurement was ended before it was complete.
    ConfigError
        There is no screen to flash, or what is kept of other cameras cannot be read.
    """
    if obstacle := why_no_window():
        raise ConfigError(f"no screen can flash here ({obstacle}): run this at the machine itself")
    clock = LslClock()
    source = open_video(spec, clock)
    if not isinstance(source, LiveVideo):
        raise VideoError(f"{spec} is no camera, so its pictures are never late: name a camera or its URL")
    info = source.open()
    watcher = _Watcher(source)
    try:
        changes = flash(clock, n_changes, lead_s, should_stop)
    finally:
        watcher.stop()
    stamps, pictures = watcher.seen(changes[0] - _DARK_S)
    offset = estimate_offset(changes, stamps, flash_brightness(pictures))
    path = save_offset(info.name, info.stamp_source, offset, folder)
    return CameraCalibration(info.name, info.stamp_source, offset, path)


def flash(clock: Clock, n_changes: int, lead_s: float, should_stop: Callable[[], bool]) -> TimeArray:
    """Turn a whole screen white, black, white … at irregular times; returns when it really did.

    Returns
    -------
    array of shape (n_changes,), seconds on `clock`
        The moment right after each picture was swapped in, or painted where there is no OpenGL.

    Raises
    ------
    RunError
        The window was closed, Escape was pressed, or `should_stop` said so.
    """
    application()
    screens = QGuiApplication.screens()
    flashes = _Flashes(clock, n_changes, lead_s, should_stop)
    flashes.surface.appear(screens[min(1, len(screens) - 1)])
    return flashes.run()


class _Flashes:
    """The flashing surface and what it did when. Everything happens in the Qt thread.

    words, `lead_s` ──▶ black, 0.6 s ──▶ white, black, white … ──▶ 1 s more
    """

    def __init__(self, clock: Clock, n_changes: int, lead_s: float, should_stop: Callable[[], bool]):
        self._clock, self._should_stop = clock, should_stop
        self._plan = change_times(n_changes)
        self._lead_s = lead_s
        self._given = 0  # changes that the surface was given, in their turn
        self._changes: list[float] = []  # those that came on
        self._dark = self._left = False
        self._failure: BaseException | None = None
        self._loop, self._timer = QEventLoop(), QTimer()
        self.surface = new_surface(self._was_shown, self._leave)

    def run(self) -> TimeArray:
        self._start = self._clock.now() + self._lead_s + _DARK_S
        self.surface.put(picture_of(_WORDS.format(self._plan[-1] + _DARK_S + _TAIL_S)))
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._look)
        self._timer.start(_POLL_MS)
        self._loop.exec()
        self._timer.stop()
        self.surface.vanish()
        if self._failure is not None:
            raise self._failure
        if len(self._changes) < len(self._plan):
            counts = f"{len(self._changes)} of {len(self._plan)} changes"
            raise RunError(
                f"the measurement was ended after {counts}, and nothing of it is kept: leave the flashing "
                "window open and in front until it closes by itself"
            )
        return np.array(self._changes)

    def _look(self) -> None:
        """Give the surface what is due. Called by the timer, in which Qt would only print an error."""
        try:
            self._step(self._clock.now() - self._start)
        except BaseException as failure:
            self._failure = failure
            self._loop.quit()

    def _step(self, now: float) -> None:
        if self._left or self._should_stop() or now > self._plan[-1] + _TAIL_S:
            self._loop.quit()
        elif not self._dark and now > -_DARK_S:
            self._dark = True
            self.surface.put(None)
        elif len(self._changes) == self._given < len(self._plan) and now >= self._plan[self._given]:
            self._given += 1
            self.surface.put(_WHITE if self._given % 2 else None)

    def _was_shown(self) -> None:
        """Note when a picture came on. One that is only painted again is no change."""
        if len(self._changes) < self._given:
            self._changes.append(self._clock.now())

    def _leave(self) -> None:
        self._left = True


class _Watcher:
    """Keeps small copies of a camera's frames, in a thread of its own that also closes it."""

    def __init__(self, source: LiveVideo):
        self._source = source
        self._stamps: list[float] = []
        self._pictures: list[NDArray[np.uint8]] = []
        self._worker = Worker("calibration", self._look, on_exit=source.close).start()

    def _look(self) -> None:
        frame = self._source.read(_READ_S)
        if frame is None:
            return
        picture = shrink(frame.image, _SHORT_SIDE)
        if not self._pictures or picture.shape == self._pictures[0].shape:
            self._pictures.append(picture)
            self._stamps.append(frame.stamp)

    def stop(self) -> None:
        self._worker.stop()

    def seen(self, since: float) -> tuple[TimeArray, NDArray[np.uint8]]:
        """Stamps (n,) and pictures (n, height, width, 3) from a time on.

        Raises
        ------
        VideoError
            There is none.
        WorkerFailed
        """
        self._worker.raise_failure()
        stamps = np.array(self._stamps)
        later = stamps >= since
        if not later.any():
            raise VideoError(
                f"the camera gave no picture while the screen flashed: {self._source.health().note}"
            )
        return stamps[later], np.stack(self._pictures)[later]


_WHITE = np.full((9, 16, 4), 255, np.uint8)
