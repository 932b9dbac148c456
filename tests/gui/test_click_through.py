"""A whole lab session by mouse and keys, in the real window with a real LSL headset: set-up, live, record,
feedback, stop, report, and the recording again as a replay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QSettings, Qt, QTimer
from PySide6.QtTest import QTest

import phosphene
from gui.app import application
from gui.main_window import MainWindow
from gui.pages.first_run import FirstRun
from gui.pages.session_page import SessionPage
from gui.setup.stream_dialog import StreamDialog
from realtime.virtual.film.film import Film
from recordings.session.outcome import all_feedback, events_once
from recordings.session.session import Session
from recordings.video.files import VideoWriter
from tests.support.window.user import Steps, User, click, press, shown

_INI = QSettings.Format.IniFormat


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


def command(monkeypatch, capsys, *words: object) -> dict:
    """Run a command line in this process; gives its summary."""
    monkeypatch.setattr("sys.argv", ["phosphene", *map(str, words), "--json"])
    with pytest.raises(SystemExit) as end:
        phosphene.main()
    out, err = capsys.readouterr()
    assert not end.value.code, err
    return json.loads(out)


def test_a_session_from_set_up_to_report_by_clicks_alone(headset, film, tmp_path, monkeypatch, capsys):
    application()
    layout = QSettings(str(tmp_path / "layout.ini"), _INI)
    monkeypatch.setattr("gui.program.remembered", lambda: layout)
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
