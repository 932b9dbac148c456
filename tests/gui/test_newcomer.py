"""A headset that may be the one that was lost is offered in the window, and a click decides."""

from __future__ import annotations

import pytest

from experiment.state import Actions, Mode, Newcomer
from gui.app import application
from gui.main_window import MainWindow
from gui.pages.session_page import SLOW_EVERY, SessionPage
from tests.support.fake_view import FakeView
from tests.support.window.headset import SwitchedHeadset
from tests.support.window.user import Steps, User, click, shown


@pytest.mark.parametrize("take", [True, False])
def test_a_newcomer_is_offered_until_it_is_taken_or_left(qtbot, settings, take):
    application()
    answers: list[bool] = []
    offer = Newcomer("Cap · 4 ch · 250 Hz · on lab-pc", answers.append)
    waiting: list[Newcomer | None] = [None]
    window = MainWindow(FakeView(), Mode.LIVE, Actions(newcomer=lambda: waiting[0]), settings)
    qtbot.addWidget(window)
    window.show()

    def draw() -> None:
        for _ in range(SLOW_EVERY):
            window.draw()

    draw()
    bar = window.page.newcomer
    assert not bar.isVisible()
    waiting[0] = offer
    draw()
    assert bar.isVisible()
    assert "Cap · 4 ch · 250 Hz · on lab-pc" in bar.words.words
    click(bar.take if take else bar.leave)
    assert answers == [take]
    assert not bar.isVisible()
    waiting[0] = None
    draw()
    assert not bar.isVisible()


@pytest.mark.long
def test_a_headset_without_a_source_id_comes_back_by_a_click(source_id, film, tmp_path, own_layout, command):
    application()
    headset = SwitchedHeadset("", name=source_id)

    def lose_and_take() -> Steps:
        yield lambda: shown(SessionPage) and shown(SessionPage).header.eeg.state.text() == "● LIVE"
        page = shown(SessionPage)
        headset.switch_off()
        yield lambda: page.header.eeg.state.text().startswith(("▲ STALLED", "✕ LOST"))
        headset.switch_on()
        yield page.newcomer.isVisible
        assert page.header.eeg.state.text() != "● LIVE"
        click(page.newcomer.take)
        yield lambda: page.header.eeg.state.text() == "● LIVE"
        assert not page.newcomer.isVisible()
        shown(MainWindow).close()

    user = User(lose_and_take())
    try:
        summary = command(
            "live", "--eeg", f"name={source_id}", "--video", film, "--out", tmp_path / "sessions"
        )
        user.check()
    finally:
        headset.switch_off()
    assert summary["errors"] == []
