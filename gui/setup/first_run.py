"""The page for the first run: nothing streams yet, and here is what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from experiment.state import Actions
from gui import captions
from gui.panel import label


class FirstRun(QWidget):
    """Offers what the program can do without any stream; an action that is None is not offered."""

    def __init__(self, actions: Actions):
        super().__init__()
        self.setObjectName("page")
        offers = (
            ("Try it without a headset", captions.OFFER_DEMO, "Start", actions.start_headset),
            ("Look at a recording", captions.OFFER_EXAMPLE, "Open the example", actions.open_example),
            ("Use your own streams", captions.OFFER_STREAMS, "Choose streams", actions.set_up),
            ("Open a session", captions.OFFER_SESSION, "Open", actions.open_session),
        )
        self.buttons: list[QPushButton] = []
        column = QVBoxLayout()
        column.setSpacing(10)
        column.addWidget(label(captions.WELCOME_TITLE, role="heading"))
        intro = label(captions.WELCOME, tone="muted")
        column.addWidget(intro)
        column.addSpacing(12)
        for title, text, word, action in offers:
            if action is not None:
                column.addWidget(self._offer(title, text, word, action))
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        middle = QWidget()
        middle.setFixedWidth(620)
        middle.setLayout(column)
        outer.addWidget(middle, alignment=Qt.AlignmentFlag.AlignHCenter)
        outer.addStretch(3)
        if self.buttons:
            self.buttons[0].setDefault(True)
            self.buttons[0].setFocus()

    def _offer(self, title: str, text: str, word: str, action: Callable[[], Any]) -> QFrame:
        card = QFrame()
        card.setObjectName("panel")
        button = QPushButton(word)
        button.setMinimumWidth(150)
        button.clicked.connect(lambda: action())
        self.buttons.append(button)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(title, role="title"))
        words.addWidget(label(text, role="note"))
        row = QHBoxLayout(card)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(24)
        row.addLayout(words, 1)
        row.addWidget(button)
        return card
