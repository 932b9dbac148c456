"""The set-up dialog: EEG streams and cameras as they come and go, montage, filters, model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSettings, QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from experiment.state import FeedbackStyle
from gui import captions
from gui.panel import label, set_text, set_tone
from gui.setup.answers import start_or_cancel
from gui.setup.choices import MONTAGES, Found, Lookout, Setup, look_while_open, names_of, selector
from gui.stimulus.lead_in import ONLY_SCREEN
from gui.stimulus.screens import only_screen
from realtime.eeg.electrodes import positions
from realtime.lsl.selector import StreamSummary

_STYLES = {
    FeedbackStyle.BAR: "bar: a window for the participant",
    FeedbackStyle.RING: "ring: a window for the participant",
    FeedbackStyle.BRIGHTNESS: "brightness of the film",
    FeedbackStyle.TONE: "tone, louder with the level",
    FeedbackStyle.SPEED: "speed of the film",
}
_OWN_NAMES = "as the stream names them"
_OF_CAMERA = " · "  # between a camera's number and its name


class DialogChoices(QTableWidget):
    """Rows that come and go; the chosen one stays chosen by its key, also while it is away."""

    def __init__(self, columns: Sequence[str], name: str):
        super().__init__(0, len(columns))
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(list(columns))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.setMinimumHeight(110)
        self.verticalHeader().hide()
        self.horizontalHeader().setHighlightSections(False)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._rows: dict[str, Sequence[str]] = {}
        self.wanted = ""
        self.itemSelectionChanged.connect(self._take)

    def show_rows(self, rows: dict[str, Sequence[str]]) -> None:
        """Rows by key; nothing is touched where they are the same as before."""
        if rows == self._rows:
            return
        self._rows = dict(rows)
        with QSignalBlocker(self):
            self.clearSelection()
            self.setRowCount(len(rows))
            for n, cells in enumerate(rows.values()):
                for column, text in enumerate(cells):
                    self.setItem(n, column, QTableWidgetItem(text))
            if not self.wanted and len(rows) == 1:
                self.wanted = next(iter(rows))
            if self.wanted in rows:
                self.selectRow(list(rows).index(self.wanted))

    def _take(self) -> None:
        chosen = self.selectionModel().selectedRows()
        if chosen:
            self.wanted = list(self._rows)[chosen[0].row()]

    @property
    def chosen(self) -> str:
        """Key of the chosen row, empty where none is chosen or it went away."""
        return self.wanted if self.wanted in self._rows else ""


class StreamDialog(QDialog):
    """Choose what to connect to. `setup` holds the choice after `accept`.

    Parameters
    ----------
    lookout : Lookout
        Started and stopped by the dialog.
    presets : sequence of str
    settings : QSettings
        Where the last choice is remembered.
    notice : str
        What went wrong with the choice before; said over the lists.
    """

    def __init__(
        self,
        lookout: Lookout,
        presets: Sequence[str],
        settings: QSettings,
        parent: QWidget | None = None,
        notice: str = "",
    ):
        super().__init__(parent)
        self.setWindowTitle("Choose streams")
        self.setMinimumWidth(680)
        self._lookout, self._settings = lookout, settings
        self._seen = 0
        self._streams: dict[str, StreamSummary] = {}
        self.setup = Setup.recalled(settings)
        self.streams = DialogChoices(("EEG stream", "channels", "rate", "format", "host"), "EEG streams")
        self.cameras = DialogChoices(("Camera", "device"), "Cameras")
        self.file = QLineEdit(placeholderText="or a file or URL: film.mp4, http://…")
        self.beside = QComboBox(editable=True)
        self.channels = QComboBox(editable=True)
        self.reference, self.notch, self.preset = QComboBox(), QComboBox(), QComboBox()
        self.weights = QLineEdit(placeholderText="those of the preset")
        self.full_screen = QCheckBox("Play this film (or playlist) full screen to the participant")
        self.feedback = QComboBox()
        self.notice = label(notice and f"▲  {notice}", role="banner", tone="warn")
        self.notice.setWordWrap(True)
        self.word = label(role="note")
        self.word.setWordWrap(True)
        self._fill(presets)
        self._arrange()
        look_while_open(self, lookout, self.refresh)

    def _fill(self, presets: Sequence[str]) -> None:
        """Offer what there is to choose, beginning with the last choice."""
        typed = QLineEdit(placeholderText="none; or the camera on the face, a file, a URL")
        self.beside.setLineEdit(typed)
        self.beside.setEditText(self.setup.beside)
        self.channels.addItem(_OWN_NAMES)
        for name, montage in MONTAGES.items():
            self.channels.addItem(f"{name}: {' '.join(montage)}")
        self.channels.setEditText(" ".join(self.setup.channels) if self.setup.channels else _OWN_NAMES)
        self.reference.addItems(["as recorded", "average"])
        for hz, word in ((50.0, "50 Hz"), (60.0, "60 Hz"), (0.0, "none")):
            self.notch.addItem(word, hz)
        self.preset.addItems(list(presets))
        self.reference.setCurrentText(self.setup.reference)
        self.notch.setCurrentIndex(self.notch.findData(self.setup.notch_hz))
        self.preset.setCurrentText(self.setup.preset)
        self.weights.setText(self.setup.weights)
        self.feedback.addItem("none", "")
        for style in FeedbackStyle:
            self.feedback.addItem(_STYLES[style], style.value)
        self.feedback.setCurrentIndex(max(0, self.feedback.findData(self.setup.feedback)))
        self.full_screen.setChecked(self.setup.full_screen)
        self.streams.wanted = self.setup.eeg
        if self.setup.video.isdigit():
            self.cameras.wanted = self.setup.video
        else:
            self.file.setText(self.setup.video)

    def _arrange(self) -> None:
        browse_film, browse_weights = QPushButton("Browse"), QPushButton("Browse")
        browse_film.clicked.connect(self._browse_film)
        browse_weights.clicked.connect(self._browse_weights)
        for button in (browse_film, browse_weights):
            button.setAutoDefault(False)  # Enter starts, and nothing else
        self.start = QPushButton("Start")
        self.buttons = start_or_cancel(self, self.start)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.addRow("Second video", self.beside)
        form.addRow("Electrodes", self.channels)
        form.addRow("Reference", self.reference)
        form.addRow("Mains", self.notch)
        form.addRow("Preset", self.preset)
        form.addRow("Weights", _beside(self.weights, browse_weights))
        form.addRow("Feedback", self.feedback)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(8)
        column.addWidget(self.notice)
        self.notice.setVisible(bool(self.notice.text()))
        column.addWidget(self.streams, 3)
        column.addWidget(self.cameras, 2)
        column.addLayout(_beside(self.file, browse_film))
        column.addWidget(self.full_screen)
        column.addSpacing(6)
        column.addLayout(form)
        column.addSpacing(4)
        column.addWidget(self.word)
        column.addWidget(self.buttons)
        for widget in (self.streams, self.cameras):
            widget.itemSelectionChanged.connect(self._judge)
        self.file.textChanged.connect(self._judge)
        self.full_screen.toggled.connect(self._judge)
        self.beside.editTextChanged.connect(self._judge)
        self.channels.editTextChanged.connect(self._judge)
        self.weights.textChanged.connect(self._judge)

    def refresh(self) -> None:
        """Show what the lookout found since the last call."""
        found = self._lookout.found.newer_than(self._seen)
        if found is None:
            self._judge()
            return
        self._seen = found.seq
        self.show_found(found.value)

    def show_found(self, found: Found) -> None:
        """Show these streams and cameras."""
        self._streams = {selector(stream): stream for stream in found.streams}
        self.streams.show_rows(
            {
                key: (s.name, f"{s.n_channels}", f"{s.rate_nominal:g} Hz", s.format, s.host)
                for key, s in self._streams.items()
            }
        )
        self.cameras.show_rows({str(c.index): (c.name, c.path) for c in found.cameras})
        self._offer_beside([f"{c.index}{_OF_CAMERA}{c.name}" for c in found.cameras])
        self._error = found.error
        self._judge()

    def _offer_beside(self, cameras: list[str]) -> None:
        """Cameras for the second video; what was typed or chosen stays."""
        if cameras != [self.beside.itemText(n) for n in range(self.beside.count())]:
            text = self.beside.currentText()
            self.beside.clear()
            self.beside.addItems(cameras)
            self.beside.setEditText(text)

    _error = ""

    def _names(self) -> tuple[str, ...] | None:
        text = self.channels.currentText()
        return None if text == _OWN_NAMES else names_of(text.partition(":")[2] or text)

    @property
    def video(self) -> str:
        """The video that is chosen: a file or URL before a camera."""
        return self.file.text().strip() or self.cameras.chosen

    @property
    def second(self) -> str:
        """The video beside it, empty for none."""
        return self.beside.currentText().partition(_OF_CAMERA)[0].strip()

    def _judge(self) -> None:
        """Say what is missing, and let it start only when nothing is."""
        self.full_screen.setEnabled(self._is_film())
        problem = self._problem()
        set_text(self.word, problem or self._remark())
        set_tone(self.word, "warn" if problem and self._seen else "")
        self.start.setEnabled(not problem)

    def _problem(self) -> str:
        if self._error:
            return f"▲ Looking for streams failed: {self._error}"
        if not self._seen:
            return "Looking for streams …"
        if not self._streams:
            return "▲ No EEG stream is there. Start the headset's LSL app, or “phosphene headset”."
        if not self.streams.chosen:
            gone = self.streams.wanted
            return f"▲ {gone} is not there now. Choose another stream." if gone else "Choose an EEG stream."
        if not self.video:
            return "Choose a camera, or give a video file or URL."
        for video in filter(None, (self.video, self.second)):
            if _names_file(video) and not Path(video).is_file():
                return f"▲ There is no file {video}."
        if self.video == self.second:
            return f"▲ The video beside it is the same, {self.video}. Choose another, or none."
        names, stream = self._names(), self._streams[self.streams.chosen]
        if names is not None and len(names) > stream.n_channels:
            return f"▲ {len(names)} electrodes are named, but {stream.name} has {stream.n_channels} channels."
        return ""

    def _is_film(self) -> bool:
        return _names_file(self.video) and Path(self.video).is_file()

    def _remark(self) -> str:
        names = self._names()
        weights = "" if self.weights.text().strip() else captions.WITHOUT_WEIGHTS
        if self.full_screen.isChecked() and self._is_film() and only_screen():
            return f"▲ {ONLY_SCREEN}"
        if names is None:
            return weights
        unknown = [name for name in names if name not in positions(names)]
        return f"Not on the 10-20 map, so not on the scalp: {', '.join(unknown)}" if unknown else weights

    def _browse_film(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Video", "", "Video (*.mp4 *.mkv *.mov *.avi *.webm);;Playlist (*.json);;All (*)"
        )
        if path:
            self.file.setText(path)

    def _browse_weights(self) -> None:
        path = QFileDialog.getExistingDirectory(self, "Folder with trained weights")
        if path:
            self.weights.setText(path)

    def accept(self) -> None:
        """Take the choice where nothing is missing; Qt calls this for Start and Enter."""
        if self._problem():
            return
        self.setup = Setup(
            eeg=self.streams.chosen, video=self.video, channels=self._names(),
            reference=self.reference.currentText(), notch_hz=float(self.notch.currentData()),
            preset=self.preset.currentText(), weights=self.weights.text().strip(),
            beside=self.second,
            full_screen=self.full_screen.isChecked() and self._is_film(),
            feedback=str(self.feedback.currentData()),
        )  # fmt: skip
        self.setup.remember(self._settings)
        super().accept()


def _names_file(video: str) -> bool:
    return not video.isdigit() and "://" not in video


def _beside(field: QWidget, button: QPushButton) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    row.addWidget(field, 1)
    row.addWidget(button)
    return row
