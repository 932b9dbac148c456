"""Every action of the window has a key; this table makes them and the list that `?` shows."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QVBoxLayout, QWidget

from gui.panel import label


class Key(NamedTuple):
    """A key, what it does, the window's method it calls, and what that is given."""

    key: str
    text: str
    method: str
    value: int | str | None = None
    group: str = "Window"


KEYS = (
    Key("?", "List the keys", "show_keys"),
    Key("F11", "Full screen on or off", "toggle_full_screen"),
    Key("Esc", "Leave the tour or full screen", "leave"),
    Key("D", "Light or dark", "toggle_theme"),
    Key("T", "Tour through the panels", "start_tour"),
    Key("Ctrl+0", "Usual layout", "reset_layout"),
    Key("Ctrl+Q", "Close", "close"),
    Key("1", "EEG", "toggle_panel", "eeg", "Show or hide"),
    Key("2", "Video", "toggle_panel", "video", "Show or hide"),
    Key("3", "Frames of this interval", "toggle_panel", "strip", "Show or hide"),
    Key("4", "Similarity", "toggle_panel", "similarity", "Show or hide"),
    Key("5", "Attention", "toggle_panel", "attention", "Show or hide"),
    Key("6", "Scalp", "toggle_panel", "scalp", "Show or hide"),
    Key("+", "EEG larger", "change_scale", -1, "Look"),
    Key("-", "EEG smaller", "change_scale", 1, "Look"),
    Key("O", "Attention over the video", "toggle_overlay", None, "Look"),
    Key("A", "Scalp: attention or amplitude", "toggle_amplitude", None, "Look"),
    Key("R", "Record or stop", "toggle_recording", None, "Session"),
    Key("Ctrl+N", "Choose streams", "set_up", None, "Session"),
    Key("Space", "Play or pause", "play_pause", None, "Replay"),
    Key(".", "One reading on", "step", None, "Replay"),
    Key("Left", "Back 5 s", "skip", -1, "Replay"),
    Key("Right", "On 5 s", "skip", 1, "Replay"),
    Key("Home", "To the start", "rewind", None, "Replay"),
    Key("[", "Slower", "change_speed", -1, "Replay"),
    Key("]", "Faster", "change_speed", 1, "Replay"),
    Key("L", "Loop", "toggle_loop", None, "Replay"),
)


class KeyList(QDialog):
    """What `?` shows: groups of keys in two columns."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setWindowTitle("Keys")
        groups = list(dict.fromkeys(key.group for key in KEYS))
        grid = QGridLayout()
        grid.setHorizontalSpacing(36)
        grid.setVerticalSpacing(18)
        for n, group in enumerate(groups):
            grid.addLayout(self._group(group), n // 2, n % 2, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 20)
        column.addLayout(grid)

    @staticmethod
    def _group(name: str) -> QGridLayout:
        rows = QGridLayout()
        rows.setHorizontalSpacing(14)
        rows.setVerticalSpacing(5)
        rows.addWidget(label(name, role="title"), 0, 0, 1, 2)
        for n, key in enumerate((key for key in KEYS if key.group == name), start=1):
            rows.addWidget(label(key.key, role="chip"), n, 0, Qt.AlignmentFlag.AlignLeft)
            rows.addWidget(label(key.text), n, 1)
        rows.setColumnStretch(1, 1)
        return rows
