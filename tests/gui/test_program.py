"""One window from the first page to the last: by keyboard alone, and errors are said where one looks."""

from __future__ import annotations

import os
import signal

import pytest
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget

from experiment.state import Actions, Mode
from gui import program as gui_program
from gui.app import application
from gui.pages.first_run import FirstRun
from gui.pages.outcome import Next, Outcome
from gui.pages.progress import ProgressPage
from gui.pages.session_page import SessionPage
from gui.program import Program
from gui.setup.choices import Setup
from gui.setup.openers import open_recorded
from gui.setup.stream_dialog import StreamDialog
from realtime.lsl.selector import StreamSummary
from realtime.video.listing import CameraSummary
from recordings.session.example import EXAMPLE as RECORDED
from tests.support.fake_view import FakeView
from tests.support.window.user import MainWindow, Steps, User, click, press, shown

KEY = Qt.Key
EXAMPLE, STREAMS, SESSION = 2, 3, 4  # places on the first page


@pytest.fixture
def program(tmp_path, settings) -> Program:
    return Program(tmp_path / "sessions", settings=settings)


def live_through(program: Program, steps: Steps, **options):
    QTimer.singleShot(0, program.window.activateWindow)  # as a window manager does
    user = User(steps)
    summary = program.run(**options)
    user.check()
    return summary


def test_by_keyboard_alone_from_the_first_page_through_a_session_and_back(program):
    windows, seen = set(), []

    def go_through() -> Steps:
        yield lambda: shown(FirstRun) and shown(FirstRun).buttons[0].hasFocus()
        windows.add(shown(MainWindow))
        press(KEY.Key_Down)
        press(KEY.Key_Down)
        assert shown(FirstRun).buttons[EXAMPLE].hasFocus()
        press(KEY.Key_Return)
        yield lambda: shown(ProgressPage)
        windows.add(shown(MainWindow))
        yield lambda: shown(SessionPage) and shown(SessionPage).similarity.has_content
        windows.add(shown(MainWindow))
        seen.append(shown(SessionPage).view.card.weights)
        press(KEY.Key_Space)
        yield lambda: not shown(SessionPage).view.transport.playing
        press(KEY.Key_E, Qt.KeyboardModifier.ControlModifier)
        yield lambda: shown(Outcome)
        assert not shown(Outcome).notice.isVisible()
        press(KEY.Key_Return)
        yield lambda: shown(FirstRun)
        windows.add(shown(MainWindow))
        press(KEY.Key_Up)
        assert shown(FirstRun).buttons[-1].hasFocus()
        press(KEY.Key_Q, Qt.KeyboardModifier.ControlModifier)

    summary = live_through(program, go_through())
    assert len(windows) == 1
    assert seen == ["demo"]
    assert summary["errors"] == []


def test_no_part_of_a_page_flashes_up_as_a_window_of_its_own(qtbot, settings):
    application()
    window = MainWindow(None, Mode.LIVE, Actions(), settings)
    qtbot.addWidget(window)
    window.show()
    came_up = []

    class Watch(QObject):
        def eventFilter(self, what, event):
            if event.type() is QEvent.Type.Show and isinstance(what, QWidget) and what.isWindow():
                came_up.append(what)
            return False

    watch = Watch()
    QApplication.instance().installEventFilter(watch)
    actions = Actions(toggle_recording=print, end=print, start_headset=print, set_up=print)
    window.show_view(FakeView(n_others=1), Mode.DEMO, actions)
    window.show_page(FirstRun(actions, "what went wrong"))
    QApplication.instance().removeEventFilter(watch)
    assert came_up == []


def test_a_folder_without_a_session_is_said_on_the_page_it_was_chosen_on(program, tmp_path, monkeypatch):
    folders = iter([str(tmp_path), ""])  # the second time the user cancels
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: next(folders))

    def choose_a_wrong_one() -> Steps:
        yield lambda: shown(FirstRun)
        click(shown(FirstRun).buttons[SESSION])
        yield lambda: shown(FirstRun) and shown(FirstRun).notice.isVisible()
        page = shown(FirstRun)
        assert str(tmp_path) in page.notice.text()
        click(page.buttons[SESSION])
        yield lambda: shown(FirstRun) not in (None, page)
        assert not shown(FirstRun).notice.isVisible()
        shown(MainWindow).close()

    assert live_through(program, choose_a_wrong_one()) is None


