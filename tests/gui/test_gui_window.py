"""The window as a whole: keys, layout, theme, what it says when something fails, and hours of drawing."""

from __future__ import annotations

import gc
import os
import stat
import tempfile
import time
from dataclasses import replace
from operator import attrgetter

import numpy as np
import psutil
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication, QDockWidget, QGraphicsView, QInputDialog, QLabel, QWidget

from experiment.display import why_no_window
from experiment.state import Actions, FeedbackShown, Mode
from gui import app as gui_app
from gui import theme as themes
from gui.docks import ASIDE, VERSION
from gui.keys import KEYS, KeyList
from gui.main_window import MainWindow
from gui.pages.session_page import NOTICE_FOR, SLOW_EVERY
from realtime.errors import SessionError
from realtime.gaze import GazePoint
from realtime.types import StreamState
from tests.support.fake_view import TEN_TEN, FakeTransport, FakeView


@pytest.fixture
def open_window(qtbot, settings):
    """Opens a window on a session that has run for some seconds."""
    gui_app.application()

    def opened(view=None, mode=Mode.LIVE, actions=None, seconds=15.0) -> MainWindow:
        view = view or FakeView()
        play(view, seconds)
        window = MainWindow(view, mode, actions or Actions(), settings)
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        window.draw()
        return window

    return opened


def play(view: FakeView, seconds: float, step: float = 0.25) -> None:
    for t in np.arange(view.now(), view.now() + seconds, step):
        view.advance(float(t) + step)


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


def press(window: MainWindow, text: str) -> None:
    """What pressing the key does: the action that has it as a shortcut."""
    for action in window.actions():
        if text in [shortcut.toString() for shortcut in action.shortcuts()]:
            action.trigger()
            return
    raise AssertionError(f"no action has the key {text}")


def test_every_key_reaches_something_that_exists(open_window):
    window = open_window(actions=Actions(feedback=lambda: None))
    for key in KEYS:
        assert callable(attrgetter(key.method)(window)), key


def test_no_key_is_given_twice():
    keys = [text for key in KEYS for text in key.keys]
    assert len(keys) == len(set(keys))


def test_the_key_list_names_every_key(open_window):
    dialog = KeyList(open_window())
    said = {child.text() for child in dialog.findChildren(QLabel)}
    for key in KEYS:
        if key.method != "mark_key":
            assert key.key in said
            assert key.text in said
    assert "1 … 9" in said  # the marker keys, as one


def test_a_number_hides_a_panel_and_shows_it_again(open_window):
    window = open_window()
    for number, name in enumerate(("eeg", "video", "strip", "similarity", "attention", "scalp"), start=1):
        press(window, f"Ctrl+{number}")
        assert window.page.hidden() == {name}
        press(window, f"Ctrl+{number}")
        assert window.page.hidden() == set()


def test_number_keys_and_notes_mark_the_moment(open_window, monkeypatch):
    marked = []
    window = open_window(actions=Actions(mark=marked.append))
    press(window, "3")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("door opens ", True))
    press(window, "M")
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("left out", False))
    press(window, "M")
    assert marked == ["key 3", "note: door opens"]
    assert window.page.header.done.words == "marked: note: door opens"
    for _ in range(8 * SLOW_EVERY):
        window.draw()
    assert window.page.header.done.words == ""


def test_a_row_without_panels_gives_its_room_to_the_other(open_window):
    window = open_window()
    for number in "456":
        press(window, f"Ctrl+{number}")
    QApplication.processEvents()
    assert window.page.eeg.height() > 600
    press(window, "Ctrl+0")
    QApplication.processEvents()
    assert window.page.hidden() == set()
    assert window.page.eeg.height() < 500


def test_hidden_panels_and_sizes_are_there_again_the_next_time(open_window, settings):
    window = open_window()
    press(window, "Ctrl+6")
    press(window, "D")
    docks = window.page.docks
    usual = docks.findChild(QDockWidget, "eeg").size()
    docks.resizeDocks([docks.findChild(QDockWidget, "eeg")], [800], Qt.Orientation.Horizontal)
    QApplication.processEvents()
    size, theme = docks.findChild(QDockWidget, "eeg").size(), window.theme
    window.close()
    again = open_window()
    QApplication.processEvents()
    assert again.page.hidden() == {"scalp"}
    assert again.theme is theme
    assert size.width() > usual.width() + 40
    assert again.page.docks.findChild(QDockWidget, "eeg").size() == size


def test_settings_of_another_version_are_left_alone(open_window, settings):
    before = open_window()
    press(before, "Ctrl+1")
    settings.setValue("layouts/as it was left/1", before.page.docks.saveState(VERSION - 1))
    assert open_window().page.hidden() == set()


