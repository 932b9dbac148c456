"""The window as a whole: keys, layout, theme, and what it says when something fails."""

from __future__ import annotations

from operator import attrgetter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDockWidget, QInputDialog, QLabel

from experiment.state import Actions, FeedbackShown, Mode
from gui import app as gui_app
from gui import theme as themes
from gui.docks import VERSION
from gui.keys import KEYS, KeyList
from gui.main_window import MainWindow
from gui.pages.session_page import NOTICE_FOR, SLOW_EVERY
from gui.panel import set_text
from gui.verdict import Verdict
from realtime.errors import SessionError
from realtime.types import StreamState
from tests.support.fake_view import FakeTransport, FakeView
from tests.support.window.shown import play, press


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


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict.word])
def test_every_verdict_fits_its_chip(open_window, verdict):
    chip = open_window().page.similarity.figures.verdict
    set_text(chip, verdict.word)
    QApplication.processEvents()
    assert chip.width() >= chip.sizeHint().width()


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
