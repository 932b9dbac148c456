"""Does it match, and can that be trusted: similarity on the band of chance, match, running accuracy."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from experiment.state import BLIND, View
from gui import captions
from gui import theme as themes
from gui.panel import STALE_S, Panel, label, set_text, set_tone
from gui.theme import Theme
from realtime.types import Chance, OtherReading, Reading

SECONDS = 60.0
_RANGES = (0.2, 0.4, 1.0)  # the similarity axis widens in these steps and never jumps back
FIGURES_EVERY = 15  # drawings: the figures change twice a second whatever the speed of a replay
_WORD_S = 14.0  # of the axis are needed to write in the band
_SIMILARITY_SHARE, _MATCH_SHARE = 64, 36  # of the height, for the curves and for the figures beside them


def verdict(similarity: float, chance: Chance) -> tuple[str, str]:
    """Return the word for a similarity against what chance gives, and its tone."""
    if chance.band is None:
        return "chance not known", "muted"
    low, high = chance.band
    if similarity > high:
        return "▲ above chance", "accent"
    return ("▼ below chance", "muted") if similarity < low else ("● within chance", "muted")


class Figures(QWidget):
    """The numbers beside the curves, each beside its own; they change twice a second."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedWidth(136)
        self.similarity = label("–", role="figure", tone="accent")
        self.verdict = label(role="chip")
        self.percentile = label(role="note")
        self.others = label(role="note")
        self.others.setToolTip("Similarity of this EEG to each further video, by itself; −1 to 1")
        self.others.hide()
        self.match = label("–", role="value", tone="accent")
        self.match.setToolTip("Probability from the fused tokens that this EEG belongs to this video, 0 to 1")
        similarity = _column(self.similarity, self.verdict, 4, self.percentile, 4, self.others)
        similarity.addStretch()
        match = _column(label("Match", role="note"), self.match)
        match.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(0)
        column.addLayout(similarity, _SIMILARITY_SHARE)
        column.addLayout(match, _MATCH_SHARE)

    def show_reading(self, reading: Reading, untrained: bool, stale: bool) -> None:
        """Show the figures of a reading."""
        chance = reading.chance
        set_text(self.similarity, f"{reading.similarity:+.2f}".replace("-", "−"))
        set_text(self.match, f"{reading.match:.2f}")
        word, tone = ("untrained", "warn") if untrained else verdict(reading.similarity, chance)
        set_text(self.verdict, word)
        set_tone(self.verdict, "muted" if stale else tone)
        for figure in (self.similarity, self.match):
            set_tone(figure, "muted" if untrained or stale else "accent")
        beats = "" if chance.percentile is None else f"beats {100 * chance.percentile:.0f} % of others"
        set_text(self.percentile, beats)
        self.others.setVisible(bool(reading.others))
        lines = (f"Video {n}  {_signed(video)}" for n, video in enumerate(reading.others, 2))
        set_text(self.others, "\n".join(lines))


def _signed(video: OtherReading) -> str:
    return f"{video.similarity:+.2f}".replace("-", "−") if video.enough else "–"


def _column(*parts: QWidget | int) -> QVBoxLayout:
    """Widgets under each other; a number is a space of so many pixels."""
    column = QVBoxLayout()
    column.setSpacing(1)
    for part in parts:
        if isinstance(part, int):
            column.addSpacing(part)
        else:
            column.addWidget(part, alignment=Qt.AlignmentFlag.AlignLeft)
    return column


