"""The head from above: attention or amplitude at each electrode, nose up."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QWidget

from experiment.state import View
from gui import captions
from gui.overlay import rgba_image
from gui.panel import Numbers, Panel, tool_button
from gui.ramp import Ramp
from gui.theme import LIGHT, Theme, attention_table, font
from realtime.eeg.electrodes import positions

_FIELD_FROM = 16  # electrodes that make a field between them worth drawing; fewer stay discs
_FIELD_PX = 64
_AMPLITUDE_S = 1.0
_EVERY_S = 0.25
_FADE = 0.1  # of the drawn radius, in which colour fades out
_REACH = 0.35  # of the drawn radius: further from every electrode nothing is known, and nothing is coloured
_RIM = 0.86  # where ear level lies, of the drawn radius: electrodes stay inside the outline


class Field:
    """Values between electrodes by inverse distance (Shepard 1968, power 3), NaN where no electrode is near.

    Parameters
    ----------
    places : array of shape (n, 2), right and front, the outline at radius 1
    """

    def __init__(self, places: NDArray[np.float64]):
        axis = (np.arange(_FIELD_PX) + 0.5) / _FIELD_PX * 2.1 - 1.05
        right, front = np.meshgrid(axis, -axis)
        distance = np.hypot(right[..., None] - places[:, 0], front[..., None] - places[:, 1])
        weights = 1 / np.maximum(distance, 1e-3) ** 3
        self._weights = weights / weights.sum(-1, keepdims=True)
        self._outside = (np.hypot(right, front) > 1.05) | (distance.min(-1) > _REACH)
        self.opacity = np.clip((_REACH - distance.min(-1)) / _FADE, 0, 1)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return an array of shape (64, 64), front at the top, from values of shape (n,)."""
        between: NDArray[np.float64] = self._weights @ values
        between[self._outside] = np.nan
        return between


class Head(QWidget):
    """Outline, field and electrodes. Values are 0 to 1 of the colour scale."""

    def __init__(self) -> None:
        super().__init__()
        self.theme = LIGHT
        self._places: dict[str, tuple[float, float]] = {}
        self.values: dict[str, float] = {}
        self._bad: set[str] = set()
        self._field: QImage | None = None
        self._field_of: list[str] = []
        self.setMinimumSize(120, 120)

    def show_values(
        self,
        places: dict[str, tuple[float, float]],
        values: dict[str, float],
        bad: set[str],
    ) -> None:
        """Show a value, 0 to 1, at each electrode; bad electrodes have none."""
        self._places, self._bad = places, bad
        self.values = {name: value for name, value in values.items() if math.isfinite(value)}
        good = [name for name in places if name in self.values and name not in bad]
        self._field = None
        if len(good) >= _FIELD_FROM:
            if good != self._field_of:
                self._field_of = good
                self._between = Field(_RIM * np.array([places[name] for name in good]))
            between = self._between(np.array([self.values[name] for name in good]))
            inside = np.isfinite(between)
            rgba = np.zeros((*between.shape, 4), np.uint8)
            rgba[inside, :3] = attention_table()[np.round(255 * between[inside].clip(0, 1)).astype(int)]
            rgba[inside, 3] = np.round(255 * self._between.opacity[inside])
            self._field = rgba_image(rgba)
        self.update()

    def paintEvent(self, event: object) -> None:
        """Paint the widget; Qt calls this."""
        if not self._places:
            return
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        radius = max(10.0, min(self.width() / 2.3, self.height() / 2.24))
        centre = QPointF(self.width() / 2, self.height() / 2 + 0.06 * radius)
        self._paint_head(painter, centre, radius)
        if self._field is not None:
            rim = QPainterPath()
            rim.addEllipse(centre, radius, radius)
            painter.setClipPath(rim)
            r = 1.05 * radius
            painter.drawImage(QRectF(centre.x() - r, centre.y() - r, 2 * r, 2 * r), self._field)
            painter.setClipping(False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(self.theme.colour("muted"), 1.5))
        painter.drawEllipse(centre, radius, radius)
        self._paint_electrodes(painter, centre, radius)

    def _paint_head(self, painter: QPainter, centre: QPointF, radius: float) -> None:
        painter.setPen(QPen(self.theme.colour("muted"), 1.5))
        painter.setBrush(self.theme.colour("sunk"))
        nose = QPainterPath(centre + QPointF(-0.12 * radius, -0.985 * radius))
        nose.quadTo(centre + QPointF(-0.02 * radius, -1.10 * radius), centre + QPointF(0, -1.13 * radius))
        nose.quadTo(
            centre + QPointF(0.02 * radius, -1.10 * radius), centre + QPointF(0.12 * radius, -0.985 * radius)
        )
        painter.drawPath(nose)
        for side in (-1, 1):
            painter.drawEllipse(centre + QPointF(side * 1.02 * radius, 0), 0.07 * radius, 0.17 * radius)
        painter.drawEllipse(centre, radius, radius)

    def _paint_electrodes(self, painter: QPainter, centre: QPointF, radius: float) -> None:
        few = self._field is None
        size = max(6.0, radius * 0.09) if few else max(2.0, radius * 0.025)
        for name, place in self._places.items():
            at, value = self._at(place, centre, radius), self.values.get(name)
            bad = name in self._bad
            painter.setPen(
                QPen(self.theme.colour("warn" if bad else "muted" if value is None else "panel"), 1.5)
            )
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if value is not None and not bad:
                painter.setBrush(_colour(value) if few else self.theme.colour("text"))
            painter.drawEllipse(at, size, size)
            if bad:
                painter.drawLine(at + QPointF(-size, -size) * 0.6, at + QPointF(size, size) * 0.6)
        if few:
            self._paint_names(painter, centre, radius, size)

    def _paint_names(self, painter: QPainter, centre: QPointF, radius: float, size: float) -> None:
        """Under each electrode, over all of them, so that a close neighbour hides no name."""
        painter.setFont(font(11 if radius > 90 else 10))
        painter.setPen(self.theme.colour("text"))
        for name, place in self._places.items():
            at = self._at(place, centre, radius)
            inwards = -14 * place[0] if abs(place[0]) > 0.7 else 0  # off the outline
            box = QRectF(at.x() - 30 + inwards, at.y() + size - 1, 60, 14)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    @staticmethod
    def _at(place: tuple[float, float], centre: QPointF, radius: float) -> QPointF:
        return centre + QPointF(_RIM * place[0] * radius, -_RIM * place[1] * radius)


