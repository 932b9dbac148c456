"""Lines of several channels in one plot: measured, so grey; told apart by their dashes and a legend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt

from gui import theme as themes
from gui.theme import Theme

_DASHES = (
    Qt.PenStyle.SolidLine,
    Qt.PenStyle.DashLine,
    Qt.PenStyle.DotLine,
    Qt.PenStyle.DashDotLine,
    Qt.PenStyle.DashDotDotLine,
)
_IN_A_ROW = 6  # names of the legend: it lies flat, for a panel may be low


class Lines:
    """The curves of a plot, one for each channel."""

    def __init__(self, plot: pg.PlotItem):
        self._plot = plot
        self._legend = plot.addLegend(offset=(-8, 14), colCount=_IN_A_ROW, horSpacing=14, verSpacing=-6)
        self._curves: list[pg.PlotDataItem] = []
        self.names: tuple[str, ...] = ()
        self._theme = themes.LIGHT

    def show(self, x: NDArray[np.float64], y: NDArray[np.float64], names: Sequence[str]) -> None:
        """Draw y, shape (n, n_channels), over x, shape (n,), with the channels' names."""
        if tuple(names) != self.names:
            self._begin(names)
        for n, curve in enumerate(self._curves):
            curve.setData(x, y[:, n])

    def _begin(self, names: Sequence[str]) -> None:
        for curve in self._curves:
            self._plot.removeItem(curve)  # takes it from the legend as well
        self.names = tuple(names)
        self._curves = [self._plot.plot(name=name) for name in names]
        self._dress()

    def _dress(self) -> None:
        for n, curve in enumerate(self._curves):
            style = _DASHES[n % len(_DASHES)]
            curve.setPen(pg.mkPen(self._theme.colour("trace"), width=1.4, style=style))
        self._legend.setBrush(self._theme.colour("panel", 0.85))
        self._legend.setLabelTextColor(self._theme.colour("text"))
        for _, words in self._legend.items:
            words.setText(words.text, color=self._theme.colour("text"), size="8pt")

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self._theme = theme
        self._plot.getViewWidget().setBackground(theme.colour("panel"))
        for side in ("left", "bottom"):
            themes.dress_axis(self._plot.getAxis(side), theme)
            self._plot.getAxis(side).label.setFont(themes.font(11))
        self._dress()
