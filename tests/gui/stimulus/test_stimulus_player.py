"""The stimulus player: what was shown is handed on once, with its number and the moment it came on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeyEvent, QOpenGLContext

from gui.app import application
from gui.stimulus.player import StimulusPlayer
from realtime.errors import VideoError
from realtime.sources import VideoSource
from realtime.types import StreamState
from realtime.video.screen import ScreenSource
from recordings.video.files import VideoWriter
from tests.support.pictures.numbered import numbered_frame, read_number
from tests.support.x_display import x_display

# Uneven, as films from the network are: no rate, only the frames' own times.
DUE = np.cumsum([0, 60, 90, 50, 140, 70, 300, 60, 80, 60, 250, 50, 80, 90, 60, 60, 60, 60, 60, 60]) / 1000
LATE_S = 0.25  # how late a frame may be where eight others share two processors


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_film(tmp_path_factory.mktemp("film") / "uneven.mkv", DUE)


def write_film(path, due):
    with VideoWriter(path, (160, 120)) as writer:
        for number, at in enumerate(due):
            writer.write(numbered_frame(number), at)
    return path


@pytest.fixture
def players():
    """Makes players, and closes them."""
    application()
    made = []

    def make(*args, **options):
        made.append(StimulusPlayer(*args, **options))
        return made[-1]

    yield make
    for player in made:
        player.close()
    _run(0.02)


def _run(seconds, until=lambda: False):
    """Let Qt work so long, or until something is so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        QCoreApplication.processEvents()
        time.sleep(0.001)


def _take(player):
    taken = []
    while (frame := player.read()) is not None:
        taken.append(frame)
    return taken


def _check_times(frames, due):
    """Every frame came on after it was due, before the next, and only once; the film's own steps are kept."""
    numbers, stamps = [n for n, _ in frames], np.array([at for _, at in frames])
    assert all(a < b for a, b in pairwise(numbers))
    assert all(a < b for a, b in pairwise(stamps))
    late = stamps - due[numbers]
    late -= late.min()
    assert late.max() < LATE_S
    assert np.median(late) < 0.03


def test_it_is_a_video_source(film):
    assert isinstance(StimulusPlayer(film), VideoSource)


def test_every_shown_frame_is_handed_on_once_with_its_number_and_its_time(players, film):
    player = players(film)
    before = time.monotonic()
    info = player.open()
    assert (info.name, info.width, info.height) == ("uneven.mkv", 160, 120)
    usual = "OpenGL buffer swap" if QOpenGLContext().create() else "after painting (no OpenGL here)"
    assert info.stamp_source == player.health().stamp_source == usual
    frames = []

    def over():
        frames.extend(_take(player))
        return player.finished

    _run(15.0, over)
    assert [read_number(frame.image) for frame in frames] == [frame.seq for frame in frames]
    assert len(frames) + player.health().dropped == frames[-1].seq + 1
    assert len(frames) >= len(DUE) - 4
    assert before < frames[0].stamp < time.monotonic()
    _check_times([(frame.seq, frame.stamp) for frame in frames], DUE)
    assert player.health().state is StreamState.FINISHED


def test_it_stays_black_and_silent_until_it_may_begin(players, film):
    player = players(film, wait=True)
    player.open()
    _run(0.3)
    assert _take(player) == []
    assert player.health().state is StreamState.SEARCHING
    began = time.monotonic()
    player.play()
    _run(5.0, lambda: player.health().frames >= 2)
    first = player.read()
    assert first.seq == 0
    assert began < first.stamp < began + 1.0


def test_a_window_that_is_painted_anew_shows_no_new_frame(players, tmp_path):
    player = players(write_film(tmp_path / "slow.mkv", [0.0, 60.0]))
    player.open()
    _run(5.0, lambda: player.health().frames == 1)
    for _ in range(5):
        player._surface.update()
        _run(0.03)
    assert [frame.seq for frame in _take(player)] == [0]


