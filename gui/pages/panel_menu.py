"""What the ⋯ of a panel offers: its picture and its numbers as files, its place, hiding it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from experiment.state import View
from gui.docks import Docks
from gui.export import save_numbers, save_picture
from gui.panel import Panel
from realtime.errors import PhospheneError


class PanelMenu(QObject):
    """Fills the menu of one panel.

    Parameters
    ----------
    name : str
        Of the panel among the docks.
    say : callable
        Given what was saved, or why it could not be.
    """

    def __init__(self, name: str, panel: Panel, docks: Docks, view: View, say: Callable[[str], object]):
        super().__init__(panel)
        self._name, self._panel, self._view, self._say = name, panel, view, say
        panel.menu.addAction("Save a picture …", self.save_picture)
        panel.menu.addAction("Save the numbers …", self.save_numbers)
        panel.menu.addSeparator()
        panel.menu.addAction("Out of the window, or back", lambda: docks.toggle_floating(name))
        panel.menu.addAction("Hide", lambda: docks.toggle(name))

    def save_picture(self) -> None:
        """Ask where, and save the panel as PNG or SVG."""
        path, _ = QFileDialog.getSaveFileName(
            self._panel, "Save a picture", f"{self._name}.png", "PNG (*.png);;SVG (*.svg)"
        )
        self._save(path, lambda to: save_picture(self._panel, to))

    def save_numbers(self) -> None:
        """Ask where, and save what the panel shows as CSV."""
        path, _ = QFileDialog.getSaveFileName(
            self._panel, "Save the numbers", f"{self._name}.csv", "CSV (*.csv)"
        )
        self._save(path, lambda to: save_numbers(self._panel.numbers(self._view), to))

    def _save(self, path: str, save: Callable[[Path], Path]) -> None:
        if path:
            try:
                self._say(f"saved: {save(Path(path))}")
            except PhospheneError as error:
                self._say(str(error))
