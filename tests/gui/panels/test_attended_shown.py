"""What is attended, in the real window: its outline on the video and the hit rate beside it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSettings

from experiment.state import Actions, AttendedShown, Mode
from gui.app import application
from gui.main_window import MainWindow
from gui.overlay import fitted
from realtime.types import Rectangle
from tests.support.fake_view import FakeView


@pytest.fixture(autouse=True, scope="module")
def qt():
    return application()


def test_the_truth_is_outlined_where_it_is_and_the_hit_rate_stands_beside_it(qtbot, tmp_path):
    view = FakeView()
    view.advance(view.now() + 5)
    shown: list[AttendedShown | None] = [None]
    actions = Actions(attended=lambda: shown[0])
    window = MainWindow(
        view, Mode.DEMO, actions, QSettings(str(tmp_path / "s.ini"), QSettings.Format.IniFormat)
    )
    qtbot.addWidget(window)
    window.show()
    window.draw()
    picture, note = window.page.video.picture, window.page.video.note
    before = pixels(picture)
    height, width = window.page.video.shown_frame.image.shape[:2]
    box = fitted(width, height, QRectF(picture.rect()))
    assert "attends" not in note.text()
    for left in (0.1, 0.6):
        outline = Rectangle(left, 0.2, left + 0.3, 0.6)
        shown[0] = AttendedShown(1, 2, outline, None, 0.9, (0.75, 0.97), 31, 0.25)
        window.draw()
        window.draw()
        rows, columns = np.nonzero((pixels(picture) != before).any(axis=2))
        assert columns.min() == pytest.approx(box.left() + left * box.width(), abs=8)
        assert columns.max() == pytest.approx(box.left() + (left + 0.3) * box.width(), abs=8)
        assert len(rows) < 0.1 * before.shape[0] * before.shape[1]  # a line, not a patch
    assert "attends 1 · found 2 · right 0.90 [0.75, 0.97] n=31, chance 0.25" in note.toolTip() + note.text()
    shown[0] = None
    window.draw()
    window.draw()
    assert np.array_equal(pixels(picture), before)


def pixels(widget) -> np.ndarray:
    """What a widget looks like, array of shape (height, width, 4)."""
    image = widget.grab().toImage()
    return np.array(image.constBits()).reshape(image.height(), image.bytesPerLine() // 4, 4).copy()
