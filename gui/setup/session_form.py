"""What is asked before a recording: whose it is, what goes into it, where it goes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from experiment.state import RecordingForm
from gui.panel import label, set_text, set_tone
from gui.setup.answers import start_or_cancel
from gui.setup.choices import Lookout, look_while_open, selector
from realtime.errors import ConfigError
from recordings.session.naming import session_folder

MARKER_KEYS = tuple(range(1, 10))
LOW_GB = 2.0
_NAMES = "markers/names"
_FIELDS = (
    ("sub", "Subject", "01"), ("ses", "Session", "01"), ("task", "Task", "watch"),
    ("run", "Run", "next free"),
)  # fmt: skip


def marker_names(settings: QSettings) -> dict[int, str]:
    """Return the words of the marker keys 1 to 9; “key 3” where none was given."""
    try:
        kept = json.loads(str(settings.value(_NAMES, "{}")))
    except ValueError:
        kept = {}
    given = kept if isinstance(kept, dict) else {}
    return {key: str(given.get(str(key)) or f"key {key}") for key in MARKER_KEYS}


def keep_marker_names(settings: QSettings, names: dict[int, str]) -> None:
    """Keep the words of the marker keys for this and later sessions."""
    settings.setValue(_NAMES, json.dumps({str(key): name for key, name in names.items() if name}))


def free_gb(folder: Path) -> float:
    """Return the room on the disk that a folder is or will be on, in GB."""
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    return shutil.disk_usage(there).free / 1e9


class SessionForm(QDialog):
    """Asks before a recording; `form` holds the answer after `accept`.

    Parameters
    ----------
    form : RecordingForm
        As it was filled in last.
    lookout : Lookout
        Looks for the streams on the network; started and stopped by the dialog.
    settings : QSettings
        Where the words of the marker keys are kept.
    """

    def __init__(
        self, form: RecordingForm, lookout: Lookout, settings: QSettings, parent: QWidget | None = None
    ):
        super().__init__(parent)
        self.setWindowTitle("Record")
        self.setMinimumWidth(720)
        self.form = form
        self._settings, self._lookout, self._seen = settings, lookout, 0
        self.fields = {name: QLineEdit(placeholderText=usual) for name, _, usual in _FIELDS}
        for name, field in self.fields.items():
            field.setText(form.entities.get(name, ""))
            field.textChanged.connect(self.judge)
        self.notes = QPlainTextEdit(form.notes)
        self.notes.setPlaceholderText("Anything worth knowing: electrodes, medication, light, who was there")
        self.notes.setFixedHeight(58)
        self.notes.setTabChangesFocus(True)
        self.root = QLineEdit(str(form.root))
        self.root.textChanged.connect(self.judge)
        self.streams = QListWidget()
        self.streams.setAccessibleName("Streams that are recorded")
        self.streams.setFixedHeight(96)
        names = marker_names(settings)
        self.keys = {
            key: QLineEdit("" if names[key] == f"key {key}" else names[key], placeholderText=f"key {key}")
            for key in MARKER_KEYS
        }
        self.folder, self.room = label(role="note"), label(role="note")
        self.folder.setWordWrap(True)
        self._left_out = set(form.left_out)
        self._arrange()
        look_while_open(self, lookout, self.refresh)
        self.judge()

    def _arrange(self) -> None:
        browse = QPushButton("Browse")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        who = QHBoxLayout()
        who.setSpacing(8)
        for name, title, _ in _FIELDS:
            who.addWidget(label(title, role="note"))
            who.addWidget(self.fields[name])
        where = QHBoxLayout()
        where.setSpacing(8)
        where.addWidget(self.root, 1)
        where.addWidget(browse)
        where.addWidget(self.room)
        markers = QGridLayout()
        markers.setHorizontalSpacing(8)
        markers.setVerticalSpacing(5)
        for n, key in enumerate(MARKER_KEYS):
            markers.addWidget(label(f"{key}", role="chip"), n // 3, 2 * (n % 3))
            markers.addWidget(self.keys[key], n // 3, 2 * (n % 3) + 1)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(10)
        form.addRow("Who and what", who)
        form.addRow("Notes", self.notes)
        form.addRow("Beside EEG and video", self.streams)
        form.addRow("Marker keys", markers)
        form.addRow("Saved below", where)
        form.addRow("", self.folder)
        self.start = QPushButton("Record")
        self.buttons = start_or_cancel(self, self.start)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(12)
        column.addLayout(form)
        column.addWidget(self.buttons)

    def refresh(self) -> None:
        """Show the streams that the lookout found since the last call, ticked but for those left out."""
        found = self._lookout.found.newer_than(self._seen)
        if found is None:
            return
        self._seen = found.seq
        there = {selector(stream): stream for stream in found.value.streams}
        shown = [self.streams.item(n).data(Qt.ItemDataRole.UserRole) for n in range(self.streams.count())]
        if shown == list(there):
            return
        self._left_out = self._unticked()
        self.streams.clear()
        for key, stream in there.items():
            rate = f"{stream.rate_nominal:g} Hz" if stream.rate_nominal else "events"
            item = QListWidgetItem(f"{stream.name} · {stream.type or 'no type'} · {rate} · {stream.host}")
            item.setData(Qt.ItemDataRole.UserRole, key)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            ticked = key not in self._left_out
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
            self.streams.addItem(item)

    def _unticked(self) -> set[str]:
        """Return the streams that are left out, those too that are not there just now."""
        left_out = set(self._left_out)
        for n in range(self.streams.count()):
            item = self.streams.item(n)
            key = str(item.data(Qt.ItemDataRole.UserRole))
            left_out.discard(key)
            if item.checkState() is Qt.CheckState.Unchecked:
                left_out.add(key)
        return left_out

    def _entities(self) -> dict[str, str]:
        typed = {name: field.text().strip() for name, field in self.fields.items()}
        return {name: value for name, value in typed.items() if value}

    def judge(self) -> None:
        """Say where it would be saved, or why it cannot be; and how much room there is."""
        root = Path(self.root.text().strip() or ".").expanduser()
        try:
            folder = session_folder(root, self._entities())
            set_text(self.folder, f"→ {folder}")
            set_tone(self.folder, "")
            self.start.setEnabled(True)
        except ConfigError as error:
            set_text(self.folder, f"▲ {error}")
            set_tone(self.folder, "warn")
            self.start.setEnabled(False)
        room = free_gb(root)
        set_text(self.room, f"{'▲ ' if room < LOW_GB else ''}{room:.1f} GB free")
        set_tone(self.room, "warn" if room < LOW_GB else "")

    def _browse(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder that recordings go into", self.root.text())
        if path:
            self.root.setText(path)

    def accept(self) -> None:
        """Take the answers; Qt calls this for Record and Enter."""
        if not self.start.isEnabled():
            return
        self.form = RecordingForm(
            self._entities(),
            Path(self.root.text().strip() or ".").expanduser(),
            self.notes.toPlainText().strip(),
            tuple(sorted(self._unticked())),
        )
        keep_marker_names(self._settings, {key: field.text().strip() for key, field in self.keys.items()})
        super().accept()
