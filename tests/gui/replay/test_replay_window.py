"""The shipped example in the real window: a seek shows the place it goes to, playing, looping and paused."""

from __future__ import annotations

import time

import numpy as np
import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from experiment.compose import open_replay
from experiment.model_choice import ModelChoice
from gui.app import application
from gui.eeg.trace_canvas import SECONDS
from gui.main_window import MainWindow
from recordings.session.example import EXAMPLE


@pytest.fixture
def open_at(qtbot, tmp_path):
    """Opens the example, paused at so many seconds."""
    players = []

    def opened(start_s: float) -> MainWindow:
        application()
        session = open_replay(EXAMPLE, ModelChoice(weights="demo"), start_s=start_s)
        session.runner.pause()
        session.hold_at_end()
        players.append(session.runner.launch())
        settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
        window = MainWindow(session.view, session.mode, session.actions, settings)
        qtbot.addWidget(window)
        window.show()
        draw_until(window, lambda: session.view.preview.get() is not None)
        return window

    yield opened
    for player in players:
        player.stop()


def draw_until(window: MainWindow, there, patience_s: float = 20.0) -> None:
    end = time.monotonic() + patience_s
    while not there():
        assert time.monotonic() < end
        window.draw()
        QApplication.processEvents()
        time.sleep(0.01)
    for _ in range(31):
        window.draw()
    QApplication.processEvents()


def seek(window: MainWindow, seconds: float) -> None:
    """Click on the time line, and wait until what is shown is of that place."""
    transport = window.page.view.transport
    line = window.page.transport.line
    share = seconds / (transport.end - transport.start)
    at = line.rect().center()
    at.setX(round(6 + share * (line.width() - 12)))
    QTest.mouseClick(line, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    wanted = transport.start + seconds
    draw_until(window, lambda: abs(transport.position - wanted) < 0.2 and is_of(window, transport.position))


def is_of(window: MainWindow, position: float) -> bool:
    frame = window.page.view.preview.get()
    return frame is not None and -0.1 < position - frame.value.stamp < 0.1


def drawn_eeg(window: MainWindow) -> np.ndarray:
    """For each column of the traces whether something is drawn in it."""
    image = window.page.eeg.canvas.traces().toImage()
    columns = np.linspace(0, image.width() - 1, 40).astype(int)
    return np.array(
        [any(image.pixelColor(int(x), y).alpha() for y in range(image.height())) for x in columns]
    )


def test_a_paused_seek_shows_eeg_frame_and_reading_of_the_place(open_at):
    window = open_at(3.0)
    page, transport = window.page, window.page.view.transport
    for seconds in (20.0, 12.0):
        seek(window, seconds)
        draw_until(window, lambda: page.view.readings.get() is not None)
        newest = page.view.readings.get().value
        assert 0 <= transport.position - newest.end <= 1.1
        assert page.similarity.has_content
        assert page.attention.has_content
        assert page.age_chips() == []
        red = page.view.preview.get().value.image[0, 0]
        shown = page.video.picture.frame_colour(0, 0)
        assert (shown.red(), shown.green(), shown.blue()) == tuple(map(int, red))
        assert drawn_eeg(window).all()
        assert page.header.playing.text() == "❚❚ PAUSED"
    assert "LIVE" not in page.header.eeg.state.text()


def test_where_no_interval_is_whole_nothing_of_another_place_is_shown(open_at):
    window = open_at(20.0)
    seek(window, 1.0)
    page = window.page
    for panel in (page.similarity, page.attention, page.strip, page.scalp):
        assert not panel.has_content
    assert page.eeg.has_content
    assert not drawn_eeg(window)[: round(40 * (1 - 1.5 / SECONDS))].any()


def test_a_start_inside_the_session_moves_the_place_and_not_the_bar(open_at):
    window = open_at(12.0)
    bar, transport = window.page.transport, window.page.view.transport
    assert transport.position - transport.start == pytest.approx(12.0)
    assert transport.end - transport.start == pytest.approx(30.0, abs=0.5)
    assert bar.time.text().startswith("00:12.0 / 00:30.")


def test_the_end_is_the_end_and_playing_begins_again_from_the_start(open_at):
    window = open_at(28.5)
    page, transport = window.page, window.page.view.transport
    transport.speed = 8.0
    QTest.mouseClick(page.transport.play_pause, Qt.MouseButton.LeftButton)
    draw_until(window, lambda: transport.at_end and not transport.playing)
    assert transport.position == transport.end
    total = page.transport.time.text().partition(" / ")
    assert total[0] == total[2]
    assert page.header.playing.text() == "■ END"
    QTest.mouseClick(page.transport.play_pause, Qt.MouseButton.LeftButton)
    draw_until(window, lambda: transport.position < transport.start + 10)
    assert page.header.playing.isHidden()


def test_under_loop_the_picture_goes_on_after_the_jump_to_the_start(open_at):
    window = open_at(29.0)
    page, transport = window.page, window.page.view.transport
    transport.loop, transport.speed = True, 4.0
    transport.play()
    draw_until(window, lambda: transport.position < transport.start + 5)
    frame = page.view.preview.get().value
    shown = page.video.picture.frame_colour(5, 5)
    assert frame.stamp < transport.start + 20
    assert page.video.shown_frame.stamp <= frame.stamp < transport.start + 20
    assert shown.isValid()
