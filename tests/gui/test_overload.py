"""A machine that is too slow: said in amber, with a sentence and what to do, while it is so and not after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QSettings

from experiment.state import Actions, Mode
from gui.app import application
from gui.main_window import MainWindow
from tests.support.fake_view import FakeTransport, FakeView


class SlowView(FakeView):
    """Loses what the test says it does, so many a second; its EEG comes late."""

    losses = (0.0, 0.0, 0.0)  # skipped ticks, late intervals, frames
    late_s = 0.0

    def __init__(self, **more):
        super().__init__(**more)
        self.lost = np.zeros(3)

    def advance(self, t):
        self.lost += np.array(self.losses) * max(0.0, t - self.now())
        super().advance(t)

    def counters(self):
        skipped, late, frames = map(int, self.lost)
        return super().counters() | {
            "skipped_ticks": skipped, "late_intervals": late, "frames_dropped": frames,
        }  # fmt: skip

    def eeg_window(self, seconds):
        times, samples = super().eeg_window(seconds)
        return times - self.late_s, samples


@pytest.fixture
def open_on(qtbot, tmp_path):
    application()

    def opened(view, mode=Mode.LIVE):
        settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
        window = MainWindow(view, mode, Actions(), settings)
        qtbot.addWidget(window)
        window.show()
        for name in window.page.docks.shown():
            window.page.toggle_panel(name)  # no panel is asked about here: none is drawn
        return window

    return opened


def watch(window, view, seconds):
    for t in np.arange(view.now(), view.now() + seconds, 0.1):
        view.advance(float(t))
        for _ in range(3):
            window.draw()


def test_a_machine_that_keeps_up_is_not_complained_of(open_on):
    view = SlowView()
    view.losses = (0.05, 0.1, 0.5)  # now and then
    window = open_on(view)
    watch(window, view, 30)
    assert window.page.banner.isHidden()


@pytest.mark.parametrize(
    ("losses", "figure", "words"),
    [
        ((2.0, 0, 0), "skipped", "readings are skipped"),
        ((0, 3.0, 0), "late", "intervals are late"),
        ((0, 0, 10.0), "frames", "frames are lost"),
    ],
)
def test_what_is_lost_is_amber_with_a_sentence_and_what_to_do(open_on, losses, figure, words):
    view = SlowView()
    view.losses = losses
    window = open_on(view)
    watch(window, view, 12)
    banner = window.page.banner
    assert banner.isVisible()
    assert banner.property("tone") == "warn"
    assert words in banner.text()
    assert "smaller preset" in banner.text()
    shown = getattr(window.page.health, figure).value
    assert shown.property("tone") == "warn"
    assert shown.text().startswith("▲ ")
    view.losses = (0, 0, 0)
    watch(window, view, 14)
    assert banner.isHidden()
    assert shown.property("tone") == ""


def test_eeg_that_comes_seconds_late_does_not_look_live(open_on):
    view = SlowView()
    view.late_s = 14.0
    window = open_on(view)
    watch(window, view, 12)
    sign = window.page.header.eeg.state
    assert sign.text() == "▲ 14 s BEHIND"
    assert sign.property("tone") == "warn"
    assert "the EEG is 14 s behind" in window.page.banner.text()


def test_a_headset_that_is_lost_is_no_slow_machine(open_on):
    view = SlowView()
    window = open_on(view)
    watch(window, view, 3)
    view.eeg_until = view.now()
    health = view.eeg_health
    view.eeg_health = lambda: replace(health(), state=type(view.state).LOST)
    watch(window, view, 5)
    assert window.page.banner.isHidden()


def test_a_replay_waits_for_the_machine_and_is_never_too_slow(open_on):
    view = SlowView(transport=FakeTransport(1000.0, 60.0))
    view.losses = (4.0, 4.0, 30.0)
    window = open_on(view, Mode.REPLAY)
    watch(window, view, 12)
    assert window.page.banner.isHidden()
