"""Panels as files: a picture (PNG, SVG), or the numbers behind it (CSV)."""

from __future__ import annotations

import csv
from pathlib import Path

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from gui.panel import Numbers
from realtime.errors import ConfigError


def save_picture(widget: QWidget, path: Path) -> Path:
    """Save a widget as it looks now: `.svg` as shapes and text, anything else as pixels.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    done = _save_svg(widget, path) if path.suffix.lower() == ".svg" else widget.grab().save(str(path))
    if not done:
        raise ConfigError(f"{path} cannot be written: choose another folder, and a name in .png or .svg")
    return path


def _save_svg(widget: QWidget, path: Path) -> bool:
    sheet = QSvgGenerator()
    sheet.setFileName(str(path))
    sheet.setSize(widget.size())
    sheet.setViewBox(QRect(QPoint(0, 0), widget.size()))
    painter = QPainter()
    if not painter.begin(sheet):
        return False
    widget.render(painter, QPoint(0, 0))
    return painter.end()


def save_numbers(numbers: Numbers, path: Path) -> Path:
    """Save a table as CSV: a line of names with their units, then the values.

    Raises
    ------
    ConfigError
        The file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(numbers.columns)
            writer.writerows(numbers.rows)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): choose another folder") from error
    return path
