"""A walk through the panels: one is left bright, and a card says in plain words what it shows."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from gui.captions import TOUR
from gui.panel import Panel, label
from gui.theme import Theme

_CARD_PX = 320
_GAP_PX = 14


class Tour(QWidget):
    """Covers the page; everything but the panel that is explained is dimmed.

    Parameters
    ----------
    page : QWidget
        What is covered.
    places : mapping of str to QWidget
        The widgets that `captions.TOUR` names; hidden ones are passed over.
    """

    ended = Signal()

    def __init__(self, page: QWidget, places: Mapping[str, QWidget], theme: Theme):
        super().__init__(page)
        self.theme = theme
        self._page = page
        self._followed = (page.size(), QRect())
        self._places = places
        self._steps = [step for step in TOUR if places[step[0]].isVisible()]
        self._at = 0
        self.title, self.text, self.count = label(role="title"), label(), label(role="note")
        self.back, self.next = QPushButton("Back"), QPushButton("Next")
        self.card = self._make_card()
        self.show()
        self._show_step()

    def _make_card(self) -> QFrame:
        card = QFrame(self)
        card.setObjectName("panel")
        card.setFixedWidth(_CARD_PX)
        self.text.setWordWrap(True)
        self.back.clicked.connect(lambda: self.go(-1))
        self.next.clicked.connect(lambda: self.go(1))
        self.next.setDefault(True)
        buttons = QHBoxLayout()
        buttons.addWidget(self.count)
        buttons.addStretch()
        buttons.addWidget(self.back)
        buttons.addWidget(self.next)
        column = QVBoxLayout(card)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(10)
        column.addWidget(self.title)
        column.addWidget(self.text)
        column.addLayout(buttons)
        return card

    @property
    def place(self) -> str:
        """The name of what is explained now."""
        return self._steps[self._at][0]

    def go(self, steps: int) -> None:
        """On or back; past the last step the tour ends."""
        self._at += steps
        if self._at >= len(self._steps):
            self.ended.emit()
            return
        self._at = max(self._at, 0)
        self._show_step()

    def _show_step(self) -> None:
        _, title, text = self._steps[self._at]
        self.title.setText(title)
        self.text.setText(text)
        self.count.setText(f"{self._at + 1} of {len(self._steps)}")
        self.back.setEnabled(self._at > 0)
        self.next.setText("Done" if self._at == len(self._steps) - 1 else "Next")
        self.next.setFocus()
        self.follow()

    def follow(self) -> None:
        """Cover the page as it is now, and put the card beside what it explains."""
        self.resize(self._page.size())
        self.card.adjustSize()
        self.card.move(self._card_at(self._bright()))
        self._followed = (self._page.size(), self._bright())
        self.raise_()
        self.update()

    def _bright(self) -> QRect:
        widget = self._places[self.place]
        bright = self._on_page(widget)
        return bright | self._on_page(widget.header) if isinstance(widget, Panel) else bright

    def _on_page(self, widget: QWidget) -> QRect:
        return QRect(widget.mapTo(self._page, QPoint(0, 0)), widget.size())

    def _card_at(self, bright: QRect) -> QPoint:
        """Beside the panel where there is room, else over or under it, always inside the page."""
        width, height = self.card.width(), self.card.height()
        if bright.right() + _GAP_PX + width <= self.width():
            spot = QPoint(bright.right() + _GAP_PX, bright.top())
        elif bright.left() - _GAP_PX - width >= 0:
            spot = QPoint(bright.left() - _GAP_PX - width, bright.top())
        else:
            spot = QPoint(bright.left(), bright.top() - _GAP_PX - height)
        x = min(max(spot.x(), 8), self.width() - width - 8)
        y = min(max(spot.y(), 8), self.height() - height - 8)
        return QPoint(x, y)

    def follow_page(self) -> None:
        """Follow the page or its panels where they were resized; called by the drawing timer."""
        if (self._page.size(), self._bright()) != self._followed:
            self.follow()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bright = QRectF(self._bright()).adjusted(-1, -1, 1, 1)
        shade, hole = QPainterPath(), QPainterPath()
        shade.addRect(QRectF(self.rect()))
        hole.addRoundedRect(bright, 7, 7)
        painter.fillPath(shade.subtracted(hole), self.theme.colour("shade", 0.5))
        painter.setPen(QPen(self.theme.colour("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(bright, 7, 7)
