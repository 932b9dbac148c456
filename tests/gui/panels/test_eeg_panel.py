"""The panel of EEG traces: scale, channels, filter, cursor, and the time it shows."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF

from gui.eeg.panel import EegPanel
from tests.support.fake_view import TEN_TEN, FakeView
from tests.support.window.panels import shown
from tests.support.window.shown import play


def test_the_eeg_scale_is_chosen_once_and_then_stays(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    chosen = panel.scales("eeg")
    assert chosen in (50, 100)
    panel.change_scale(2)
    louder = panel.scales("eeg")
    play(view, 5)
    panel.refresh(view)
    assert panel.scales("eeg") == louder > chosen


def test_bad_channels_are_counted_and_named_with_the_reason(qtbot, view):
    view.bad = {"AF7": "flat"}
    panel = shown(EegPanel(), qtbot, view)
    assert panel.note.words == "1 of 4 channels bad"
    assert panel.gutter.words("AF7") == "AF7 flat"
    assert panel.gutter.words("AF8") == "AF8"


def test_the_view_filter_changes_what_is_drawn_and_says_its_band(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    assert panel.filter_button.text() == "0.5 – 40 Hz"
    before = panel.canvas.grab().toImage()
    panel.next_filter()
    panel.refresh(view)
    assert panel.filter_button.text() == "1 – 15 Hz"
    assert panel.canvas.grab().toImage() != before


def test_the_gutter_grows_for_a_reason_and_does_not_jump_back(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    narrow = panel.gutter.width()
    view.bad = {"TP10": "railing"}
    panel.refresh(view)
    wide = panel.gutter.width()
    view.bad = {}
    panel.refresh(view)
    assert panel.gutter.width() == wide > narrow


def test_64_channels_are_all_named_or_left_out_without_overlapping(qtbot):
    view = FakeView(TEN_TEN, bad={"C3": "flat"})
    play(view, 5)
    panel = shown(EegPanel(), qtbot, view, (700, 400))
    panel.toggle_all()
    panel.refresh(view)
    middles = sorted(middle for _, middle, _ in panel.gutter.rows())
    assert np.diff(middles).min() >= 9
    assert any(name == "C3" for name, _, _ in panel.gutter.rows())


def test_of_many_channels_sixteen_are_shown_at_a_time_and_all_on_a_click(qtbot):
    view = FakeView(TEN_TEN, bad={"Oz": "flat"})
    play(view, 15)
    panel = shown(EegPanel(), qtbot, view)

    def named() -> list[str]:
        panel.refresh(view)
        return list(panel.gutter.labels)

    assert named() == list(TEN_TEN[:16])
    assert panel.pages.text() == "1 – 16 of 64"
    assert panel.note.words == "1 of 64 channels bad"
    panel.turn_page(1)
    assert named() == list(TEN_TEN[16:32])
    for _ in range(9):
        panel.turn_page(1)
    assert named() == list(TEN_TEN[48:])
    panel.pages.click()
    assert named() == list(TEN_TEN)
    assert not shown(EegPanel(), qtbot, FakeView()).pages.isVisible()


def test_the_cursor_reads_the_channel_and_moment_under_the_mouse(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    canvas = panel.canvas
    box = canvas.traces_box
    canvas.hover = QPointF(canvas.width() * 0.6, box.top() + box.height() * 0.3)  # 4 s ago, second of four
    panel.refresh(view)
    times, samples = view.eeg_window(10.0)
    value = samples[np.searchsorted(times, view.now() - 4.0), 1]
    assert panel.canvas.reads == f"AF7  {value:+.1f} µV  −4.00 s".replace("-", "−")


def test_the_time_shown_is_chosen_and_the_traces_fill_it(qtbot, view):
    panel = shown(EegPanel(), qtbot, view)
    assert panel.time_button.text() == "10 s"
    panel.change_time(1)
    panel.refresh(view)
    assert panel.time_button.text() == "20 s"
    image = panel.canvas.traces().toImage()
    first = [image.pixelColor(2, y).alpha() for y in range(image.height())]
    assert any(first)
    for _ in range(9):
        panel.change_time(-1)
    panel.refresh(view)
    assert panel.time_button.text() == "2 s"
