"""What is asked before a model of the person who sits there is made: how long, from what, where it goes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import (
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from experiment.person.form import PersonForm
from gui import captions
from gui.panel import label, set_text, set_tone
from gui.setup.answers import start_or_cancel

_LEAST_MIN, _MOST_MIN, _STEP_MIN = 0.1, 60.0, 0.5
_RECORD = "checkpoint.json"  # what a folder with a model holds


class PersonDialog(QDialog):
    """Asks before a calibration; `form` holds the answer after `accept`.

    Parameters
    ----------
    form : PersonForm
        As it was filled in last.
    watched : str
        What the participant sees in this session.
    """

    def __init__(self, form: PersonForm, watched: str, parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle("Make a model of this person")
        self.setMinimumWidth(620)
        self.form = form
        self.sub = QLineEdit(form.sub, placeholderText="01")
        self.minutes = QDoubleSpinBox(minimum=_LEAST_MIN, maximum=_MOST_MIN, decimals=1)
        self.minutes.setSingleStep(_STEP_MIN)
        self.minutes.setValue(form.seconds / 60)
        self.minutes.setSuffix(" min")
        self.minutes.lineEdit().setTextMargins(6, 0, 0, 0)
        self.out = QLineEdit(str(form.out))
        self.parent_model = QLineEdit(
            str(form.parent or ""), placeholderText="nothing: a new network; or the folder of a model"
        )
        self.word = label(role="note")
        self.word.setWordWrap(True)
        self.start = QPushButton("Record and learn")
        self._arrange(watched)
        for field in (self.sub, self.out, self.parent_model):
            field.textChanged.connect(self.judge)
        self.judge()

    def _arrange(self, watched: str) -> None:
        what = label(captions.PERSON, role="note")
        what.setWordWrap(True)
        flashes = label(captions.PERSON_FLASHES, role="note")
        flashes.setWordWrap(True)
        self.notes = (what, flashes)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.addRow("Subject", self.sub)
        form.addRow("Recorded for", self.minutes)
        form.addRow("Watches", label(watched))
        form.addRow("Learns on from", self._with_browse(self.parent_model))
        form.addRow("Model goes to", self._with_browse(self.out))
        self.buttons = start_or_cancel(self, self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addWidget(what)
        column.addLayout(form)
        column.addWidget(flashes)
        column.addWidget(self.word)
        column.addWidget(self.buttons)

    def _with_browse(self, field: QLineEdit) -> QHBoxLayout:
        browse = QPushButton("Browse")
        browse.setAutoDefault(False)
        browse.clicked.connect(lambda: self._browse(field))
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(field, 1)
        row.addWidget(browse)
        return row

    def _browse(self, field: QLineEdit) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder of a model", field.text())
        if path:
            field.setText(path)

    def _problem(self) -> str:
        out, parent = self.out.text().strip(), self.parent_model.text().strip()
        if not out:
            return "Say where the model goes."
        if (Path(out).expanduser() / _RECORD).exists():
            return f"There is a model in {out} already: choose another folder."
        if parent and not (Path(parent).expanduser() / _RECORD).is_file():
            return f"{parent} holds no model to learn on from."
        return ""

    def judge(self) -> None:
        """Say what is missing, and let it begin only when nothing is."""
        problem = self._problem()
        set_text(self.word, f"▲ {problem}" if problem else "")
        set_tone(self.word, "warn")
        self.word.setVisible(bool(problem))
        self.start.setEnabled(not problem)

    def accept(self) -> None:
        """Take the answers; Qt calls this for the button and Enter."""
        if self._problem():
            return
        parent = self.parent_model.text().strip()
        self.form = PersonForm(
            60 * self.minutes.value(),
            Path(self.out.text().strip()).expanduser(),
            self.sub.text().strip(),
            Path(parent).expanduser() if parent else None,
        )
        super().accept()
