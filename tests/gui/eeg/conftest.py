"""A window on a session of formulas, and what a user does in it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from experiment.state import Actions, Mode
from gui.app import application
from gui.main_window import MainWindow


@pytest.fixture
def open_on(qtbot, tmp_path):
    """Open a window on a view that has run for some seconds; gives it and a call that lets time pass."""
    application()
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)

    def opened(view, actions=None, seconds=15.0):
        window = MainWindow(view, Mode.LIVE, actions or Actions(), settings)
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        window.activateWindow()  # as a window manager does, which a bare display has none of
        qtbot.waitUntil(window.isActiveWindow)

        def pass_time(seconds: float, step: float = 0.25) -> None:
            for t in np.arange(view.now() + step, view.now() + seconds + step / 2, step):
                view.advance(float(t))
            for _ in range(16):  # past the next refresh of what changes twice a second
                window.draw()
            QApplication.processEvents()

        pass_time(seconds)
        return window, pass_time

    return opened
