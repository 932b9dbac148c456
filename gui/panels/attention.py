"""Attention of EEG moments over video moments."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt

from experiment.state import View
from gui import captions
from gui import theme as themes
from gui.panel import Panel, set_text
from gui.ramp import Ramp
from gui.theme import Theme, attention_table
from realtime.types import FloatArray, Reading

_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # ends the colours may have
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


class AttentionPanel(Panel):
    """EEG time × frame time, the dashed line is the same moment."""

    def __init__(self) -> None:
        super().__init__(captions.ATTENTION)
        self.canvas = pg.GraphicsLayoutWidget()
        self.canvas.setMinimumSize(150, 120)
        self.canvas.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.plot = self.canvas.addPlot()
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setLabel("bottom", "video, s before now")
        self.plot.setLabel("left", "EEG, s before now")
        self.plot.getAxis("left").setWidth(46)
        self.plot.getAxis("bottom").setHeight(34)
        self.plot.layout.setContentsMargins(0, 6, 14, 0)
        self.image = pg.ImageItem(axisOrder="row-major", autoDownsample=False)
        self.image.setLookupTable(attention_table())
        self.same_moment = pg.PlotCurveItem()
        self.plot.addItem(self.image)
        self.plot.addItem(self.same_moment)
        self.set_content(self.canvas)
        self.ramp = Ramp()
        self.ramp.setToolTip("Weight of a moment of video for a moment of EEG, 0 to 1")
        self.add_to_header(self.ramp, gives_way=True)
        self._scale = PeakScale()
        self._span: tuple[float, float] | None = None

    def _set_span(self, start: float, end: float) -> None:
        """Both axes run over the interval's video, seconds before now."""
        self._span = (start, end)
        ticks = [[(t, f"−{abs(t):.1f}") for t in np.linspace(start, end, 5)]]
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setTicks(ticks)
        self.plot.setRange(QRectF(start, start, end - start, end - start), padding=0)
        self.same_moment.setData([start, end], [start, end])

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
        self.image.setImage(matrix, autoLevels=False, levels=(0.0, top))
        self.image.setRect(QRectF(span[0], span[0], span[1] - span[0], span[1] - span[0]))
        self.ramp.set_ends("0", f"{top:g}")
        set_text(self.note, f"gate {reading.gate:.2f}")

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.canvas.setBackground(theme.colour("panel"))
        self.same_moment.setPen(pg.mkPen(pg.mkColor(255, 255, 255, 110), width=1, style=Qt.PenStyle.DotLine))
        for side in ("left", "bottom"):
            themes.dress_axis(self.plot.getAxis(side), theme)
            self.plot.getAxis(side).label.setFont(themes.font(11))
        self.ramp.theme = theme
        self.ramp.update()
