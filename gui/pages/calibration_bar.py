"""A model of the person who sits there, while it is made: what is done, how long still, what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout

from experiment.person.training import worth_in_words
from gui.panel import label, set_text, set_tone, tool_button
from gui.qt_thread import beside
from gui.words import clock
from realtime.errors import PhospheneError

if TYPE_CHECKING:
    from experiment.person.calibration import CalibrationNow, CalibrationRun

_STEPS = 1000  # of the progress
_WORKING = ("recording", "training", "loading")


class CalibrationBar(QFrame):
    """Follows one calibration; hidden while there is none, and after ✕.

    Attributes
    ----------
    words : QLabel
        What is done, or what came of it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self._calibration: CalibrationRun | None = None
        self._said = ""
        self.words: QLabel = label()
        self.words.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setRange(0, _STEPS)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(6)
        self.progress.setAccessibleName("Calibration")
        self.stop, self.use, self.leave = QPushButton("Stop"), QPushButton("Use it"), tool_button("✕")
        self.stop.setToolTip("What was recorded is kept; a training keeps what it has learned so far")
        self.use.setDefault(True)
        self.use.setToolTip("The session goes on with the new model; no reading is lost")
        self.leave.setToolTip("Put this line away; the model stays in its folder")
        self.stop.clicked.connect(self._stop)
        self.use.clicked.connect(self._use)
        self.leave.clicked.connect(self.hide)
        middle = QVBoxLayout()
        middle.setSpacing(6)
        middle.addWidget(self.words)
        middle.addWidget(self.progress)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 7, 6, 7)
        row.setSpacing(10)
        row.addWidget(label("Calibration", role="title"))
        row.addLayout(middle, 1)
        for button in (self.stop, self.use, self.leave):
            row.addWidget(button)
        self.hide()

    @property
    def works(self) -> bool:
        """Whether a calibration is under way."""
        return self._calibration is not None and self._calibration.now().stage in _WORKING

    def begin(self, calibration: CalibrationRun) -> None:
        """Follow this one from now on."""
        self._calibration, self._said = calibration, ""
        self.show()
        self._show(calibration.now())

    def follow(self) -> str:
        """Show how it stands; returns what there is to say where a stage begins. Called twice a second."""
        if self._calibration is None or self.isHidden() or not self.stop.isEnabled():
            return ""  # a calibration is asked from one thread at a time: just now by that of `_stop`
        now = self._calibration.poll()
        self._show(now)
        new, self._said = now.stage != self._said, now.stage
        return f"calibration: {calibration_words(now)}" if new else ""

    def _show(self, now: CalibrationNow) -> None:
        set_text(self.words, calibration_words(now))
        set_tone(self.words, "warn" if now.stage == "failed" else "")
        working = now.stage in _WORKING
        self.progress.setVisible(working)
        self.progress.setValue(round(_STEPS * now.share))
        self.stop.setVisible(now.stage in ("recording", "training"))
        self.use.setVisible(now.stage == "ready")
        self.leave.setVisible(not working)

    def _stop(self) -> None:
        """Stop in a thread of its own: a training is waited for, which keeps what it has learned."""
        if self._calibration is not None:
            self.stop.setEnabled(False)
            set_text(self.words, "Stopping; what there is will be kept.")
            beside(self._calibration.stop, lambda _: self.stop.setEnabled(True), self)

    def _use(self) -> None:
        if self._calibration is not None:
            try:
                self._calibration.take_over()
            except PhospheneError as error:
                set_text(self.words, f"▲  {error}")
                return
            self._show(self._calibration.now())


def calibration_words(now: CalibrationNow) -> str:
    """Say how a calibration stands."""
    left = "" if now.left_s is None else f", {clock(now.left_s)} left"
    if now.stage == "recording":
        return f"Recording: the participant watches{left}."
    if now.stage == "training" and now.training is not None:
        return f"Training beside the session: {now.training.phase}{left}."
    if now.stage == "loading":
        return "The new model is made ready."
    if now.stage == "failed":
        return f"✕  {now.failure}"
    done = {} if now.training is None else now.training.done or {}
    worth = worth_in_words(done) if done else ""
    said = ("In use from now on", worth) if now.stage == "running" else (worth, done.get("advice", ""))
    return " ".join(f"{words[:1].upper()}{words[1:]}." for words in said if words)
