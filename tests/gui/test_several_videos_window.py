"""Several videos as they are seen: in the window, as text, and on the command line."""

from __future__ import annotations

import io
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from rich.console import Console
from typer.testing import CliRunner

from commands import sessions
from commands.app import app
from experiment import compose, recording
from experiment.state import Actions, Mode
from experiment.text_view import render
from gui.app import application
from gui.main_window import MainWindow
from gui.pages.session_page import SLOW_EVERY
from tests.support.fake_view import FakeView


@pytest.fixture
def window(qtbot, tmp_path):
    """Shows a session with two further videos that has run for a quarter of a minute."""
    application()
    view = FakeView(n_others=2)
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    shown = MainWindow(view, Mode.LIVE, Actions(), settings)
    qtbot.addWidget(shown)
    shown.resize(1280, 800)
    shown.show()
    draw(shown, view, 15.0)
    return shown, view


def draw(window: MainWindow, view: FakeView, seconds: float) -> None:
    for t in np.arange(view.now(), view.now() + seconds, 0.25) + 0.25:
        view.advance(float(t))
    for _ in range(SLOW_EVERY):
        window.draw()


def test_the_window_has_a_panel_a_sign_and_a_line_for_each_further_video(window) -> None:
    shown, view = window
    page, newest = shown.page, view.readings.get().value
    assert list(page.panels)[-2:] == ["video2", "video3"]
    assert [sign.state.text() for sign in page.header.others] == ["● LIVE", "● LIVE"]
    told = f"{newest.others[0].similarity:+.2f}".replace("-", "−")
    for panel in page.others:
        assert panel.isVisible()
        assert panel.has_content
        assert panel.picture.name == "face.mp4"
        assert panel.picture.overlay
        assert panel.note.words == f"{told} · 30 % of attention"
    assert page.similarity.figures.others.text() == f"Video 2  {told}\nVideo 3  {told}"
    assert page.health.frames.value.text() == "0 · 2 · 2"
    assert page.video.width() > page.others[0].width()
    page.video.switch.toggle()
    assert not any(panel.picture.overlay for panel in page.others)
    page.toggle_panel("video2")
    assert page.hidden() == {"video2"}


def test_a_further_video_that_stands_still_is_said_to_be_old_and_missing(window) -> None:
    shown, view = window
    view.others_until = view.now()
    draw(shown, view, 5.0)
    for panel, sign in zip(shown.page.others, shown.page.header.others, strict=True):
        assert panel.age.text() == "▲ 5 s old"
        assert panel.note.words == "missing"
        assert not panel.picture.overlay
        assert sign.state.text() == "▲ STALLED"  # how long is said in its panel
    assert shown.page.similarity.figures.others.text() == "Video 2  –\nVideo 3  –"
    assert shown.page.video.picture.overlay


def test_the_text_view_tells_each_video() -> None:
    view = FakeView(n_others=1)
    for t in np.arange(0, 15, 0.25):
        view.advance(1000 + t)
    console = Console(record=True, width=100, file=io.StringIO())
    console.print(render(view, "Phosphene", 100))
    text = console.export_text()
    assert f"{view.readings.get().value.others[0].similarity:+.3f}" in text
    assert "30% of the attention" in text
    assert "video2" in text


def test_the_command_takes_more_than_one_video(monkeypatch) -> None:
    opened = []

    def open_live(choice):
        opened.append(choice)
        pipeline = SimpleNamespace(eeg_info=SimpleNamespace(named_by=""))
        return SimpleNamespace(pipeline=pipeline, actions=Actions())

    monkeypatch.setattr(compose, "open_live", open_live)
    monkeypatch.setattr(sessions, "_run", lambda open_session, *rest: open_session())
    monkeypatch.setattr(recording, "offer_recording", lambda *rest, **more: None)
    for verb in (["live"], ["record", "out"]):
        words = [*verb, "--eeg", "type=EEG", "--video", "film.mp4", "--video", "0"]
        assert CliRunner().invoke(app, words).exit_code == 0
    assert [choice.video for choice in opened] == [("film.mp4", "0")] * 2
