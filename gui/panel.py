"""The frame around every view: a title, a note, and the view or the words that stand in for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from experiment.state import View
from gui.captions import Caption
from gui.theme import LIGHT, Theme
from realtime.latest import Stamped
from realtime.types import Reading

STALE_S = 1.5  # readings come every hop (0.25 s); this long without one means that something stands still
_LEAST_PX = 218  # of a header
_HEADER_PX = 32  # the same with and without a button, so that titles stand in line


class Numbers(NamedTuple):
    """What a panel shows as a table: names of the columns with their units, and rows of values."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


def label(text: str = "", role: str = "", tone: str = "") -> QLabel:
    """Make a label that the style sheet knows by its role and tone."""
    widget = QLabel(text)
    widget.setProperty("role", role)
    widget.setProperty("tone", tone)
    return widget


class ElidedLabel(QLabel):
    """A label that is cut with … where there is no room for it, instead of pushing or being cut.

    Parameters
    ----------
    role : str
        As of `label`.
    where : Qt.TextElideMode
        Which part of the words goes.
    """

    def __init__(self, role: str = "", where: Qt.TextElideMode = Qt.TextElideMode.ElideRight):
        super().__init__()
        self._where = where
        self.setProperty("role", role)
        self.words = self._explained = ""
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)

    def say(self, words: str) -> None:
        """Show these words, as many as there is room for."""
        tip = f"{words}\n{self._explained}".strip()
        if tip != self.toolTip():
            self.setToolTip(tip)
        if words != self.words:
            self.words = words
            self.updateGeometry()
            self._elide()

    def explain(self, tip: str) -> None:
        """Say in the tooltip, under all words, what they mean."""
        self._explained = tip

    def sizeHint(self) -> QSize:
        """Ask for room for all words; Qt asks."""
        return QSize(self.fontMetrics().horizontalAdvance(self.words) + 2, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Be content with none; Qt asks."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Cut the words to the new width; Qt calls this."""
        self._elide()
        super().resizeEvent(event)

    def _elide(self) -> None:
        elided = self.fontMetrics().elidedText(self.words, self._where, self.width())
        set_text(self, elided)


def tool_button(text: str, checkable: bool = False) -> QToolButton:
    """Make a small button with a word."""
    button = QToolButton()
    button.setText(text)
    button.setCheckable(checkable)
    return button


def set_tone(widget: QWidget, tone: str) -> None:
    """Change a widget's tone; costs nothing where it has that tone already."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        widget.style().unpolish(widget)
        widget.style().polish(widget)


def set_text(widget: QLabel | QToolButton, text: str) -> None:
    """Change a label's or button's text; costs nothing where it says that already."""
    if widget.text() != text:
        widget.setText(text)


class Empty(QWidget):
    """Stands in for a view that has nothing to show: what would fill it, and the button that does."""

    def __init__(self, text: str):
        super().__init__()
        self._words = label(text, role="note")
        self._words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._words.setWordWrap(True)
        self._words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.button = QPushButton()
        self.button.hide()
        column = QVBoxLayout(self)
        column.addStretch()
        column.addWidget(self._words)
        column.addSpacing(8)
        column.addWidget(self.button, alignment=Qt.AlignmentFlag.AlignCenter)
        column.addStretch()

    def offer(self, text: str, action: Callable[[], object]) -> None:
        """Show a button that calls `action`."""
        self.button.setText(text)
        self.button.clicked.connect(lambda: action())
        self.button.show()

    @property
    def text(self) -> str:
        """What it says."""
        return self._words.text()

    def say(self, text: str) -> None:
        """Say something else."""
        set_text(self._words, text)


class PanelHeader(QFrame):
    """The line over a panel. What comes and goes in it pushes no panel beside it."""

    def minimumSizeHint(self) -> QSize:
        """Be content with the title and a button; a dock asks."""
        return QSize(_LEAST_PX, super().minimumSizeHint().height())


class Panel(QFrame):
    """One view in its frame.

    Subclasses put their widget in with `set_content`, say what is new in `refresh`, and take new colours in
    `apply_theme`. Until `show_content(there=True)` the panel tells what would fill it.
    """

    def __init__(self, caption: Caption):
        super().__init__()
        self.setObjectName("panel")
        self.caption = caption
        self.theme: Theme = LIGHT
        self.title = label(caption.title, role="title")
        self.note = ElidedLabel(role="note")
        self.age = label(role="chip", tone="warn")
        self.age.hide()
        self._drawn: Stamped[Reading] | None = None
        self._giving_way: list[QWidget] = [self.note]
        self.empty = Empty(caption.empty)
        self.setToolTip(caption.tip)
        self.setAccessibleName(caption.title)
        self.header = self._make_header()
        body = QWidget(self)  # a stack without a parent would flash its first widget as a window
        self._stack = QStackedLayout(body)
        self._stack.addWidget(self.empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 2, 12, 10)
        column.setSpacing(4)
        column.addWidget(self.header)
        column.addWidget(body, 1)
        self._column = column
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def _make_header(self) -> PanelHeader:
        """Make the line with title, note and buttons; in a dock it is the bar by which the panel is moved."""
        header = PanelHeader(self)
        header.setObjectName("panelHeader")
        header.setFixedHeight(_HEADER_PX)
        header.setToolTip(self.caption.tip)
        self._header = QHBoxLayout(header)
        self._header.setContentsMargins(12, 4, 8, 2)
        self._header.setSpacing(8)
        self._header.addWidget(self.title)
        self._header.addStretch()
        self._header.addWidget(self.age)
        self._header.addWidget(self.note)
        self.more = tool_button("⋯")
        self.more.setToolTip("Save a picture or the numbers, take it out of the window, hide it")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.more)
        self.more.setMenu(self.menu)
        self._header.addWidget(self.more)
        return header

    def set_content(self, widget: QWidget) -> None:
        """Put in the view; it is shown once there is something to show."""
        self._stack.addWidget(widget)

    def add_above(self, widget: QWidget) -> None:
        """Put a widget under the header that is there whether or not the view is."""
        self._column.insertWidget(self._column.count() - 1, widget)

    def show_content(self, *, there: bool) -> None:
        """Switch between the view and the words that stand in for it."""
        if self._stack.currentIndex() != int(there):
            self._stack.setCurrentIndex(int(there))

    @property
    def has_content(self) -> bool:
        """Whether the view is shown, and not the words that stand in for it."""
        return self._stack.currentIndex() == 1

    def add_to_header(self, widget: QWidget, gives_way: bool = False) -> None:
        """Put a widget at the right end of the header; one that gives way makes room for `show_age`."""
        self._header.insertWidget(self._header.count() - 1, widget)
        if gives_way:
            self._giving_way.append(widget)

    def show_age(self, seconds: float | None) -> None:
        """Say that what is shown is old; None takes the word away."""
        self.age.setVisible(seconds is not None)
        for widget in self._giving_way:
            widget.setVisible(seconds is None)
        if seconds is not None:
            set_text(self.age, f"▲ {seconds:.0f} s old")

    def new_reading(self, view: View) -> Reading | None:
        """Return the newest reading, once; where there is none (any more), empty the panel."""
        newest = view.readings.get()
        if newest is self._drawn:
            return None
        self._drawn = newest
        self.show_content(there=newest is not None)
        return newest.value if newest is not None else None

    def refresh(self, view: View) -> None:
        """Take what is new. Called by the drawing timer, 30 times a second."""
        raise NotImplementedError

    def numbers(self, view: View) -> Numbers:
        """Return what the panel shows, as numbers with their names and units, to be saved."""
        raise NotImplementedError

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        self.update()
