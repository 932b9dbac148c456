"""A stream that may be the headset that was lost: only a person can say whether it is."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from experiment.state import Actions, Newcomer
from gui.panel import ElidedLabel


class NewcomerBar(QFrame):
    """Offers a newcomer with Take and Leave; hidden while there is none.

    Attributes
    ----------
    words : ElidedLabel
        Which stream it is.
    """

    def __init__(self, actions: Actions):
        super().__init__()
        self.setObjectName("call")
        self._can = actions
        self._offer: Newcomer | None = None
        self.words = ElidedLabel()
        self.words.explain(
            "It fits what was chosen, but its source id does not say that it is the same headset. "
            "Take: the session goes on with it, after a gap. Leave: it is not offered again."
        )
        self.take, self.leave = QPushButton("Take"), QPushButton("Leave")
        self.take.clicked.connect(lambda: self._answer(take=True))
        self.leave.clicked.connect(lambda: self._answer(take=False))
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 5, 6, 5)
        row.setSpacing(10)
        row.addWidget(self.words, 1)
        row.addWidget(self.take)
        row.addWidget(self.leave)
        self.hide()

    def follow(self) -> str:
        """Show what is offered now; returns what there is to say of a new offer. Called twice a second."""
        offer = self._can.newcomer() if self._can.newcomer is not None else None
        new = offer is not None and (self._offer is None or offer.words != self._offer.words)
        self._offer = offer
        self.setVisible(offer is not None)
        if offer is None:
            return ""
        self.words.say(f"▲  Is this the headset? {offer.words}")
        return f"offered: {offer.words}" if new else ""

    def _answer(self, *, take: bool) -> None:
        if self._offer is not None:
            self._offer.answer(take)
        self.hide()
