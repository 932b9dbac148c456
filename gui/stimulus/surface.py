"""The bare surface a stimulus is shown on: one picture, fitted on black, and word of when it was there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import (
    QCloseEvent,
    QColor,
    QImage,
    QKeyEvent,
    QOpenGLContext,
    QPainter,
    QPaintEvent,
    QRasterWindow,
    QScreen,
)
from PySide6.QtOpenGL import QOpenGLWindow

from gui.overlay import fitted

_GROUND = QColor("#000000")


class PictureSurface(Protocol):
    """A window with nothing on it but the picture. All calls are made by the Qt thread."""

    stamp_source: str

    def put(self, pixels: NDArray[np.uint8] | None) -> None:
        """Show (height, width, 4) uint8, blue first, as soon as can be; None for black."""
        ...

    def appear(self, screen: QScreen) -> None:
        """Come up over the whole of a screen."""
        ...

    def vanish(self) -> None:
        """Close for good."""
        ...


class _Face:
    """What both surfaces share: the picture, how it is painted, and how the window is left."""

    def __init__(self, shown: Callable[[], None], left: Callable[[], None], pressed: Callable[[str], None]):
        super().__init__()
        self._shown, self._left, self._pressed = shown, left, pressed
        self._pixels: NDArray[np.uint8] | None = None
        self._painted = False
        self.setTitle("Stimulus")  # type: ignore[attr-defined]
        self.setCursor(Qt.CursorShape.BlankCursor)  # type: ignore[attr-defined]

    def put(self, pixels: NDArray[np.uint8] | None) -> None:
        self._pixels = pixels
        self.update()  # type: ignore[attr-defined]

    def appear(self, screen: QScreen) -> None:
        self.setScreen(screen)  # type: ignore[attr-defined]
        self.setGeometry(screen.geometry())  # type: ignore[attr-defined]
        self.showFullScreen()  # type: ignore[attr-defined]

    def vanish(self) -> None:
        self._left = _nothing
        self.close()  # type: ignore[attr-defined]
        self.deleteLater()  # type: ignore[attr-defined]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._left()
        elif not event.isAutoRepeat():
            self._pressed(event.text())

    def closeEvent(self, event: QCloseEvent) -> None:
        self._left()

    def _paint(self) -> None:
        painter = QPainter(self)  # type: ignore[call-overload]
        area = QRectF(0, 0, self.width(), self.height())  # type: ignore[attr-defined]
        painter.fillRect(area, _GROUND)
        if (pixels := self._pixels) is not None:
            height, width = pixels.shape[:2]
            image = QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.drawImage(fitted(width, height, area), image)
        painter.end()
        self._painted = True

    def _tell(self) -> None:
        if self._painted:
            self._painted = False
            self._shown()


class GlSurface(_Face, QOpenGLWindow):
    """A surface that the graphics card swaps in, as a rule with the screen's refresh."""

    stamp_source = "OpenGL buffer swap"

    def __init__(self, shown: Callable[[], None], left: Callable[[], None], pressed: Callable[[str], None]):
        super().__init__(shown, left, pressed)
        self.frameSwapped.connect(self._tell)

    def paintGL(self) -> None:
        """Paint the picture; Qt calls this."""
        self._paint()


class RasterSurface(_Face, QRasterWindow):
    """A surface without OpenGL: the picture goes to the window system right after it was painted."""

    stamp_source = "after painting (no OpenGL here)"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the widget; Qt calls this."""
        self._paint()

    def event(self, event: QEvent) -> bool:
        """Handle an event, and report a picture that has just been shown; Qt calls this."""
        done = super().event(event)  # paints, and hands over what was painted
        self._tell()
        return done


def new_surface(
    shown: Callable[[], None], left: Callable[[], None], pressed: Callable[[str], None] = lambda key: None
) -> GlSurface | RasterSurface:
    """Make the best surface there is on this machine.

    Parameters
    ----------
    shown : callable
        Called each time right after a picture has come on.
    left : callable
        Called when the window is closed, or Escape is pressed.
    pressed : callable
        Given the letter of each other key that is pressed.
    """
    # QOpenGLWindow does not survive a machine without OpenGL: it is tried beforehand.
    return (GlSurface if QOpenGLContext().create() else RasterSurface)(shown, left, pressed)


def _nothing() -> None:
    pass
