"""The page between a choice and its session: what is being opened, and for how long already."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from gui.panel import label, set_text


class ProgressPage(QWidget):
    """Says what happens; `tick` is called while it does.

    Parameters
    ----------
    title, words : str
        What is opened, and what is done for it.
    """

    def __init__(self, title: str, words: str):
        super().__init__()
        self.setObjectName("page")
        self._begun = time.monotonic()
        self.elapsed = label(role="note")
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setFixedHeight(6)
        bar.setAccessibleName(title)
        explained = label(words, tone="muted")
        explained.setWordWrap(True)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addWidget(label(title, role="heading"))
        column.addWidget(explained)
        column.addWidget(bar)
        column.addWidget(self.elapsed)
        middle = QWidget()
        middle.setFixedWidth(520)
        middle.setLayout(column)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(middle, alignment=Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)

    def tick(self) -> None:
        """Show how long it has taken."""
        set_text(self.elapsed, f"{time.monotonic() - self._begun:.0f} s")
