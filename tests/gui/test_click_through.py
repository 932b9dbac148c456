"""A whole lab session by mouse and keys, in the real window with a real LSL headset: set-up, live, record,
feedback, stop, report, and the recording again as a replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton

import phosphene
from gui.app import application
from gui.main_window import MainWindow
from gui.session_page import SessionPage
from gui.setup import start
from gui.setup.ask import ask_and_open
from gui.setup.choices import Setup
from gui.setup.first_run import FirstRun
from gui.setup.stream_dialog import StreamDialog
from realtime.virtual.film.film import Film
from recordings.session.outcome import all_feedback, events_once
from recordings.session.session import Session
from recordings.video.files import VideoWriter

_LOOK_MS, _PATIENCE_S = 20, 40.0
_INI = QSettings.Format.IniFormat
Steps = Iterator[Callable[[], object]]


@pytest.fixture
def headset(source_id):
    process = subprocess.Popen(
        [sys.executable, "-m", "phosphene", "headset", "--source-id", source_id, "--name", "Cap",
         "--rate", "250", "--channels", "4"],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield source_id
    process.kill()
    process.wait()


@pytest.fixture
def film(tmp_path) -> Path:
    path, pictures = tmp_path / "film.mkv", Film(size=(160, 90))
    with VideoWriter(path, (160, 90)) as writer:
        for number in range(150):
            writer.write(pictures.frame(number), number / 30)
    return path


class User:
    """Does one thing after another: each step waits until something is there, then the next one acts."""

    def __init__(self, steps: Steps):
        self._steps, self._wanted = steps, next(steps)
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
            elif time.monotonic() - self._since > _PATIENCE_S:
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
    return next((w for w in QApplication.allWidgets() if isinstance(w, kind) and w.isVisible()), None)


def click(button: QPushButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def press(key: Qt.Key) -> None:
    QTest.keyClick(shown(MainWindow), key)


def command(monkeypatch, capsys, *words: object) -> dict:
    """Run a command line in this process; gives its summary."""
    monkeypatch.setattr("sys.argv", ["phosphene", *map(str, words), "--json"])
    with pytest.raises(SystemExit) as end:
        phosphene.main()
    out, err = capsys.readouterr()
    assert not end.value.code, err
    return json.loads(out)


def test_streams_that_do_not_open_are_told_and_asked_for_again(headset, tmp_path, monkeypatch):
    monkeypatch.setattr(start, "remembered", lambda: QSettings(str(tmp_path / "none.ini"), _INI))
    Setup(eeg=f"source_id={headset}", video=str(tmp_path / "film.mkv")).remember(start.remembered())
    (tmp_path / "film.mkv").write_bytes(b"no film at all")
    words: list[str] = []

    def choose_and_leave() -> Steps:
        yield lambda: shown(FirstRun)
        offers = {b.text(): b for b in shown(FirstRun).buttons}
        QTimer.singleShot(0, lambda: click(offers["Choose streams"]))
        yield lambda: shown(StreamDialog) and shown(StreamDialog).start.isEnabled()
        QTimer.singleShot(0, lambda: click(shown(StreamDialog).start))
        yield lambda: shown(QMessageBox)
        words.append(shown(QMessageBox).text())
        QTimer.singleShot(0, lambda: click(shown(QMessageBox).buttons()[0]))
        yield lambda: shown(StreamDialog)
        QTimer.singleShot(0, shown(StreamDialog).reject)

    application()
    user = User(choose_and_leave())
    assert ask_and_open(tmp_path) is None
    user.check()
    assert "film.mkv" in words[0]


def test_a_session_from_set_up_to_report_by_clicks_alone(headset, film, tmp_path, monkeypatch, capsys):
    application()
    layout = QSettings(str(tmp_path / "layout.ini"), _INI)
    for module in (start, sys.modules["gui.app"]):
        monkeypatch.setattr(module, "remembered", lambda: layout)
    browsed: list[str] = []
    monkeypatch.setattr("webbrowser.open", browsed.append)  # the one thing outside the program
    sessions = tmp_path / "sessions"

    def set_up_and_record() -> Steps:
        yield lambda: shown(FirstRun)
        offers = {b.text(): b for b in shown(FirstRun).buttons}
        QTimer.singleShot(0, lambda: click(offers["Choose streams"]))
        yield lambda: shown(StreamDialog)
        dialog = shown(StreamDialog)
        wanted = f"source_id={headset}"
        yield lambda: wanted in dialog.streams._rows
        row = list(dialog.streams._rows).index(wanted)
        cell = dialog.streams.visualItemRect(dialog.streams.item(row, 0)).center()
        QTest.mouseClick(
            dialog.streams.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, cell
        )
        QTest.keyClicks(dialog.file, str(film))
        QTest.keyClicks(dialog.feedback, "ring")
        yield dialog.start.isEnabled
        QTimer.singleShot(0, lambda: click(dialog.start))
        yield lambda: shown(SessionPage)
        page = shown(SessionPage)
        click(page.header.record)
        yield lambda: page.view.readings.get() is not None
        window = shown(MainWindow)
        window.activateWindow()  # as a window manager does, which a bare display has none of
        yield window.isActiveWindow
        press(Qt.Key.Key_F)
        yield lambda: window.feedback_window is not None and window.feedback_window.level is not None
        assert window.feedback_window.look.value == "ring"
        begun = page.view.now()
        yield lambda: page.view.now() > begun + 3 and page.header.recording.text() > "● REC 00:00:03"
        click(window.page.feedback.window_button)
        assert not window.feedback_window.isVisible()
        click(page.header.record)
        yield lambda: page.header.record.text() == "Record"
        report = next(a for a in page.header.menu.actions() if a.text() == "Report")
        report.trigger()
        yield lambda: browsed
        window.close()

    user = User(set_up_and_record())
    # A threshold that the signal never reaches: feedback comes and goes by its times alone.
    options = ("baseline_s=1", "threshold=5", "hold_s=0", "longest_s=1", "refractory_s=0.5", "percentile=50")
    summary = command(
        monkeypatch, capsys, "live", "--out", sessions, "--feedback-style", "ring",
        *(word for option in options for word in ("--feedback-set", option)),
    )  # fmt: skip
    user.check()
    assert summary["errors"] == []
    (folder,) = map(Path, summary["recordings"])
    assert browsed == [(folder / "report.html").resolve().as_uri()]
    page = (folder / "report.html").read_text()
    assert "Untrained network" in page
    with Session(folder) as session:
        feedback = all_feedback(session, events_once(session))
    assert feedback.baseline_over is not None
    assert feedback.spans
    assert json.loads(feedback.parameters)["percentile"] == 50

    seen: list[int] = []

    def watch_again() -> Steps:
        yield lambda: shown(SessionPage)
        page = shown(SessionPage)
        shown(MainWindow).activateWindow()
        yield shown(MainWindow).isActiveWindow
        press(Qt.Key.Key_BracketRight)
        yield lambda: len(page.view.history(60)) >= 4
        seen.extend(r.index for r in page.view.history(60))
        QTest.keyClick(shown(MainWindow), Qt.Key.Key_Space)
        yield lambda: not page.view.transport.playing
        shown(MainWindow).close()

    user = User(watch_again())
    again = command(monkeypatch, capsys, "replay", folder)
    user.check()
    assert again["errors"] == []
    with Session(folder) as session:
        stream = next(s for s in session.reader.streams.values() if s.info.type == "Readings")
        _, rows = session.reader.read(stream.info.stream_id)
    assert set(seen) & {int(index) for index in rows[:, 1]}
    QCoreApplication.processEvents()
