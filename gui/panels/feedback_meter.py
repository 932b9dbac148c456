"""The operator's view of the feedback: level, threshold, phase, and the participant's window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QLineF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QWidget

from experiment.state import FeedbackShown
from gui import captions
from gui.panel import label, set_text, set_tone
from gui.theme import LIGHT, Theme

_PHASE_PX = 112  # of the longest phase: "● feedback on"


class Meter(QWidget):
    """A level from 0 to 1 as a bar, the threshold as a line across it."""

    def __init__(self) -> None:
        super().__init__()
        self.theme: Theme = LIGHT
        self.level: float | None = None
        self.threshold: float | None = None
        self.setMinimumSize(160, 24)

    def show_level(self, level: float | None, threshold: float | None) -> None:
        """Show level and threshold, both 0 to 1; None leaves them out."""
        if (level, threshold) != (self.level, self.threshold):
            self.level, self.threshold = level, threshold
            self.update()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        well = QRectF(0, 5, self.width(), self.height() - 10)
        painter.fillRect(well, self.theme.colour("sunk"))
        if self.level is not None:
            filled = min(max(self.level, 0.0), 1.0) * well.width()
            painter.fillRect(QRectF(0, well.top(), filled, well.height()), self.theme.colour("accent"))
        if self.threshold is not None:
            x = self.threshold * well.width()
            painter.setPen(QPen(self.theme.colour("text"), 2, Qt.PenStyle.SolidLine))
            painter.drawLine(QLineF(x, 1, x, self.height() - 1))


class FeedbackMeter(QFrame):
    """Shown while a feedback controller runs."""

    def __init__(self, open_window: Callable[[], object]):
        super().__init__()
        self.setObjectName("bar")
        self.meter = Meter()
        self.phase, self.figure = label(role="chip"), label("–", role="title")
        self.phase.setMinimumWidth(_PHASE_PX)  # so that the bar does not jump with the word
        self.figure.setMinimumWidth(40)
        self.figure.setToolTip(captions.LEVEL.tip)
        self.window_button = QPushButton("Participant's window")
        self.window_button.setToolTip("Open or close what the participant sees (F)")
        self.window_button.clicked.connect(lambda: open_window())
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(10)
        row.addWidget(label("Feedback", role="title"))
        row.addWidget(self.phase)
        row.addWidget(self.meter, 1)
        row.addWidget(self.figure)
        row.addWidget(self.window_button)

    def show_state(self, state: FeedbackShown | None) -> None:
        """Show what the controller says; called by the drawing timer. Hidden where there is no feedback."""
        self.setVisible(state is not None)
        if state is None:
            return
        self.meter.show_level(state.level, state.threshold)
        set_text(self.figure, "–" if state.level is None else f"{state.level:.2f}")
        sign = "▲ " if state.needs_hand else "● " if state.rewarded else ""
        set_text(self.phase, f"{sign}{state.phase}")
        set_tone(self.phase, "warn" if state.needs_hand else "accent" if state.rewarded else "")

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.meter.theme = theme
        self.meter.update()
