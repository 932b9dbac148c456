"""A blind session: nobody in the room can tell a sham by what Phosphene shows, and the recording knows."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QLabel
from rich.console import Console

from experiment.feedback_options import feedback_choice
from experiment.run import run, show_nothing
from experiment.state import BLIND, Actions, Mode
from experiment.text_view import render
from gui.main_window import MainWindow
from gui.verdict import Verdict, judge
from realtime.time.clock import ManualClock
from realtime.view import PipelineView
from tests.experiment.test_closed_loop import advance, session
from tests.support.fake_view import FakeView

FIGURE = re.compile(r"[+−-]?\d\.\d\d")


@pytest.fixture
def view():
    shown = FakeView(blind=True)
    for t in np.arange(0, 15, 0.25):
        shown.advance(1000 + t)
    return shown


def test_the_window_covers_similarity_and_match_and_says_why(qtbot, view, tmp_path):
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    window = MainWindow(view, Mode.LIVE, Actions(), settings)
    qtbot.addWidget(window)
    window.show()
    window.page.toggle_caption()
    for _ in range(3):
        window.draw()
    panel = window.page.similarity
    assert not panel.has_content
    assert panel.empty.text == BLIND
    assert window.page.caption.text() in (Verdict.WAITING.sentence, Verdict.BLIND.sentence)
    told = [label.text() for label in panel.findChildren(QLabel) if label.isVisible()]
    assert not any(FIGURE.search(text) for text in told)
    assert window.page.attention.has_content


def test_the_text_view_covers_them_too(view):
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(render(view, "Phosphene", 100))
    text = console.export_text()
    assert "this session is blind" in text
    assert "similarity +" not in text
    assert "2-way" not in text
    assert "EEG" in text


def test_the_plain_words_tell_trouble_but_not_the_fit(view):
    reading = view.readings.get().value
    assert judge(reading, view, stale=False) is Verdict.BLIND
    assert judge(reading, view, stale=True) is Verdict.STANDING


def test_that_the_network_is_untrained_is_said_in_a_blind_session_too(qtbot, tmp_path):
    untrained = FakeView(blind=True, weights="untrained")
    untrained.advance(1015.0)
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    window = MainWindow(untrained, Mode.LIVE, Actions(), settings)
    qtbot.addWidget(window)
    window.show()
    window.page.toggle_caption()
    window.draw()
    panel = window.page.similarity
    assert not panel.has_content
    assert panel.banner.isVisible()
    assert window.page.caption.text() == Verdict.UNTRAINED.sentence


class AtOnce:
    """Runs a session on arrays to its end as soon as it is launched."""

    failure, finished = None, True

    def __init__(self, running, clock):
        self.running, self.clock = running, clock

    def launch(self):
        advance(self.running, self.clock, 99.0, 106.0)

    def stop(self):
        pass


@pytest.mark.parametrize("blind", [False, True])
def test_the_figures_at_the_end_keep_the_mean_similarity_back(blind):
    clock = ManualClock(99.0)
    running = session(clock)
    running.runner = AtOnce(running, clock)
    running.view = PipelineView(running.pipeline, clock, lambda: None)
    running.view.blind = blind
    summary = run(running, show_nothing, 0.0)
    assert summary["readings"] > 10
    assert (summary["video"]["similarity_mean"] is None) is blind


@pytest.mark.parametrize(("coin", "drawn"), [(0, "random"), (1, "off")])
def test_a_coin_decides_whether_a_blind_session_is_a_sham(monkeypatch, coin, drawn):
    monkeypatch.setattr("experiment.feedback_options.secrets.randbelow", lambda n: coin if n == 2 else 5)
    choice = feedback_choice(["hold_s=2"], sham="random", blind=True)
    assert choice.blind
    assert (choice.config.sham, choice.config.hold_s) == (drawn, 2)
    assert feedback_choice(["hold_s=2"], sham="random").config.sham == "random"
    assert feedback_choice(blind=True).config.sham == "off"
