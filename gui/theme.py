"""Colours, type and the style sheet, light and dark.

One accent for what the model says, grey for what is measured, amber and red only for what needs a hand.
Attention is shown with cividis, which reads the same with and without colour vision
(Nuñez, Anderton & Renslow 2018, doi:10.1371/journal.pone.0199239).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette

FAMILIES = ("Inter", "Noto Sans", "Segoe UI", "SF Pro Text", "Cantarell", "Nimbus Sans", "DejaVu Sans")
BASE_PX, SMALL_PX, TITLE_PX, FIGURE_PX = 13, 12, 13, 26


@dataclass(frozen=True)
class Theme:
    """Colours as `#rrggbb`. `*_fill` are quiet grounds for text of the same name.

    Attributes
    ----------
    window, panel, sunk : grounds, from the window to a panel to a well inside it
    line, grid : borders, and lines behind data
    text, muted : words and figures; units and explanations
    accent, accent_fill : what the model says
    trace, quiet : what is measured; what is measured badly
    band : where chance lies
    """

    name: str
    window: str
    panel: str
    sunk: str
    line: str
    grid: str
    text: str
    muted: str
    accent: str
    accent_fill: str
    on_accent: str
    trace: str
    quiet: str
    band: str
    warn: str
    warn_fill: str
    alarm: str
    alarm_fill: str
    shade: str

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        """Return the colour of this name as Qt's, with an opacity."""
        colour = QColor(getattr(self, name))
        colour.setAlphaF(alpha)
        return colour


LIGHT = Theme(
    name="light", window="#eceff2", panel="#ffffff", sunk="#f4f6f8", line="#d3d9df", grid="#e4e8ec",
    text="#14191f", muted="#55606c", accent="#0b6a75", accent_fill="#dcf0f1", on_accent="#ffffff",
    trace="#3b4653", quiet="#87919c", band="#dfe4e9",
    warn="#8a4f00", warn_fill="#fff0d6", alarm="#b0241c", alarm_fill="#fde8e6", shade="#14191f",
)  # fmt: skip
DARK = Theme(
    name="dark", window="#0d1013", panel="#15191e", sunk="#1d242b", line="#2b323a", grid="#232a31",
    text="#e7ebef", muted="#9aa5b1", accent="#52d6cc", accent_fill="#12343a", on_accent="#04211f",
    trace="#b6c0ca", quiet="#64707c", band="#2a3139",
    warn="#f3bb55", warn_fill="#36290f", alarm="#ff8d84", alarm_fill="#3d1917", shade="#000000",
)  # fmt: skip
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@cache
def attention_table() -> NDArray[np.uint8]:
    """Return cividis: array of shape (256, 3), uint8 RGB."""
    table = pg.colormap.get("cividis").getLookupTable(nPts=256, alpha=False)
    return np.asarray(table, dtype=np.uint8)


def font(px: int = BASE_PX, bold: bool = False) -> QFont:
    """Return the window's face with digits of equal width."""
    face = QFont(list(FAMILIES))
    face.setPixelSize(px)
    face.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    face.setFeature(QFont.Tag("tnum"), 1)
    return face


def dress_axis(axis: pg.AxisItem, theme: Theme) -> None:
    """Quiet lines, small figures, and no factor of a thousand in the label."""
    axis.enableAutoSIPrefix(enable=False)
    axis.setStyle(tickFont=font(11), hideOverlappingLabels=False, tickLength=-3, autoExpandTextSpace=False)
    axis.setPen(theme.colour("line"))
    axis.setTextPen(theme.colour("muted"))


def palette(theme: Theme) -> QPalette:
    """Return what Qt's own parts (menus, combo boxes, file dialogs) are drawn with."""
    role, colours = QPalette.ColorRole, QPalette()
    for name, roles in {
        "window": (role.Window,),
        "panel": (role.Base, role.Button, role.ToolTipBase),
        "sunk": (role.AlternateBase,),
        "text": (role.WindowText, role.Text, role.ButtonText, role.ToolTipText),
        "muted": (role.PlaceholderText,),
        "accent": (role.Highlight, role.Link),
        "on_accent": (role.HighlightedText,),
    }.items():
        for each in roles:
            colours.setColor(each, theme.colour(name))
    for each in (role.WindowText, role.Text, role.ButtonText):
        colours.setColor(QPalette.ColorGroup.Disabled, each, theme.colour("muted"))
    return colours


