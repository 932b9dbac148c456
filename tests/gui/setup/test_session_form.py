"""What is asked before a recording, in the real window with real streams on the network."""

from __future__ import annotations

import pylsl
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from experiment.state import Actions, Mode, RecordingForm
from gui.app import application
from gui.main_window import MainWindow
from gui.setup import session_form
from gui.setup.session_form import SessionForm, marker_names
from realtime.errors import SessionError
from realtime.lsl.selector import StreamSummary
from tests.support.fake_view import FakeView
from tests.support.window.user import activate

KEY = Qt.Key
MARKERS = StreamSummary("Task", "Markers", 1, 0.0, "string", "lab-pc", "task-1", "1")
EYES = StreamSummary("Eyes", "Gaze", 3, 120.0, "float32", "eye-pc", "", "2")


class Recorder:
    """Stands at the other end of the window's actions: begins and ends at once."""

    def __init__(self, root):
        self.root, self.begun, self.running, self.failure = root, [], False, None

    def begin(self, form):
        if self.failure is not None:
            raise self.failure
        self.begun.append(form)
        self.running = True

    def actions(self, **more) -> Actions:
        def stop():
            self.running = False

        return Actions(
            toggle_recording=stop, begin_recording=self.begin,
            recording_form=lambda: RecordingForm({"sub": "03"}, self.root),
            recorded_s=lambda: 3.0 if self.running else None,
            saved=lambda: self.root / "sub-03" if not self.running and self.begun else None, **more,
        )  # fmt: skip


@pytest.fixture
def open_window(qtbot, settings, monkeypatch):
    application()
    monkeypatch.setattr("gui.main_window.list_all_streams", lambda: (MARKERS, EYES))

    def opened(actions) -> MainWindow:
        window = MainWindow(FakeView(), Mode.LIVE, actions, settings)
        qtbot.addWidget(window)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        return window

    return opened


def form_of(window, qtbot) -> SessionForm:
    QTest.keyClick(window, KEY.Key_R)
    qtbot.waitUntil(lambda: window.findChild(SessionForm) is not None)
    return window.findChild(SessionForm)


def redraw(window) -> None:
    for _ in range(16):
        window.draw()


def test_the_form_says_whose_it_is_what_goes_in_and_where(open_window, qtbot, tmp_path):
    recorder = Recorder(tmp_path)
    window = open_window(recorder.actions())
    form = form_of(window, qtbot)
    qtbot.waitUntil(lambda: form.streams.count() == 2)
    assert form.fields["sub"].text() == "03"
    assert form.folder.text() == f"→ {tmp_path}/sub-03_ses-01_task-watch_run-01"
    assert form.room.text().endswith("GB free")
    QTest.keyClicks(form.fields["task"], "film2")
    QTest.keyClicks(form.notes, "gel on Cz")
    QTest.keyClicks(form.keys[2], "eyes closed")
    item = form.streams.item(1)
    assert [form.streams.item(n).checkState() for n in (0, 1)] == [Qt.CheckState.Checked] * 2
    item.setCheckState(Qt.CheckState.Unchecked)
    QTest.keyClick(form, KEY.Key_Return)
    qtbot.waitUntil(lambda: recorder.running)
    (filled,) = recorder.begun
    assert filled == RecordingForm({"sub": "03", "task": "film2"}, tmp_path, "gel on Cz", ("name=Eyes",))


def test_a_name_that_cannot_be_a_folder_is_said_and_does_not_begin(open_window, qtbot, tmp_path):
    recorder = Recorder(tmp_path)
    form = form_of(open_window(recorder.actions()), qtbot)
    QTest.keyClicks(form.fields["sub"], " a/b")
    assert "letters and digits" in form.folder.text()
    assert not form.start.isEnabled()
    QTest.keyClick(form, KEY.Key_Return)
    assert form.isVisible()
    form.reject()
    assert recorder.begun == []


def test_little_room_on_the_disk_is_said(open_window, qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(session_form, "free_gb", lambda folder: 1.2)
    form = form_of(open_window(Recorder(tmp_path).actions()), qtbot)
    assert (form.room.text(), form.room.property("tone")) == ("▲ 1.2 GB free", "warn")
    form.reject()


def test_marker_keys_mark_by_their_names_from_then_on(open_window, qtbot, tmp_path, settings):
    marked = []
    window = open_window(Recorder(tmp_path).actions(mark=marked.append))
    QTest.keyClick(window, KEY.Key_2)
    form = form_of(window, qtbot)
    QTest.keyClicks(form.keys[2], "eyes closed")
    form.accept()
    QTest.keyClick(window, KEY.Key_2)
    QTest.keyClick(window, KEY.Key_9)
    assert marked == ["key 2", "eyes closed", "key 9"]
    assert marker_names(settings)[2] == "eyes closed"


def test_what_was_saved_is_said_with_its_report_and_replay(open_window, qtbot, tmp_path):
    recorder, asked = Recorder(tmp_path), []
    window = open_window(recorder.actions(open_report=lambda: asked.append("report"), replay=asked.append))
    form_of(window, qtbot).accept()
    qtbot.waitUntil(lambda: recorder.running and window.page.header.record.isEnabled())
    redraw(window)
    assert not window.page.saved.isVisible()
    activate(window)
    QTest.keyClick(window, KEY.Key_R)
    redraw(window)
    assert window.page.saved.words.words == f"Saved to {tmp_path / 'sub-03'}"
    for button in (window.page.saved.report, window.page.saved.replay):
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert asked == ["report", tmp_path / "sub-03"]
    said = [line.what for line in window.page.log.lines]
    assert said[-2:] == ["recording begins", f"recording saved to {tmp_path / 'sub-03'}"]


def test_a_recording_that_does_not_begin_is_said_in_the_window(open_window, qtbot, tmp_path):
    recorder = Recorder(tmp_path)
    recorder.failure = SessionError("the disk is full: free some room")
    window = open_window(recorder.actions())
    form_of(window, qtbot).accept()
    qtbot.waitUntil(window.page.banner.isVisible)
    assert "the disk is full" in window.page.banner.text()
    assert window.page.header.record.isEnabled()


def test_the_streams_of_the_network_are_found_and_ticked(qtbot, settings, tmp_path, source_id):
    from gui.setup.choices import Lookout
    from realtime.lsl.discovery import list_all_streams

    application()
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo("Task", "Markers", 1, 0, "string", source_id))
    form = SessionForm(RecordingForm({}, tmp_path), Lookout(list_all_streams, lambda: ()), settings)
    qtbot.addWidget(form)
    form.show()

    def found() -> bool:
        return any("Task" in form.streams.item(n).text() for n in range(form.streams.count()))

    qtbot.waitUntil(found, timeout=10_000)
    QTest.mouseClick(form.start, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert form.form.left_out == ()
    del outlet
