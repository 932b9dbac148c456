"""The first page: nothing streams yet, and here is what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from experiment.state import Actions
from gui import captions
from gui.icons import program_icon
from gui.panel import label
from gui.theme import SMALL_PX, font

_SIGN_PX = 60
_TEXT_PX = 500  # width of the words beside a button
_STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}


class FirstRun(QWidget):
    """Offers what the program can do without any stream; an action that is None is not offered.

    Parameters
    ----------
    actions : Actions
    notice : str
        What went wrong with what was chosen before; said over the offers.
    """

    def __init__(self, actions: Actions, notice: str = ""):
        super().__init__()
        self.setObjectName("page")
        without = (
            ("Watch a virtual subject", captions.OFFER_DEMO, "Start", actions.start_headset),
            ("Find what it attends", captions.OFFER_ATTEND, "Start", actions.start_attend),
            ("Look at a recording", captions.OFFER_EXAMPLE, "Open the example", actions.open_example),
        )
        own = (
            ("Use your own streams", captions.OFFER_STREAMS, "Choose streams", actions.set_up),
            ("Open a session", captions.OFFER_SESSION, "Open", actions.open_session),
        )
        self.buttons: list[QPushButton] = []
        self.notice = label(notice and f"▲  {notice}", role="banner", tone="warn")
        self.notice.setWordWrap(True)
        self.notice.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout()
        column.setSpacing(8)
        column.addLayout(_brand())
        column.addWidget(self.notice)
        for group, offers in ((captions.WITHOUT_HEADSET, without), (captions.WITH_HEADSET, own)):
            column.addSpacing(8)
            column.addWidget(label(group, role="group"))
            for title, text, word, action in offers:
                if action is not None:
                    column.addWidget(self._offer(title, text, word, action))
        column.addSpacing(4)
        column.addWidget(label(captions.FIRST_KEYS, role="note"))
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        middle = QWidget()
        middle.setFixedWidth(740)
        middle.setLayout(column)
        centred = QHBoxLayout()  # an alignment would give it the height of unwrapped words
        centred.addStretch()
        centred.addWidget(middle)
        centred.addStretch()
        outer.addLayout(centred)
        outer.addStretch(3)
        self.notice.setVisible(bool(notice))
        if self.buttons:
            self.buttons[0].setDefault(True)
            self.setFocusProxy(self.buttons[0])

    def _offer(self, title: str, text: str, word: str, action: Callable[[], Any]) -> QFrame:
        card = QFrame()
        card.setObjectName("panel")
        button = QPushButton(word)
        button.setMinimumWidth(150)
        button.setAccessibleName(f"{title}: {word}")
        button.clicked.connect(lambda: action())
        self.buttons.append(button)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(title, role="title"))
        explained = label(text, role="note")
        explained.setWordWrap(True)
        explained.setFont(font(SMALL_PX))  # as the style sheet will have it, to know its height
        explained.setMinimumHeight(explained.heightForWidth(_TEXT_PX))
        words.addWidget(explained)
        row = QHBoxLayout(card)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(24)
        row.addLayout(words, 1)
        row.addWidget(button)
        return card

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Go from offer to offer with the arrows; Qt calls this."""
        step = _STEPS.get(Qt.Key(event.key()))
        focused = [n for n, button in enumerate(self.buttons) if button.hasFocus()]
        if step is None or not self.buttons:
            super().keyPressEvent(event)
        else:
            at = focused[0] + step if focused else 0
            self.buttons[at % len(self.buttons)].setFocus()


def _brand() -> QHBoxLayout:
    """Return the program's sign, its name, and what it is for."""
    sign = QLabel()
    sign.setPixmap(program_icon().pixmap(_SIGN_PX, _SIGN_PX))
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(label("Phosphene", role="brand"))
    words.addWidget(label(captions.WELCOME, tone="muted"))
    row = QHBoxLayout()
    row.setSpacing(16)
    row.addWidget(sign)
    row.addLayout(words)
    row.addStretch()
    return row
