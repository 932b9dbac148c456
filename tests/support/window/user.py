"""A user at the window: does one thing after another, each once the window is ready for it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from gui.main_window import MainWindow

Steps = Iterator[Callable[[], object]]
_LOOK_MS, _PATIENCE_S = 20, 40.0


class User:
    """Each step waits until something is there, then the next one acts."""

    def __init__(self, steps: Steps, patience_s: float = _PATIENCE_S):
        self._steps, self._wanted, self._patience_s = steps, next(steps), patience_s
        self._since = time.monotonic()
        self.done, self.failure = False, None
        self._timer = QTimer()
        self._timer.timeout.connect(self._look)
        self._timer.start(_LOOK_MS)

    def _look(self) -> None:
        try:
            if self._wanted():
                self._since = time.monotonic()
                self._wanted = next(self._steps)
            elif time.monotonic() - self._since > self._patience_s:
                raise AssertionError(f"waited in vain at line {self._steps.gi_frame.f_lineno}")
        except StopIteration:
            self.done = True
            self._timer.stop()
        except BaseException as failure:  # Qt would only print it; whatever is open is left, so the test ends
            self.failure = failure
            self._timer.stop()
            for widget in QApplication.topLevelWidgets():
                widget.close()

    def check(self) -> None:
        self._timer.stop()
        if self.failure is not None:
            raise self.failure
        assert self.done


def shown(kind: type) -> object | None:
    """A visible widget of this kind, in any window."""
    gc.disable()  # what it would collect meanwhile may own widgets of the list that Qt is just making for us
    try:
        return next((w for w in QApplication.allWidgets() if isinstance(w, kind) and w.isVisible()), None)
    finally:
        gc.enable()


def click(button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def activate(window: MainWindow) -> None:
    """Make it the window that keys go to; without a window manager nothing does once a dialog has gone."""
    if not window.isActiveWindow() and QApplication.activeModalWidget() is None:
        window.activateWindow()
        QApplication.processEvents()


def press(key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
    """Press a key where the focus is, as a keyboard does."""
    window = shown(MainWindow)
    activate(window)
    QTest.keyClick(window.focusWidget() or window, key, modifier)
