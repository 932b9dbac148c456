"""What draws a window again and again: for hours, evenly, at little cost, and where there is a display."""

from __future__ import annotations

import gc
import os
import stat
import tempfile
import time
from dataclasses import replace

import numpy as np
import psutil
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QGraphicsView, QWidget

from experiment.display import why_no_window
from experiment.state import Actions, FeedbackShown, Mode
from gui import app as gui_app
from gui.docks import ASIDE
from gui.main_window import MainWindow
from gui.pages.session_page import SLOW_EVERY
from realtime.gaze import GazePoint
from tests.support.fake_view import TEN_TEN, FakeTransport, FakeView
from tests.support.window.shown import play, press


def show(view, mode, actions, over, settings) -> dict[str, float]:
    """Show a session in a window of its own until it is over."""
    gui_app.application()
    window = MainWindow(view, mode, actions, settings)
    window.show()
    try:
        return gui_app.draw_while(window, lambda: not over())
    finally:
        window.close()
        window.deleteLater()


class BarePlot:
    """The same channels in pyqtgraph alone, ten seconds drawn anew each time."""

    def __init__(self, view: FakeView, qtbot):
        self.seconds, self.samples = view.eeg_window(10.0)
        self.plot = plot = pg.PlotWidget()
        qtbot.addWidget(plot)
        plot.resize(1280, 800)
        plot.show()
        self._curves = [plot.plot() for _ in view.labels]

    def draw(self) -> None:
        for n, curve in enumerate(self._curves):
            curve.setData(self.seconds, self.samples[:, n] + 100 * n)


def drawn_for_a_second(view: FakeView, draw) -> float:
    """Processor time of thirty drawings of this thread, painting included."""
    spent = 0.0
    for _ in range(30):
        view.advance(view.now() + 1 / 30)
        before = time.thread_time()
        draw()
        QApplication.processEvents()
        spent += time.thread_time() - before
    return spent


def test_half_an_hour_of_drawing_leaves_no_more_items_and_no_more_memory(open_window):
    """Half an hour of session, drawn twice a minute of it; what is kept must not grow after ten minutes."""
    view = FakeView(transport=FakeTransport(1000.0, 4000.0))
    window = open_window(view, Mode.REPLAY, seconds=120)
    process = psutil.Process()

    def kept() -> tuple[int, int, float]:
        QApplication.processEvents()
        gc.collect()
        curves = window.page.similarity.curves
        items = len(curves.canvas.scene().items()) + len(window.page.attention.canvas.scene().items())
        return len(window.findChildren(QWidget)), items, process.memory_info().rss / 2**20

    for second in range(0, 1800, 30):
        if second == 600:
            before = kept()
        view.advance(view.now() + 30)
        window.draw()
        QApplication.processEvents()
    after = kept()
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 20


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_an_hour_of_every_reading_in_every_panel_leaves_no_more_items_and_no_more_memory(open_window):
    """64 channels, two videos, markers, gaze and feedback; each reading is drawn when it comes."""
    view = FakeView(TEN_TEN, n_others=1)
    window = open_window(view, actions=Actions(feedback=lambda: FeedbackShown(0.5 + view.now() % 0.5, 0.6)))
    window.resize(1920, 1080)
    for number, name in enumerate(sorted(ASIDE)):
        window.page.docks.toggle(name)
        if number:
            window.page.docks.toggle_floating(name)  # none of them behind a tab
    process, seen, begun = psutil.Process(), [], view.now()
    for step in range(1, 4 * 3600 + 1):
        view.advance(begun + step / 4)
        if step % 12 == 0:
            view.marker_list = [*view.marker_list[-50:], (view.now(), f"target {step % 5}")]
        view.gaze_list = [GazePoint(view.now(), 0.5, 0.5)]
        window.draw()
        QApplication.processEvents()
        if step % 240 == 0:
            gc.collect()
            items = sum(len(each.scene().items()) for each in window.page.findChildren(QGraphicsView))
            memory = process.memory_info().rss / 2**20
            seen.append((len(QApplication.allWidgets()), items, memory))
    assert all(panel.has_content for panel in window.page.panels.values())
    widgets, items, memory = np.array(seen).T
    assert len(set(widgets[10:])) == 1
    assert len(set(items[10:])) == 1
    assert np.median(memory[-15:]) - np.median(memory[10:25]) < 10


def test_the_window_runs_until_it_is_told_to_end_and_says_how_evenly_it_drew(settings):
    view = FakeView(TEN_TEN)
    play(view, 15)
    drawn = []

    def over() -> bool:
        drawn.append(1)
        play(view, 1 / 30, 1 / 30)
        return len(drawn) > 30

    stats = show(view, Mode.DEMO, Actions(), over, settings)
    assert 31 <= len(drawn) <= 33
    assert 5 < stats["fps"] < 31
    assert stats["longest_gap_ms"] > 30


