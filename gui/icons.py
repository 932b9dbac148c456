"""Icons drawn from outlines, so that they take the theme's colours and need no icon theme or font."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

_SIZE = 64  # drawn large, shown at 16


def _triangle(left: float, right: float) -> QPolygonF:
    return QPolygonF([QPointF(left, 14), QPointF(left, 50), QPointF(right, 32)])


def _outline(name: str) -> QPainterPath:
    """Return the filled shape of an icon on a ground of 64 × 64."""
    path = QPainterPath()
    if name == "play":
        path.addPolygon(_triangle(18, 50))
    elif name == "pause":
        path.addRect(QRectF(18, 14, 10, 36))
        path.addRect(QRectF(36, 14, 10, 36))
    elif name == "start":
        path.addRect(QRectF(14, 14, 7, 36))
        path.addPolygon(_triangle(50, 22))
    elif name == "step":
        path.addPolygon(_triangle(16, 42))
        path.addRect(QRectF(44, 14, 7, 36))
    elif name == "moon":
        path.addEllipse(QPointF(32, 32), 20, 20)
        bite = QPainterPath()
        bite.addEllipse(QPointF(42, 24), 18, 18)
        path = path.subtracted(bite)
    elif name == "sun":
        path.addEllipse(QPointF(32, 32), 11, 11)
    else:
        raise KeyError(name)
    return path


def icon(name: str, colour: QColor) -> QIcon:
    """One of play, pause, start, step, loop, moon, sun."""
    pixmap = QPixmap(_SIZE, _SIZE)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if name == "loop":
        painter.setPen(QPen(colour, 6))
        painter.drawArc(QRectF(14, 16, 36, 32), 60 * 16, 300 * 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawPolygon(QPolygonF([QPointF(36, 4), QPointF(36, 28), QPointF(54, 16)]))
    else:
        painter.fillPath(_outline(name), colour)
    if name == "sun":
        painter.setPen(QPen(colour, 5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        for n in range(8):
            painter.save()
            painter.translate(32, 32)
            painter.rotate(45 * n)
            painter.drawLine(QPointF(0, 18), QPointF(0, 26))
            painter.restore()
    painter.end()
    return QIcon(pixmap)


def program_icon() -> QIcon:
    """Return the program's icon: an eye whose pupil is lit, over the trace of a brain that answers."""
    sizes = (16, 32, 48, 64, 128, 256)
    icon_of_all = QIcon()
    for size in sizes:
        icon_of_all.addPixmap(_program_pixmap(size))
    return icon_of_all


def _program_pixmap(size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 64, size / 64)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#0d1013"))
    painter.drawRoundedRect(QRectF(1, 1, 62, 62), 13, 13)
    eye = QPainterPath(QPointF(8, 26))
    eye.quadTo(QPointF(32, 2), QPointF(56, 26))
    eye.quadTo(QPointF(32, 50), QPointF(8, 26))
    painter.setBrush(QColor("#12343a"))
    painter.drawPath(eye)
    painter.setBrush(QColor("#fde737"))
    painter.drawEllipse(QPointF(32, 26), 8, 8)
    trace = QPainterPath(QPointF(7, 51))
    for x, y in ((18, 51), (23, 45), (28, 56), (33, 42), (38, 55), (43, 49), (48, 51), (57, 51)):
        trace.lineTo(QPointF(x, y))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor("#52d6cc"), 3.2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPath(trace)
    painter.end()
    return pixmap
