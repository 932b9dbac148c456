"""The first page: every offer says what it is for, in full."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from experiment.state import Actions
from gui.app import application
from gui.pages.first_run import FirstRun


def test_no_offer_cuts_its_words(qtbot):
    application()
    page = FirstRun(Actions(start_headset=print, open_example=print, set_up=print, open_session=print))
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    qtbot.waitExposed(page)
    wrapped = [label for label in page.findChildren(QLabel) if label.wordWrap() and label.isVisible()]
    assert len(wrapped) >= 4
    for label in wrapped:
        assert label.height() >= label.heightForWidth(label.width()), label.text()
