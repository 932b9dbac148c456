"""Does it match, and can that be trusted: similarity on the band of chance, match, running accuracy."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui import captions
from gui.panel import Panel, label, set_text, set_tone
from gui.state import View
from gui.theme import Theme
from realtime.types import Chance, Reading

SECONDS = 60.0
_RANGES = (0.25, 0.5, 1.0)  # the similarity axis widens in these steps and never jumps back
_FIGURES_EVERY_S = 0.5


def verdict(similarity: float, chance: Chance) -> tuple[str, str]:
    """The word for a similarity against what chance gives, and its tone."""
    if chance.band is None:
        return "chance not known", "muted"
    low, high = chance.band
    if similarity > high:
        return "▲ above chance", "accent"
    return ("▼ below chance", "muted") if similarity < low else ("● within chance", "muted")


class Figures(QWidget):
    """The numbers beside the curves; they change twice a second."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(136)
        self.similarity = label("–", role="figure", tone="accent")
        self.verdict = label(role="chip")
        self.percentile = label(role="note")
        self.match = label("–", role="value", tone="accent")
        self.two_way = label("–", role="value")
        self.interval = label(role="note")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(1)
        column.addWidget(self.similarity)
        column.addWidget(self.verdict, alignment=Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(3)
        column.addWidget(self.percentile)
        column.addStretch()
        column.addWidget(label("Match", role="note"))
        column.addWidget(self.match)
        column.addStretch()
        column.addWidget(label("2-way accuracy", role="note"))
        column.addWidget(self.two_way)
        column.addWidget(self.interval)
        self.match.setToolTip("Probability from the fused tokens that this EEG belongs to this video, 0 to 1")
        self.two_way.setToolTip(
            "How often the EEG fits its own video better than another stretch of it. 0.50 is chance; in "
            "brackets the 95 % interval (Wilson), n windows that do not overlap."
        )

    def show_reading(self, reading: Reading, untrained: bool) -> None:
        chance = reading.chance
        set_text(self.similarity, f"{reading.similarity:+.2f}".replace("-", "−"))
        set_text(self.match, f"{reading.match:.2f}")
        word, tone = ("untrained", "warn") if untrained else verdict(reading.similarity, chance)
        set_text(self.verdict, word)
        set_tone(self.verdict, tone)
        for figure in (self.similarity, self.match):
            set_tone(figure, "muted" if untrained else "accent")
        beats = "" if chance.percentile is None else f"beats {100 * chance.percentile:.0f} % of others"
        set_text(self.percentile, beats)
        set_text(self.two_way, "–" if chance.two_way is None else f"{chance.two_way:.2f}")
        if chance.two_way_ci is None:
            set_text(self.interval, f"n = {chance.n}")
        else:
            low, high = chance.two_way_ci
            set_text(self.interval, f"[{low:.2f}, {high:.2f}]  n = {chance.n}")


class Curves(pg.GraphicsLayoutWidget):
    """Similarity over the band of chance, and under it the match. Fixed axes: −60 s to now."""

    def __init__(self) -> None:
        super().__init__()
        self.ci.layout.setSpacing(4)
        self.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.similarity = self._plot(0, "similarity")
        self.match = self._plot(1, "match")
        self.ci.layout.setRowStretchFactor(0, 5)
        self.ci.layout.setRowStretchFactor(1, 3)
        self.similarity.getAxis("bottom").setStyle(showValues=False)
        self.match.setYRange(0, 1, padding=0.06)
        self.match.getAxis("left").setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self._low, self._high = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._band = pg.FillBetweenItem(self._low, self._high)
        self._zero = pg.InfiniteLine(0, angle=0)
        self._curve, self._match_curve = pg.PlotCurveItem(), pg.PlotCurveItem(fillLevel=0)
        self._head = pg.ScatterPlotItem(size=8)
        self.threshold = pg.InfiniteLine(0.5, angle=0)
        for item in (self._band, self._zero, self._curve, self._head):
            self.similarity.addItem(item)
        for item in (self._match_curve, self.threshold):
            self.match.addItem(item)
        self._set_range(_RANGES[0])

    def _plot(self, row: int, name: str) -> pg.PlotItem:
        plot = self.addPlot(row=row, col=0)
        plot.setMouseEnabled(False, False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setXRange(-SECONDS, 0, padding=0.005)
        plot.getAxis("left").setWidth(40)
        plot.getAxis("bottom").setTicks([[(-s, f"−{s} s" if s else "now") for s in range(0, 61, 10)]])
        plot.setLabel("left", name)
        return plot

    def _set_range(self, most: float) -> None:
        self._most = most
        self.similarity.setYRange(-most, most, padding=0.04)
        self.similarity.getAxis("left").setTicks(
            [
                [
                    (v, f"{v:+.2g}".replace("-", "−") if v else "0")
                    for v in (-most, -most / 2, 0, most / 2, most)
                ]
            ]
        )

    def show_history(self, history: list[Reading], now: float, hop_s: float) -> None:
        t = np.array([reading.end for reading in history]) - now
        similarity = np.array([reading.similarity for reading in history])
        match = np.array([reading.match for reading in history])
        joined = np.append(np.diff(t) < 1.5 * hop_s, False)  # no line over a stretch without readings
        self._curve.setData(t, similarity, connect=joined, skipFiniteCheck=True)
        self._match_curve.setData(t, match, connect=joined, skipFiniteCheck=True)
        self._head.setData(t[-1:], similarity[-1:])
        known = [
            (x, reading.chance.band) for x, reading in zip(t, history, strict=True) if reading.chance.band
        ]
        band = np.array([(x, low, high) for x, (low, high) in known]) if known else np.empty((0, 3))
        self._low.setData(band[:, 0], band[:, 1], skipFiniteCheck=True)
        self._high.setData(band[:, 0], band[:, 2], skipFiniteCheck=True)
        reach = max(np.abs(similarity).max(initial=0), np.abs(band[:, 1:]).max(initial=0))
        if reach > self._most:
            self._set_range(next((most for most in _RANGES if most >= reach), _RANGES[-1]))

    def apply_theme(self, theme: Theme, untrained: bool) -> None:
        self.setBackground(theme.colour("panel"))
        says = theme.colour("quiet" if untrained else "accent")
        wash = pg.mkColor(says)
        wash.setAlphaF(0.18)
        self._curve.setPen(pg.mkPen(says, width=2))
        self._match_curve.setPen(pg.mkPen(says, width=1.5))
        self._match_curve.setBrush(wash)
        self._head.setBrush(says)
        self._head.setPen(pg.mkPen(theme.colour("panel"), width=1.5))
        self._band.setBrush(theme.colour("band"))
        self._zero.setPen(pg.mkPen(theme.colour("line"), width=1))
        self.threshold.setPen(pg.mkPen(theme.colour("muted"), width=1, style=Qt.PenStyle.DashLine))
        for plot in (self.similarity, self.match):
            for side in ("left", "bottom"):
                axis = plot.getAxis(side)
                axis.setPen(theme.colour("line"))
                axis.setTextPen(theme.colour("muted"))


class SimilarityView(Panel):
    """The answer, and how far to trust it."""

    def __init__(self) -> None:
        super().__init__(captions.SIMILARITY)
        self.figures, self.curves = Figures(), Curves()
        self.banner = label(captions.UNTRAINED, role="banner")
        self.banner.setWordWrap(True)
        self.banner.hide()
        body, row = QWidget(), QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.figures)
        row.addWidget(self.curves, 1)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.banner)
        column.addLayout(row, 1)
        self.set_content(body)
        self._untrained = False
        self._beat = -1
        self._figures_at = -np.inf

    def refresh(self, view: View) -> None:
        untrained = view.card.weights == "untrained"
        if untrained != self._untrained:
            self._untrained = untrained
            self.banner.setVisible(untrained)
            self.curves.apply_theme(self.theme, untrained)
        beat = int(view.now() // view.grid.hop_s)
        if beat == self._beat:
            return
        self._beat = beat
        newest = view.readings.get()
        self.show_content(newest is not None)
        if newest is None:
            return
        self.curves.show_history(view.history(SECONDS), beat * view.grid.hop_s, view.grid.hop_s)
        if abs(view.now() - self._figures_at) >= _FIGURES_EVERY_S:
            self._figures_at = view.now()
            self.figures.show_reading(newest.value, untrained)
            unknown = newest.value.chance.band is None
            set_text(self.note, captions.CHANCE_UNKNOWN if unknown else "grey: 90 % of chance, this session")

    def set_threshold(self, match: float | None) -> None:
        """Where the dashed line over the match stands; None takes it away."""
        self.curves.threshold.setVisible(match is not None)
        if match is not None:
            self.curves.threshold.setValue(match)

    def apply_theme(self, theme: Theme) -> None:
        super().apply_theme(theme)
        self.curves.apply_theme(theme, self._untrained)
