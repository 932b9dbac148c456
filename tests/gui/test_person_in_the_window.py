"""The calibration in the window: asked for, followed with its time left, stopped, taken over, or left."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from experiment.person.calibration import CalibrationNow
from experiment.person.form import PersonForm
from experiment.person.training import TrainingNow
from experiment.state import Actions, Mode
from gui.app import application
from gui.main_window import MainWindow
from gui.pages.session_page import SLOW_EVERY
from gui.setup.person_form import PersonDialog
from tests.support.fake_view import FakeView
from tests.support.window.user import click

JUDGED = {"network": {"two_way": 0.87, "two_way_ci": [0.79, 0.93]}}
ADVICE = (
    "the film flickers faster than it is read here, 40 times a second: a model that "
    "`phosphene train --set grid.slots_hz=100` makes sees more of it"
)
DONE = TrainingNow(share=1.0, done={"runs": {"name": "network", "judged": JUDGED}, "advice": ADVICE})


class Staged:
    """Stands for a calibration: its stages are set by the test."""

    def __init__(self) -> None:
        self.stage = CalibrationNow("recording", 0.25, 45.0)
        self.asked: list[str] = []

    def now(self) -> CalibrationNow:
        return self.stage

    poll = now

    def take_over(self) -> None:
        self.asked.append("take over")
        self.stage = CalibrationNow("running", 1.0, None, DONE)

    def stop(self) -> None:
        self.asked.append("stop")
        self.stage = CalibrationNow("failed", failure="stopped while it was recorded; the recording is kept")


@pytest.fixture
def calibrated(qtbot, settings):
    """A window in which a calibration has been asked for and begun."""
    application()
    staged, forms = Staged(), list[PersonForm]()

    def begin(form: PersonForm) -> Staged:
        forms.append(form)
        return staged

    window = MainWindow(FakeView(), Mode.LIVE, Actions(calibrate=begin), settings)
    qtbot.addWidget(window)
    window.show()
    window.calibrate()
    dialog = next(w for w in QApplication.allWidgets() if isinstance(w, PersonDialog) and w.isVisible())
    minutes = dialog.minutes.lineEdit()
    assert minutes.width() > minutes.fontMetrics().horizontalAdvance(minutes.text())
    dialog.minutes.setValue(1.0)
    dialog.out.setText("models/anna")
    click(dialog.start)
    qtbot.waitUntil(window.page.calibration.isVisible)
    assert forms == [PersonForm(60.0, Path("models/anna"), "", None)]
    return window, staged


def refresh(window: MainWindow) -> None:
    for _ in range(SLOW_EVERY):
        window.draw()


def test_each_stage_is_said_with_its_time_left_and_the_result_with_its_interval(calibrated):
    window, staged = calibrated
    bar = window.page.calibration
    assert bar.words.text() == "Recording: the participant watches, 00:00:45 left."
    assert bar.progress.value() == 250
    refresh(window)
    staged.stage = CalibrationNow("training", 0.5, 80.0, TrainingNow("without part 1 of 3", 0.5, 80.0))
    refresh(window)
    assert bar.words.text() == "Training beside the session: without part 1 of 3, 00:01:20 left."
    assert bar.works
    assert not bar.use.isVisible()
    staged.stage = CalibrationNow("ready", 1.0, None, DONE)
    refresh(window)
    assert "in 87 of 100 cases (95 %: 79 to 93" in bar.words.text()
    assert "The film flickers faster than it is read here" in bar.words.text()
    assert not bar.stop.isVisible()
    click(bar.use)
    assert staged.asked == ["take over"]
    assert bar.words.text().startswith("In use from now on. ")
    refresh(window)
    said = [line.what for line in window.page.log.lines if line.what.startswith("calibration")]
    assert len(said) == 4


def test_it_can_be_stopped_and_put_away(calibrated, qtbot):
    window, staged = calibrated
    bar = window.page.calibration
    click(bar.stop)
    qtbot.waitUntil(lambda: staged.asked == ["stop"] and bar.stop.isEnabled())
    refresh(window)
    assert bar.words.text() == "✕  stopped while it was recorded; the recording is kept"
    assert not bar.stop.isVisible()
    click(bar.leave)
    assert not bar.isVisible()


def test_a_model_is_not_written_over_and_learns_on_from_a_model_alone(qtbot, tmp_path):
    application()
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "checkpoint.json").write_text("{}")
    dialog = PersonDialog(PersonForm(out=tmp_path / "anna"), "film.mkv")
    qtbot.addWidget(dialog)
    dialog.show()
    assert "a model in" in dialog.word.text()
    assert not dialog.start.isEnabled()
    dialog.out.setText(str(tmp_path / "berta"))
    assert dialog.start.isEnabled()
    dialog.parent_model.setText(str(tmp_path))
    assert "holds no model" in dialog.word.text()
    dialog.parent_model.setText(str(tmp_path / "anna"))
    assert dialog.start.isEnabled()
    assert any("photosensitive" in note.text() for note in dialog.notes)
