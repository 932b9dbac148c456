"""The whole way of a calibration: a real surface flashes, a camera with a known delay sees it."""

from __future__ import annotations

import time
from bisect import bisect_right

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent

import gui.setup.calibration_window
from gui.app import application
from gui.setup.calibration_window import calibrate_camera, flash
from gui.stimulus.surface import new_surface
from realtime.errors import ConfigError, RunError, VideoError
from realtime.time.clock import LslClock
from realtime.video.calibration import load_offset
from realtime.video.camera import UrlSource
from tests.support.pictures.http_camera import HttpCamera

FPS, DELAY_S = 30.0, 0.080


@pytest.fixture(autouse=True)
def _own_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


class Scene:
    """What a camera can see: how bright the flashing surface is at any time, 0 to 1."""

    def __init__(self, monkeypatch):
        self.times, self.light = [-np.inf], [0.0]
        self.surface = None
        monkeypatch.setattr(gui.setup.calibration_window, "new_surface", self._new_surface)

    def at(self, time_s):
        return self.light[bisect_right(self.times, time_s) - 1]

    def _new_surface(self, shown, left):
        def seen():
            now = time.monotonic()
            grabbed = self.surface._pixels
            self.light.append(0.0 if grabbed is None else float(grabbed.mean()) / 255)
            self.times.append(now)
            shown()

        self.surface = new_surface(seen, left)
        return self.surface


def camera_of(scene, delay_s=DELAY_S):
    """A network camera whose pictures arrive so long after they were taken: a screen in a busy room."""
    room = np.random.default_rng(0).integers(20, 60, (48, 64, 3), dtype=np.uint8)

    def picture(number):
        seen = room.copy()
        seen[8:30, 20:50] += np.uint8(150 * scene.at(camera.shown_at(number) - delay_s))
        return seen

    camera = HttpCamera(FPS, picture)
    return camera


@pytest.mark.slow
def test_a_camera_with_a_known_delay_is_measured_to_less_than_half_a_frame(monkeypatch):
    scene = Scene(monkeypatch)
    with camera_of(scene) as camera:
        found = calibrate_camera(camera.url, n_changes=12, lead_s=0.3)
        assert found.offset.offset_mean == pytest.approx(DELAY_S, abs=0.5 / FPS)
        assert found.offset.explained > 0.8
        assert (found.camera, found.stamp_source) == (camera.url, "arrival")
        assert load_offset(camera.url, "arrival") == found.offset
        source = UrlSource(camera.url)
        try:  # from now on its frames are placed by what was measured
            assert source.open().offset_s == found.offset.offset_mean
        finally:
            source.close()


def test_the_surface_turns_white_and_black_when_it_says(monkeypatch):
    scene = Scene(monkeypatch)
    changes = flash(LslClock(), 6, 0.1, lambda: False)
    assert len(changes) == 6
    for n, at in enumerate(changes):
        assert scene.at(at + 1e-3) == (n + 1) % 2
        assert scene.at(at - 0.05) == n % 2
    words = [light for light in scene.light if 0 < light < 1]
    assert words  # something was said before
    assert not [w for w in QGuiApplication.topLevelWindows() if w.isVisible()]


@pytest.mark.slow
def test_a_camera_that_looks_elsewhere_is_told_and_nothing_is_kept(monkeypatch, tmp_path):
    Scene(monkeypatch)
    with HttpCamera(FPS) as camera, pytest.raises(VideoError, match="does not see the window flash"):
        calibrate_camera(camera.url, n_changes=10, lead_s=0.1)
    assert not list(tmp_path.rglob("*.json"))


def test_escape_ends_it_and_so_does_whoever_started_it(monkeypatch):
    application()
    scene = Scene(monkeypatch)

    def press():
        key = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
        QCoreApplication.sendEvent(scene.surface, key)

    QTimer.singleShot(200, press)
    begun = time.monotonic()
    with pytest.raises(RunError, match="ended after 0 of 40 changes"):
        flash(LslClock(), 40, 30.0, lambda: False)
    with pytest.raises(RunError, match="ended after 0 of 40 changes"):
        flash(LslClock(), 40, 30.0, lambda: True)
    assert time.monotonic() - begun < 5.0


def test_an_error_while_it_flashes_is_raised_and_not_only_printed(monkeypatch):
    Scene(monkeypatch)
    with pytest.raises(ZeroDivisionError):
        flash(LslClock(), 10, 0.0, lambda: 1 / 0)


def test_without_a_screen_nothing_is_tried(monkeypatch):
    for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="no screen can flash here"):
        calibrate_camera("0")


def test_a_film_is_no_camera():
    with pytest.raises(VideoError, match="film is no camera"):
        calibrate_camera("film")
