"""Charts as SVG text, for reports that need no library, no script and no server.

Colours are left to the page: shapes carry class names (`line`, `band`, `span`, `rule`, `bar`, …), so one
style sheet serves light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Words = Callable[[float], str]

WIDTH = 960  # of every chart that takes the whole page, in its own units
_LEFT, _RIGHT, _BOTTOM = 52, 12, 26
_MANY = 60  # events, more of which would hide what is drawn
_LETTER, _ROW = 6.4, 14  # about the width of a letter at 11 px, and the height of a row of them


def clock_words(seconds: float) -> str:
    """0:00, 12:34 or 1:02:03; tenths where they matter."""
    whole, tenth = divmod(round(abs(seconds) * 10), 10)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    text = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    return ("-" if seconds < 0 else "") + text + (f".{tenth}" if tenth else "")


def nice_ticks(low: float, high: float, about: int, steps: Sequence[float] = (1, 2, 5, 10)) -> list[float]:
    """Round numbers from `low` to `high`, about so many."""
    rough = (high - low) / max(about, 1)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(s * size for s in steps if s * size >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 10) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def time_ticks(low: float, high: float, about: int = 8) -> list[float]:
    """As `nice_ticks`, on whole seconds, minutes and hours."""
    rough = (high - low) / about
    steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200]
    step = next((s for s in steps if s >= rough), math.ceil(rough / 3600) * 3600)
    return [float(k * step) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


class Chart:
    """One pair of axes, drawn upon from back to front.

    Parameters
    ----------
    title : str
        What it shows, for those who cannot see it.
    x, y : (float, float)
        What the axes span, in data's units.
    height, width : int
        In the chart's own units; the page scales it.
    top : int
        Room above the axes, for labels.
    left : int
        Room for the figures of the y axis.
    """

    def __init__(
        self,
        title: str,
        x: tuple[float, float],
        y: tuple[float, float],
        height: int,
        width: int = WIDTH,
        top: int = 8,
        left: int = _LEFT,
    ):
        self._title, self._x, self._y = title, x, y
        self._width, self._height = width, height
        self._area = left, top, width - _RIGHT, height - _BOTTOM  # left, top, right, bottom
        self._parts: list[str] = []

    def px(self, x: float) -> float:
        """Where a value of x lies."""
        left, _, right, _ = self._area
        return left + (x - self._x[0]) / (self._x[1] - self._x[0]) * (right - left)

    def py(self, y: float) -> float:
        """Where a value of y lies."""
        _, top, _, bottom = self._area
        return bottom - (y - self._y[0]) / (self._y[1] - self._y[0]) * (bottom - top)

    def axes(
        self, x_ticks: Sequence[float], y_ticks: Sequence[float], x_words: Words = "{:g}".format,
        y_words: Words = "{:g}".format,
    ) -> Chart:  # fmt: skip
        """Lines behind the data at the ticks of y, and the figures of both."""
        left, _, right, bottom = self._area
        for y in y_ticks:
            at = self.py(y)
            self._add(f'<line class="grid" x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
            self.text(left - 8, at + 4, y_words(y), "figure end")
        self._add(f'<line class="axis" x1="{left}" x2="{right}" y1="{bottom}" y2="{bottom}"/>')
        for x in x_ticks:
            self._add(f'<line class="axis" x1="{self.px(x):.1f}" x2="{self.px(x):.1f}" y1="{bottom}" '
                      f'y2="{bottom + 4}"/>')  # fmt: skip
            words = x_words(x)
            beyond = self.px(x) + _LETTER * len(words) / 2 > self._width
            self.text(
                right if beyond else self.px(x), bottom + 17, words, f"figure {'end' if beyond else 'middle'}"
            )
        return self

    def band(self, x: Values, low: Values, high: Values) -> Chart:
        """Draw the area between two curves, each (n,); where either is nan there is none."""
        for run in _runs(x, np.isfinite(low) & np.isfinite(high)):
            run = _thinned(run)
            upper = [f"{self.px(x[i]):.1f},{self.py(high[i]):.1f}" for i in run]
            lower = [f"{self.px(x[i]):.1f},{self.py(low[i]):.1f}" for i in run[::-1]]
            self._add(f'<polygon class="band" points="{" ".join(upper + lower)}"/>')
        return self

    def line(self, x: Values, y: Values, name: str = "line") -> Chart:
        """Draw a curve of x and y, each (n,), broken where y is nan or x pauses."""
        for run in _runs(x, np.isfinite(y)):
            columns = np.round([self.px(x[i]) * 2 for i in run]).astype(int)
            kept = _extremes(run, columns, y)
            points = " ".join(f"{self.px(x[i]):.1f},{self.py(y[i]):.1f}" for i in kept)
            self._add(f'<polyline class="{name}" points="{points}"/>')
        return self

    def span(self, start: float, stop: float, name: str, title: str = "") -> Chart:
        """Shade a stretch of x, from top to bottom."""
        _, top, _, bottom = self._area
        return self.box(start, stop, top, bottom - top, name, title)

    def box(self, start: float, stop: float, top: float, height: float, name: str, title: str = "") -> Chart:
        """Draw a stretch of x, at a height of the chart's own units."""
        at, to = self.px(start), self.px(stop)
        tip = f"<title>{escape(title)}</title>" if title else ""
        self._add(f'<rect class="{name}" x="{at:.1f}" y="{top:.1f}" width="{max(to - at, 1):.1f}" '
                  f'height="{height:.1f}">{tip}</rect>')  # fmt: skip
        return self

    def rule_y(self, y: float, label: str = "") -> Chart:
        """Draw a line across, such as a threshold."""
        left, _, right, _ = self._area
        at = self.py(y)
        self._add(f'<line class="rule" x1="{left}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>')
        if label:
            self.text(left + 4, at - 5, label, "note")
        return self

    def rule_x(self, x: float, label: str = "") -> Chart:
        """Draw a line from top to bottom, with a word on top."""
        _, top, _, bottom = self._area
        at = self.px(x)
        self._add(f'<line class="rule" x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{bottom}"/>')
        if label:
            side = "end" if at > self._width - _RIGHT - _LETTER * len(label) / 2 else "middle"
            self.text(at, top - 5, label, f"note {side}")
        return self

    def events(self, events: Sequence[tuple[float, str]]) -> Chart:
        """Lines with words on top in two rows, as far as there is room; where they are many, short lines."""
        _, top, right, bottom = self._area
        bottom = bottom if len(events) <= _MANY else top + 8
        free = [-math.inf, -math.inf]
        for x, text in events:
            at = self.px(x)
            self._add(f'<line class="event" x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{bottom}">'
                      f"<title>{clock_words(x)} {escape(text)}</title></line>")  # fmt: skip
            word = text if len(text) <= 22 else text[:21] + "…"
            row = next((r for r in (0, 1) if at > free[r]), None)
            if row is not None and at + _LETTER * len(word) < right + _RIGHT:
                self.text(at, top - 5 - row * _ROW, word, "note")
                free[row] = at + _LETTER * len(word) + 6
        return self

    def bars(self, edges: Values, heights: Values, name: str = "bar") -> Chart:
        """Draw a histogram: heights (n,) between edges (n + 1,)."""
        _, _, _, bottom = self._area
        for a, b, h in zip(edges, edges[1:], heights, strict=False):
            if h > 0:
                at, to, up = self.px(a) + 0.5, self.px(b) - 0.5, self.py(h)
                self._add(f'<rect class="{name}" x="{at:.1f}" y="{up:.1f}" '
                          f'width="{max(to - at, 0.5):.1f}" height="{bottom - up:.1f}"/>')  # fmt: skip
        return self

    def text(self, x: float, y: float, words: str, name: str) -> Chart:
        """Words at a place in the chart's own units."""
        self._add(f'<text class="{name}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>')
        return self

    def __str__(self) -> str:
        """Return the chart as SVG."""
        return (
            f'<svg viewBox="0 0 {self._width} {self._height}" role="img" aria-label="{escape(self._title)}">'
            + "".join(self._parts)
            + "</svg>"
        )

    def _add(self, part: str) -> None:
        self._parts.append(part)


def _runs(x: Values, there: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Find the indices of each stretch without a hole: none missing, and no pause of three usual steps."""
    at = np.flatnonzero(there)
    if len(at) < 2:
        return [at] if len(at) else []
    usual = float(np.median(np.diff(x[at])))
    return np.split(at, np.flatnonzero((np.diff(at) > 1) | (np.diff(x[at]) > 3 * usual)) + 1)


def _thinned(run: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most some two thousand of them, the last among them: what changes slowly needs no more."""
    return np.append(run[:: max(1, len(run) // WIDTH)], run[-1])


def _extremes(run: NDArray[np.int64], columns: NDArray[np.int64], y: Values) -> NDArray[np.int64]:
    """Of the points in each column of half a unit the lowest and the highest, in the order of time."""
    if len(run) <= 2 * WIDTH:
        return run
    kept = []
    for column in np.split(run, np.flatnonzero(np.diff(columns)) + 1):
        kept += sorted({int(column[np.argmin(y[column])]), int(column[np.argmax(y[column])])})
    return np.array(kept)
