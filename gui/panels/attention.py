"""When and where: attention of EEG moments over video moments, and of past intervals over places."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt

from experiment.state import View
from gui import captions
from gui import theme as themes
from gui.overlay import FULL_RATIO, may_tell, stands_out
from gui.panel import Numbers, Panel
from gui.ramp import Ramp
from gui.theme import Theme, attention_table
from realtime.types import FloatArray, Reading

PLACES_S = 30.0  # of past intervals over places
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # ends the colours may have
_GREY_LOW, _GREY_HIGH = 70, 200
_CALM_S = 5.0  # the scale shrinks only after so long


class PeakScale:
    """The end of the colour scale: a round number that grows at once and shrinks only after a while."""

    def __init__(self) -> None:
        self.top = _STEPS[0]
        self._needed_at = -np.inf

    def follow(self, peak: float, now: float) -> float:
        """Return the end of the scale for this peak at `now`, seconds."""
        wanted = next((step for step in _STEPS if step >= peak), _STEPS[-1])
        if wanted >= self.top or now - self._needed_at > _CALM_S or now < self._needed_at:
            self.top, self._needed_at = wanted, now
        return self.top


def rows_sum_to_one(matrix: FloatArray) -> FloatArray:
    """Divide each row of an array of shape (rows, columns) by its sum; rows of zeros stay."""
    total = matrix.sum(axis=1, keepdims=True)
    shares: FloatArray = np.divide(matrix, total, out=np.zeros_like(matrix), where=total > 0)
    return shares


def known_cells(reading: Reading) -> FloatArray:
    """Return the weights, shape (n_queries, n_slots), NaN where EEG or frame was missing: not drawn."""
    matrix = rows_sum_to_one(reading.attention.matrix)
    matrix[reading.attention.matrix.sum(axis=1) <= 0] = np.nan
    matrix[:, reading.frame_seq < 0] = np.nan
    return matrix


def coloured(shares: FloatArray, sure: NDArray[np.bool_] | bool) -> NDArray[np.uint8]:
    """Colour shares by cividis, or by greys where they do not stand out from chance; NaN is not drawn.

    Parameters
    ----------
    shares : array of shape (rows, columns), 0 to 1 of the scale
    sure : array of shape (columns,), bool, or bool

    Returns
    -------
    array of shape (rows, columns, 4), uint8 RGBA
    """
    known = np.isfinite(shares)
    level = np.round(255 * np.clip(np.where(known, shares, 0.0), 0, 1)).astype(int)
    rgba = np.empty((*shares.shape, 4), np.uint8)
    grey = (_GREY_LOW + (_GREY_HIGH - _GREY_LOW) * level / 255).astype(np.uint8)
    colour = np.broadcast_to(sure, shares.shape)[..., None]
    rgba[..., :3] = np.where(colour, attention_table()[level], grey[..., None])
    rgba[..., 3] = np.where(known, 255, 0)
    return rgba


def place_history(
    history: Sequence[Reading], now_index: int, n_intervals: int
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return shares of places over the last intervals, of the colour scale, and which stand out.

    Returns
    -------
    shares : array of shape (n_places, n_intervals), float32
        1 at three times an even share; NaN where there was no reading. Places run row by row from the top.
    sure : array of shape (n_intervals,), bool
    """
    n_places = history[-1].attention.places.size
    shares = np.full((n_places, n_intervals), np.nan, np.float32)
    sure = np.zeros(n_intervals, bool)
    for reading in history:
        column = n_intervals - 1 - (now_index - reading.index)
        if 0 <= column < n_intervals and reading.attention.places.size == n_places:
            shares[:, column] = reading.attention.places.ravel() * (n_places / FULL_RATIO)
            sure[column] = stands_out(reading.attention)
    return shares, sure


