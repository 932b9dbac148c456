"""Similarity over the band of chance, and under it the match, where there were readings and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem

from gui import captions
from gui import theme as themes
from gui.theme import Theme
from realtime.types import Reading, TimeArray

SECONDS = 60.0
SIMILARITY_SHARE, MATCH_SHARE = 64, 36  # of the height
_RANGES = (0.2, 0.4, 1.0)  # the similarity axis widens in these steps and never jumps back
_AHEAD_S = 0.7  # of the axis: room for the dot at the newest reading


def runs(times: TimeArray, longest_step_s: float) -> list[slice]:
    """Cut rising times, shape (n,), where two neighbours lie further apart than `longest_step_s` seconds."""
    if not len(times):
        return []
    step = np.diff(times)
    cuts = np.flatnonzero((step <= 0) | (step > longest_step_s)) + 1
    edges = [0, *cuts.tolist(), len(times)]
    return [slice(start, stop) for start, stop in pairwise(edges)]


def area(times: TimeArray, low: TimeArray, high: TimeArray, longest_step_s: float) -> QPainterPath:
    """Return the areas between two curves, each of shape (n,), with nothing where nothing was measured."""
    path = QPainterPath()
    for run in runs(times, longest_step_s):
        there_and_back = np.append(times[run], times[run][::-1])
        bound = np.append(high[run], low[run][::-1])
        path.addPath(pg.arrayToQPath(there_and_back, bound, finiteCheck=False))
    return path


class Curves:
    """Two plots over one axis of time, which runs from −60 s to now and stays."""

    def __init__(self) -> None:
        self.canvas = pg.GraphicsLayoutWidget()
        self.canvas.setMinimumSize(200, 130)
        self.canvas.ci.layout.setSpacing(4)
        self.canvas.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.similarity, self.match = self._plot(0), self._plot(1)
        self.canvas.ci.layout.setRowStretchFactor(0, SIMILARITY_SHARE)
        self.canvas.ci.layout.setRowStretchFactor(1, MATCH_SHARE)
        self.similarity.getAxis("bottom").setStyle(showValues=False)
        self.match.setYRange(0, 1, padding=0.06)
        self.match.getAxis("left").setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self.band, self.match_area = QGraphicsPathItem(), QGraphicsPathItem()
        self._zero = pg.InfiniteLine(0, angle=0)
        self.curve, self.match_curve = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._head = pg.ScatterPlotItem(size=8)
        self.threshold = pg.InfiniteLine(0.5, angle=0)
        self._word = pg.TextItem()
        for item in (self.band, self._zero, self.curve, self._head, self._word):
            self.similarity.addItem(item)
        for item in (self.match_area, self.match_curve, self.threshold):
            self.match.addItem(item)
        self._set_range(_RANGES[0])

    def _plot(self, row: int) -> pg.PlotItem:
        plot = self.canvas.addPlot(row=row, col=0)
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setXRange(-SECONDS, _AHEAD_S, padding=0)
        plot.getAxis("left").setWidth(40)
        plot.layout.setContentsMargins(0, 4, 16, 0)
        plot.getAxis("bottom").setTicks([[(-s, f"−{s} s" if s else "now") for s in range(0, 61, 20)]])
        return plot

    def _set_range(self, most: float) -> None:
        self.reach = most
        self.similarity.setYRange(-most, most, padding=0.04)
        values = (-most, -most / 2, 0, most / 2, most)
        ticks = [(value, f"{value:+.2g}".replace("-", "−") if value else "0") for value in values]
        self.similarity.getAxis("left").setTicks([ticks])

    def show_history(self, history: Sequence[Reading], now: float, hop_s: float) -> None:
        """Draw these readings, oldest first, at their seconds before `now`; a hole stays a hole."""
        longest = 1.5 * hop_s
        t = np.array([reading.end for reading in history]) - now
        similarity = np.array([reading.similarity for reading in history])
        match = np.array([reading.match for reading in history])
        step = np.diff(t)
        joined = np.append((step > 0) & (step < longest), False)
        self.curve.setData(t, similarity, connect=joined, skipFiniteCheck=True)
        self.match_curve.setData(t, match, connect=joined, skipFiniteCheck=True)
        self.match_area.setPath(area(t, np.zeros_like(match), match, longest))
        self._head.setData(t[-1:], similarity[-1:])
        known = [(x, *r.chance.band) for x, r in zip(t, history, strict=True) if r.chance.band]
        band = np.array(known).reshape(-1, 3)
        self.band.setPath(area(band[:, 0], band[:, 1], band[:, 2], longest))
        self._write_in_band(band)
        reach = max(np.abs(similarity).max(initial=0), np.abs(band[:, 1:]).max(initial=0))
        if reach > self.reach:
            self._set_range(next((most for most in _RANGES if most >= reach), _RANGES[-1]))

    def _write_in_band(self, band: TimeArray) -> None:
        """Name the band, array of shape (n, 3) of time, low and high, under it: no curve is covered there.

        Where there is no room under it the name stands at the plot's foot, where the curve seldom comes.
        """
        self._word.setText("90 % of chance" if len(band) else captions.CHANCE_UNKNOWN)
        begins = band[0, 0] if len(band) else -SECONDS
        low = band[-1, 1] if len(band) else 0.0
        second, unit = self.similarity.getViewBox().viewPixelSize()
        size = self._word.boundingRect()
        below = low - size.height() * unit > -self.reach
        self._word.setAnchor((0, 0 if below else 1))
        left = min(max(begins, -SECONDS) + 0.5, _AHEAD_S - size.width() * second)
        self._word.setPos(left, low if below else -self.reach)

    def apply_theme(self, theme: Theme, *, untrained: bool) -> None:
        """Take the theme's colours; what an untrained network says has no accent."""
        self.canvas.setBackground(theme.colour("panel"))
        says = theme.colour("muted" if untrained else "accent")
        wash = pg.mkColor(says)
        wash.setAlphaF(0.18)
        nothing = Qt.PenStyle.NoPen
        self.curve.setPen(pg.mkPen(says, width=2))
        self.match_curve.setPen(pg.mkPen(says, width=1.5))
        self.match_area.setBrush(wash)
        self.match_area.setPen(nothing)
        self._head.setBrush(says)
        self._head.setPen(pg.mkPen(theme.colour("panel"), width=1.5))
        self.band.setBrush(theme.colour("band"))
        self.band.setPen(nothing)
        self._word.setColor(theme.colour("muted"))
        self._word.setFont(themes.font(11))
        self._zero.setPen(pg.mkPen(theme.colour("line"), width=1))
        self.threshold.setPen(pg.mkPen(theme.colour("muted"), width=1, style=Qt.PenStyle.DashLine))
        for plot in (self.similarity, self.match):
            for side in ("left", "bottom"):
                themes.dress_axis(plot.getAxis(side), theme)