class Accuracy(QWidget):
    """Running 2-way accuracy, its interval and on how many windows it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.value, self.interval = label("–", role="title"), label(role="note")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(label("2-way accuracy", role="note"))
        row.addWidget(self.value)
        row.addWidget(self.interval)
        self.setToolTip(
            "How often the EEG fits its own video better than another stretch of it. 0.50 is chance; in "
            "brackets the 95 % interval (Wilson), n windows that do not overlap."
        )

    def show_chance(self, chance: Chance) -> None:
        """Show the running accuracy."""
        set_text(self.value, "–" if chance.two_way is None else f"{chance.two_way:.2f}")
        interval = ""
        if chance.two_way_ci is not None:
            interval = "[{:.2f}, {:.2f}]  ".format(*chance.two_way_ci)
        set_text(self.interval, f"{interval}n = {chance.n}")


class Curves:
    """Similarity over the band of chance, and under it the match. Fixed axes: −60 s to now."""

    def __init__(self) -> None:
        self.canvas = pg.GraphicsLayoutWidget()
        self.canvas.setMinimumSize(200, 130)
        self.canvas.ci.layout.setSpacing(4)
        self.canvas.ci.layout.setContentsMargins(0, 0, 0, 0)
        self.similarity, self.match = self._plot(0), self._plot(1)
        self.canvas.ci.layout.setRowStretchFactor(0, _SIMILARITY_SHARE)
        self.canvas.ci.layout.setRowStretchFactor(1, _MATCH_SHARE)
        self.similarity.getAxis("bottom").setStyle(showValues=False)
        self.match.setYRange(0, 1, padding=0.06)
        self.match.getAxis("left").setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self._low, self._high = pg.PlotCurveItem(), pg.PlotCurveItem()
        self._band = pg.FillBetweenItem(self._low, self._high)
        self._zero = pg.InfiniteLine(0, angle=0)
        self.curve, self._match_curve = pg.PlotCurveItem(), pg.PlotCurveItem(fillLevel=0)
        self._head = pg.ScatterPlotItem(size=8)
        self.threshold = pg.InfiniteLine(0.5, angle=0)
        self._word = pg.TextItem(anchor=(0, 0.5))
        for item in (self._band, self._zero, self.curve, self._head, self._word):
            self.similarity.addItem(item)
        for item in (self._match_curve, self.threshold):
            self.match.addItem(item)
        self._set_range(_RANGES[0])

    def _plot(self, row: int) -> pg.PlotItem:
        plot = self.canvas.addPlot(row=row, col=0)
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setXRange(-SECONDS, 0.7, padding=0)  # room for the dot at the newest reading
        plot.getAxis("left").setWidth(40)
        plot.layout.setContentsMargins(0, 4, 16, 0)
        plot.getAxis("bottom").setTicks([[(-s, f"−{s} s" if s else "now") for s in range(0, 61, 10)]])
        return plot

    def _set_range(self, most: float) -> None:
        self.reach = most
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
        """Draw these readings, oldest first, at their seconds before `now`."""
        t = np.array([reading.end for reading in history]) - now
        similarity = np.array([reading.similarity for reading in history])
        match = np.array([reading.match for reading in history])
        step = np.diff(t)
        # No line over a stretch without readings; the filled one goes down to 0 on either side of it.
        joined = np.append((step > 0) & (step < 1.5 * hop_s), False)
        self.curve.setData(t, similarity, connect=joined, skipFiniteCheck=True)
        holes = np.repeat(np.flatnonzero(~joined[:-1]) + 1, 2)
        edges = np.ravel([(t[i - 1], t[i]) for i in holes[::2]])
        self._match_curve.setData(
            np.insert(t, holes, edges), np.insert(match, holes, 0.0), skipFiniteCheck=True
        )
        self._head.setData(t[-1:], similarity[-1:])
        known = [
            (x, reading.chance.band) for x, reading in zip(t, history, strict=True) if reading.chance.band
        ]
        band = np.array([(x, low, high) for x, (low, high) in known]) if known else np.empty((0, 3))
        self._low.setData(band[:, 0], band[:, 1], skipFiniteCheck=True)
        self._high.setData(band[:, 0], band[:, 2], skipFiniteCheck=True)
        middle = band[-1, 1:].mean() if len(band) else 0.0
        self._word.setText("90 % of chance" if len(band) else captions.CHANCE_UNKNOWN)
        begins = band[0, 0] if len(band) else -SECONDS
        self._word.setPos(min(max(begins, -SECONDS), -_WORD_S) + 0.5, middle)
        reach = max(np.abs(similarity).max(initial=0), np.abs(band[:, 1:]).max(initial=0))
        if reach > self.reach:
            self._set_range(next((most for most in _RANGES if most >= reach), _RANGES[-1]))

    def apply_theme(self, theme: Theme, untrained: bool) -> None:
        """Take the theme's colours."""
        self.canvas.setBackground(theme.colour("panel"))
        says = theme.colour("quiet" if untrained else "accent")
        wash = pg.mkColor(says)
        wash.setAlphaF(0.18)
        self.curve.setPen(pg.mkPen(says, width=2))
        self._match_curve.setPen(pg.mkPen(says, width=1.5))
        self._match_curve.setBrush(wash)
        self._head.setBrush(says)
        self._head.setPen(pg.mkPen(theme.colour("panel"), width=1.5))
        self._band.setBrush(theme.colour("band"))
        self._word.setColor(theme.colour("muted"))
        self._word.setFont(themes.font(11))
        self._zero.setPen(pg.mkPen(theme.colour("line"), width=1))
        self.threshold.setPen(pg.mkPen(theme.colour("muted"), width=1, style=Qt.PenStyle.DashLine))
        for plot in (self.similarity, self.match):
            for side in ("left", "bottom"):
                themes.dress_axis(plot.getAxis(side), theme)


class SimilarityPanel(Panel):
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
        row.addWidget(self.curves.canvas, 1)
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.banner)
        column.addLayout(row, 1)
        self.set_content(body)
        self.accuracy = Accuracy()
        self.accuracy.hide()
        self.add_to_header(self.accuracy)
        self._untrained = False
        self._beat = -1
        self._draws = 0

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        untrained = view.card.weights == "untrained"
        if untrained != self._untrained:
            self._untrained = untrained
            self.banner.setVisible(untrained)
            self.curves.apply_theme(self.theme, untrained)
        newest = view.readings.get()
        if view.blind:
            self.empty.say(BLIND)
        self.show_content(there=newest is not None and not view.blind)
        if newest is None or view.blind:
            return
        beat = int(view.now() // view.grid.hop_s)
        if beat != self._beat:
            self._beat = beat
            self.curves.show_history(view.history(SECONDS), beat * view.grid.hop_s, view.grid.hop_s)
        if self._draws % FIGURES_EVERY == 0:
            stale = view.now() - newest.value.end > STALE_S
            self.figures.show_reading(newest.value, untrained, stale)
            self.accuracy.show_chance(newest.value.chance)
            self.accuracy.show()
        self._draws += 1

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.curves.apply_theme(theme, self._untrained)
