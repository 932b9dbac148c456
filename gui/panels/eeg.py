"""EEG traces: time runs in from the right, channels from top to bottom, bad ones grey with the reason."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from experiment.state import View
from gui import captions
from gui.panel import Panel, set_text, tool_button
from gui.panels.gutter import Gutter
from gui.panels.trace_canvas import SECONDS, TraceCanvas
from gui.panels.traces import fitting_scale, next_scale
from gui.panels.view_filter import AS_THE_MODEL, FILTERS, ViewFilter
from gui.theme import Theme
from realtime.config import GridConfig

TIME_SCALES_S = (2.0, 5.0, 10.0, 20.0, 30.0)
PAGE = 16  # channels shown at a time where there are more than two pages of them: rows stay legible
_SETTLE_S = 2.0  # the scale is fitted once, on this much EEG


class EegPanel(Panel):
    """The last seconds of EEG."""

    def __init__(self) -> None:
        super().__init__(captions.EEG)
        self.gutter, self.canvas = Gutter(), TraceCanvas()
        self.filter = AS_THE_MODEL
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.gutter)
        row.addWidget(self.canvas, 1)
        self.set_content(body)
        self.filter_button = tool_button("")
        self.filter_button.setToolTip("Filter of this view (V); what the model is fed stays the same")
        self.filter_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.filter_button)
        for choice in FILTERS:
            menu.addAction(choice.name, partial(self.set_filter, choice))
        self.filter_button.setMenu(menu)
        self.pages = tool_button("")
        self.pages.setToolTip("Channels that are shown (PgUp, PgDown; click for all)")
        self.pages.clicked.connect(self.toggle_all)
        self.time_button = tool_button("")
        self.time_button.setToolTip("Seconds that are shown (W wider, N narrower)")
        self.time_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        times = QMenu(self.time_button)
        for seconds in TIME_SCALES_S:
            times.addAction(f"{seconds:g} s", partial(self.set_seconds, seconds))
        self.time_button.setMenu(times)
        for button in (self.pages, self.time_button, self.filter_button):
            self.add_to_header(button)
        self._first, self._all, self._n = 0, False, 0

    def set_filter(self, choice: ViewFilter, *_: object) -> None:
        """Draw the EEG through this filter from now on."""
        self.filter = choice

    def next_filter(self) -> None:
        """Draw through the next filter of the list."""
        self.filter = FILTERS[(FILTERS.index(self.filter) + 1) % len(FILTERS)]

    def set_seconds(self, seconds: float, *_: object) -> None:
        """Show so many seconds of EEG."""
        self.canvas.set_seconds(seconds)

    def change_time(self, step: int) -> None:
        """Take the next longer (`step` > 0) or shorter time."""
        at = TIME_SCALES_S.index(self.canvas.seconds) + step
        self.set_seconds(TIME_SCALES_S[min(max(at, 0), len(TIME_SCALES_S) - 1)])

    def turn_page(self, step: int) -> None:
        """Show the next channels, or those before."""
        if not self._all and self._n > 2 * PAGE:
            last = (self._n - 1) // PAGE * PAGE
            self._first = min(max(self._first + step * PAGE, 0), last)
            self.canvas.begin_again()

    def toggle_all(self) -> None:
        """Show all channels at once, or a page of them again."""
        self._all, self._first = not self._all, 0
        self.canvas.begin_again()

    def shown_channels(self, n: int) -> slice:
        """Return which of `n` channels are shown."""
        self._n = n
        paged = n > 2 * PAGE and not self._all
        self.pages.setVisible(n > 2 * PAGE)
        shown = slice(self._first, min(self._first + PAGE, n)) if paged else slice(0, n)
        set_text(self.pages, f"{shown.start + 1} – {shown.stop} of {n}")
        return shown

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        now, quality = view.now(), view.channel_quality()
        shown = self.shown_channels(len(view.labels))
        labels = view.labels[shown]
        bad = tuple(bool(quality.get(name)) for name in labels)
        if not self.canvas.scale_uv:
            self._choose_scale(view)
        if not self.has_content:
            return
        self.gutter.show_channels(labels, quality, self.canvas.scale_uv)
        self.canvas.show_marks(view.markers(self.canvas.seconds), self._interval(view))
        if self.canvas.scale_uv:
            self._draw_new(view, now, bad, shown)
        if self.canvas.hover is not None:
            self.canvas.reads = self._read_at(view, labels, shown)
        set_text(self.time_button, f"{self.canvas.seconds:g} s")
        low, high = self.filter.band_hz or view.card.band_hz
        set_text(self.filter_button, f"{low:g} – {high:g} Hz")
        n_bad = sum(bool(quality.get(name)) for name in view.labels)
        self.note.say(f"{n_bad} of {len(view.labels)} channels bad" if n_bad else "")

    def _read_at(self, view: View, labels: tuple[str, ...], shown: slice) -> str:
        """Say what the channel under the cursor measures there."""
        hover, box = self.canvas.hover, self.canvas.traces_box
        if hover is None or not box.contains(hover):
            return ""
        row = int((hover.y() - box.top()) / box.height() * len(labels))
        wanted = self.canvas.time_at(hover.x())
        times, samples = view.eeg_window(self.canvas.seconds)
        at = int(np.searchsorted(times, wanted))
        if not len(times) or at >= len(times):
            return ""
        value = self.filter(samples[:, shown], view.grid.eeg_hz)[at, row]
        words = f"{value:+.1f} µV".replace("-", "−") if np.isfinite(value) else "nothing measured"
        return f"{labels[row]}  {words}  {wanted - view.now():+.2f} s".replace("-", "−")

    def _draw_new(self, view: View, now: float, bad: tuple[bool, ...], shown: slice) -> None:
        wanted = self.canvas.prepare(now, bad, self.filter.name)
        times, samples = view.eeg_window(wanted + self.filter.warm_up_s)
        samples = self.filter(samples[:, shown], view.grid.eeg_hz)
        begins = max(len(times) - round(wanted * view.grid.eeg_hz), 0)
        self.canvas.show_samples(now, times[begins:], samples[begins:])

    def _choose_scale(self, view: View) -> None:
        """Once, on the first seconds of EEG; from then on the axis stays as it is."""
        _, samples = view.eeg_window(SECONDS)
        known = int(np.isfinite(samples).any(axis=1).sum())
        self.show_content(there=known > 0)
        if known >= _SETTLE_S * view.grid.eeg_hz:
            self.canvas.scale_uv = fitting_scale(samples)

    @staticmethod
    def _interval(view: View) -> tuple[float, float] | None:
        newest = view.readings.get()
        if newest is None:
            return None
        grid: GridConfig = view.grid
        return newest.value.end - grid.interval_s - grid.lag_s, newest.value.end

    def change_scale(self, step: int) -> None:
        """Coarser (`step` > 0) or finer."""
        if self.canvas.scale_uv:
            self.canvas.scale_uv = next_scale(self.canvas.scale_uv, step)
            self.canvas.update()

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.gutter.theme = self.canvas.theme = theme
        self.gutter.update()
        self.canvas.update()
