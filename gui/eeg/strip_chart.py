"""Traces on a picture that moves to the left: each sample is drawn once, when it comes.

Drawing 64 channels of ten seconds at each frame takes tens of milliseconds; moving the picture and
drawing what is new takes about one. The picture moves by whole pixels on an absolute grid of time, so a trace
keeps its shape to the pixel while it travels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from realtime.types import FloatArray, TimeArray

_AGAIN_PX = 4  # drawn again with what is new: the corner of a line reaches back over the pixels before it
_AHEAD_PX = 8  # kept beyond the right edge: what reaches past it now is shown by the next frame
_LATER_S = 0.25  # samples further ahead of the moment to be shown belong to another place


@dataclass(frozen=True)
class TraceStyle:
    """How traces look; when it changes everything is drawn again.

    Attributes
    ----------
    size : (int, int)
        Width and height in device pixels.
    scales : tuple of int
        What the row of each channel spans, in its unit.
    bad : tuple of bool
        For each channel; bad ones keep to their row and are drawn in `quiet`.
    trace, quiet : str
        Colours as `#rrggbb`.
    line_px : int
        Width of a line in device pixels.
    filtered : str
        Name of the filter the samples went through.
    """

    size: tuple[int, int]
    scales: tuple[int, ...]
    bad: tuple[bool, ...]
    trace: str
    quiet: str
    line_px: int
    filtered: str = ""


class StripChart:
    """The picture: `shown` is the part of it that ends at the time last given to `draw`."""

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.pixmap = QPixmap()
        self._style: TraceStyle | None = None
        self._edge = 0  # absolute column (device pixel) of the right edge
        self._drawn_to = -math.inf  # time of the newest sample drawn

    @property
    def shown(self) -> QRectF:
        """The part of the picture that is to be shown, device pixels."""
        return QRectF(0, 0, self.pixmap.width() - _AHEAD_PX, self.pixmap.height())

    def prepare(self, now: float, style: TraceStyle) -> float:
        """Begin again where the look changed or time jumped; return the seconds of EEG that `draw` needs."""
        moved = int(now * style.size[0] / self.seconds) - self._edge
        if style != self._style or not 0 <= moved < style.size[0]:
            self._begin(now, style)
        return min(now - self._drawn_to + 2 * self._again_s, self.seconds)

    def draw(self, now: float, times: TimeArray, samples: FloatArray) -> None:
        """Move the picture to `now` and add the samples that are newer than those drawn.

        Parameters
        ----------
        times : array of shape (n,), s
        samples : array of shape (n, n_channels), µV, NaN where nothing is known
        """
        self._scroll(now)
        if len(times) and times[-1] > now + _LATER_S:
            return  # a replay was sought back, and these are still those of the place it left
        first = int(np.searchsorted(times, self._drawn_to - self._again_s))
        if len(times) - first >= 2 and times[-1] > self._drawn_to:
            self._add(times[first:], samples[first:])
            self._drawn_to = float(times[-1])

    @property
    def _again_s(self) -> float:
        """How far back samples are drawn again: some pixels more than are cleared for them."""
        assert self._style is not None
        return 2 * _AGAIN_PX / self._columns_a_second(self._style) + 0.02

    def _columns_a_second(self, style: TraceStyle) -> float:
        return style.size[0] / self.seconds

    def _begin(self, now: float, style: TraceStyle) -> None:
        self._style = style
        self._edge = int(now * self._columns_a_second(style))
        self._drawn_to = -math.inf
        width, height = style.size[0] + _AHEAD_PX, style.size[1]
        if (self.pixmap.width(), self.pixmap.height()) != (width, height):
            self.pixmap = QPixmap(width, height)
        self.pixmap.fill(Qt.GlobalColor.transparent)

    def _scroll(self, now: float) -> None:
        assert self._style is not None
        edge = int(now * self._columns_a_second(self._style))
        moved, self._edge = edge - self._edge, edge
        if moved:
            width, height = self.pixmap.width(), self.pixmap.height()
            self.pixmap.scroll(-moved, 0, self.pixmap.rect())
            painter = QPainter(self.pixmap)
            _clear(painter, QRect(width - moved, 0, moved, height))
            painter.end()

    def _add(self, times: TimeArray, samples: FloatArray) -> None:
        style = self._style
        assert style is not None
        n = samples.shape[1]
        row = style.size[1] / n
        bad = np.array(style.bad)
        values = samples.astype(np.float64)
        values /= np.array(style.scales, np.float64)
        values[:, bad] = np.clip(values[:, bad], -0.5, 0.5)
        offset = style.size[0] - self._edge
        x = times * self._columns_a_second(style) + offset
        y = (np.arange(n) + 0.5) * row - values * row
        known = np.isfinite(y)
        joined = known.copy()
        joined[:-1] &= known[1:]
        y = np.where(known, y, 0.0)
        fresh = self.pixmap.rect()
        if math.isfinite(self._drawn_to):
            fresh.setLeft(int(self._drawn_to * self._columns_a_second(style) + offset) - _AGAIN_PX)
        painter = QPainter(self.pixmap)
        _clear(painter, fresh)
        painter.setClipRect(fresh)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        # The pen is one pixel wide whatever the screen: Qt strokes a wider one as a shape, which takes fifty
        # times as long. Where pixels are small the line is drawn again beside itself.
        for channel in range(n):
            painter.setPen(QPen(QColor(style.quiet if bad[channel] else style.trace), 1))
            path = pg.arrayToQPath(x, y[:, channel], connect=joined[:, channel], finiteCheck=False)
            for beside in range(style.line_px):
                painter.drawPath(path.translated(0, beside))
        painter.end()


def _clear(painter: QPainter, box: QRect) -> None:
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
    painter.fillRect(box, Qt.GlobalColor.transparent)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
