"""What a user at the window has: a headset, a film, a command line, and a layout that is nobody's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

import phosphene
from experiment.state import Actions, Mode
from gui import app as gui_app
from gui.main_window import MainWindow
from tests.support.fake_view import FakeView
from tests.support.window.film import small_film
from tests.support.window.headset import SwitchedHeadset
from tests.support.window.shown import play


@pytest.fixture
def headset(source_id):
    headset = SwitchedHeadset(source_id)
    yield headset
    headset.switch_off()


@pytest.fixture
def film(tmp_path) -> Path:
    return small_film(tmp_path / "film.mkv", 5.0)


@pytest.fixture
def settings(tmp_path) -> QSettings:
    """A layout that is forgotten afterwards."""
    return QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)


@pytest.fixture
def own_layout(settings, monkeypatch) -> QSettings:
    """Settings of this test alone, for whatever window the program opens."""
    monkeypatch.setattr("gui.program.remembered", lambda: settings)
    return settings


@pytest.fixture
def command(monkeypatch, capsys) -> Callable[..., dict]:
    """Runs a command line in this process; gives its summary."""

    def run(*words: object) -> dict:
        monkeypatch.setattr("sys.argv", ["phosphene", *map(str, words), "--json"])
        with pytest.raises(SystemExit) as end:
            phosphene.main()
        out, err = capsys.readouterr()
        assert not end.value.code, err + out
        return json.loads(out)

    return run


@pytest.fixture
def open_window(qtbot, settings):
    """Opens a window on a session that has run for some seconds."""
    gui_app.application()

    def opened(view=None, mode=Mode.LIVE, actions=None, seconds=15.0) -> MainWindow:
        view = view or FakeView()
        play(view, seconds)
        window = MainWindow(view, mode, actions or Actions(), settings)
        qtbot.addWidget(window)
        window.resize(1280, 800)
        window.show()
        window.draw()
        return window

    return opened
