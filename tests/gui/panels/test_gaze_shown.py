"""Gaze on the video: a ring where the participant looks, its distance to what is attended, off by a key."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest

from experiment.state import Actions, Mode
from gui.app import application
from gui.main_window import MainWindow
from realtime.gaze import GazePoint
from tests.support.fake_view import FakeView


@pytest.fixture
def window(qtbot, tmp_path):
    application()
    view = FakeView()
    for n in range(60):
        view.advance(1000 + n / 4)
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    window = MainWindow(view, Mode.LIVE, Actions(), settings)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    window.draw()
    return window


def test_a_ring_is_drawn_where_was_looked_with_its_distance_and_a_key_takes_it_away(window):
    video = window.page.video
    assert not video.gaze_switch.isVisible()
    video.switch.setChecked(False)  # the attention: to compare pictures
    window.draw()
    bare = video.picture.grab().toImage()
    now = window.page.view.now()
    window.page.view.gaze_list = [GazePoint(now - 0.2, 0.2, 0.3), GazePoint(now - 0.05, 0.8, 0.25)]
    window.draw()
    assert video.gaze_switch.isVisible()
    assert video.picture.grab().toImage() != bare
    chosen = video.picture.chosen
    x, y = (chosen.left + chosen.right) / 2, (chosen.top + chosen.bottom) / 2
    assert video.gaze_switch.text() == f"Gaze {((0.8 - x) ** 2 + (0.25 - y) ** 2) ** 0.5:.2f}"
    QTest.keyClick(window, Qt.Key.Key_G)
    window.draw()
    assert video.picture.grab().toImage() == bare
