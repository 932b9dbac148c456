"""One verdict decides what chip, sentence and figures say, and stands long enough to be read."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QSettings

from experiment.state import Actions, FeedbackShown, Mode
from gui.app import application
from gui.main_window import MainWindow
from gui.verdict import Judge, Verdict, judge
from realtime.types import Chance
from tests.support.fake_view import FakeTransport, FakeView

BAND = (-0.1, 0.1)


@pytest.fixture
def view() -> FakeView:
    view = FakeView()
    view.advance(1030.0)
    return view


def say(view: FakeView, similarity: float, band=BAND) -> None:
    """Let the newest reading be this one."""
    newest = view.readings.get().value
    view.readings.put(replace(newest, similarity=similarity, chance=Chance(band=band, n=12), end=view.now()))


@pytest.mark.parametrize(
    ("similarity", "band", "verdict"),
    [
        (0.3, BAND, Verdict.ABOVE), (0.05, BAND, Verdict.WITHIN),
        (-0.3, BAND, Verdict.BELOW), (0.9, None, Verdict.TOO_EARLY),
    ],
)  # fmt: skip
def test_a_verdict_is_taken_against_the_band_of_chance(view, similarity, band, verdict):
    say(view, similarity, band)
    assert judge(view.readings.get().value, view, stale=False) is verdict


def test_trouble_comes_first_then_what_cannot_be_known(view):
    say(view, 0.3)
    reading = view.readings.get().value
    assert judge(None, view, stale=False) is Verdict.WAITING
    assert judge(reading, view, stale=True) is Verdict.STANDING
    view.card = replace(view.card, weights="untrained")
    view.blind = True
    assert judge(reading, view, stale=False) is Verdict.UNTRAINED


def test_a_verdict_stands_long_enough_to_be_read(view):
    judged, seen = Judge(), []
    for n in range(81):
        view.advance(1030 + 0.25 * n)
        say(view, (0.3, 0.0)[n % 2])
        judged.follow(view)
        seen.append(judged.verdict)
    assert seen[0] is Verdict.ABOVE
    assert 6 <= sum(a is not b for a, b in pairwise(seen)) <= 8


def test_a_paused_replay_is_judged_at_once_wherever_it_goes():
    view = FakeView(transport=FakeTransport(1000.0, 60.0))
    view.advance(1030.0)
    view.transport.pause()
    judged = Judge()
    for similarity, verdict in ((0.3, Verdict.ABOVE), (0.0, Verdict.WITHIN), (-0.3, Verdict.BELOW)):
        say(view, similarity)
        judged.follow(view)
        assert judged.verdict is verdict


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine
@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=60), st.booleans())
def test_figures_and_words_are_always_of_one_reading(similarities, dimmed):
    view, judged = FakeView(start=1027.0), Judge()
    view.advance(1030.0)
    for n, similarity in enumerate(similarities):
        view.advance(1030 + 0.25 * (n + 1))
        say(view, similarity)
        judged.follow(view)
        shown = judged.reading.similarity
        assert judge(judged.reading, view, stale=False) is judged.verdict
        assert (judged.verdict is Verdict.ABOVE) is (shown > BAND[1])
        sentence = judged.sentence(FeedbackShown(0.2, 0.5, rewarded=dimmed))
        assert not (judged.verdict is Verdict.ABOVE and "no longer follows" in sentence)
        assert not (judged.verdict is Verdict.WITHIN and "is with the film" in sentence)


def test_chip_figure_and_sentence_agree_in_the_window_and_change_twice_a_second_at_most(qtbot, tmp_path):
    application()
    view = FakeView()
    window = MainWindow(
        view, Mode.DEMO, Actions(), QSettings(str(tmp_path / "l.ini"), QSettings.Format.IniFormat)
    )
    qtbot.addWidget(window)
    window.show()
    for name in window.page.docks.shown() - {"similarity"}:
        window.page.toggle_panel(name)  # what is not asked about here is not drawn
    figures, seen = window.page.similarity.figures, []
    for t in np.arange(1000.0, 1040.0, 1 / 30):
        view.advance(float(t))
        window.draw()
        told = (figures.similarity.text(), figures.verdict.text(), window.page.caption.text())
        if not seen or seen[-1] != told:
            seen.append(told)
    words = {verdict.word: verdict.sentence for verdict in Verdict if verdict.word}
    assert all(words[word] == sentence for _, word, sentence in seen if word)
    assert {"▲ above chance", "● within chance"} <= {word for _, word, _ in seen}
    assert len(seen) <= 82
