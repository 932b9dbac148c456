"""What every test of a panel has: Qt, and half a minute of a session."""

from __future__ import annotations

import pytest

from gui.app import application
from tests.support.fake_view import FakeView
from tests.support.window.shown import play


@pytest.fixture(autouse=True, scope="module")
def qt():
    return application()


@pytest.fixture
def view() -> FakeView:
    """Half a minute of a session."""
    view = FakeView()
    play(view, 30.0)
    return view
