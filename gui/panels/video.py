"""The newest picture of a video with the attention over its places."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QWidget

from experiment.state import AttendedShown, View
from gui import captions
from gui.overlay import FULL_RATIO, LEAST_COLOUR, fitted, heat, rgb_image, rgba_image
from gui.panel import STALE_S, Panel, set_text, tool_button
from gui.ramp import ramp_image
from gui.theme import LIGHT, Theme, font
from realtime.latest import Latest, Stamped
from realtime.types import FloatArray, Frame, OtherReading, Reading, Rectangle, VideoHealth

_LEGEND_FROM_PX = 200  # a narrower picture is shown without it


class Picture(QWidget):
    """A frame in its own shape, the attention over it, and in a corner its scale or the video's name."""

    def __init__(self) -> None:
        super().__init__()
        self.name = ""
        self.theme = LIGHT
        self.overlay = True
        self._image: QImage | None = None
        self._heat: QImage | None = None
        self._shape = (0, 0)
        self._outline: Rectangle | None = None
        self.setMinimumSize(120, 60)

    def show_frame(self, frame: Frame) -> None:
        """Show this picture."""
        self._image = rgb_image(frame.image)
        self.update()

    def frame_colour(self, x: int, y: int) -> QColor:
        """Return the colour of one pixel of the frame that is shown; invalid where none is."""
        return QColor() if self._image is None else self._image.pixelColor(x, y)

    def show_attention(self, places: FloatArray | None) -> None:
        """Lay shares of shape (rows, columns) over the picture; None takes them away."""
        self._heat = None if places is None else rgba_image(heat(places))
        self._shape = (0, 0) if places is None else places.shape
        self.update()

    def show_outline(self, outline: Rectangle | None) -> None:
        """Draw a dashed line around a part of the picture: what is truly attended; None takes it away."""
        if outline != self._outline:
            self._outline = outline
            self.update()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        painter = QPainter(self)
        if self._image is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = fitted(self._image.width(), self._image.height(), QRectF(self.rect()))
        painter.drawImage(box, self._image)
        if self._heat is not None and self.overlay:
            painter.drawImage(box, self._heat)
            self._paint_grid(painter, box)
            if box.width() >= _LEGEND_FROM_PX and not self.name:
                self._paint_legend(painter, box)
        if self._outline is not None:
            self._paint_outline(painter, box, self._outline)
        if self.name:
            self._paint_name(painter, box)

    def _paint_outline(self, painter: QPainter, box: QRectF, outline: Rectangle) -> None:
        """Dash in white on black, to be seen on any picture, a little outside of what it is around."""
        left, top = box.left() + outline.left * box.width(), box.top() + outline.top * box.height()
        right, bottom = box.left() + outline.right * box.width(), box.top() + outline.bottom * box.height()
        around = QRectF(left, top, right - left, bottom - top).adjusted(-4, -4, 4, 4)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, style in (
            (Qt.GlobalColor.black, Qt.PenStyle.SolidLine),
            (Qt.GlobalColor.white, Qt.PenStyle.DashLine),
        ):
            painter.setPen(QPen(colour, 2, style))
            painter.drawRoundedRect(around, 4, 4)

    def _paint_grid(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(QPen(Qt.GlobalColor.white, 1))
        painter.setOpacity(0.18)
        rows, columns = self._shape
        for n in range(1, columns):
            x = box.left() + box.width() * n / columns
            painter.drawLine(round(x), round(box.top()), round(x), round(box.bottom()))
        for n in range(1, rows):
            y = box.top() + box.height() * n / rows
            painter.drawLine(round(box.left()), round(y), round(box.right()), round(y))
        painter.setOpacity(1.0)

    def _paint_legend(self, painter: QPainter, box: QRectF) -> None:
        """Draw a small scale: even share to `FULL_RATIO` times it."""
        painter.setFont(font(11))
        words = ("even", f"{FULL_RATIO:.0f}×")
        widths = [painter.fontMetrics().horizontalAdvance(word) for word in words]
        ramp = 56
        plate = QRectF(box.right() - sum(widths) - ramp - 32, box.bottom() - 26, sum(widths) + ramp + 26, 20)
        _paint_plate(painter, plate)
        painter.drawText(plate.adjusted(7, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words[0])
        painter.drawText(
            plate.adjusted(0, 0, -7, 0), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, words[1]
        )
        colours = QRectF(plate.left() + widths[0] + 13, plate.top() + 7, ramp, 6)
        painter.drawImage(colours, ramp_image(LEAST_COLOUR))

    def _paint_name(self, painter: QPainter, box: QRectF) -> None:
        painter.setFont(font(11))
        metrics = painter.fontMetrics()
        text = metrics.elidedText(self.name, Qt.TextElideMode.ElideMiddle, int(box.width()) - 26)
        plate = QRectF(box.left() + 6, box.bottom() - 26, metrics.horizontalAdvance(text) + 14, 20)
        _paint_plate(painter, plate)
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def _paint_plate(painter: QPainter, plate: QRectF) -> None:
    """Paint a dark ground for white words, on any picture."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(Qt.GlobalColor.black)
    painter.setOpacity(0.62)
    painter.drawRoundedRect(plate, 4, 4)
    painter.setOpacity(1.0)
    painter.setPen(Qt.GlobalColor.white)


class PicturePanel(Panel):
    """A panel of one video."""

    def __init__(self, caption: captions.Caption):
        super().__init__(caption)
        self.picture = Picture()
        self.set_content(self.picture)
        self._frame: Stamped[Frame] | None = None
        self._reading: Stamped[Reading] | None = None

    def show_overlay(self, shown: bool) -> None:
        """Lay the attention over the picture, or leave it bare."""
        self.picture.overlay = shown
        self.picture.update()

    def take_frame(self, preview: Latest[Frame]) -> None:
        """Show the newest frame, if it is not the one shown; after a seek the numbers begin again."""
        frame = preview.get()
        if frame is not None and frame is not self._frame:
            self._frame = frame
            self.picture.show_frame(frame.value)
            self.show_content(there=True)

    @property
    def shown_frame(self) -> Frame | None:
        """The frame on show."""
        return None if self._frame is None else self._frame.value

    def take_attention(self, view: View) -> None:
        """Lay the attention of the newest reading over the picture, and take it away where there is none."""
        newest = view.readings.get()
        if newest is not self._reading:
            self._reading = newest
            self.picture.show_attention(None if newest is None else self.attention_of(newest.value))

    def attention_of(self, reading: Reading) -> FloatArray:
        """Return this video's shares, shape (rows, columns), in a reading."""
        return reading.attention.places

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.picture.theme = theme
        self.picture.update()


class VideoPanel(PicturePanel):
    """What is on the screen, and where the model looks."""

    def __init__(self) -> None:
        super().__init__(captions.VIDEO)
        self.switch = tool_button("Attention", checkable=True)
        self.switch.setChecked(True)
        self.switch.setToolTip("Lay the attention over the picture (O)")
        self._attended: AttendedShown | None = None
        self.switch.toggled.connect(lambda on: self.show_stale(not on))
        self.add_to_header(self.switch)

    def show_stale(self, stale: bool) -> None:
        """Old attention does not belong on a new picture."""
        self.show_overlay(self.switch.isChecked() and not stale)

    def show_attended(self, shown: AttendedShown | None) -> None:
        """Outline what is truly attended, and say beside it how often it was found.

        Called at every drawing of a session with several objects whose truth is known.
        """
        self._attended = shown
        self.picture.show_outline(None if shown is None else shown.outline)

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        set_text(self.note, view.video_health().name if self._attended is None else self._attended.words)
        self.take_frame(view.preview)
        self.take_attention(view)


class OtherVideoPanel(PicturePanel):
    """A further video with what is said of it.

    Parameters
    ----------
    number : int
        Its place among the further ones, from 0.
    """

    def __init__(self, number: int) -> None:
        super().__init__(captions.other_video(number + 2))
        self._number = number
        self._newest: OtherReading | None = None

    def show_state(self, stale: bool, health: VideoHealth) -> None:
        """Say what it comes to and how old it is; attention lies on it only while it is in the readings.

        Called twice a second.
        """
        self.picture.name = health.name
        if self._newest is not None:
            set_text(self.note, other_words(self._newest))
        old = self.has_content and health.age_s > STALE_S
        self.show_age(health.age_s if old else None)
        masked = self._newest is not None and not self._newest.enough
        self.show_overlay(not (masked or stale or old))

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        self.take_frame(view.other_previews[self._number])
        self.take_attention(view)

    def attention_of(self, reading: Reading) -> FloatArray:
        """Return this video's shares, shape (rows, columns), in a reading."""
        self._newest = reading.others[self._number]
        return self._newest.attention.places


def other_words(video: OtherReading) -> str:
    """Write a further video's similarity and its share of the attention."""
    if not video.enough:
        return "missing"
    similarity = f"{video.similarity:+.2f}".replace("-", "−")
    return f"{similarity} · {100 * video.share:.0f} % of attention"
