"""Every action of the window has a key; this table makes them and the list that `?` shows."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from gui.panel import label


class Key(NamedTuple):
    """What a key does: a method of the window (of its session page with `page.`), and what that is given."""

    key: str
    text: str
    method: str
    value: int | str | None = None
    group: str = "Window"
    also: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All shortcuts of this key."""
        return (self.key, *self.also)


KEYS = (
    Key("?", "List the keys", "show_keys"),
    Key("F11", "Full screen on or off", "toggle_full_screen"),
    Key("Esc", "Leave the tour or full screen", "leave"),
    Key("D", "Light or dark", "toggle_theme"),
    Key("T", "Tour through the panels", "start_tour"),
    Key("Ctrl+0", "Usual layout", "page.reset_layout"),
    Key("Ctrl+L", "Keep this layout by name", "keep_layout"),
    Key("Ctrl+Q", "Close", "close"),
    Key("Ctrl+1", "EEG", "page.toggle_panel", "eeg", "Show or hide"),
    Key("Ctrl+2", "Video", "page.toggle_panel", "video", "Show or hide"),
    Key("Ctrl+3", "Frames of this interval", "page.toggle_panel", "strip", "Show or hide"),
    Key("Ctrl+4", "Similarity", "page.toggle_panel", "similarity", "Show or hide"),
    Key("Ctrl+5", "Attention", "page.toggle_panel", "attention", "Show or hide"),
    Key("Ctrl+6", "Scalp", "page.toggle_panel", "scalp", "Show or hide"),
    Key("Ctrl+7", "Spectrum", "page.toggle_panel", "spectrum", "Show or hide"),
    Key("Ctrl+8", "Average around a marker", "page.toggle_panel", "average", "Show or hide"),
    Key("Ctrl+9", "Event log", "page.toggle_panel", "log", "Show or hide"),
    Key("+", "EEG larger (the kind under the mouse)", "page.eeg.change_scale", -1, "Look", ("=",)),
    Key("-", "EEG smaller (the kind under the mouse)", "page.eeg.change_scale", 1, "Look"),
    Key("W", "Longer time of EEG", "page.eeg.change_time", 1, "Look"),
    Key("N", "Shorter time of EEG", "page.eeg.change_time", -1, "Look"),
    Key("PgDown", "Next channels", "page.eeg.turn_page", 1, "Look"),
    Key("PgUp", "Channels before", "page.eeg.turn_page", -1, "Look"),
    Key("V", "Filter of the drawn EEG", "page.eeg.next_filter", None, "Look"),
    Key("Shift+V", "Another band for the drawn EEG", "page.choose_band", None, "Look"),
    Key("H", "Channels: shown, chosen, bad", "page.list_channels", None, "Look"),
    Key("O", "Attention over the video", "page.video.switch.toggle", None, "Look"),
    Key("G", "Gaze on the video", "page.video.gaze_switch.toggle", None, "Look"),
    Key("A", "Scalp: attention or amplitude", "page.scalp.switch.toggle", None, "Look"),
    Key("P", "What happens, in plain words", "page.toggle_caption", None, "Look"),
    Key("Ctrl+N", "Choose streams", "set_up", None, "Session"),
    Key("R", "Record or stop", "toggle_recording", None, "Session"),
    Key("C", "Make a model of this person", "calibrate", None, "Session"),
    Key("Ctrl+E", "End the session", "end_session", None, "Session"),
    *(
        Key(f"{n}", f"Marker {n}, named when recording begins", "mark_key", n, "Session")
        for n in range(1, 10)
    ),
    Key("M", "Note at this moment", "note", None, "Session"),
    Key("F", "Participant's window", "toggle_feedback", None, "Session"),
    Key("Space", "Play or pause", "page.transport.toggle", None, "Replay"),
    Key(".", "One reading on", "page.transport.one_step", None, "Replay"),
    Key("Left", "Back 5 s", "page.transport.skip", -1, "Replay"),
    Key("Right", "On 5 s", "page.transport.skip", 1, "Replay"),
    Key("Home", "To the start", "page.transport.rewind", None, "Replay"),
    Key("[", "Slower", "page.transport.change_speed", -1, "Replay"),
    Key("]", "Faster", "page.transport.change_speed", 1, "Replay"),
    Key("L", "Loop", "page.transport.toggle_loop", None, "Replay"),
)

_COLUMNS = (("Window", "Look"), ("Show or hide", "Session"), ("Replay",))


class KeyList(QDialog):
    """What `?` shows: groups of keys in columns."""

    def __init__(self, parent: QWidget):
        super().__init__(parent)
        self.setWindowTitle("Keys")
        columns = QHBoxLayout(self)
        columns.setContentsMargins(24, 20, 24, 20)
        columns.setSpacing(40)
        for groups in _COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(18)
            for group in groups:
                column.addLayout(self._group(group))
            column.addStretch()
            columns.addLayout(column)

    @staticmethod
    def _group(name: str) -> QGridLayout:
        rows = QGridLayout()
        rows.setHorizontalSpacing(14)
        rows.setVerticalSpacing(5)
        rows.addWidget(label(name, role="title"), 0, 0, 1, 2)
        for n, (key, text) in enumerate(_listed(name), start=1):
            rows.addWidget(label(key, role="chip"), n, 0, Qt.AlignmentFlag.AlignLeft)
            rows.addWidget(label(text), n, 1)
        rows.setColumnMinimumWidth(0, 68)
        rows.setColumnStretch(1, 1)
        return rows


def _listed(group: str) -> list[tuple[str, str]]:
    """Return keys and what they do, the marker keys as one."""
    keys = [key for key in KEYS if key.group == group]
    markers = [key for key in keys if key.method == "mark_key"]
    listed = [(key.key, key.text) for key in keys if key not in markers]
    if markers:
        at = keys.index(markers[0])
        listed.insert(at, (f"{markers[0].key} … {markers[-1].key}", "Markers, named when recording begins"))
    return listed