def test_a_drawing_waits_for_a_reading_that_is_being_made_but_not_for_long(open_window, monkeypatch):
    view = FakeView(TEN_TEN)
    window = open_window(view)
    drawn, until = [], time.monotonic() + 1.0
    monkeypatch.setattr(window, "draw", lambda: drawn.append((time.monotonic(), view.at_work)))
    work = QTimer(interval=100)
    work.timeout.connect(lambda: (setattr(view, "at_work", True), QTimer.singleShot(8, done.start)))
    done = QTimer(singleShot=True, interval=0)
    done.timeout.connect(lambda: setattr(view, "at_work", False))
    work.start()
    gui_app.draw_while(window, lambda: time.monotonic() < until)
    work.stop()
    assert len(drawn) >= 20
    assert not any(at_work for _, at_work in drawn)
    view.at_work, until = True, time.monotonic() + 1.0  # a reading that never comes to its end
    drawn.clear()
    gui_app.draw_while(window, lambda: time.monotonic() < until)
    assert len(drawn) >= 15


@pytest.mark.slow
def test_every_panel_with_64_channels_is_drawn_in_half_the_time_of_a_bare_plot_of_them(open_window, qtbot):
    """In processor time, in turns with the plot, the best of six each: other work slows a core."""
    window = open_window(FakeView(TEN_TEN, n_others=1), seconds=60)
    window.resize(1920, 1080)
    for name in sorted(ASIDE):
        press(window, {"spectrum": "Ctrl+7", "average": "Ctrl+8", "log": "Ctrl+9"}[name])
    view = window.page.view
    bare = BarePlot(view, qtbot)
    turns = [[drawn_for_a_second(view, draw) for draw in (window.draw, bare.draw)] for _ in range(7)]
    window_s, bare_s = np.min(turns[1:], axis=0)
    print(f"window: {window_s:.2f} of a core at 30 drawings a second, {window_s / bare_s:.2f} of a bare plot")
    assert window_s < 0.5 * bare_s


def test_what_takes_over_while_it_runs_is_said_with_what_it_brought_and_what_ran_before(open_window):
    view = FakeView()
    view.card, view.runs_on = replace(view.card, backend="eager fp32"), "eager fp32"
    window = open_window(view)
    health, log = window.page.health, window.page.log
    assert health.backend.words == "eager fp32"
    view.card = replace(view.card, backend="OpenVINO fp32", gain=2.44)
    view.runs_on = "OpenVINO fp32 · 2.4 × eager · since 14:03:12"
    for _ in range(2):
        play(view, 10)
        for _ in range(SLOW_EVERY):
            window.draw()
    assert health.backend.words == view.runs_on
    assert "For 00:00:10; before, it ran on eager fp32." in health.backend.toolTip()
    assert [line.what for line in log.lines if line.what.startswith("network")] == [
        "network: OpenVINO fp32 · 2.4 × eager, weights demo"
    ]


def test_an_error_while_drawing_ends_the_window_and_is_raised(settings):
    view = FakeView()
    view.eeg_health = lambda: 1 / 0
    with pytest.raises(ZeroDivisionError):
        show(view, Mode.LIVE, Actions(), lambda: False, settings)


def test_closing_the_window_ends_the_run(settings):
    def over() -> bool:
        for widget in QApplication.topLevelWidgets():
            if isinstance(widget, MainWindow):
                widget.close()
        return False

    assert "fps" in show(FakeView(), Mode.LIVE, Actions(), over, settings)


def test_a_window_that_was_closed_does_not_end_what_is_shown_next(settings):
    def over() -> bool:
        for widget in QApplication.topLevelWidgets():
            widget.close()
        return False

    show(FakeView(), Mode.LIVE, Actions(), over, settings)
    QApplication.processEvents()
    next_loop, own_end = QEventLoop(), 7
    QTimer.singleShot(50, lambda: next_loop.exit(own_end))
    assert next_loop.exec() == own_end


def test_an_invisible_window_leaves_no_trace_in_the_users_settings():
    if QApplication.platformName() != "offscreen":
        pytest.skip("a real window does remember its layout")
    kept = gui_app.remembered()
    kept.setValue("layout/hidden", "eeg")
    kept.sync()
    assert kept.fileName().startswith(tempfile.gettempdir())
    assert gui_app.remembered().value("layout/hidden") is None
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_the_meter_counts_from_the_first_drawing_that_was_on_show():
    meter = gui_app.FrameMeter()
    for now in (0.0, 1.0, 1.03, 1.13, 1.16):
        meter.tick(now, 5 + now / 4)
    assert meter.stats() == {
        "fps": pytest.approx(3 / 0.16, abs=0.01),
        "longest_gap_ms": pytest.approx(100.0),
        "core_share": 0.25,
        "ms_per_drawing": pytest.approx(160 / 4 / 3, abs=0.01),
    }


def test_without_a_display_one_line_says_so(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert why_no_window() == "no display: neither DISPLAY nor WAYLAND_DISPLAY is set"


def test_a_dead_display_is_noticed_without_ending_the_program(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":4711")
    words = why_no_window()
    assert words is not None
    assert words.startswith("no display: ")
    assert "\n" not in words


def test_a_display_that_serves_is_taken(monkeypatch):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert why_no_window() is None
