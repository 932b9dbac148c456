"""Screen capture: what another program shows arrives with the time at which it was on the screen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from realtime.errors import VideoError
from realtime.time.clock import LslClock, ManualClock
from realtime.types import StreamState
from realtime.video.camera import open_video
from realtime.video.screen import ScreenSource
from tests.support.pictures.numbered import read_number
from tests.support.x_display import x_display

# Shows the next numbered frame every 0.1 s, and writes its number and when it was painted.
SHOW = """
import sys, time
from PySide6.QtCore import QTimer, Qt
from PySide6.QtGui import QImage, QPainter, QRasterWindow, QGuiApplication
from tests.support.pictures.numbered import numbered_frame
app = QGuiApplication([])
class Show(QRasterWindow):
    number = 0
    def paintEvent(self, event):
        frame = numbered_frame(self.number, self.width(), self.height())
        QPainter(self).drawImage(0, 0, QImage(frame.data, *frame.shape[1::-1], frame.strides[0],
                                              QImage.Format.Format_RGB888))
        print(self.number, time.monotonic(), flush=True)
    def step(self):
        self.number += 1
        self.update()
window = Show()
window.setFlags(Qt.WindowType.FramelessWindowHint | Qt.WindowType.BypassWindowManagerHint)
window.setGeometry(app.primaryScreen().geometry())
window.show()
timer = QTimer(interval=100); timer.timeout.connect(window.step); timer.start()
QTimer.singleShot(20000, app.quit)
app.exec()
"""


@pytest.fixture(scope="module")
def display():
    pytest.importorskip("mss", reason="the extra screen is not installed")
    with x_display() as name:
        yield name


@pytest.fixture
def on_display(display, monkeypatch):
    monkeypatch.setenv("DISPLAY", display)
    return display


@pytest.fixture
def show(on_display):
    env = {**os.environ, "QT_QPA_PLATFORM": "xcb", "DISPLAY": on_display}
    process = subprocess.Popen([sys.executable, "-c", SHOW], env=env, stdout=subprocess.PIPE, text=True)
    try:
        if not process.stdout.readline():
            pytest.skip("Qt shows no window on this display: libraries of its xcb platform are missing")
        yield process
    finally:
        process.kill()
        process.wait()


def test_every_picture_on_the_screen_arrives_with_the_time_it_was_there(show):
    source = ScreenSource(1, fps=40)
    info = source.open()
    assert (info.name, info.fps_nominal) == ("screen 1", 40)
    frames: list[tuple[int, float]] = []
    stamps: list[float] = []
    while len(stamps) < 60:
        frame = source.read(2.0)
        stamps.append(frame.stamp)
        if (number := read_number(frame.image)) is not None:
            frames.append((number, frame.stamp))
    health = source.health()
    source.close()
    show.kill()
    painted = {}
    for line in show.stdout.read().splitlines():
        number, at = line.split()
        painted.setdefault(int(number), float(at))
    numbers = [number for number, _ in frames]
    assert len(set(numbers)) >= 8
    assert numbers == sorted(numbers)
    assert all(a < b for a, b in pairwise(stamps))
    # It cannot be seen before it was painted, and is gone once the next is on.
    seen = [(n, at) for n, at in frames if n in painted and n + 1 in painted]
    assert all(painted[n] - 0.02 < at < painted[n + 1] + 0.06 for n, at in seen)
    assert len(seen) > 30
    assert health.state is StreamState.LIVE
    assert health.stamp_source == "middle of the capture"


def test_looks_come_by_absolute_deadlines_and_are_reduced(on_display):
    clock = ManualClock(10.01)
    device = ScreenSource(1, clock, fps=20, short_side=120)._device
    info = device.open()
    stamps = [device.grab()[1] for _ in range(5)]
    clock.set(clock.now() + 0.12)  # a look that came late leaves two deadlines out
    stamps += [device.grab()[1] for _ in range(2)]
    device.close()
    assert min(info.width, info.height) == 120
    np.testing.assert_allclose(np.diff(stamps), [0.04, 0.05, 0.05, 0.05, 0.12, 0.03], atol=1e-9)


def test_a_screen_that_is_not_there_names_those_that_are(on_display):
    with pytest.raises(VideoError, match=r"no screen 7; there are: 1 \(\d+×\d+\)"):
        open_video("screen:7").open()


def test_without_a_display_it_says_what_it_takes(display, monkeypatch):
    monkeypatch.setenv("DISPLAY", ":4242")
    with pytest.raises(VideoError, match="a desktop session under X11"):
        ScreenSource().open()


def test_without_mss_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mss", None)
    with pytest.raises(VideoError, match=re.escape("pip install 'phosphene[screen]'")):
        ScreenSource().open()


def test_a_screen_is_chosen_by_its_name(on_display):
    for spec, name in (("screen", "screen 1"), ("screen:1", "screen 1")):
        source = open_video(spec, LslClock())
        assert isinstance(source, ScreenSource)
        assert source.open().name == name
        source.close()
