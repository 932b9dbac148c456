"""EEG traces: time runs in from the right, channels from top to bottom, bad ones grey with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from experiment.state import View
from gui import captions
from gui.eeg.channels import Channels, TraceRow, rows_of
from gui.eeg.gutter import Gutter
from gui.eeg.pages import Pages
from gui.eeg.trace_canvas import SECONDS, TraceCanvas
from gui.eeg.traces import KindScales
from gui.eeg.view_filter import AS_THE_MODEL, FILTERS, ViewFilter
from gui.panel import Numbers, Panel, set_text, tool_button
from gui.theme import Theme
from realtime.types import FloatArray, TimeArray

TIME_SCALES_S = (2.0, 5.0, 10.0, 20.0, 30.0)
_SETTLE_S = 2.0  # the scale is fitted once, on this much EEG


class EegPanel(Panel):
    """The last seconds of EEG.

    Parameters
    ----------
    channels : Channels, optional
        What a person decided about them, shared with the panels beside it.
    """

    def __init__(self, channels: Channels | None = None) -> None:
        super().__init__(captions.EEG)
        self.gutter, self.canvas = Gutter(), TraceCanvas()
        self.channels = channels or Channels()
        self.filter = AS_THE_MODEL
        self.scales = KindScales()
        self._pages = Pages()
        self._levels: dict[str, float] = {}
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.gutter)
        row.addWidget(self.canvas, 1)
        self.set_content(body)
        self.gutter.clicked.connect(self._clicked)
        self.pages = tool_button("")
        self.pages.setToolTip("Channels that are shown (PgUp, PgDown; click for all)")
        self.pages.clicked.connect(self.toggle_all)
        self.channel_button = tool_button("Channels")
        self.channel_button.setToolTip("Show, choose and call channels bad (H)")
        self.time_button = _menu_button(
            "Seconds that are shown (W wider, N narrower)",
            [(f"{seconds:g} s", partial(self.set_seconds, seconds)) for seconds in TIME_SCALES_S],
        )
        self.filter_button = _menu_button(
            "Filter of this view (V; Shift+V for a band of your own); what the model is fed stays the same",
            [(choice.name, partial(self.set_filter, choice)) for choice in FILTERS],
        )
        for button in (self.pages, self.channel_button, self.time_button, self.filter_button):
            self.add_to_header(button)

    def _clicked(self, name: str, chosen: bool) -> None:
        self.channels.toggle(self.channels.chosen if chosen else self.channels.bad, name)

    # ------------------------------------------------------------------ what the user changes
    def set_filter(self, choice: ViewFilter, *_: object) -> None:
        """Draw the EEG through this filter from now on."""
        self.filter = choice

    def next_filter(self) -> None:
        """Draw through the next filter of the list."""
        at = FILTERS.index(self.filter) if self.filter in FILTERS else -1
        self.filter = FILTERS[(at + 1) % len(FILTERS)]

    def set_seconds(self, seconds: float, *_: object) -> None:
        """Show so many seconds of EEG."""
        self.canvas.set_seconds(seconds)

    def change_time(self, step: int) -> None:
        """Take the next longer (`step` > 0) or shorter time."""
        at = TIME_SCALES_S.index(self.canvas.seconds) + step
        self.set_seconds(TIME_SCALES_S[min(max(at, 0), len(TIME_SCALES_S) - 1)])

    def turn_page(self, step: int) -> None:
        """Show the next channels, or those before."""
        self._pages.turn(step)

    def toggle_all(self) -> None:
        """Show all channels at once, or a page of them again."""
        self._pages.toggle()

    def change_scale(self, step: int) -> None:
        """Coarser (`step` > 0) or finer: the kind of channel under the mouse, the EEG elsewhere."""
        under = self.canvas.row_at(self.canvas.hover.y()) if self.canvas.hover is not None else None
        self.scales.change("eeg" if under is None else under.kind, step)

    # ------------------------------------------------------------------ drawing
    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        now = view.now()
        if not self.scales("eeg"):
            self._choose_scales(view)
        set_text(self.time_button, f"{self.canvas.seconds:g} s")
        low, high = self.filter.band_hz or view.card.band_hz
        set_text(self.filter_button, f"{low:g} – {high:g} Hz")
        if not self.has_content:
            self.pages.hide()
            return
        names = [name for name in view.labels if name not in self.channels.hidden]
        shown = self._pages.of(names)
        self.pages.setVisible(self._pages.needed)
        set_text(self.pages, self._pages.words)
        why = self.channels.why_bad(view)
        rows = rows_of(view, self.channels, self.scales, shown, why)
        self.gutter.show_channels(rows)
        self.canvas.show_marks(view.markers(self.canvas.seconds), self._interval(view))
        if self.scales("eeg") and rows:
            self._draw_new(view, now, rows)
        if self.canvas.hover is not None:
            self.canvas.reads = self._read_at(view, rows)
        self._say(view, sum(map(bool, why.values())))

    def _say(self, view: View, n_bad: int) -> None:
        words = f"{n_bad} of {len(view.labels)} channels bad" if n_bad else ""
        if view.left_out:
            words += f", {len(view.left_out)} not for the network"
        self.note.say(words)

    def _read_at(self, view: View, rows: tuple[TraceRow, ...]) -> str:
        """Say what the channel under the cursor measures there."""
        hover, box = self.canvas.hover, self.canvas.traces_box
        row = self.canvas.row_at(hover.y()) if hover is not None and box.contains(hover) else None
        if hover is None or row not in rows:
            return ""
        wanted = self.canvas.time_at(hover.x())
        times, samples = self._window(view, self.canvas.seconds, rows)
        at = int(np.searchsorted(times, wanted))
        if not len(times) or at >= len(times):
            return ""
        value = samples[at, rows.index(row)]
        words = f"{value:+.1f} {row.unit}" if np.isfinite(value) else "nothing measured"
        return f"{row.name}  {words}  {wanted - view.now():+.2f} s".replace("-", "−")

    def _window(self, view: View, seconds: float, rows: Sequence[TraceRow]) -> tuple[TimeArray, FloatArray]:
        """Return the newest EEG of these rows, filtered, and beside it what else the stream carries."""
        times, samples = view.eeg_window(seconds)
        place = {name: n for n, name in enumerate(view.labels)}
        wanted = [place[row.name] for row in rows if row.kind == "eeg"]
        drawn = self.filter(samples[:, wanted], view.grid.eeg_hz)
        side = [n for n, (name, _, _) in enumerate(view.side_channels) if name not in self.channels.hidden]
        if not side:
            return times, drawn
        moments, values = view.side_window(seconds)
        beside = np.full((len(times), len(side)), np.nan, np.float32)
        if len(times) and len(moments):
            at = np.round((times - moments[0]) * view.grid.eeg_hz).astype(int)
            there = (at >= 0) & (at < len(moments))
            beside[there] = values[at[there]][:, side]
        return times, np.concatenate([drawn, beside], axis=1)

    def _draw_new(self, view: View, now: float, rows: tuple[TraceRow, ...]) -> None:
        wanted = self.canvas.prepare(now, rows, self.filter.name)
        times, samples = self._window(view, wanted + self.filter.warm_up_s, rows)
        begins = max(len(times) - round(wanted * view.grid.eeg_hz), 0)
        levels = np.array([self._levels.get(row.name, 0.0) for row in rows], np.float32)
        self.canvas.show_samples(now, times[begins:], samples[begins:] - levels)

    def _choose_scales(self, view: View) -> None:
        """Once, on the first seconds of signal; from then on the axis stays as it is."""
        _, samples = view.eeg_window(SECONDS)
        known = int(np.isfinite(samples).any(axis=1).sum())
        self.show_content(there=known > 0)
        if known < _SETTLE_S * view.grid.eeg_hz:
            return
        self.scales.fit("eeg", samples)
        _, beside = view.side_window(SECONDS)
        for kind in {kind for _, kind, _ in view.side_channels}:
            of_kind = [n for n, (_, other, _) in enumerate(view.side_channels) if other == kind]
            self.scales.fit(kind, beside[:, of_kind])
        for n, (name, _, _) in enumerate(view.side_channels):  # unfiltered: drawn around where they stand
            known_values = beside[np.isfinite(beside[:, n]), n]
            self._levels[name] = float(np.median(known_values)) if len(known_values) else 0.0

    @staticmethod
    def _interval(view: View) -> tuple[float, float] | None:
        newest = view.readings.get()
        if newest is None:
            return None
        return newest.value.end - view.grid.interval_s - view.grid.lag_s, newest.value.end

    def numbers(self, view: View) -> Numbers:
        """Return what is drawn: time and the value of each channel."""
        rows = self.gutter.shown
        times, samples = self._window(view, self.canvas.seconds, rows)
        columns = ("time_s", *(f"{row.name}_{row.unit or 'value'}" for row in rows))
        return Numbers(columns, [(t, *values) for t, values in zip(times, samples, strict=True)])

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.gutter.theme = self.canvas.theme = theme
        self.gutter.update()
        self.canvas.update()


def _menu_button(tip: str, choices: Sequence[tuple[str, partial[None]]]) -> QToolButton:
    button = tool_button("")
    button.setToolTip(tip)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    menu = QMenu(button)
    for words, action in choices:
        menu.addAction(words, action)
    button.setMenu(menu)
    return button