def _colour(value: float) -> QColor:
    """Return the colour of a value from 0 to 1."""
    return QColor(*attention_table()[round(255 * min(max(value, 0.0), 1.0))].tolist())


class ScalpPanel(Panel):
    """Which electrodes the model uses, or how large the EEG is there."""

    def __init__(self) -> None:
        super().__init__(captions.SCALP)
        self.head = Head()
        self.set_content(self.head)
        self.switch = tool_button("Amplitude", checkable=True)
        self.switch.setToolTip("Amplitude of the last second instead of the attention (A)")
        self.ramp = Ramp()
        self.add_to_header(self.ramp, gives_way=True)
        self.add_to_header(self.switch, gives_way=True)
        self.switch.toggled.connect(self._redraw)
        self._drawn_at = -np.inf

    def _redraw(self) -> None:
        self._drawn_at = -np.inf

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        if abs(view.now() - self._drawn_at) < _EVERY_S:
            return
        places = positions(view.labels)
        values, ends = self._amplitude(view) if self.switch.isChecked() else self._attention(view)
        self.show_content(there=bool(places) and bool(values))
        if not self.has_content:
            self.empty.say(captions.AFTER_READING if places else captions.SCALP.empty)
            return
        self._drawn_at = view.now()
        bad = {name for name, why in view.channel_quality().items() if why}
        self.head.show_values(places, values, bad)
        self.ramp.set_ends(*ends)

    @staticmethod
    def _attention(view: View) -> tuple[dict[str, float], tuple[str, str]]:
        """Share of each electrode; the scale ends at three times an even share, as over the video."""
        newest = view.readings.get()
        if newest is None:
            return {}, ("", "")
        share = newest.value.attention.channels
        ratio = share * len(share)
        return dict(zip(view.labels, ratio / 3, strict=False)), ("0", "3×")

    @staticmethod
    def _amplitude(view: View) -> tuple[dict[str, float], tuple[str, str]]:
        """Root mean square of the last second, on a scale to the next round number."""
        _, samples = view.eeg_window(_AMPLITUDE_S)
        if not len(samples):
            return {}, ("", "")
        known = np.isfinite(samples)
        if not known.any():
            return {}, ("", "")
        power = np.where(known, samples, 0).astype(np.float64) ** 2
        rms = np.sqrt(power.sum(0) / np.where(known.any(0), known.sum(0), np.nan))  # NaN: nothing measured
        usual = float(np.nanmedian(rms))
        top = next((step for step in (5, 10, 20, 50, 100, 200, 500, 1000) if step >= 1.5 * usual), 5000)
        return dict(zip(view.labels, rms / top, strict=False)), ("0", f"{top} µV")

    def numbers(self, view: View) -> Numbers:
        """Return what each electrode shows, on the scale of the colours."""
        values, ends = self._amplitude(view) if self.switch.isChecked() else self._attention(view)
        return Numbers(("electrode", f"value_of_{ends[1]}"), list(values.items()))

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.head.theme = self.ramp.theme = theme
        self.head.update()
        self.ramp.update()
