"""Channels by mouse and keys: bad by a click, chosen, hidden, other kinds; what the network is told."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QInputDialog

from experiment.state import Actions
from gui.eeg.channels import ChannelList
from gui.eeg.gutter import MARKERS_PX
from gui.eeg.traces import next_scale
from tests.support.fake_view import FakeView

EOG = (("HEOG", "eog", "µV"), ("VEOG", "eog", "µV"), ("acc", "misc", "g"))


def click_name(window, row: int, held=Qt.KeyboardModifier.NoModifier) -> None:
    gutter = window.page.eeg.gutter
    at = QPoint(20, round(MARKERS_PX + (row + 0.5) * (gutter.height() - MARKERS_PX - 20) / len(gutter.shown)))
    QTest.mouseClick(gutter, Qt.MouseButton.LeftButton, held, at)
    window.draw()


def list_of(window) -> ChannelList:
    QTest.keyClick(window, Qt.Key.Key_H)
    return window.findChild(ChannelList)


def tick(dialog: ChannelList, row: int, column: str, on: bool) -> None:
    item = dialog.table.item(row, ChannelList.COLUMNS.index(column))
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


def test_a_click_on_a_name_marks_the_channel_bad_and_another_takes_it_back(open_on):
    window, _ = open_on(view := FakeView())
    click_name(window, 1)
    assert window.page.eeg.gutter.words("AF7") == "AF7 marked bad"
    assert window.page.eeg.note.words == "1 of 4 channels bad"
    assert view.left_out == frozenset()
    click_name(window, 1)
    assert window.page.eeg.gutter.words("AF7") == "AF7"


def test_the_network_does_without_bad_channels_where_that_is_chosen_and_the_recording_says_so(open_on):
    marked = []
    window, _ = open_on(view := FakeView(), Actions(mark=marked.append))
    click_name(window, 2)
    dialog = list_of(window)
    QTest.mouseClick(dialog.network, Qt.MouseButton.LeftButton, pos=QPoint(8, dialog.network.height() // 2))
    assert view.left_out == {"AF8"}
    click_name(window, 2)
    assert view.left_out == frozenset()
    assert marked == ["channel AF8 left out", "channel AF8 used again"]


def test_the_list_hides_chooses_and_marks(open_on):
    window, _ = open_on(FakeView())
    dialog = list_of(window)
    tick(dialog, 0, "shown", on=False)
    tick(dialog, 1, "chosen", on=True)
    tick(dialog, 3, "bad", on=True)
    window.draw()
    assert window.page.eeg.gutter.labels == ("AF7", "AF8", "TP10")
    assert window.page.channels.chosen == {"AF7"}
    assert window.page.eeg.gutter.words("TP10") == "TP10 marked bad"


def test_ctrl_and_a_click_chooses_the_channel_for_spectrum_and_average(open_on):
    window, _ = open_on(FakeView())
    click_name(window, 3, Qt.KeyboardModifier.ControlModifier)
    click_name(window, 0, Qt.KeyboardModifier.ControlModifier)
    assert window.page.channels.chosen_of(window.page.view) == ("TP9", "TP10")


def test_each_kind_of_channel_has_a_scale_of_its_own(open_on):
    window, _ = open_on(FakeView(side=EOG))
    panel = window.page.eeg
    assert panel.gutter.labels == ("TP9", "AF7", "AF8", "TP10", "HEOG", "VEOG", "acc")
    eeg, eog = panel.scales("eeg"), panel.scales("eog")
    box = panel.canvas.traces_box
    panel.canvas.hover = QPointF(box.center().x(), box.top() + box.height() * 4.5 / 7)  # over HEOG
    QTest.keyClick(window, Qt.Key.Key_Minus)
    assert panel.scales("eeg") == eeg
    assert panel.scales("eog") == next_scale(eog, 1)
    window.draw()
    assert panel.canvas.reads.startswith("HEOG  +")
    panel.canvas.hover = None
    QTest.keyClick(window, Qt.Key.Key_Minus)
    assert panel.scales("eeg") > eeg


def test_a_channel_that_stands_far_from_zero_is_drawn_in_its_own_row(open_on):
    window, _ = open_on(FakeView(side=EOG[:1]))
    image = window.page.eeg.canvas.traces().toImage()
    height = image.height()
    rows = range(height * 4 // 5, height)
    drawn = [y for y in rows for x in range(0, image.width(), 3) if image.pixelColor(x, y).alpha() > 100]
    assert drawn
    assert np.ptp(drawn) > height / 20


@pytest.mark.parametrize(("text", "taken"), [("3 - 7", (3.0, 7.0)), ("7 – 3", None), ("loud", None)])
def test_a_band_of_ones_own_is_drawn_or_refused_with_a_reason(open_on, monkeypatch, text, taken):
    window, _ = open_on(FakeView())
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: (text, True))
    QTest.keyClick(window, Qt.Key.Key_V, Qt.KeyboardModifier.ShiftModifier)
    assert window.page.eeg.filter.band_hz == taken
    assert window.page.banner.isVisible() == (taken is None)