def test_frames_that_nobody_takes_are_dropped_and_counted(players, tmp_path):
    due = np.arange(60) * 0.02
    player = players(write_film(tmp_path / "long.mkv", due))
    player.open()
    _run(10.0, lambda: player.health().frames + player._film.health().dropped >= 55)
    taken = _take(player)
    assert len(taken) <= 32
    assert taken[-1].seq >= 50  # the oldest go first
    assert player.health().dropped >= taken[0].seq


def test_escape_ends_the_film_and_takes_the_window_away(players, film):
    player = players(film)
    player.open()
    _run(5.0, lambda: player.health().frames >= 2)
    key = QKeyEvent(QKeyEvent.Type.KeyPress, Qt.Key.Key_Escape, Qt.KeyboardModifier.NoModifier)
    QCoreApplication.sendEvent(player._surface, key)
    assert player.finished
    _run(0.2, lambda: player._surface is None)
    assert player._surface is None
    player.close()


def test_a_film_that_loops_goes_on_with_rising_numbers_and_times(players, tmp_path):
    player = players(write_film(tmp_path / "short.mkv", [0.0, 0.1, 0.2]), loop=True)
    player.open()
    frames = []
    _run(10.0, lambda: frames.extend(_take(player)) or len(frames) >= 7)
    assert [read_number(frame.image) for frame in frames] == [frame.seq % 3 for frame in frames]
    assert all(a.stamp < b.stamp and a.seq < b.seq for a, b in pairwise(frames))
    assert not player.finished


def test_no_film_and_no_screen_are_told(players, tmp_path):
    with pytest.raises(VideoError, match="no video file"):
        players(tmp_path / "none.mkv").open()
    with pytest.raises(VideoError, match=r"no screen 9 to show the film on; there are: 1 \("):
        players(tmp_path / "none.mkv", screen=9).open()


def _child(film, *args, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.stimulus_child", str(film), *args],
        env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.mark.slow
def test_on_a_real_display_the_screen_shows_each_frame_when_its_stamp_says_so(tmp_path):
    pytest.importorskip("mss", reason="the extra screen is not installed")
    due = np.arange(20) * 0.15
    with x_display() as display, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", display)
        eye = ScreenSource(1, fps=60)
        eye.open()
        child = _child(write_film(tmp_path / "film.mkv", due), DISPLAY=display, QT_QPA_PLATFORM="xcb")
        seen = []
        while child.poll() is None:
            frame = eye.read(0.1)
            if frame is not None and (number := read_number(frame.image)) is not None:
                seen.append((number, frame.stamp))
        eye.close()
        said = child.stdout.read()
    if not said:
        pytest.skip("Qt shows no window on this display: libraries of its xcb platform are missing")
    told = json.loads(said)
    frames = told["frames"]
    assert told["stamp_source"] in ("OpenGL buffer swap", "after painting (no OpenGL here)")
    assert told["state"] == "FINISHED"
    assert all(seq == number for seq, number, _ in frames)
    assert len(frames) >= 18
    _check_times([(seq, at) for seq, _, at in frames], due)
    on = {seq: at for seq, _, at in frames}
    between = [(on[n] - at, at - on[n + 1]) for n, at in seen if n in on and n + 1 in on]
    assert len(between) > 40
    # Seen on the screen from its stamp on, until the stamp of the next: a look takes some milliseconds.
    assert np.quantile(between, 0.9) < 0.02


def test_it_comes_up_on_the_second_screen_where_there_is_one(film, tmp_path):
    screens = [
        {"name": "desk", "x": 0, "y": 0, "width": 800, "height": 600},
        {"name": "participant", "x": 800, "y": 0, "width": 640, "height": 480},
    ]
    config = tmp_path / "screens.json"
    config.write_text(json.dumps({"screens": screens}))
    short = write_film(tmp_path / "short.mkv", [0.0, 0.1])
    for args, name in (((), "participant"), (("1",), "desk")):
        child = _child(short, *args, QT_QPA_PLATFORM=f"offscreen:configfile={config}")
        assert json.loads(child.communicate(timeout=60)[0])["screen"] == name
