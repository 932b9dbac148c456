"""Panels are moved, taken out, kept by name, and saved as pictures and numbers."""

from __future__ import annotations

import csv

import pytest
from PySide6.QtCore import QPoint, QSettings, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QFileDialog, QInputDialog, QMenu

from experiment.state import Actions, Mode
from gui.app import application
from gui.main_window import MainWindow
from realtime.types import StreamState
from tests.support.fake_view import FakeView

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def window(qtbot, tmp_path):
    application()
    view = FakeView(n_others=1)
    for n in range(60):
        view.advance(1000 + n / 4)
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    window = MainWindow(view, Mode.LIVE, Actions(mark=lambda text: None), settings)
    qtbot.addWidget(window)
    window.resize(1280, 800)
    window.show()
    window.activateWindow()  # as a window manager does, which a bare display has none of
    qtbot.waitUntil(window.isActiveWindow)
    window.draw()
    return window


def menu_entry(menu: QMenu, *path: str):
    menu.aboutToShow.emit()
    entry = next(action for action in menu.actions() if action.text() == path[0])
    return menu_entry(entry.menu(), *path[1:]) if path[1:] else entry


def test_a_panel_is_taken_by_its_header_and_moved(window):
    dock = window.page.docks.findChild(QDockWidget, "scalp")
    header = window.page.scalp.header
    start = header.rect().center()
    QTest.mousePress(header, Qt.MouseButton.LeftButton, pos=start)
    for step in range(1, 8):
        QTest.mouseMove(header, start + QPoint(0, -12 * step))
        QApplication.processEvents()
    taken = dock.isFloating()
    QTest.mouseRelease(header, Qt.MouseButton.LeftButton)
    assert taken


def test_a_panel_leaves_the_window_and_comes_back(window):
    dock = window.page.docks.findChild(QDockWidget, "video")
    out = menu_entry(window.page.video.menu, "Out of the window, or back")
    out.trigger()
    assert dock.isFloating()
    window.draw()
    out.trigger()
    assert not dock.isFloating()
    menu_entry(window.page.video.menu, "Hide").trigger()
    assert window.page.hidden() == {"video"}


def test_layouts_are_kept_by_name_taken_again_and_forgotten(window, monkeypatch):
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("for EEG", True))
    QTest.keyClick(window, Qt.Key.Key_2, CTRL)
    QTest.keyClick(window, Qt.Key.Key_L, CTRL)
    QTest.keyClick(window, Qt.Key.Key_0, CTRL)
    assert window.page.hidden() == set()
    menu = window.page.header.menu
    menu_entry(menu, "Layouts", "for EEG").trigger()
    assert window.page.hidden() == {"video"}
    menu_entry(menu, "Layouts", "Forget", "for EEG").trigger()
    with pytest.raises(StopIteration):
        menu_entry(menu, "Layouts", "for EEG")


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_every_panel_is_saved_as_a_picture(window, monkeypatch, tmp_path, ending):
    for name, panel in window.page.panels.items():
        path = tmp_path / f"{name}.{ending}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        menu_entry(panel.menu, "Save a picture …").trigger()
        if ending == "png":
            assert QImage(str(path)).width() == panel.grab().width()
        else:
            assert path.read_text().startswith("<?xml")
            assert path.stat().st_size > 500


def test_the_numbers_of_a_panel_are_those_it_shows(window, monkeypatch, tmp_path):
    for name, panel in window.page.panels.items():
        path = tmp_path / f"{name}.csv"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        menu_entry(panel.menu, "Save the numbers …").trigger()
        assert path.exists(), name
    rows = list(csv.reader((tmp_path / "similarity.csv").open()))
    history = window.page.view.history(60)
    assert [float(row[1]) for row in rows[1:]] == [reading.similarity for reading in history]
    places = list(csv.reader((tmp_path / "video.csv").open()))[1:]
    assert sum(float(row[2]) for row in places) == pytest.approx(1.0, abs=1e-5)


def test_a_file_that_cannot_be_written_is_said_in_the_header(window, monkeypatch, tmp_path):
    nowhere = str(tmp_path / "missing" / "x.csv")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (nowhere, ""))
    menu_entry(window.page.eeg.menu, "Save the numbers …").trigger()
    assert "cannot be written" in window.page.header.done.words


def test_the_log_tells_what_happened_and_when(window):
    view, log = window.page.view, window.page.log
    view.marker_list = [(1016.0, "target")]
    view.state = StreamState.STALLED
    view.advance(1017.0)
    for _ in range(16):
        window.draw()
    window.page.show_notice("the disk is full")
    QTest.keyClick(window, Qt.Key.Key_9, CTRL)
    assert log.isVisible()
    said = [line.what for line in log.lines]
    assert {"marker: target", "Muse: stalled", "the disk is full"} <= set(said)
    assert "00:00:01  marker: target" in log.text.toPlainText()