class AttentionPanel(Panel):
    """EEG time × frame time, where the dotted line is the same moment; beside it place × past interval."""

    def __init__(self) -> None:
        super().__init__(captions.ATTENTION)
        self.canvas = pg.GraphicsLayoutWidget()
        self.canvas.setMinimumSize(150, 120)
        self.canvas.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.plot, self.where = self._plot(0), self._plot(1)
        self.plot.setLabel("bottom", "video, s before now")
        self.plot.setLabel("left", "EEG, s before now")
        self.where.setLabel("bottom", "past, s")
        self.where.setLabel("left", "place, row by row")
        self.image = pg.ImageItem(axisOrder="row-major", autoDownsample=False)
        self.places = pg.ImageItem(axisOrder="row-major", autoDownsample=False)
        self.same_moment = pg.PlotCurveItem()
        self.plot.addItem(self.image)
        self.plot.addItem(self.same_moment)
        self.where.addItem(self.places)
        self.note.explain(captions.GATE.tip)
        self.set_content(self.canvas)
        self.ramp = Ramp()
        self.ramp.setToolTip(captions.WEIGHT)
        self.add_to_header(self.ramp, gives_way=True)
        self._scale = PeakScale()
        self._span: tuple[float, float] | None = None
        self._n_places = 0

    def _plot(self, column: int) -> pg.PlotItem:
        plot = self.canvas.addPlot(row=0, col=column)
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.getAxis("left").setWidth(46)
        plot.getAxis("bottom").setHeight(34)
        plot.layout.setContentsMargins(0, 6, 14, 0)
        return plot

    def _set_span(self, start: float, end: float) -> None:
        """Both axes run over the interval's video, seconds before now."""
        self._span = (start, end)
        ticks = [[(t, f"−{abs(t):.1f}") for t in np.linspace(start, end, 3)]]
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setTicks(ticks)
        self.plot.setRange(QRectF(start, start, end - start, end - start), padding=0)
        self.same_moment.setData([start, end], [start, end])

    def _set_places(self, shape: tuple[int, ...]) -> None:
        """Name the rows of places, the picture's top at the top; hidden where there is one place alone."""
        rows, columns = shape
        self._n_places = rows * columns
        self.where.setVisible(self._n_places > 1)
        self.where.setRange(QRectF(-PLACES_S, 0, PLACES_S, self._n_places), padding=0)
        self.where.invertY(b=True)
        ticks = [(row * columns + columns / 2, f"{row + 1}") for row in range(rows)]
        self.where.getAxis("left").setTicks([ticks])
        self.where.getAxis("bottom").setTicks([[(-s, f"−{s}" if s else "now") for s in (30, 15, 0)]])

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        reading = self.new_reading(view)
        if reading is None:
            return
        span = (-view.grid.interval_s - view.grid.lag_s, -view.grid.lag_s)
        if span != self._span:
            self._set_span(*span)
        matrix = known_cells(reading)
        known = matrix[np.isfinite(matrix)]
        top = self._scale.follow(float(np.percentile(known, 99.8)) if len(known) else 0.0, reading.end)
        quiet = not may_tell(view)
        sure = not quiet and above_chance(reading)
        self.image.setImage(coloured(matrix / top, sure))
        self.image.setRect(QRectF(span[0], span[0], span[1] - span[0], span[1] - span[0]))
        self.ramp.set_ends("0", f"{top:g}")
        words = f"gate {reading.gate:.2f}"
        self.note.say(words if sure or quiet else f"{words} · within chance: grey")
        self._draw_places(view, reading)

    def _draw_places(self, view: View, reading: Reading) -> None:
        if reading.attention.places.size != self._n_places:
            self._set_places(reading.attention.places.shape)
        if self._n_places > 1:
            n = round(PLACES_S / view.grid.hop_s)
            past = view.history(PLACES_S)
            if not past:  # a seek has just emptied it
                self.places.clear()
                return
            shares, sure = place_history(past, reading.index, n)
            self.places.setImage(coloured(shares, sure if may_tell(view) else False))
            self.places.setRect(QRectF(-PLACES_S, 0, PLACES_S, self._n_places))

    def numbers(self, view: View) -> Numbers:
        """Return the newest weights: a row for each moment of EEG, a column for each moment of video."""
        newest = view.readings.get()
        if newest is None:
            return Numbers((), ())
        matrix = known_cells(newest.value)
        times = np.linspace(*(self._span or (0.0, 0.0)), matrix.shape[1], endpoint=False)
        return Numbers(
            ("eeg_token", *(f"video_{t:.3f}_s" for t in times)), list(map(_numbered, enumerate(matrix)))
        )

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.canvas.setBackground(theme.colour("panel"))
        self.same_moment.setPen(pg.mkPen(pg.mkColor(255, 255, 255, 110), width=1, style=Qt.PenStyle.DotLine))
        for plot in (self.plot, self.where):
            for side in ("left", "bottom"):
                themes.dress_axis(plot.getAxis(side), theme)
                plot.getAxis(side).label.setFont(themes.font(11))
        self.ramp.theme = theme
        self.ramp.update()


def above_chance(reading: Reading) -> bool:
    """Say whether an interval fits its own video better than chance: else its attention explains nothing."""
    return reading.chance.band is not None and reading.similarity > reading.chance.band[1]


def _numbered(row: tuple[int, FloatArray]) -> tuple[float, ...]:
    number, values = row
    return number, *values.tolist()
