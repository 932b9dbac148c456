"""The page after a session: what came of it, where it is saved, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.panel import label

_MOST_REMARKS = 6


class Next(Enum):
    """What a user may want after a session."""

    REPORT = "Report"
    REPLAY = "Replay"
    START = "Start page"


class Outcome(QWidget):
    """Says how a session ended.

    Parameters
    ----------
    summary : mapping
        Of `experiment.run.run`.
    choose : callable
        Given a `Next`, and the folder of the recording it is about (None for `START`).
    """

    def __init__(self, summary: Mapping[str, Any], choose: Callable[[Next, Path | None], object]):
        super().__init__()
        self.setObjectName("page")
        self.buttons: dict[Next, QPushButton] = {}
        self._choose = choose
        column = QVBoxLayout()
        column.setSpacing(10)
        column.addWidget(label("The session has ended", role="heading"))
        self.notice = label("", role="banner", tone="alarm")
        self.notice.setWordWrap(True)
        self.notice.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.notice.hide()
        column.addWidget(self.notice)
        column.addWidget(_figures(summary))
        if summary.get("warnings"):
            column.addWidget(_remarks(summary["warnings"]))
        for folder in summary.get("recordings", ()):
            column.addWidget(self._recording(Path(folder)))
        start = self._button(Next.START, None)
        column.addWidget(start, alignment=Qt.AlignmentFlag.AlignRight)
        middle = QWidget()
        middle.setFixedWidth(680)
        middle.setLayout(column)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addWidget(middle, alignment=Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        if summary["errors"]:
            self.say("; ".join(summary["errors"]))
        first = self.buttons.get(Next.REPORT, start)
        first.setDefault(True)
        self.setFocusProxy(first)

    def say(self, error: str) -> None:
        """Say what went wrong."""
        self.notice.setText(f"✕  {error}")
        self.notice.show()

    def _button(self, what: Next, folder: Path | None) -> QPushButton:
        button = QPushButton(what.value)
        button.setMinimumWidth(110)
        button.clicked.connect(partial(self._clicked, what, folder))
        self.buttons[what] = button
        return button

    def _clicked(self, what: Next, folder: Path | None, *_: object) -> None:
        self._choose(what, folder)

    def _recording(self, folder: Path) -> QFrame:
        card = QFrame()
        card.setObjectName("panel")
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label("Saved", role="title"))
        path = label(str(folder.resolve()), role="note")
        path.setWordWrap(True)
        path.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        words.addWidget(path)
        row = QHBoxLayout(card)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(10)
        row.addLayout(words, 1)
        for what in (Next.REPORT, Next.REPLAY):
            row.addWidget(self._button(what, folder))
        return card


def _figures(summary: Mapping[str, Any]) -> QFrame:
    """Give what the session came to, in a few lines."""
    eeg, video, latency = summary["eeg"], summary["video"], summary["latency_ms"]
    rows = [
        ("Readings", f"{summary['readings']}, skipped {summary['skipped_ticks']}"),
        ("EEG", f"{eeg['name']} · {len(eeg['channels'])} channels · gaps {eeg['gaps']}, "
                f"lost {eeg['lost_samples']} samples"),
        ("Video", f"{video['name']} · {video['frames']} frames, lost {video['dropped']}"),
        ("Latency", f"{latency['p50']:.0f} ms median, {latency['p95']:.0f} ms p95" if latency else "–"),
        ("Network", f"{summary['backend']}, weights {summary['weights']}"),
    ]  # fmt: skip
    card = QFrame()
    card.setObjectName("panel")
    grid = QGridLayout(card)
    grid.setContentsMargins(16, 12, 16, 12)
    grid.setHorizontalSpacing(24)
    grid.setColumnStretch(1, 1)
    for n, (name, words) in enumerate(rows):
        grid.addWidget(label(name, role="note"), n, 0)
        grid.addWidget(label(words), n, 1)
    return card


def _remarks(warnings: Sequence[str]) -> QFrame:
    """List what a careful experimenter wants to know, a line each; of many, how many more there are."""
    card = QFrame()
    card.setObjectName("panel")
    column = QVBoxLayout(card)
    column.setContentsMargins(16, 12, 16, 12)
    column.setSpacing(4)
    column.addWidget(label("Worth knowing", role="title"))
    more = [f"… and {len(warnings) - _MOST_REMARKS} more"] * (len(warnings) > _MOST_REMARKS)
    for words in (*warnings[:_MOST_REMARKS], *more):
        line = label(words, role="note")
        line.setWordWrap(True)
        line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(line)
    return card
