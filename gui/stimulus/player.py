"""Plays a film to the participant, and is a video source: the model sees what was shown when it was shown.

file ─▶ FileCamera, in a thread: the frame that is due ─▶ Latest ─▶ Qt thread: surface, swap, stamp
                                                                           │
             read(), in the pipeline's thread  ◀── bounded queue of Frame ─┘
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer

from gui.app import application
from gui.qt_thread import in_qt_thread
from gui.stimulus.lead_in import COUNTDOWN_S, ONLY_SCREEN, LeadIn
from gui.stimulus.playlist import read_playlist
from gui.stimulus.programme import Programme
from gui.stimulus.screens import choose_screen, for_the_screen, lit, only_screen
from gui.stimulus.surface import GlSurface, RasterSurface, new_surface
from realtime.latest import Latest
from realtime.taps import Taps
from realtime.time.clock import Clock, LslClock
from realtime.time.rate import RateMeter
from realtime.types import Frame, StreamState, VideoHealth, VideoInfo
from realtime.worker import Worker

_POLL_MS = 2  # how often the Qt thread looks for a frame that is due
_READ_S = 0.05
_HIDDEN_S = 1.0
_WAITING = 32  # frames shown that the pipeline has not taken yet; the oldest is dropped


class _DueFrame(NamedTuple):
    """A frame to be shown now: as it is for the model, and as the screen takes it."""

    frame: Frame
    pixels: NDArray[np.uint8]


class StimulusPlayer:
    """A film or a playlist on the whole of a screen, each frame at its own time, and nothing else.

    Frames are timed by the file's own stamps. Each that was shown is handed on once, with the moment right
    after it came on (the health's `stamp_source` says by what); one that could not be shown in time, or
    whose window nobody can see, is not, and its number is left out. When the film is over its last frame
    stays until `close`. Escape ends it.

    The Qt thread has to run its event loop; `play` belongs to it, `read` to the pipeline's thread; any may
    call `open`, `health` and `close`. Whatever else the Qt thread does delays a swap, but the stamp knows.

    Parameters
    ----------
    path : str or Path
        A video file, or a playlist (`gui.stimulus.playlist`).
    screen : int, optional
        1 for the first as the system counts them; by default the second where there is one.
    loop : bool
        Begin again at the end.
    clock : Clock
    wait : bool
        Stay black until `play` is called; else the film begins once its window is on the screen.
    countdown_s : float
        Count down before it begins, with a warning where it flashes or covers the only screen.

    Attributes
    ----------
    screen_name : str
        As the system calls the screen it is shown on.
    events : Taps
        Given the stamp and the words of each item that came on, and of each answer. In the Qt thread.
    speed : float
        How fast the film plays, above 0. Like the brightness, any thread may set it.
    brightness : float
        Share of the film's own light, 0 to 1. What is handed on is what was shown.
    """

    def __init__(
        self,
        path: str | Path,
        screen: int | None = None,
        loop: bool = False,
        clock: Clock | None = None,
        wait: bool = False,
        countdown_s: float = 0.0,
    ):
        self.screen_name = ""
        self.events: Taps[tuple[float, str]] = Taps()
        self.brightness = 1.0
        self._clock = clock or LslClock()
        self._path = Path(path)
        self._film = Programme(read_playlist(path), loop, self._clock)
        self._countdown_s, self._lead_in = countdown_s, LeadIn(0.0, [])
        self._screen, self._wanted = screen, not wait
        self._due: Latest[_DueFrame] = Latest()
        self._waiting: queue.Queue[Frame] = queue.Queue(_WAITING)
        self._rate = RateMeter()
        self._info: VideoInfo | None = None
        self._feeder: Worker | None = None
        self._surface: GlSurface | RasterSurface | None = None
        self._timer: QTimer | None = None
        self._given = 0  # number of the last due frame that the surface was given
        self._pending: Frame | None = None  # given to the surface, not yet on the screen
        self._newest: Frame | None = None  # on the screen
        self._last_read = -1
        self._shown = self._dropped = 0
        self._size = (0, 0)
        self._qt_thread = 0
        self._visible = False  # something was on the screen already, if only black
        self._closing = threading.Event()

    @property
    def path(self) -> Path:
        """The film's file."""
        return self._path

    # The Qt thread.

    def open(self) -> VideoInfo:
        """Open the file and the window, in the Qt thread whichever thread asks.

        Raises
        ------
        VideoError
            The file is no film (see `FileCamera.open`), or there is no such screen.
        """
        return in_qt_thread(self._open)

    def _open(self) -> VideoInfo:
        screen = choose_screen(self._screen)
        film = self._film.open()
        area, ratio = screen.geometry(), screen.devicePixelRatio()
        self.screen_name = screen.name()
        self._size = round(area.width() * ratio), round(area.height() * ratio)
        self._qt_thread = threading.get_ident()
        covered = ONLY_SCREEN if only_screen() else ""
        self._lead_in = LeadIn(self._countdown_s, [self._film.warning, covered])
        self._surface = new_surface(self._was_shown, self._closing.set, self._key)
        self._surface.appear(screen)
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._look)
        self._timer.start(_POLL_MS)
        self._info = replace(film, stamp_source=self._surface.stamp_source)
        return self._info

    def play(self) -> None:
        """Let the film begin, as soon as its window is on the screen."""
        self._wanted = True

    def _look(self) -> None:
        """Give the surface what is due. Called by the timer."""
        if self._closing.is_set():
            return self._vanish()
        if self._wanted and self._visible and self._feeder is None and self._counted_down():
            self._feeder = Worker(f"stimulus {self._path.name}", self._feed, self._film.close).start()
        due = self._due.newer_than(self._given)
        if due is not None and self._surface is not None:
            self._pending, self._given = due.value.frame, due.seq
            self._surface.put(due.value.pixels)

    def _counted_down(self) -> bool:
        """Show what stands before the first item; True once that is over."""
        now = self._clock.now()
        over = self._lead_in.over(now)
        if not over and self._surface is not None and (picture := self._lead_in.picture(now)) is not None:
            self._surface.put(picture)
        return over

    def _key(self, key: str) -> None:
        """Take a key that was pressed on the surface; the answer's stamp is that of the press."""
        if (answer := self._film.answer(key)) is not None:
            self.events((self._clock.now(), answer))

    def _was_shown(self) -> None:
        """Hand on the picture that has just come on; a window that was only painted again has no new one."""
        now, frame = self._clock.now(), self._pending
        self._visible = True
        if frame is None:
            return
        self._newest = Frame(frame.image, now, frame.seq)
        self._shown += 1
        self._rate.add(now)
        for event in self._film.events_until(frame.seq):
            self.events((now, event))
        if self._waiting.full():
            with contextlib.suppress(queue.Empty):
                self._waiting.get_nowait()
        self._waiting.put_nowait(self._newest)  # nobody else puts, so there is room
        self._pending = None  # last, so that `finished` never finds neither

    def _vanish(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        if self._surface is not None:
            self._surface.vanish()
            self._surface = None

    # The feeder's thread.

    def _feed(self) -> bool:
        frame = self._film.read(_READ_S)
        if frame is not None:
            frame = lit(frame, self.brightness)
            self._due.put(_DueFrame(frame, for_the_screen(frame.image, self._size)))
        return not (self._film.finished or self._closing.is_set())

    # The pipeline's thread.

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Return the next frame that was shown, with the moment it came on, waiting up to `timeout_s` for it.

        Raises
        ------
        WorkerFailed
            The film cannot be read any more.
        """
        try:
            frame = self._waiting.get(timeout_s > 0, timeout_s or None)
        except queue.Empty:
            if self._feeder is not None:
                self._feeder.raise_failure()
            return None
        self._dropped += frame.seq - self._last_read - 1
        self._last_read = frame.seq
        return frame

    # Any thread.

    @property
    def speed(self) -> float:
        """How fast the film plays, times its own speed."""
        return self._film.speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._film.speed = speed

    def health(self) -> VideoHealth:
        """Return counts and state so far."""
        info = self._info or VideoInfo(self._path.name, 0, 0, 0.0, "")
        state = StreamState.SEARCHING if self._newest is None else StreamState.LIVE
        return VideoHealth(
            name=info.name,
            state=StreamState.FINISHED if self.finished else state,
            width=info.width,
            height=info.height,
            fps_nominal=info.fps_nominal,
            fps_effective=self._rate.per_second,
            frames=self._shown,
            dropped=self._dropped,
            age_s=float("inf") if self._newest is None else self._clock.now() - self._newest.stamp,
            stamp_source=info.stamp_source,
            note=self._film.health().note,
        )

    @property
    def finished(self) -> bool:
        """The film was left, or is over and all that was shown has been read."""
        if self._closing.is_set():
            return True
        over = self._feeder is not None and not self._feeder.alive and self._feeder.failure is None
        slot, pending = self._due.get(), self._pending
        # A window that nobody can see is not painted: its last frame is not waited for.
        hidden = pending is not None and self._clock.now() > pending.stamp + _HIDDEN_S
        given = slot is None or (slot.seq == self._given and (pending is None or hidden))
        return over and given and self._waiting.empty()

    def close(self) -> None:
        """End the film. Its window goes at once where the Qt thread asks, else when that looks next."""
        self._closing.set()
        if threading.get_ident() == self._qt_thread:
            self._vanish()
        if self._feeder is None:
            self._film.close()


def full_screen(path: str | Path, screen: int | None = None) -> Callable[[Clock], StimulusPlayer]:
    """Give what makes the player of a film when it is given the session's clock; see `StimulusPlayer`.

    Called in the main thread, which becomes the Qt thread where it is not yet.
    """

    def player(clock: Clock) -> StimulusPlayer:
        application()
        return StimulusPlayer(path, screen, clock=clock, countdown_s=COUNTDOWN_S)

    return player
