"""Panels in docks: they can be moved, resized, tabbed, taken out of the window and hidden."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabWidget

from gui.panel import Panel

VERSION = 2  # of the layouts that are kept: one of another version is left alone
ASIDE = frozenset({"spectrum", "average", "log"})  # hidden in the usual layout: they come when asked for
_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
# Sizes of the usual layout, in shares of one another.
_SIZES: tuple[tuple[dict[str, int], Qt.Orientation], ...] = (
    ({"eeg": 580, "similarity": 420}, _DOWN),
    ({"video": 400, "strip": 180}, _DOWN),
    ({"eeg": 520, "video": 480}, _ACROSS),
    ({"similarity": 440, "attention": 370, "scalp": 190}, _ACROSS),
)


class Docks(QMainWindow):
    """The panels of a session page, each in a dock whose title bar is the panel's header.

    Parameters
    ----------
    panels : mapping of str to Panel
        `eeg`, `video`, `strip`, `similarity`, `attention`, `scalp`, `spectrum`, `average` and `log`; what is
        called `video2`, `video3` … stands beside the video.
    """

    def __init__(self, panels: Mapping[str, Panel]):
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)  # a part of the page, not a window of its own
        self.setDockNestingEnabled(True)
        self.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self._docks = {name: self._dock(name, panel) for name, panel in panels.items()}
        self._beside = [name for name in panels if name.startswith("video") and name != "video"]
        self.reset()

    def _dock(self, name: str, panel: Panel) -> QDockWidget:
        dock = QDockWidget(panel.caption.title, self)
        dock.setObjectName(name)
        dock.setTitleBarWidget(panel.header)
        dock.setWidget(panel)
        return dock

    # ------------------------------------------------------------------ places
    def reset(self) -> None:
        """Put every panel into its usual place and size."""
        docks = self._docks
        for dock in docks.values():
            dock.setFloating(False)
            self.removeDockWidget(dock)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["eeg"])
        for before, after, side in (
            ("eeg", "similarity", _DOWN), ("eeg", "video", _ACROSS), ("video", "strip", _DOWN),
            ("similarity", "attention", _ACROSS), ("attention", "scalp", _ACROSS),
        ):  # fmt: skip
            self.splitDockWidget(docks[before], docks[after], side)
        for before, after in zip(("video", *self._beside), self._beside, strict=False):
            self.splitDockWidget(docks[before], docks[after], _ACROSS if before == "video" else _DOWN)
        self.splitDockWidget(docks["eeg"], docks["spectrum"], _DOWN)
        for after in ("average", "log"):
            self.tabifyDockWidget(docks["spectrum"], docks[after])
        for name, dock in docks.items():
            dock.setVisible(name not in ASIDE)
        for shares, side in _SIZES:
            self.resizeDocks([docks[name] for name in shares], list(shares.values()), side)
        if self._beside:
            self.resizeDocks([docks["video"], docks[self._beside[0]]], [310, 170], _ACROSS)

    def toggle(self, name: str) -> None:
        """Show or hide a panel; one that is covered by another tab comes forward."""
        dock = self._docks[name]
        covered = not dock.isHidden() and dock.visibleRegion().isEmpty()
        dock.setVisible(dock.isHidden() or covered)
        dock.raise_()

    def toggle_floating(self, name: str) -> None:
        """Take a panel out of the window, or put it back."""
        dock = self._docks[name]
        dock.setFloating(not dock.isFloating())

    def hidden(self) -> set[str]:
        """Names of the panels that were put away, without those that come only when they are asked for."""
        return {name for name, dock in self._docks.items() if dock.isHidden() and name not in ASIDE}

    def shown(self) -> set[str]:
        """Names of the panels that are not put away."""
        return {name for name, dock in self._docks.items() if not dock.isHidden()}

    # ------------------------------------------------------------------ memory
    def _key(self, name: str) -> str:
        return f"layouts/{name}/{1 + len(self._beside)}"  # another number of videos has other places

    def keep(self, settings: QSettings, name: str) -> None:
        """Keep the places and sizes under a name."""
        settings.setValue(self._key(name), self.saveState(VERSION))

    def recall(self, settings: QSettings, name: str) -> bool:
        """Take what was kept under a name; False where nothing of this version is."""
        kept = settings.value(self._key(name))
        return isinstance(kept, QByteArray) and self.restoreState(kept, VERSION)