def test_the_theme_changes_every_part(open_window):
    window = open_window()
    window.apply_theme(themes.LIGHT)
    light = window.grab().toImage().pixelColor(4, 4).name()
    press(window, "D")
    dark = window.grab().toImage().pixelColor(4, 4).name()
    assert (light, dark) == (themes.LIGHT.window, themes.DARK.window)
    for panel in window.page.panels.values():
        assert panel.theme is themes.DARK


def test_f11_fills_the_screen_and_escape_leaves_it(open_window):
    window = open_window()
    press(window, "F11")
    assert window.isFullScreen()
    press(window, "Esc")
    assert not window.isFullScreen()


def test_a_failure_stays_on_show_with_its_words(open_window):
    view = FakeView()
    window = open_window(view)
    assert window.page.banner.isHidden()
    view.failure = RuntimeError("camera 0 gave no frame for 10 s")
    window.page._draws = 0
    window.draw()
    assert not window.page.banner.isHidden()
    assert "camera 0 gave no frame for 10 s" in window.page.banner.text()


def test_an_action_that_cannot_be_done_is_told_in_the_window_for_a_while(open_window):
    def record():
        raise SessionError("no room on the disk. Free some or choose another folder with --record")

    window = open_window(actions=Actions(toggle_recording=record))
    press(window, "R")
    banner = window.page.banner
    assert banner.text() == "▲  no room on the disk. Free some or choose another folder with --record"
    assert (banner.isVisible(), banner.property("tone")) == (True, "warn")
    for _ in range(NOTICE_FOR + SLOW_EVERY):
        window.draw()
    assert not banner.isVisible()


def test_a_lost_stream_does_not_look_alive(open_window):
    view = FakeView()
    window = open_window(view)
    view.eeg_until, view.state = view.now(), StreamState.STALLED
    for _ in range(41):
        view.advance(view.now() + 0.1)
        window.draw()
    page = window.page
    assert page.header.eeg.state.text().startswith("▲ STALLED ")
    assert page.similarity.figures.similarity.property("tone") == "muted"
    assert not page.video.picture.overlay
    for panel in (page.strip, page.similarity, page.attention, page.scalp):
        assert panel.age.text().endswith("s old")
        assert not panel.age.isHidden()


def test_health_is_refreshed_twice_a_second_and_not_more(open_window):
    view = FakeView()
    asked = []
    counters = view.counters
    view.counters = lambda: asked.append(1) or counters()
    window = open_window(view)
    asked.clear()
    for _ in range(60):
        window.draw()
    assert len(asked) == 2 * 4  # by the health line, and for what is too slow


def test_the_transport_is_there_in_replay_only(open_window):
    assert open_window().page.transport.isHidden()
    assert not open_window(FakeView(transport=FakeTransport(1000, 60)), Mode.REPLAY).page.transport.isHidden()


@pytest.fixture
def replaying(open_window):
    transport = FakeTransport(1000.0, 60.0)
    return open_window(FakeView(transport=transport), Mode.REPLAY), transport


def test_space_plays_and_pauses(replaying):
    window, transport = replaying
    press(window, "Space")
    assert not transport.playing
    window.draw()
    press(window, "Space")
    assert transport.playing


def test_keys_step_skip_rewind_loop_and_change_the_speed(replaying):
    window, transport = replaying
    press(window, ".")
    assert transport.steps == 1
    transport.position = 1030.0
    press(window, "Right")
    assert transport.position == 1035.0
    press(window, "Left")
    assert transport.position == 1030.0
    press(window, "Home")
    assert transport.position == 1000.0
    press(window, "Left")
    assert transport.position == 1000.0
    press(window, "L")
    assert transport.loop
    press(window, "]")
    assert transport.speed == 2.0
    press(window, "[")
    press(window, "[")
    assert transport.speed == 0.5


def test_a_click_on_the_time_line_goes_there(replaying, qtbot):
    window, transport = replaying
    line = window.page.transport.line
    QApplication.processEvents()
    qtbot.mouseClick(line, Qt.MouseButton.LeftButton, pos=line.rect().center())
    assert transport.position == pytest.approx(1030.0, abs=0.1)


def test_the_time_line_keeps_up_with_what_was_played(replaying):
    window, transport = replaying
    transport.position = 1012.5
    window.draw()
    assert window.page.transport.time.text() == "00:12.5 / 01:00.0"