def _look(name: str, theme: Theme) -> str:
    """Return the file of a small picture that a style sheet names, in this theme's colour."""
    return (Path(__file__).with_name("look") / f"{name}-{theme.name}.svg").as_posix()


def style_sheet(theme: Theme) -> str:
    """Return the window's style sheet. Widgets ask for a look by the properties `role` and `tone`."""
    t = theme
    return f"""
    QWidget {{ color: {t.text}; font-size: {BASE_PX}px; }}
    QMainWindow, QDialog, #page {{ background: {t.window}; }}
    QToolTip {{ background: {t.panel}; color: {t.text}; border: 1px solid {t.line}; padding: 4px; }}
    #panel {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px; }}
    QDockWidget > #panel {{ border-top: 0; border-top-left-radius: 0; border-top-right-radius: 0; }}
    #panelHeader {{ background: {t.panel}; }}
    QDockWidget > #panelHeader {{ border: 1px solid {t.line}; border-bottom: 0;
        border-top-left-radius: 6px; border-top-right-radius: 6px; }}
    QMainWindow::separator {{ background: {t.window}; width: 8px; height: 8px; }}
    QMainWindow::separator:hover {{ background: {t.line}; }}
    QTabBar {{ qproperty-drawBase: 0; }}
    QCheckBox::indicator, QListWidget::indicator, QTableView::indicator {{ width: 12px; height: 12px;
        border: 1px solid {t.muted}; border-radius: 3px; background: {t.sunk}; }}
    QCheckBox::indicator:checked, QListWidget::indicator:checked, QTableView::indicator:checked
        {{ background: {t.accent}; border-color: {t.accent}; image: url({_look("tick", t)}); }}
    QCheckBox {{ spacing: 8px; }}
    QComboBox {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 4px; padding: 3px 6px;
        min-height: 18px; }}
    QComboBox:hover {{ border-color: {t.muted}; }}
    QComboBox:focus {{ border: 1px solid {t.accent}; }}
    QComboBox QLineEdit {{ border: 0; padding: 0; background: transparent; }}
    QComboBox::drop-down {{ border: 0; width: 20px; }}
    QComboBox::down-arrow {{ image: url({_look("down", t)}); width: 12px; height: 12px; }}
    QComboBox QAbstractItemView {{ background: {t.panel}; border: 1px solid {t.line};
        selection-background-color: {t.accent_fill}; selection-color: {t.accent}; }}
    QTabBar::tab {{ background: {t.window}; color: {t.muted}; border: 1px solid {t.line};
        padding: 3px 10px; }}
    QTabBar::tab:selected {{ background: {t.panel}; color: {t.text}; }}
    #call {{ background: {t.warn_fill}; border: 1px solid {t.warn}; border-radius: 6px; }}
    #call QLabel {{ color: {t.warn}; }}
    #bar {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 6px; }}
    QLabel {{ background: transparent; }}
    QLabel[role="title"] {{ font-size: {TITLE_PX}px; font-weight: 600; }}
    QLabel[role="heading"] {{ font-size: 20px; font-weight: 600; }}
    QLabel[role="brand"] {{ font-size: 30px; font-weight: 600; }}
    QLabel[role="group"] {{ color: {t.muted}; font-size: {SMALL_PX}px; font-weight: 600; }}
    QLabel[role="note"] {{ color: {t.muted}; font-size: {SMALL_PX}px; }}
    QLabel[role="figure"] {{ font-size: {FIGURE_PX}px; font-weight: 600; }}
    QLabel[role="value"] {{ font-size: 17px; font-weight: 600; }}
    QLabel[tone="accent"] {{ color: {t.accent}; }}
    QLabel[tone="muted"] {{ color: {t.muted}; }}
    QLabel[tone="warn"] {{ color: {t.warn}; }}
    QLabel[tone="alarm"] {{ color: {t.alarm}; }}
    QLabel[role="chip"] {{ border-radius: 4px; padding: 2px 7px; font-size: {SMALL_PX}px; font-weight: 600;
        color: {t.text}; background: {t.sunk}; }}
    QLabel[role="chip"][tone="muted"] {{ color: {t.muted}; }}
    QLabel[role="chip"][tone="accent"] {{ color: {t.accent}; background: {t.accent_fill}; }}
    QLabel[role="chip"][tone="warn"] {{ color: {t.warn}; background: {t.warn_fill}; }}
    QLabel[role="chip"][tone="alarm"] {{ color: {t.alarm}; background: {t.alarm_fill}; }}
    QLabel[role="caption"] {{ font-size: 15px; padding: 8px 14px; border-radius: 6px;
        background: {t.panel}; border: 1px solid {t.line}; color: {t.text}; }}
    QLabel[role="caption"][tone="accent"] {{ background: {t.accent_fill}; border-color: {t.accent_fill}; }}
    QLabel[role="caption"][tone="warn"] {{ background: {t.warn_fill}; border-color: {t.warn_fill};
        color: {t.warn}; }}
    QLabel[role="banner"] {{ color: {t.warn}; background: {t.warn_fill}; padding: 7px 12px;
        border-radius: 4px; }}
    QLabel[role="banner"][tone="alarm"] {{ color: {t.alarm}; background: {t.alarm_fill}; }}
    QToolButton, QPushButton {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 4px;
        padding: 0 10px; min-height: 24px; }}
    QToolButton {{ padding: 0 7px; }}
    #panel QToolButton, #panelHeader QToolButton
        {{ font-size: {SMALL_PX}px; min-height: 18px; padding: 0 6px; }}
    QToolButton::menu-indicator {{ image: none; }}
    QToolButton:hover, QPushButton:hover {{ background: {t.sunk}; border-color: {t.muted}; }}
    QToolButton:checked {{ background: {t.accent_fill}; color: {t.accent}; border-color: {t.accent}; }}
    QPushButton:focus, QToolButton:focus, QTableView:focus, QLineEdit:focus, QPlainTextEdit:focus
        {{ border: 1px solid {t.accent}; }}
    QPushButton:default {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; }}
    QPushButton:disabled {{ color: {t.muted}; background: {t.sunk}; border-color: {t.line}; }}
    QMenu {{ background: {t.panel}; border: 1px solid {t.line}; padding: 4px; }}
    QMenu::item {{ padding: 4px 24px; }}
    QMenu::item:selected {{ background: {t.accent_fill}; color: {t.accent}; }}
    QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px 8px; }}
    QLineEdit, QTableView, QListWidget, QPlainTextEdit {{ background: {t.panel}; border: 1px solid {t.line};
        border-radius: 4px; padding: 3px 6px; selection-background-color: {t.accent_fill};
        selection-color: {t.accent}; }}
    QLineEdit {{ min-height: 18px; }}
    QDoubleSpinBox {{ background: {t.panel}; border: 1px solid {t.line}; border-radius: 4px; padding: 3px 6px;
        min-height: 18px; }}
    QDoubleSpinBox QLineEdit {{ border: 0; padding: 0; min-height: 0; background: transparent; }}
    QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{ width: 0; border: 0; }}
    QDoubleSpinBox:focus {{ border: 1px solid {t.accent}; }}
    QProgressBar {{ background: {t.grid}; border: 0; border-radius: 3px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
    QTableView {{ padding: 0; outline: 0; }}
    QTableView::item:focus {{ border: 0; }}
    QTableView::item {{ padding: 0 6px; }}
    QTableView::item:selected {{ background: {t.accent_fill}; color: {t.accent}; }}
    QHeaderView {{ background: {t.sunk}; }}
    QHeaderView::section {{ background: {t.sunk}; color: {t.muted}; border: 0; padding: 4px 9px; }}
    """


def system_theme() -> Theme:
    """Return the theme that the desktop asks for; light where it does not say."""
    dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
    return DARK if dark else LIGHT
