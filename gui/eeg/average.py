"""What the EEG does around a marker, on the average over the session so far."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtWidgets import QComboBox

from experiment.state import View
from gui import captions
from gui.eeg.channels import Channels
from gui.eeg.lines import Lines
from gui.panel import Numbers, Panel
from gui.theme import Theme

BEFORE_S, AFTER_S = 0.2, 0.8  # around the marker; what is before it is the baseline
LEAST_N = 2  # of one epoch there is no average
_LOOK_BACK_S = 20.0
_MOST_NAMES = 40  # markers with other words than these many are left out: notes, trial numbers


class EventAverages:
    """Sums of the EEG around each marker, by the marker's words.

    An epoch with a hole in it is left out, and counted in `incomplete`. Each marker counts once, also where a
    replay passes it again.
    """

    def __init__(self) -> None:
        self.incomplete = 0
        self._sums: OrderedDict[str, NDArray[np.float64]] = OrderedDict()
        self._n: dict[str, int] = {}
        self._seen: set[tuple[float, str]] = set()

    @property
    def names(self) -> tuple[str, ...]:
        """Words of the markers so far."""
        return tuple(self._sums)

    def n(self, name: str) -> int:
        """How many epochs the average of a marker is made of."""
        return self._n.get(name, 0)

    def collect(self, view: View) -> None:
        """Take the markers whose time after has passed since the last call."""
        hz = view.grid.eeg_hz
        waiting = [mark for mark in view.markers(_LOOK_BACK_S) if mark not in self._seen]
        if not waiting:
            return
        times, samples = view.eeg_window(_LOOK_BACK_S + BEFORE_S + AFTER_S)
        for stamp, name in waiting:
            start = round((stamp - BEFORE_S - times[0]) * hz) if len(times) else -1
            stop = start + round((BEFORE_S + AFTER_S) * hz)
            if start < 0 or stop > len(times):
                continue  # not all of it is there yet, or it is gone
            self._seen.add((stamp, name))
            self._add(name, samples[start:stop].astype(np.float64), round(BEFORE_S * hz))

    def _add(self, name: str, epoch: NDArray[np.float64], n_before: int) -> None:
        if name not in self._sums and len(self._sums) >= _MOST_NAMES:
            return
        if not np.isfinite(epoch).all():
            self.incomplete += 1
            return
        epoch = epoch - epoch[:n_before].mean(axis=0)
        self._sums[name] = self._sums.get(name, 0.0) + epoch
        self._n[name] = self._n.get(name, 0) + 1

    def average(self, name: str) -> NDArray[np.float64] | None:
        """Return the average (n_points, n_channels) in µV over the baseline; None of too few epochs."""
        return self._sums[name] / self._n[name] if self.n(name) >= LEAST_N else None


class AveragePanel(Panel):
    """The average around one marker, a line for each chosen channel."""

    def __init__(self, channels: Channels) -> None:
        super().__init__(captions.AVERAGE)
        self._channels = channels
        self.averages = EventAverages()
        self.marker = QComboBox()
        self.marker.setAccessibleName("Marker")
        self.marker.setToolTip("Markers the EEG is averaged around; in brackets how many there were")
        self.marker.setMinimumWidth(110)
        self.add_to_header(self.marker)
        self.plot = pg.PlotWidget()
        self.plot.setMinimumSize(160, 100)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setLabel("bottom", "time after the marker, s")
        self.plot.setLabel("left", "µV")
        self.plot.setXRange(-BEFORE_S, AFTER_S + 0.02, padding=0)
        ticks = [(t, f"{t:g}".replace("-", "−")) for t in (-0.2, 0.0, 0.2, 0.4, 0.6, 0.8)]
        self.plot.getAxis("bottom").setTicks([ticks])
        self.lines = Lines(self.plot.getPlotItem())
        self._cross = [pg.InfiniteLine(0, angle=angle) for angle in (0, 90)]
        for line in self._cross:
            self.plot.addItem(line)
        self.set_content(self.plot)
        self._state: tuple[object, ...] = ()

    def collect(self, view: View) -> None:
        """Take the markers that are complete; called twice a second, shown or not."""
        self.averages.collect(view)

    def refresh(self, view: View) -> None:
        """Draw the average where it changed; called by the drawing timer."""
        self._offer()
        name, names = self.marker.currentData() or "", self._channels.chosen_of(view)
        state = (name, self.averages.n(name), names)
        if state == self._state:
            return
        self._state = state
        average = self.averages.average(name)
        self.show_content(there=average is not None)
        holes = f" · {self.averages.incomplete} with holes left out" if self.averages.incomplete else ""
        self.note.say(f"n = {self.averages.n(name)}{holes}" if name else "")
        if average is not None:
            place = [view.labels.index(channel) for channel in names]
            self.lines.show(self._times(len(average)), average[:, place], names)

    @staticmethod
    def _times(n: int) -> NDArray[np.float64]:
        return np.linspace(-BEFORE_S, AFTER_S, n, endpoint=False)

    def _offer(self) -> None:
        """Offer the markers there are, with their numbers; the chosen one stays chosen."""
        offered = [(f"{name} ({self.averages.n(name)})", name) for name in self.averages.names]
        if [self.marker.itemText(i) for i in range(self.marker.count())] == [words for words, _ in offered]:
            return
        chosen = self.marker.currentData()
        self.marker.clear()
        for words, name in offered:
            self.marker.addItem(words, name)
        self.marker.setCurrentIndex(max(0, self.marker.findData(chosen)))

    def numbers(self, view: View) -> Numbers:
        """Return the average of every channel over time."""
        name = self.marker.currentData() or ""
        average = self.averages.average(name)
        if average is None:
            return Numbers(("time_s",), ())
        columns = ("time_s", *(f"{label}_uv_n{self.averages.n(name)}" for label in view.labels))
        times = self._times(len(average))
        return Numbers(columns, [(t, *row) for t, row in zip(times, average, strict=True)])

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.lines.apply_theme(theme)
        for line in self._cross:
            line.setPen(pg.mkPen(theme.colour("line"), width=1))
