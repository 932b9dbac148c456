"""What a person decides about channels: which are shown, which are chosen, which are bad."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from experiment.state import View
from gui.panel import label

BY_HAND = "marked bad"
_AT_FIRST = 4  # channels whose spectrum is drawn where none is chosen


class TraceRow(NamedTuple):
    """One channel as it is drawn: `scale` is what a row spans in `unit`, `why` it is bad or empty."""

    name: str
    kind: str
    unit: str
    scale: int
    why: str
    chosen: bool


class Channels:
    """The choices on the channels of a session.

    Attributes
    ----------
    hidden, chosen, bad : set of str
        Not drawn; taken for spectrum and average; called bad by a person.
    for_network : bool
        Whether the network does without those called bad, or is not told of them.
    changed : callable
        Called after each change.
    """

    def __init__(self, changed: Callable[[], object] = lambda: None):
        self.hidden: set[str] = set()
        self.chosen: set[str] = set()
        self.bad: set[str] = set()
        self.for_network = False
        self.changed = changed

    def toggle(self, which: set[str], name: str) -> None:
        """Put a channel into one of the sets, or take it out."""
        which.symmetric_difference_update({name})
        self.changed()

    def tell_network(self, *, on: bool) -> None:
        """Have the network do without the channels called bad, or not."""
        self.for_network = on
        self.changed()

    def why_bad(self, view: View) -> dict[str, str]:
        """Return for each electrode why it is bad, empty where it is good; a person's word comes first."""
        found = view.channel_quality()
        return {name: BY_HAND if name in self.bad else found.get(name, "") for name in view.labels}

    def chosen_of(self, view: View) -> tuple[str, ...]:
        """Return the chosen electrodes in the stream's order; the first good ones where none is chosen."""
        wanted = tuple(name for name in view.labels if name in self.chosen)
        if wanted:
            return wanted
        why = self.why_bad(view)
        return tuple(name for name in view.labels if not why[name] and name not in self.hidden)[:_AT_FIRST]


class ChannelList(QDialog):
    """All channels with what is decided about each; every tick acts at once."""

    COLUMNS = ("Channel", "kind", "shown", "chosen", "bad", "signal")

    def __init__(self, channels: Channels, view: View, parent: QWidget | None = None):
        super().__init__(parent)
        self.setWindowTitle("Channels")
        self.resize(560, 560)
        self._channels = channels
        electrodes = [(name, "eeg") for name in view.labels]
        rows = electrodes + [(name, kind) for name, kind, _ in view.side_channels]
        self._names = [name for name, _ in rows]
        self.table = QTableWidget(len(rows), len(self.COLUMNS))
        self.table.setAccessibleName("Channels")
        self.table.setHorizontalHeaderLabels(list(self.COLUMNS))
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self.table.horizontalHeader().setHighlightSections(False)
        self.table.setShowGrid(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        why = channels.why_bad(view)
        for n, (name, kind) in enumerate(rows):
            self._fill(n, name, kind, why.get(name, ""))
        self.table.itemChanged.connect(self._take)
        self.network = QCheckBox("The network does without the channels ticked as bad")
        self.network.setToolTip(
            "Off: bad channels are grey here and nothing else. On: they are masked for the network from the "
            "next reading on, and the recording says so by a marker"
        )
        self.network.setChecked(channels.for_network)
        self.network.toggled.connect(lambda on: channels.tell_network(on=on))
        note = label(
            "Chosen channels are those of spectrum and average. In the EEG panel a click on a name marks it "
            "bad, Ctrl and a click chooses it.",
            role="note",
        )
        note.setWordWrap(True)
        close = QDialogButtonBox()
        close.addButton("Close", QDialogButtonBox.ButtonRole.RejectRole)
        close.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 18, 20, 16)
        column.setSpacing(8)
        column.addWidget(self.table, 1)
        column.addWidget(self.network)
        column.addWidget(note)
        column.addWidget(close)

    def _fill(self, n: int, name: str, kind: str, why: str) -> None:
        channels, electrode = self._channels, kind == "eeg"
        ticks = {2: name not in channels.hidden, 3: name in channels.chosen, 4: name in channels.bad}
        for column in range(len(self.COLUMNS)):
            item = QTableWidgetItem(
                {0: name, 1: kind, 5: why or ("good" if electrode else "")}.get(column, "")
            )
            item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            if column in ticks and (electrode or column == 2):
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if ticks[column] else Qt.CheckState.Unchecked)
            self.table.setItem(n, column, item)

    def _take(self, item: QTableWidgetItem) -> None:
        """Take a tick that was set or removed."""
        name = self._names[item.row()]
        ticked = item.checkState() is Qt.CheckState.Checked
        which = {2: self._channels.hidden, 3: self._channels.chosen, 4: self._channels.bad}[item.column()]
        if (name in which) == (ticked if item.column() == 2 else not ticked):
            self._channels.toggle(which, name)


def rows_of(
    view: View, channels: Channels, scales: Callable[[str], int], shown: Sequence[str], why: Mapping[str, str]
) -> tuple[TraceRow, ...]:
    """Return the rows of the EEG panel: these electrodes, and under them what else the stream carries.

    `why` is what `Channels.why_bad` says of each electrode.
    """
    rows = [TraceRow(name, "eeg", "µV", scales("eeg"), why[name], name in channels.chosen) for name in shown]
    rows += [
        TraceRow(name, kind, unit, scales(kind), "", chosen=False)
        for name, kind, unit in view.side_channels
        if name not in channels.hidden
    ]
    return tuple(rows)
