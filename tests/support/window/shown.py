"""A window on a session that a test moves by hand."""

from __future__ import annotations

import numpy as np

from gui.main_window import MainWindow
from tests.support.fake_view import FakeView


def play(view: FakeView, seconds: float, step: float = 0.25) -> None:
    for t in np.arange(view.now(), view.now() + seconds, step):
        view.advance(float(t) + step)


def press(window: MainWindow, text: str) -> None:
    """What pressing the key does: the action that has it as a shortcut."""
    for action in window.actions():
        if text in [shortcut.toString() for shortcut in action.shortcuts()]:
            action.trigger()
            return
    raise AssertionError(f"no action has the key {text}")
