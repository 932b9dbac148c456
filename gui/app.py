"""Puts the window together and runs it: one application, one timer, a clean end."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from gui import theme as themes
from gui.icons import program_icon
from gui.main_window import MainWindow

FPS = 30
_HOLD_MS, _HELD_S = 1, 0.02  # a drawing waits for a reading that is being made, so long at most


class FrameMeter:
    """Counts drawings from the one on that found the window on the screen; times in seconds."""

    def __init__(self) -> None:
        self._first = self._last = self._spent = self._spent_first = 0.0
        self._n = -1
        self._longest = 0.0

    def tick(self, now: float, spent: float) -> None:
        """Count a drawing at `now`, when the window's thread has had `spent` of a processor's time.

        The first comes before anything was shown, and only starts the count.
        """
        if self._n > 0:
            self._longest = max(self._longest, now - self._last)
        elif self._n == 0:
            self._first, self._spent_first = now, spent
        self._last, self._spent = now, spent
        self._n += 1

    def stats(self) -> dict[str, float]:
        """Drawings a second, the longest time between two, and what they take of a processor.

        Returns
        -------
        dict
            `fps`, `longest_gap_ms`; `core_share`, the window's thread's share of one core, and
            `ms_per_drawing`, its processor time for each drawing with what Qt paints after it: neither
            depends on how busy the machine is otherwise.
        """
        passed, spent = self._last - self._first, self._spent - self._spent_first
        drawn = self._n > 1 and passed > 0
        return {
            "fps": round((self._n - 1) / passed, 2) if drawn else 0.0,
            "longest_gap_ms": round(self._longest * 1e3, 1),
            "core_share": round(spent / passed, 3) if drawn else 0.0,
            "ms_per_drawing": round(spent / (self._n - 1) * 1e3, 2) if drawn else 0.0,
        }


def application() -> QApplication:
    """Return the one QApplication, in the window's style."""
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else _new_application()
    if app.windowIcon().isNull():
        app.setWindowIcon(program_icon())
    # What shows a window ends it. Qt would also put a request to quit into its queue when the last window
    # goes, which stays there if nothing runs any more, and then ends whatever is shown next at once.
    app.setQuitOnLastWindowClosed(False)
    return app


def _new_application() -> QApplication:
    app = QApplication(sys.argv[:1])
    app.setApplicationName("Phosphene")
    app.setOrganizationName("Phosphene")
    app.setStyle("Fusion")
    app.setFont(themes.font())
    return app


def remembered() -> QSettings:
    """Where the layout is kept; a window nobody sees (a test, a server) leaves no trace in it."""
    if QApplication.platformName() in ("offscreen", "minimal"):
        # A file of this process alone. Never os.devnull: QSettings saves by renaming a new file over the old,
        # which, run as root, would put a regular file in the place of the device.
        folder = tempfile.mkdtemp(prefix="phosphene-window-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return QSettings(str(Path(folder) / "layout.ini"), QSettings.Format.IniFormat)
    return QSettings()


def draw_while(window: MainWindow, goes_on: Callable[[], bool]) -> dict[str, float]:
    """Draw the window until it is closed or `goes_on`, which is asked at every drawing, says no.

    Returns
    -------
    dict
        See `FrameMeter.stats`.

    Raises
    ------
    Exception
        Whatever a drawing raised.
    """
    meter, failures, timer, loop = FrameMeter(), [], QTimer(), QEventLoop()
    held, since = QTimer(singleShot=True, interval=_HOLD_MS), 0.0

    def draw() -> None:
        nonlocal since
        now = time.monotonic()
        since = since or now
        if window.at_work and now - since < _HELD_S:
            held.start()  # Python runs one thread at a time: a drawing in between makes the reading late
            return
        since = 0.0
        held.stop()
        try:
            meter.tick(now, time.thread_time())
            window.draw()
            if not (goes_on() and window.isVisible()):
                loop.quit()
        except Exception as failure:  # Qt would print it and go on, thirty times a second
            failures.append(failure)
            timer.stop()
            loop.quit()

    timer.setTimerType(Qt.TimerType.PreciseTimer)
    held.setTimerType(Qt.TimerType.PreciseTimer)
    held.timeout.connect(draw)
    timer.timeout.connect(draw)
    timer.start(round(1000 / FPS))
    loop.exec()
    timer.stop()
    held.stop()
    if failures:
        raise failures[0]
    return meter.stats()
