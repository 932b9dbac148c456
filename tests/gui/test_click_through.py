"""A whole day by mouse and keys, in the real window with a real headset: set-up, form, record, markers, the
headset lost and back, feedback, stop, report, and the recording as a replay with seek, loop and pause."""

from __future__ import annotations

import json

import pytest
from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtTest import QTest

from gui.app import application
from gui.main_window import MainWindow
from gui.pages.first_run import FirstRun
from gui.pages.session_page import SessionPage
from gui.setup.session_form import SessionForm
from gui.setup.stream_dialog import StreamDialog
from recordings.session.outcome import all_feedback, events_once
from recordings.session.session import Session
from tests.support.window.user import Steps, User, click, press, shown


@pytest.mark.slow
def test_a_day_in_the_lab_by_clicks_and_keys_alone(headset, film, tmp_path, own_layout, command, monkeypatch):
    application()
    browsed: list[str] = []
    replayed: list[int] = []
    monkeypatch.setattr("webbrowser.open", browsed.append)  # the one thing outside the program
    sessions = tmp_path / "sessions"

    def set_up_and_record() -> Steps:
        yield lambda: shown(FirstRun)
        offers = {b.text(): b for b in shown(FirstRun).buttons}
        QTimer.singleShot(0, lambda: click(offers["Choose streams"]))
        yield lambda: shown(StreamDialog)
        dialog = shown(StreamDialog)
        wanted = f"source_id={headset.source_id}"
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
        window = shown(MainWindow)
        window.activateWindow()  # as a window manager does, which a bare display has none of
        yield window.isActiveWindow
        press(Qt.Key.Key_R)
        yield lambda: shown(SessionForm)
        form = shown(SessionForm)
        QTest.keyClicks(form.fields["sub"], "07")
        QTest.keyClicks(form.notes, "first day")
        QTest.keyClicks(form.keys[1], "target")
        click(form.start)
        yield lambda: page.header.recording.isVisible()
        window.activateWindow()
        yield window.isActiveWindow
        yield lambda: page.view.readings.get() is not None
        press(Qt.Key.Key_1)
        headset.switch_off()
        yield lambda: page.header.eeg.state.text().startswith(("▲ STALLED", "✕ LOST"))
        headset.switch_on()
        yield lambda: page.header.eeg.state.text() == "● LIVE"
        press(Qt.Key.Key_F)
        yield lambda: window.feedback_window is not None and window.feedback_window.level is not None
        assert window.feedback_window.look.value == "ring"
        begun = page.view.now()
        yield lambda: page.view.now() > begun + 3 and page.header.recording.text() > "● REC 00:00:03"
        click(window.page.feedback.window_button)
        assert not window.feedback_window.isVisible()
        click(page.header.record)
        yield page.saved.isVisible
        click(page.saved.report)
        yield lambda: browsed
        click(page.saved.replay)
        yield lambda: shown(SessionPage) not in (None, page)
        page = shown(SessionPage)
        window.activateWindow()
        yield window.isActiveWindow
        press(Qt.Key.Key_BracketRight)
        yield lambda: len(page.view.history(60)) >= 4
        replayed.extend(r.index for r in page.view.history(60))
        press(Qt.Key.Key_L)
        yield lambda: page.view.transport.loop
        press(Qt.Key.Key_Home)
        yield lambda: page.view.transport.position - page.view.transport.start < 3
        press(Qt.Key.Key_Space)
        yield lambda: not page.view.transport.playing
        assert "target" in {text for _, text in page.view.markers(1e9)}
        window.close()

    user = User(set_up_and_record())
    # A threshold that the signal never reaches: feedback comes and goes by its times alone.
    options = ("baseline_s=1", "threshold=5", "hold_s=0", "longest_s=1", "refractory_s=0.5", "percentile=50")
    summary = command(
        "live", "--out", sessions, "--feedback-style", "ring",
        *(word for option in options for word in ("--feedback-set", option)),
    )  # fmt: skip
    user.check()
    assert summary["errors"] == []  # of the replay, which was the last session
    (folder,) = sessions.iterdir()
    assert browsed == [(folder / "report.html").resolve().as_uri()]
    page = (folder / "report.html").read_text()
    assert "Untrained network" in page
    with Session(folder) as session:
        feedback = all_feedback(session, events_once(session))
    assert feedback.baseline_over is not None
    assert feedback.spans
    assert json.loads(feedback.parameters)["percentile"] == 50

    with Session(folder) as session:
        stream = next(s for s in session.reader.streams.values() if s.info.type == "Readings")
        _, rows = session.reader.read(stream.info.stream_id)
        assert any(marker.text == "target" for marker in session.markers())
    assert set(replayed) & {int(index) for index in rows[:, 1]}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["options"]["notes"] == "first day"
    assert folder.name.startswith("sub-07_")
    QCoreApplication.processEvents()