def test_cancelling_the_dialog_leads_back_to_the_first_page(program, monkeypatch):
    monkeypatch.setattr(gui_program, "list_eeg_streams", lambda: ())
    monkeypatch.setattr(gui_program, "list_cameras", lambda: ())

    def cancel() -> Steps:
        yield lambda: shown(FirstRun)
        page = shown(FirstRun)
        QTimer.singleShot(0, lambda: click(page.buttons[STREAMS]))
        yield lambda: shown(StreamDialog)
        QTimer.singleShot(0, shown(StreamDialog).reject)
        yield lambda: shown(FirstRun) not in (None, page)
        shown(MainWindow).close()

    assert live_through(program, cancel()) is None


@pytest.mark.slow
def test_streams_that_do_not_open_are_said_in_the_dialog_which_asks_again(
    program, settings, tmp_path, monkeypatch
):
    muse = StreamSummary("Muse", "EEG", 5, 256.0, "float32", "lab-pc", "muse-2A41", "1")
    monkeypatch.setattr(gui_program, "list_eeg_streams", lambda: (muse,))
    monkeypatch.setattr(gui_program, "list_cameras", lambda: (CameraSummary(0, "Camera", "/dev/video0"),))
    film = tmp_path / "film.mkv"
    film.write_bytes(b"no film at all")
    Setup(eeg="source_id=muse-2A41", video=str(film)).remember(settings)

    def choose_and_leave() -> Steps:
        yield lambda: shown(FirstRun)
        QTimer.singleShot(0, lambda: click(shown(FirstRun).buttons[STREAMS]))
        yield lambda: shown(StreamDialog) and shown(StreamDialog).start.isEnabled()
        assert not shown(StreamDialog).notice.isVisible()
        QTimer.singleShot(0, lambda: click(shown(StreamDialog).start))
        yield lambda: shown(ProgressPage)
        yield lambda: shown(StreamDialog)
        assert "film.mkv" in shown(StreamDialog).notice.text() or "muse" in shown(StreamDialog).notice.text()
        QTimer.singleShot(0, shown(StreamDialog).reject)
        yield lambda: shown(FirstRun)
        shown(MainWindow).close()

    assert live_through(program, choose_and_leave()) is None


def test_what_ends_a_session_is_said_on_the_page_after_it(program, monkeypatch):
    def break_it() -> Steps:
        yield lambda: shown(FirstRun)
        click(shown(FirstRun).buttons[EXAMPLE])
        yield lambda: shown(SessionPage)
        player = shown(SessionPage).view.transport
        monkeypatch.setattr(player.pipeline, "advance", lambda now: 1 / 0)
        yield lambda: shown(Outcome)
        assert "ZeroDivisionError" in shown(Outcome).notice.text()
        click(shown(Outcome).buttons[Next.START])
        yield lambda: shown(FirstRun)
        shown(MainWindow).close()

    summary = live_through(program, break_it())
    assert "ZeroDivisionError" in summary["errors"][0]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", [FirstRun, SessionPage, StreamDialog, Outcome])
def test_a_signal_ends_the_program_wherever_it_is(program, place, number):
    def be_interrupted() -> Steps:
        yield lambda: shown(FirstRun)
        if place is StreamDialog:
            QTimer.singleShot(0, lambda: click(shown(FirstRun).buttons[STREAMS]))
        elif place is not FirstRun:
            click(shown(FirstRun).buttons[EXAMPLE])
        if place is Outcome:
            yield lambda: shown(SessionPage)
            press(KEY.Key_E, Qt.KeyboardModifier.ControlModifier)
        yield lambda: shown(place)
        os.kill(os.getpid(), number)

    summary = live_through(program, be_interrupted())
    assert (summary is None) == (place in (FirstRun, StreamDialog))
    assert shown(MainWindow) is None


def test_a_script_gets_its_summary_when_the_session_is_over(program):
    summary = program.run(open_recorded(RECORDED), seconds=1.0, stay=False)
    assert summary["errors"] == []
    # Their values are asserted where the clock is injected (test_gui_window).
    assert set(summary["window"]) == {"fps", "longest_gap_ms", "core_share", "ms_per_drawing"}
    assert shown(MainWindow) is None
