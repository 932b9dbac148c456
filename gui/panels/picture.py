"""A frame in its own shape with what is attended laid over it, in the frame's own geometry."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from experiment.state import AttendedShown
from gui.overlay import choice, fitted, heat, part, rgb_image, rgba_image, stands_out
from gui.theme import LIGHT, font
from realtime.gaze import GazePoint
from realtime.types import Attention, Frame, Rectangle

_GRID_UP_TO = 5  # rows or columns: a finer grid would lie over the picture like a net
_TRUTH, _UNDER = QColor("#ffffff"), QColor("#000000")  # dashes to be seen on any picture
_GAZE_PX = 9.0
_LEGEND = "dashed: attended · yellow: found"
_LEGEND_FROM_PX = 380  # of the picture's width: else it would run into the certainty
_CHOICE = QColor("#fde737")  # the bright end of the attention's colours


class Picture(QWidget):
    """A frame, the attention over its places, the place chosen and how surely, and the truth where known.

    Attributes
    ----------
    name : str
        Written into a corner; empty for none.
    overlay : bool
        Whether anything is laid over the frame.
    chosen : Rectangle or None
        The place that is outlined: the one attended most, where it stands out from chance.
    """

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.theme = LIGHT
        self.overlay = True
        self.chosen: Rectangle | None = None
        self.words = ""
        self._image: QImage | None = None
        self._heat: QImage | None = None
        self._layer: QPixmap | None = None  # map and grid as they lie over a frame of this size on the screen
        self._attended: AttendedShown | None = None
        self._shape = (0, 0)
        self.gaze: list[GazePoint] = []
        self.setMinimumSize(120, 60)

    def show_frame(self, frame: Frame) -> None:
        """Show this picture."""
        self._image = rgb_image(frame.image)
        self.update()

    def frame_colour(self, x: int, y: int) -> QColor:
        """Return the colour of one pixel of the frame that is shown; invalid where none is."""
        return QColor() if self._image is None else self._image.pixelColor(x, y)

    def show_attention(self, attention: Attention | None) -> None:
        """Lay the map over places over the picture; None takes it away."""
        self._heat, self._layer, self._shape, self.chosen, self.words = None, None, (0, 0), None, ""
        if attention is not None:
            sure = stands_out(attention)
            self._heat = rgba_image(heat(attention.places, sure=sure))
            self._shape = attention.places.shape
            self.chosen = choice(attention.places) if sure else None
            self.words = _certainty(attention)
        self.update()

    def show_gaze(self, gaze: list[GazePoint]) -> None:
        """Draw where was looked in the last moments, oldest first; the last is ringed."""
        if gaze != self.gaze:
            self.gaze = gaze
            self.update()

    def show_attended(self, attended: AttendedShown | None) -> None:
        """Draw the truth and the object found, where a virtual attender says which it is."""
        if attended != self._attended:
            self._attended = attended
            self.update()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        if self._image is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = fitted(self._image.width(), self._image.height(), QRectF(self.rect()))
        painter.drawImage(box, self._image)
        if self.overlay:
            self._paint_attention(painter, box)
        self._paint_gaze(painter, box)
        if self.name:
            _paint_words(painter, box, self.name, Qt.AlignmentFlag.AlignLeft)

    def _paint_attention(self, painter: QPainter, box: QRectF) -> None:
        if self._heat is not None:
            painter.drawPixmap(box.topLeft(), self._map(self._heat, box.size()))
        home = None if self._attended is None else self._attended.home
        found = self.chosen if home is None else home
        if found is not None:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(_CHOICE, 2.5))
            painter.drawRect(part(box, found).adjusted(1, 1, -1, -1))
        if self._attended is not None and self._attended.outline is not None:
            around = part(box, self._attended.outline).adjusted(-4, -4, 4, 4)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, line in ((_UNDER, Qt.PenStyle.SolidLine), (_TRUTH, Qt.PenStyle.DashLine)):
                painter.setPen(QPen(colour, 2, line))
                painter.drawRoundedRect(around, 4, 4)
        if self._attended is not None and not self.name and box.width() >= _LEGEND_FROM_PX:
            _paint_words(painter, box, _LEGEND, Qt.AlignmentFlag.AlignLeft)
        if self.words and not self.name:
            _paint_words(painter, box, self.words, Qt.AlignmentFlag.AlignRight)

    def _map(self, heat: QImage, size: QSizeF) -> QPixmap:
        """Return map and grid in this size; made once for each reading, not once for each frame."""
        ratio = self.devicePixelRatioF()
        pixels = (size * ratio).toSize()
        if self._layer is None or self._layer.size() != pixels:
            self._layer = QPixmap(pixels)
            self._layer.setDevicePixelRatio(ratio)
            self._layer.fill(Qt.GlobalColor.transparent)
            painter = QPainter(self._layer)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            whole = QRectF(QPointF(), size)
            painter.drawImage(whole, heat)
            self._paint_grid(painter, whole)
            painter.end()
        return self._layer

    def _paint_gaze(self, painter: QPainter, box: QRectF) -> None:
        if not self.gaze:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        places = [QPointF(box.left() + p.x * box.width(), box.top() + p.y * box.height()) for p in self.gaze]
        for colour, width in ((_UNDER, 4.0), (_TRUTH, 2.0)):
            painter.setPen(QPen(colour, width))
            painter.drawPolyline(places)
            painter.drawEllipse(places[-1], _GAZE_PX, _GAZE_PX)

    def _paint_grid(self, painter: QPainter, box: QRectF) -> None:
        rows, columns = self._shape
        if max(rows, columns) > _GRID_UP_TO:
            return
        painter.setPen(QPen(Qt.GlobalColor.white, 1))
        painter.setOpacity(0.18)
        for n in range(1, columns):
            x = box.left() + box.width() * n / columns
            painter.drawLine(round(x), round(box.top()), round(x), round(box.bottom()))
        for n in range(1, rows):
            y = box.top() + box.height() * n / rows
            painter.drawLine(round(box.left()), round(y), round(box.right()), round(y))
        painter.setOpacity(1.0)


def _certainty(attention: Attention) -> str:
    """How surely the place that leads stands out, in words."""
    if attention.certainty is None:
        return ""
    percent = f"{100 * attention.certainty:.0f} %"
    return f"stands out: {percent}" if stands_out(attention) else f"no place stands out ({percent})"


def _paint_words(painter: QPainter, box: QRectF, words: str, side: Qt.AlignmentFlag) -> None:
    """Write into a lower corner, on a dark ground so that it is legible on any picture."""
    painter.setFont(font(11))
    metrics = painter.fontMetrics()
    text = metrics.elidedText(words, Qt.TextElideMode.ElideMiddle, int(box.width()) - 26)
    width = metrics.horizontalAdvance(text) + 14
    left = box.left() + 6 if side is Qt.AlignmentFlag.AlignLeft else box.right() - 6 - width
    plate = QRectF(left, box.bottom() - 26, width, 20)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.GlobalColor.black)
    painter.setOpacity(0.62)
    painter.drawRoundedRect(plate, 4, 4)
    painter.setOpacity(1.0)
    painter.setPen(Qt.GlobalColor.white)
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
