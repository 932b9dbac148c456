"""Does it match, and can that be trusted: similarity on the band of chance, match, running accuracy."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from experiment.state import BLIND, LEAST_N, View
from gui import captions
from gui import theme as themes
from gui.panel import Numbers, Panel, label, set_text, set_tone
from gui.panels.curves import MATCH_SHARE, SECONDS, SIMILARITY_SHARE, Curves
from gui.theme import Theme
from gui.verdict import Judge, Verdict
from realtime.types import Chance, OtherReading, Reading

_AROUND_PX = 36  # a verdict's own margins, and the distance to the curves


def signed(value: float) -> str:
    """Write a similarity with its sign and two digits."""
    return f"{value:+.2f}".replace("-", "−")


class Figures(QWidget):
    """The numbers beside the curves, each beside its own; they change twice a second."""

    def __init__(self) -> None:
        super().__init__()
        bold = QFontMetrics(themes.font(themes.SMALL_PX, bold=True))
        longest = max(bold.horizontalAdvance(verdict.word) for verdict in Verdict)
        self.setFixedWidth(max(146, longest + _AROUND_PX))
        self.similarity = label("–", role="figure", tone="accent")
        self.similarity.setToolTip(captions.SIMILARITY_NOW.tip)
        self.verdict = label(role="chip")
        self.verdict.setToolTip(captions.VERDICT.tip)
        self.percentile = label(role="note")
        self.percentile.setToolTip(captions.PERCENTILE.tip)
        self.others = label(role="note")
        self.others.setToolTip(captions.OTHERS.tip)
        self.others.hide()
        self.match = label("–", role="value", tone="accent")
        self.match.setToolTip(captions.MATCH.tip)
        similarity = _column(self.similarity, self.verdict, 4, self.percentile, 4, self.others)
        similarity.addStretch()
        match = _column(label("Match", role="note"), self.match)
        match.addStretch()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 12, 0)
        column.setSpacing(0)
        column.addLayout(similarity, SIMILARITY_SHARE)
        column.addLayout(match, MATCH_SHARE)

    def show_verdict(self, judged: Judge) -> None:
        """Show the figures of the reading that was judged, with the word of the verdict."""
        reading, verdict = judged.reading, judged.verdict
        if reading is None:
            return
        set_text(self.similarity, signed(reading.similarity))
        set_text(self.match, f"{reading.match:.2f}")
        set_text(self.verdict, verdict.word)
        set_tone(self.verdict, verdict.tone)
        quiet = verdict in (Verdict.UNTRAINED, Verdict.STANDING)
        for figure in (self.similarity, self.match):
            set_tone(figure, "muted" if quiet else "accent")
        beats = reading.chance.percentile
        set_text(self.percentile, "" if beats is None else f"beats {100 * beats:.0f} % of others")
        self.others.setVisible(bool(reading.others))
        set_text(self.others, "\n".join(map(_other, range(2, 2 + len(reading.others)), reading.others)))


def _other(number: int, video: OtherReading) -> str:
    return f"Video {number}  {signed(video.similarity) if video.enough else '–'}"


def _column(*parts: QWidget | int) -> QVBoxLayout:
    """Put widgets under each other; a number is a space of so many pixels."""
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
        self.setToolTip(captions.TWO_WAY.tip)

    def show_chance(self, chance: Chance) -> None:
        """Show the running accuracy, once it stands on enough windows to mean something."""
        enough = chance.n >= LEAST_N and chance.two_way is not None
        set_text(self.value, f"{chance.two_way:.2f}" if enough else "–")
        if enough and chance.two_way_ci is not None:
            low, high = chance.two_way_ci
            set_text(self.interval, f"[{low:.2f}, {high:.2f}]  n = {chance.n}")
        else:
            set_text(self.interval, f"n = {chance.n} of {LEAST_N}")


class SimilarityPanel(Panel):
    """The answer, and how far to trust it."""

    def __init__(self) -> None:
        super().__init__(captions.SIMILARITY)
        self.figures, self.curves = Figures(), Curves()
        self.banner = label(captions.UNTRAINED, role="banner")
        self.banner.setWordWrap(True)
        self.banner.hide()
        self.add_above(self.banner)
        body = QWidget()
        row = QHBoxLayout(body)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.figures)
        row.addWidget(self.curves.canvas, 1)
        self.set_content(body)
        self.accuracy = Accuracy()
        self.accuracy.hide()
        self.add_to_header(self.accuracy)
        self._untrained = False
        self._beat = -1

    def show_verdict(self, judged: Judge) -> None:
        """Show what the newest readings come to; called twice a second."""
        self.figures.show_verdict(judged)
        if judged.reading is not None:
            self.accuracy.show_chance(judged.reading.chance)

    def refresh(self, view: View) -> None:
        """Draw the curves up to the newest reading; called by the drawing timer."""
        untrained = view.card.weights == "untrained"
        if untrained != self._untrained:
            self._untrained = untrained
            self.banner.setVisible(untrained)
            self.curves.apply_theme(self.theme, untrained=untrained)
        shown = view.readings.get() is not None and not view.blind
        self.empty.say(BLIND if view.blind else captions.AFTER_READING)
        self.show_content(there=shown)
        self.accuracy.setVisible(shown and self.age.isHidden())
        beat = int(view.now() // view.grid.hop_s)
        if shown and beat != self._beat:
            self._beat = beat
            self.curves.show_history(view.history(SECONDS), beat * view.grid.hop_s, view.grid.hop_s)

    def numbers(self, view: View) -> Numbers:
        """Return the readings of the last minute; none in a blind session."""
        columns = ("time_s", "similarity", "match", "chance_low", "chance_high", "percentile", "two_way", "n")
        if view.blind:
            return Numbers(columns, ())
        return Numbers(columns, [_row(reading) for reading in view.history(SECONDS)])

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.curves.apply_theme(theme, untrained=self._untrained)


def _row(reading: Reading) -> tuple[object, ...]:
    """Return a reading as a line of the table that is saved."""
    chance = reading.chance
    low, high = chance.band or (None, None)
    shown = chance.two_way if chance.n >= LEAST_N else None
    return reading.end, reading.similarity, reading.match, low, high, chance.percentile, shown, chance.n
