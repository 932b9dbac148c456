"""How a training went, as a picture in its folder: the loss of every step, and looks at what was held out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.learning.training.fit import Progress
from recordings.report.svg import WIDTH, Chart, nice_ticks

FILE = "curves.svg"
_HEIGHT, _TOP, _SMOOTH = 240, 24, 15  # of a chart, room above its axes, steps that are averaged
_STYLE = """
svg { font-family: sans-serif } rect.page { fill: #ffffff } text { font-size: 11.5px; fill: #55606c }
.end { text-anchor: end } .middle { text-anchor: middle } .title { font-size: 14px; fill: #14191f }
.grid { stroke: #e4e8ec } .axis { stroke: #d3d9df } .rule { stroke: #3b4653; stroke-dasharray: 4 3 }
.line { fill: none; stroke: #0b6a75; stroke-width: 1.6 } .faint { fill: none; stroke: #b6c6cc }
.second { fill: none; stroke: #8a4f00; stroke-width: 1.6 }
"""


class TrainingCurves:
    """Hears of every step of a training, and passes it on.

    Parameters
    ----------
    report : callable, optional
        Who else is to hear it.
    """

    def __init__(self, report: Callable[[Progress], None] | None = None) -> None:
        self._report = report
        self._loss: list[float] = []
        self._looks: list[tuple[int, float, float | None]] = []
        self._begun = [0]  # at which of all steps each part of the work begins
        self._last = 0

    def __call__(self, progress: Progress) -> None:
        """Take a step; steps that begin anew are another part of the work."""
        if progress.step <= self._last:
            self._begun.append(len(self._loss))
        self._last = progress.step
        self._loss.append(progress.loss)
        if (found := progress.validation) is not None:
            self._looks.append((len(self._loss), found.similarity, found.match))
        if self._report is not None:
            self._report(progress)

    def write(self, folder: Path) -> Path | None:
        """Draw what was heard into a folder; None where there was no step."""
        if not self._loss:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        charts = [self._losses(), *([self._accuracies()] if self._looks else [])]
        height = _HEIGHT * len(charts)
        drawn = "".join(_as_group(str(chart), _HEIGHT * k) for k, chart in enumerate(charts))
        path = folder / FILE
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
            f'viewBox="0 0 {WIDTH} {height}"><style>{_STYLE}</style>'
            f'<rect class="page" width="{WIDTH}" height="{height}"/>{drawn}</svg>\n',
            encoding="utf-8",
        )
        return path

    def _losses(self) -> Chart:
        values = np.array(self._loss)
        seen = values[np.isfinite(values)]
        high = float(np.quantile(seen, 0.99)) if len(seen) else 1.0
        span = min(0.0, float(seen.min(initial=0.0))), max(high * 1.05, 1e-6)
        chart = self._axes("Loss by step; thick: mean of 15 steps", span, nice_ticks(*span, 5))
        for start, stop in pairwise([*self._begun, len(values)]):
            steps, part = np.arange(start + 1.0, stop + 1), values[start:stop]
            chart.line(steps, np.clip(part, *span), "faint").line(steps, np.clip(_smoothed(part), *span))
        return chart

    def _accuracies(self) -> Chart:
        words = "Of two videos, the right one, on what was held out; brown: match"
        chart = self._axes(words, (0.4, 1.0), (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)).rule_y(0.5, "chance")
        for start, stop in pairwise([*self._begun, len(self._loss)]):
            looks = np.array([look for look in self._looks if start < look[0] <= stop], np.float64).reshape(
                -1, 3
            )
            chart.line(looks[:, 0], looks[:, 1]).line(looks[:, 0], looks[:, 2], "second")
        return chart

    def _axes(self, title: str, y: tuple[float, float], ticks: list[float] | tuple[float, ...]) -> Chart:
        x = 0.0, float(max(len(self._loss), 2))
        chart = Chart(title, x, y, _HEIGHT, top=_TOP).axes(nice_ticks(*x, 8), ticks)
        chart.text(chart.px(0), 15, title, "title")
        for step in self._begun[1:]:
            chart.rule_x(step)
        return chart


def _as_group(chart: str, top: int) -> str:
    """Return a chart as a part of a picture: not every viewer draws a picture within one."""
    inner = chart[chart.index(">") + 1 : -len("</svg>")]
    return f'<g transform="translate(0 {top})">{inner}</g>'


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each value of (n,) and those up to `_SMOOTH` before it."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    stop = np.arange(1, len(total))
    start = np.maximum(stop - _SMOOTH, 0)
    means: NDArray[np.float64] = (total[stop] - total[start]) / (stop - start)
    return means