def test_the_first_run_page_offers_only_what_can_be_done(qtbot, settings):
    gui_app.application()
    pressed = []
    actions = Actions(
        start_headset=lambda: pressed.append("headset"), set_up=lambda: pressed.append("set up")
    )
    window = MainWindow(None, Mode.LIVE, actions, settings)
    qtbot.addWidget(window)
    window.show()
    window.draw()
    first_run = window.centralWidget()
    assert [button.text() for button in first_run.buttons] == ["Start", "Choose streams"]
    for button in first_run.buttons:
        button.click()
    assert pressed == ["headset", "set up"]


def test_a_session_takes_the_place_of_the_first_run_page(qtbot, settings):
    gui_app.application()
    window = MainWindow(None, Mode.LIVE, Actions(), settings)
    qtbot.addWidget(window)
    view = FakeView()
    play(view, 5)
    window.show_view(view, Mode.DEMO, Actions())
    window.show()
    window.draw()
    assert window.page.eeg.has_content
    assert window.windowTitle() == "Phosphene · Demo"


def test_another_session_keeps_the_layout_and_forgets_the_readings(open_window):
    window = open_window()
    press(window, "Ctrl+5")
    other = FakeView()
    window.show_view(other, Mode.REPLAY, Actions())
    window.draw()
    assert window.page.hidden() == {"attention"}
    assert not window.page.similarity.has_content


def test_the_tour_passes_every_panel_that_is_shown_and_ends(open_window):
    window = open_window()
    press(window, "Ctrl+2")
    press(window, "T")
    QApplication.processEvents()
    passed = []
    while window.tour is not None:
        window.draw()
        passed.append(window.tour.place)
        card = window.tour.card.geometry()
        assert window.page.rect().contains(card)
        window.tour.next.click()
    assert passed == ["eeg", "strip", "similarity", "attention", "scalp", "health"]


def test_the_tour_goes_back_and_escape_ends_it(open_window):
    window = open_window()
    press(window, "T")
    window.tour.go(1)
    window.tour.back.click()
    assert window.tour.place == "eeg"
    press(window, "Esc")
    assert window.tour is None


def test_the_tour_follows_when_the_window_is_resized(open_window):
    window = open_window()
    press(window, "T")
    window.resize(1000, 700)
    QApplication.processEvents()
    window.draw()
    assert window.tour.size() == window.page.size()


def test_the_demo_says_in_plain_words_what_happens(open_window):
    window = open_window(mode=Mode.DEMO, seconds=60)
    assert window.page.caption.isVisible()
    assert window.page.caption.text().endswith(".")
    press(window, "P")
    assert window.page.caption.isHidden()
    assert open_window(mode=Mode.LIVE).page.caption.isHidden()


def test_the_meter_shows_level_threshold_and_phase(open_window):
    state = [FeedbackShown(0.72, 0.6, "running", rewarded=True)]
    window = open_window(actions=Actions(feedback=lambda: state[0]))
    bar = window.page.feedback
    assert not bar.isHidden()
    assert (bar.figure.text(), bar.phase.text()) == ("0.72", "● running")
    state[0] = FeedbackShown(None, 0.6, "artefact", needs_hand=True)
    window.draw()
    assert (bar.figure.text(), bar.phase.text(), bar.phase.property("tone")) == ("–", "▲ artefact", "warn")
    state[0] = None
    window.draw()
    assert bar.isHidden()


def test_the_participants_window_opens_and_closes_with_f(open_window):
    window = open_window(actions=Actions(feedback=lambda: FeedbackShown(0.5)))
    press(window, "F")
    window.draw()
    assert window.feedback_window.isVisible()
    assert window.feedback_window.level == 0.5
    press(window, "F")
    assert not window.feedback_window.isVisible()


def test_closing_the_window_closes_the_participants(open_window):
    window = open_window(actions=Actions(feedback=lambda: FeedbackShown(0.5)))
    press(window, "F")
    window.close()
    assert not window.feedback_window.isVisible()


def test_nothing_is_cut_off_at_the_smallest_size(open_window):
    window = open_window(FakeView(weights="untrained"))
    window.resize(window.minimumSize())
    QApplication.processEvents()
    for panel in window.page.panels.values():
        needed = panel.minimumSizeHint()
        assert panel.height() >= needed.height(), panel.caption.title
        assert panel.width() >= needed.width(), panel.caption.title


def test_every_button_and_figure_has_words_for_a_screen_reader_or_a_tip(open_window):
    window = open_window(FakeView(transport=FakeTransport(1000, 60)), Mode.REPLAY)
    from PySide6.QtWidgets import QAbstractButton

    for button in window.findChildren(QAbstractButton):
        if button.isVisible():
            assert button.text() or button.accessibleName() or button.toolTip()


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
