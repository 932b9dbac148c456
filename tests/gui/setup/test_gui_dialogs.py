"""Choosing streams as they come and go, and what the participant sees."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from experiment.state import FeedbackShown
from gui.app import application
from gui.setup.choices import MONTAGES, Found, Lookout, Setup, names_of, selector
from gui.setup.stream_dialog import StreamDialog
from gui.stimulus.feedback_window import FeedbackStyle, FeedbackWindow
from realtime.eeg.electrodes import positions
from realtime.lsl.selector import StreamSelector, StreamSummary
from realtime.types import Frame
from realtime.video.listing import CameraSummary
from tests.support.fake_view import picture

MUSE = StreamSummary("Muse", "EEG", 5, 256.0, "float32", "lab-pc", "muse-2A41", "1")
CAP = StreamSummary("ActiCHamp", "EEG", 64, 1000.0, "float32", "amp-pc", "acti-77", "2")
NAMELESS = StreamSummary("OpenBCI", "EEG", 8, 250.0, "float32", "pi", "", "3")
CAMERA = CameraSummary(0, "Integrated Camera", "/dev/video0")
WEBCAM = CameraSummary(2, "Webcam", "/dev/video2")


class Room:
    """What is in the laboratory, to be changed by the test."""

    def __init__(self, streams=(), cameras=()):
        self.streams, self.cameras = list(streams), list(cameras)

    def lookout(self) -> Lookout:
        return Lookout(lambda: tuple(self.streams), lambda: tuple(self.cameras), pause_s=0.01)


@pytest.fixture
def open_dialog(qtbot, settings):
    application()

    def opened(room: Room) -> StreamDialog:
        dialog = StreamDialog(room.lookout(), ("demo", "laptop"), settings)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitUntil(lambda: dialog._lookout.found.get() is not None)
        dialog.refresh()
        return dialog

    return opened


def rows(table) -> list[str]:
    return [table.item(n, 0).text() for n in range(table.rowCount())]


def show(dialog: StreamDialog, *streams, cameras=(CAMERA,)) -> None:
    dialog.show_found(Found(streams, cameras))


def test_streams_and_cameras_are_listed_as_they_come_and_go(open_dialog, qtbot):
    room = Room([MUSE], [CAMERA])
    dialog = open_dialog(room)
    assert rows(dialog.streams) == ["Muse"]
    room.streams = [CAP, MUSE]
    room.cameras = []
    qtbot.waitUntil(lambda: rows(dialog.streams) == ["ActiCHamp", "Muse"], timeout=3000)
    assert rows(dialog.cameras) == []


def test_closing_the_dialog_ends_the_looking(open_dialog, qtbot):
    dialog = open_dialog(Room([MUSE]))
    dialog.reject()
    assert not dialog._lookout._worker.alive


def test_what_is_alone_is_chosen_already(open_dialog):
    dialog = open_dialog(Room([MUSE], [CAMERA]))
    assert dialog.streams.chosen == "source_id=muse-2A41"
    assert dialog.video == "0"
    assert dialog.start.isEnabled()


def test_two_streams_leave_the_choice_to_the_user(open_dialog):
    dialog = open_dialog(Room([CAP, MUSE], [CAMERA]))
    assert not dialog.start.isEnabled()
    assert dialog.word.text() == "Choose an EEG stream."
    dialog.streams.selectRow(1)
    assert dialog.start.isEnabled()


def test_a_chosen_stream_stays_chosen_while_others_come(open_dialog):
    dialog = open_dialog(Room([CAP, MUSE], [CAMERA]))
    dialog.streams.selectRow(1)
    show(dialog, CAP, NAMELESS, MUSE)
    assert dialog.streams.chosen == "source_id=muse-2A41"
    assert dialog.streams.selectionModel().selectedRows()[0].row() == 2


def test_a_chosen_stream_that_goes_away_is_told_and_comes_back_chosen(open_dialog):
    dialog = open_dialog(Room([CAP, MUSE], [CAMERA]))
    dialog.streams.selectRow(1)
    show(dialog, CAP)
    assert not dialog.start.isEnabled()
    assert dialog.word.text() == "▲ source_id=muse-2A41 is not there now. Choose another stream."
    show(dialog, CAP, MUSE)
    assert dialog.start.isEnabled()


def test_no_stream_at_all_says_what_to_do(open_dialog):
    dialog = open_dialog(Room([], [CAMERA]))
    assert "phosphene headset" in dialog.word.text()


def test_a_failing_look_is_told_and_not_raised(open_dialog, qtbot):
    def broken():
        raise OSError("liblsl could not be loaded")

    application()
    lookout = Lookout(broken, tuple, pause_s=0)
    lookout.look()
    assert lookout.found.get().value.error == "liblsl could not be loaded"
    dialog = open_dialog(Room([MUSE], [CAMERA]))
    dialog.show_found(lookout.found.get().value)
    assert dialog.word.text() == "▲ Looking for streams failed: liblsl could not be loaded"


def test_a_video_file_must_be_there(open_dialog, tmp_path):
    dialog = open_dialog(Room([MUSE]))
    assert dialog.word.text() == "Choose a camera, or give a video file or URL."
    dialog.file.setText(str(tmp_path / "film.mp4"))
    assert dialog.word.text().startswith("▲ There is no file")
    (tmp_path / "film.mp4").write_bytes(b"x")
    dialog.file.setText(str(tmp_path / "film.mp4") + " ")
    assert dialog.start.isEnabled()
    dialog.file.setText("http://127.0.0.1/stream.mjpg")
    assert dialog.start.isEnabled()


def test_more_electrodes_than_channels_are_refused(open_dialog):
    dialog = open_dialog(Room([MUSE], [CAMERA]))
    dialog.channels.setEditText("Fp1 Fp2 C3 C4 O1 O2")
    assert dialog.word.text() == "▲ 6 electrodes are named, but Muse has 5 channels."
    assert not dialog.start.isEnabled()


def test_a_name_that_is_no_electrode_is_remarked_and_allowed(open_dialog):
    dialog = open_dialog(Room([MUSE], [CAMERA]))
    dialog.channels.setEditText("TP9, AF7, Nose")
    assert "Nose" in dialog.word.text()
    assert dialog.start.isEnabled()


def test_accepting_gives_the_choice_and_remembers_it(open_dialog, settings):
    dialog = open_dialog(Room([CAP, MUSE], [CAMERA, WEBCAM]))
    dialog.streams.selectRow(1)
    dialog.cameras.selectRow(1)
    dialog.channels.setCurrentIndex(1)
    dialog.reference.setCurrentText("average")
    dialog.notch.setCurrentText("60 Hz")
    dialog.preset.setCurrentText("laptop")
    dialog.accept()
    wanted = Setup("source_id=muse-2A41", "2", MONTAGES["Muse"], "average", 60.0, "laptop", "")
    assert dialog.setup == wanted
    assert Setup.recalled(settings) == wanted
    again = open_dialog(Room([CAP, MUSE], [CAMERA, WEBCAM]))
    assert again.streams.chosen == "source_id=muse-2A41"
    assert again.video == "2"
    assert again.reference.currentText() == "average"
    again.accept()
    assert again.setup == wanted


def test_a_second_video_may_be_chosen_typed_or_left_out(open_dialog, settings, tmp_path):
    room = Room([MUSE], [CAMERA, WEBCAM])
    dialog = open_dialog(room)
    dialog.streams.selectRow(0)
    dialog.cameras.selectRow(0)
    assert dialog.second == ""
    dialog.beside.setCurrentIndex(0)
    assert "is the same, 0" in dialog.word.text()
    assert not dialog.start.isEnabled()
    dialog.beside.setEditText(str(tmp_path / "none.mp4"))
    assert "There is no file" in dialog.word.text()
    dialog.beside.setCurrentIndex(1)
    dialog.show_found(Found([MUSE], [WEBCAM, CAMERA]))  # they may come in another order
    assert dialog.second == "2"
    dialog.accept()
    assert dialog.setup.videos == ("0", "2")
    again = open_dialog(room)
    assert again.second == "2"
    again.beside.setEditText("")
    again.accept()
    assert Setup.recalled(settings).videos == ("0",)


def test_cancelling_changes_nothing(open_dialog, settings):
    dialog = open_dialog(Room([MUSE], [CAMERA]))
    dialog.reject()
    assert Setup.recalled(settings) == Setup()


def test_a_choice_that_cannot_be_read_gives_the_usual_one(settings):
    settings.setValue("setup/choice", '{"colour": "green"}')
    assert Setup.recalled(settings) == Setup()
    settings.setValue("setup/choice", "not json")
    assert Setup.recalled(settings) == Setup()


def test_everything_is_reached_by_the_tab_key_and_enter_starts(open_dialog, qtbot):
    dialog = open_dialog(Room([MUSE], [CAMERA]))
    dialog.activateWindow()
    dialog.streams.setFocus()
    reached = set()
    for _ in range(20):
        reached.add(dialog.focusWidget())
        dialog.focusNextChild()
    wanted = {dialog.streams, dialog.cameras, dialog.file, dialog.channels, dialog.reference, dialog.notch}
    wanted |= {dialog.preset, dialog.weights, dialog.start}
    assert wanted <= reached | {dialog.channels.lineEdit()} | {dialog.channels}
    dialog.file.setFocus()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert dialog.result() == dialog.DialogCode.Accepted


def test_no_browse_button_takes_the_enter_key(open_dialog):
    dialog = open_dialog(Room([MUSE], [CAMERA]))
    taking = [b.text() for b in dialog.findChildren(QPushButton) if b.isDefault()]
    assert taking == ["Start"]


def test_a_stream_is_named_so_that_the_selector_finds_it():
    assert StreamSelector.parse(selector(MUSE)).source_id == "muse-2A41"
    assert StreamSelector.parse(selector(NAMELESS)).name == "OpenBCI"


def test_every_montage_offered_has_places_on_the_head():
    for names in MONTAGES.values():
        assert len(positions(names)) == len(names)
        assert len(set(names)) == len(names)


def test_electrodes_are_typed_with_commas_or_spaces():
    assert names_of("Fz, Cz,Pz  Oz") == ("Fz", "Cz", "Pz", "Oz")
    assert names_of("  ") is None


# --------------------------------------------------------------------- the participant's window


def feedback(qtbot, state, style=FeedbackStyle.BAR, frame=lambda: None) -> FeedbackWindow:
    application()
    window = FeedbackWindow(lambda: state, style, frame)
    qtbot.addWidget(window)
    window.resize(400, 300)
    window.show()
    window.draw()
    return window


def light(window: FeedbackWindow) -> float:
    image = window.grab().toImage()
    step = range(0, 300, 3)
    return float(np.mean([image.pixelColor(x, y).lightness() for x in range(0, 400, 4) for y in step]))


@pytest.mark.parametrize("style", [FeedbackStyle.BAR, FeedbackStyle.RING])
def test_more_level_is_more_light(style, qtbot):
    shown = [light(feedback(qtbot, FeedbackShown(level), style)) for level in (0.0, 0.3, 0.6, 1.0)]
    assert shown == sorted(shown)
    assert shown[-1] > shown[0]


def test_the_film_is_dark_at_level_0_and_itself_at_1(qtbot):
    frame = Frame(picture(0), 0.0, 0)
    dark, half, full = (
        light(feedback(qtbot, FeedbackShown(level), FeedbackStyle.BRIGHTNESS, lambda: frame))
        for level in (0.0, 0.5, 1.0)
    )
    plain = light(feedback(qtbot, FeedbackShown(None), FeedbackStyle.BRIGHTNESS, lambda: frame))
    assert dark < half < full
    assert full == pytest.approx(plain)


@pytest.mark.parametrize("style", [FeedbackStyle.BAR, FeedbackStyle.RING])
def test_without_a_level_nothing_pretends_to_be_one(style, qtbot):
    resting = feedback(qtbot, FeedbackShown(None, 0.6), style)
    assert resting.level is None
    assert light(resting) < light(feedback(qtbot, FeedbackShown(0.2), style))


def test_levels_out_of_range_are_held_at_the_ends(qtbot):
    assert feedback(qtbot, FeedbackShown(1.7)).level == 1.0
    assert feedback(qtbot, FeedbackShown(-0.2)).level == 0.0


def test_over_the_participants_window_there_is_nothing_but_the_feedback(qtbot):
    window = feedback(qtbot, FeedbackShown(0.5))
    assert window.children() == []
    assert window.cursor().shape() == Qt.CursorShape.BlankCursor
    qtbot.keyClick(window, Qt.Key.Key_F11)
    assert window.isFullScreen()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_an_unchanged_level_is_not_painted_again(qtbot):
    window = feedback(qtbot, FeedbackShown(0.5))
    painted = []
    window.update = lambda: painted.append(1)
    for _ in range(10):
        window.draw()
    assert painted == []
