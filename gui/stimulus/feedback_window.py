"""What the participant sees: a bar, a ring, or the film growing dark and bright. Nothing else."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage, QKeyEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from experiment.state import FeedbackShown, FeedbackStyle
from gui.overlay import fitted, rgb_image
from realtime.types import Frame

_GROUND = QColor("#000000")
_QUIET = QColor("#3a3f45")
_LIGHT = QColor("#52d6cc")
_MARK = QColor("#e7ebef")
_DARKEST = 0.85  # how much of the film's light is taken away at level 0


class FeedbackWindow(QWidget):
    """Shows a level from 0 to 1; where there is none (artefact, pause) it rests and pretends no value.

    Parameters
    ----------
    state : callable
        Returns the newest `FeedbackShown` or None.
    frame : callable, optional
        Returns the newest picture of the film, for `BRIGHTNESS`.
    """

    def __init__(
        self,
        state: Callable[[], FeedbackShown | None],
        style: FeedbackStyle = FeedbackStyle.BAR,
        frame: Callable[[], Frame | None] = lambda: None,
    ):
        super().__init__()
        self.setWindowTitle("Feedback")
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setCursor(Qt.CursorShape.BlankCursor)
        self.resize(640, 480)
        self.look = style
        self._state_of, self._frame_of = state, frame
        self._state: FeedbackShown | None = None
        self._image: QImage | None = None
        self._image_seq = -1

    def appear(self) -> None:
        """Come up: over the whole of the second screen where there is one, else as a window."""
        screens = QGuiApplication.screens()
        if len(screens) > 1:
            self.setGeometry(screens[1].geometry())
            self.showFullScreen()
        else:
            self.show()

    def draw(self) -> None:
        """Take the newest level and picture; called by the drawing timer."""
        state = self._state_of()
        frame = self._frame_of() if self.look is FeedbackStyle.BRIGHTNESS else None
        if frame is not None and frame.seq != self._image_seq:
            self._image, self._image_seq = rgb_image(frame.image), frame.seq
        elif state == self._state:
            return
        self._state = state
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Full screen with F11, close with Escape or F, as in the main window; Qt calls this."""
        if event.key() == Qt.Key.Key_F11:
            self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)
        elif event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F):
            self.close()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), _GROUND)
        {
            FeedbackStyle.BAR: self._paint_bar,
            FeedbackStyle.RING: self._paint_ring,
            FeedbackStyle.BRIGHTNESS: self._paint_film,
        }.get(self.look, self._paint_nothing)(painter)

    def _paint_nothing(self, painter: QPainter) -> None:
        """Black: what is heard, or is the film's speed, needs no picture."""

    @property
    def level(self) -> float | None:
        """What is shown, 0 to 1; None while it rests."""
        if self._state is None or self._state.level is None:
            return None
        return min(max(self._state.level, 0.0), 1.0)

    def _paint_bar(self, painter: QPainter) -> None:
        height, width = 0.7 * self.height(), max(24.0, 0.08 * self.width())
        well = QRectF((self.width() - width) / 2, 0.15 * self.height(), width, height)
        painter.setPen(QPen(_QUIET, 2))
        painter.drawRoundedRect(well, 6, 6)
        if self.level is None:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_LIGHT)
        filled = self.level * (height - 8)
        painter.drawRoundedRect(QRectF(well.left() + 4, well.bottom() - 4 - filled, width - 8, filled), 4, 4)
        threshold = self._state.threshold if self._state is not None else None
        if threshold is not None:
            y = well.bottom() - 4 - threshold * (height - 8)
            painter.setPen(QPen(_MARK, 3))
            painter.drawLine(QPointF(well.left() - 18, y), QPointF(well.left() - 6, y))
            painter.drawLine(QPointF(well.right() + 6, y), QPointF(well.right() + 18, y))

    def _paint_ring(self, painter: QPainter) -> None:
        """Draw the level as a radius: eyes may stay on the middle of the screen."""
        centre = QPointF(self.width() / 2, self.height() / 2)
        most = 0.4 * min(self.width(), self.height())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(_QUIET, 2))
        painter.drawEllipse(centre, most, most)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_MARK)
        painter.drawEllipse(centre, 3, 3)
        if self.level is not None:
            radius = (0.1 + 0.9 * self.level) * most
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(_LIGHT, 10))
            painter.drawEllipse(centre, radius, radius)

    def _paint_film(self, painter: QPainter) -> None:
        if self._image is None:
            return
        painter.drawImage(fitted(self._image.width(), self._image.height(), QRectF(self.rect())), self._image)
        if self.level is not None:
            painter.fillRect(self.rect(), QColor.fromRgbF(0, 0, 0, _DARKEST * (1 - self.level)))
