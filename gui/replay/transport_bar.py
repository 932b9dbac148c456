"""The controls of a replay: play, pause, step, speed, loop, and the time line with what happened on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import QBrush, QMouseEvent, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QToolButton, QWidget

from experiment.state import Transport, View
from gui import captions
from gui.icons import icon
from gui.panel import label, set_text
from gui.theme import LIGHT, Theme

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, math.inf)
_SEEK_S = 5.0
_WHOLE_S = 1e9  # longer than any session: its whole past
Curve = Sequence[tuple[float, float]]


def speed_words(speed: float) -> str:
    """Write a speed as on the button."""
    return "max" if math.isinf(speed) else f"{speed:g}×"


def minutes(seconds: float) -> str:
    """Minutes and seconds with a tenth, as mm:ss.t."""
    tenths = int(max(seconds, 0) * 10)
    return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"


class TimeLine(QWidget):
    """Start to end of the session: markers as ticks, gaps in the EEG as holes, a place to grasp.

    The similarity is drawn as far as it was played, and faintly as it was recorded with the session.
    """

    sought = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self._span = (0.0, 1.0)
        self._position = 0.0
        self._markers: list[float] = []
        self._gaps: Curve = ()
        self._curve: Curve = ()
        self._recorded: Curve = ()
        self._join_s = 0.0
        self._drawn: QPixmap | None = None
        self.setMinimumSize(120, 30)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setToolTip(
            "Click to go there (← and → move by 5 s). The line is the similarity, faint as it was recorded "
            "then; ticks are markers, hatched parts have no EEG"
        )

    def show_position(self, span: tuple[float, float], position: float) -> None:
        """Show where the replay is, in seconds on the session's clock."""
        if (span, position) != (self._span, self._position):
            self._span, self._position = span, position
            self.update()

    def show_past(
        self, markers: list[float], gaps: Curve, curve: Curve, recorded: Curve, join_s: float
    ) -> None:
        """Markers, gaps as (start, end), and the similarity now and when it was recorded as (time, value).

        Points further apart than `join_s` are not joined.
        """
        shown = (markers, gaps, curve, recorded, join_s)
        if shown != (self._markers, self._gaps, self._curve, self._recorded, self._join_s):
            self._markers, self._gaps, self._curve, self._recorded, self._join_s = shown
            self._drawn = None
            self.update()

    def retheme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme, self._drawn = theme, None
        self.update()

    def _x(self, t: float) -> float:
        start, end = self._span
        return 6 + (t - start) / max(end - start, 1e-9) * (self.width() - 12)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to the place under the mouse; Qt calls this."""
        self._seek(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go along with the mouse while its button is held; Qt calls this."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._seek(event)

    def _seek(self, event: QMouseEvent) -> None:
        share = np.clip((event.position().x() - 6) / max(self.width() - 12, 1), 0, 1)
        self.sought.emit(self._span[0] + float(share) * (self._span[1] - self._span[0]))

    def resizeEvent(self, event: object) -> None:
        """Draw the past again in the new size; Qt calls this."""
        self._drawn = None

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        if self._drawn is None:
            self._drawn = self._draw_past()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, self._drawn)
        x = self._x(self._position)
        painter.setPen(QPen(self.theme.colour("text"), 2))
        painter.drawLine(QLineF(x, 1, x, self.height() - 1))
        painter.setBrush(self.theme.colour("text"))
        painter.drawEllipse(QPointF(x, self.height() / 2), 4, 4)

    def _draw_past(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap((QSizeF(self.size()) * ratio).toSize())
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(self.theme.colour("panel"))
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        well = QRectF(6, 3, self.width() - 12, self.height() - 6)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("sunk"))
        painter.drawRoundedRect(well, 3, 3)
        for start, stop in self._gaps:
            hole = QRectF(self._x(start), well.top(), max(2.0, self._x(stop) - self._x(start)), well.height())
            painter.fillRect(hole, self.theme.colour("warn_fill"))
            painter.fillRect(hole, QBrush(self.theme.colour("warn"), Qt.BrushStyle.BDiagPattern))
        painter.setPen(QPen(self.theme.colour("quiet"), 1))
        for stamp in self._markers:
            x = self._x(stamp)
            painter.drawLine(QLineF(x, well.bottom() - 6, x, well.bottom()))
        reach = max(0.25, max((abs(value) for _, value in (*self._curve, *self._recorded)), default=0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for curve, tone, width in ((self._recorded, "quiet", 1.0), (self._curve, "accent", 1.2)):
            painter.setPen(QPen(self.theme.colour(tone), width))
            painter.drawPath(self._path(curve, well, reach))
        painter.end()
        return pixmap

    def _path(self, curve: Curve, well: QRectF, reach: float) -> QPainterPath:
        path, before = QPainterPath(), -np.inf
        for t, value in curve:
            at = QPointF(self._x(t), well.center().y() - value / reach * (well.height() / 2 - 2))
            (path.lineTo if t - before <= self._join_s else path.moveTo)(at)
            before = t
        return path


class TransportBar(QFrame):
    """Shown in replay only."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.theme = LIGHT
        self._transport: Transport | None = None
        self._past: dict[int, float] = {}  # similarity by number of the interval: the view keeps two minutes
        self._shows_pause: bool | None = None
        self.to_start = self._button("start", "To the start (Home)")
        self.play_pause = self._button("play", "Play or pause (Space)")
        self.step = self._button("step", "One reading on (.)")
        self.loop = self._button("loop", "Begin again at the end (L)")
        self.loop.setCheckable(True)
        self.speed = QToolButton(popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        self.speed.setToolTip("Speed, 1× is as recorded ([ and ])")
        self.speed.setMinimumWidth(56)
        speeds = QMenu(self.speed)
        for speed in SPEEDS:
            speeds.addAction(speed_words(speed), partial(self._set_speed, speed))
        self.speed.setMenu(speeds)
        self.line = TimeLine()
        self.time = label()
        self.time.setToolTip(captions.REPLAY_TIME.tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 4, 12, 4)
        row.setSpacing(6)
        for widget in (self.to_start, self.play_pause, self.step, self.loop, self.speed):
            row.addWidget(widget)
        row.addWidget(self.line, 1)
        row.addWidget(self.time)
        self.to_start.clicked.connect(self.rewind)
        self.play_pause.clicked.connect(self.toggle)
        self.step.clicked.connect(self.one_step)
        self.loop.clicked.connect(self._set_loop)
        self.line.sought.connect(self._seek)

    @staticmethod
    def _button(name: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setProperty("icon_name", name)
        button.setIconSize(QSize(16, 16))
        button.setToolTip(tip)
        button.setAccessibleName(tip.partition(" (")[0])
        return button

    def refresh(self, view: View) -> None:
        """Show position and switches; called by the drawing timer."""
        transport = self._transport = view.transport
        self.setVisible(transport is not None)
        if transport is None:
            return
        span = (transport.start, transport.end)
        self.line.show_position(span, transport.position)
        set_text(self.time, f"{minutes(transport.position - span[0])} / {minutes(span[1] - span[0])}")
        self.loop.setChecked(transport.loop)
        if self.speed.text() != speed_words(transport.speed):
            self.speed.setText(speed_words(transport.speed))
        if self._shows_pause is not transport.playing:
            self._shows_pause = transport.playing
            self.play_pause.setIcon(icon("pause" if transport.playing else "play", self.theme.colour("text")))

    def refresh_past(self, view: View) -> None:
        """Show what was played so far and the markers; called twice a second, for both may be long."""
        transport = view.transport
        if transport is not None:
            hop = view.grid.hop_s
            self._past |= {reading.index: reading.similarity for reading in view.history(_WHOLE_S)}
            curve = [(index * hop, self._past[index]) for index in sorted(self._past)]
            markers = [stamp for stamp, _ in view.markers(_WHOLE_S)]
            self.line.show_past(markers, transport.gaps, curve, transport.recorded, 1.5 * hop)

    def toggle(self) -> None:
        """Play or pause."""
        if self._transport is not None:
            (self._transport.pause if self._transport.playing else self._transport.play)()

    def one_step(self) -> None:
        """Go on by one reading and stand still."""
        if self._transport is not None:
            self._transport.step()

    def rewind(self) -> None:
        """Go to the start."""
        if self._transport is not None:
            self._transport.seek(self._transport.start)

    def skip(self, steps: int) -> None:
        """Go back or on by 5 s a step."""
        if self._transport is not None:
            self._seek(self._transport.position + steps * _SEEK_S)

    def change_speed(self, step: int) -> None:
        """Take the next faster (`step` > 0) or slower speed."""
        if self._transport is not None:
            place = (
                SPEEDS.index(self._transport.speed) if self._transport.speed in SPEEDS else SPEEDS.index(1.0)
            )
            self._transport.speed = SPEEDS[min(max(place + step, 0), len(SPEEDS) - 1)]

    def toggle_loop(self) -> None:
        """Begin again at the end, or stop there."""
        self._set_loop(self._transport is not None and not self._transport.loop)

    def _set_loop(self, on: bool) -> None:
        if self._transport is not None:
            self._transport.loop = on

    def _set_speed(self, speed: float) -> None:
        if self._transport is not None:
            self._transport.speed = speed

    def _seek(self, t: float) -> None:
        if self._transport is not None:
            self._transport.seek(min(max(t, self._transport.start), self._transport.end))

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self._shows_pause = None
        for button in (self.to_start, self.play_pause, self.step, self.loop):
            button.setIcon(icon(button.property("icon_name"), theme.colour("text")))
        self.line.retheme(theme)
