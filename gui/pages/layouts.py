"""Layouts by name: kept, taken again, forgotten."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QInputDialog, QMenu

from gui.docks import Docks

LAST = "as it was left"  # the layout that the next window begins with
_NAMES = "layouts/names"


def kept_names(settings: QSettings) -> list[str]:
    """Return the names of the layouts that were kept, in their order."""
    return [name for name in str(settings.value(_NAMES, "")).split("\n") if name]


def keep_layout(docks: Docks, settings: QSettings, name: str) -> None:
    """Keep the layout under a name; one that was kept under it is replaced."""
    name = " ".join(name.replace("/", " ").split())
    if name:
        docks.keep(settings, name)
        settings.setValue(_NAMES, "\n".join(sorted({*kept_names(settings), name})))


def forget_layout(settings: QSettings, name: str) -> None:
    """Forget the layout of this name."""
    settings.remove(f"layouts/{name}")
    settings.setValue(_NAMES, "\n".join(other for other in kept_names(settings) if other != name))


def ask_and_keep(docks: Docks, settings: QSettings) -> None:
    """Ask for a name and keep the layout under it."""
    name, given = QInputDialog.getText(docks, "Keep this layout", "Its name:")
    if given:
        keep_layout(docks, settings, name)


def fill(menu: QMenu, docks: Docks, settings: QSettings) -> None:
    """Offer the layouts that are kept, as they are each time the menu opens."""

    def offer() -> None:
        menu.clear()
        names = kept_names(settings)
        for name in names:
            menu.addAction(name, partial(docks.recall, settings, name))
        menu.addSeparator()
        menu.addAction("Usual layout", docks.reset)
        menu.addAction("Keep this layout …", partial(ask_and_keep, docks, settings))
        forget = menu.addMenu("Forget")
        forget.setEnabled(bool(names))
        for name in names:
            forget.addAction(name, partial(forget_layout, settings, name))

    menu.aboutToShow.connect(offer)
