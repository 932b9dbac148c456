"""Playlists: each item at its time, each event stamped at the swap; what flashes is said before it does."""

from __future__ import annotations

import json
import time

import cv2
import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QKeyEvent

from gui.app import application
from gui.stimulus.lead_in import ONLY_SCREEN, LeadIn
from gui.stimulus.player import StimulusPlayer
from gui.stimulus.playlist import Blank, Question, read_playlist
from realtime.errors import ConfigError, VideoError
from realtime.video.flashes import film_flashes, most_flashes
from recordings.video.files import VideoWriter
from tests.gui.stimulus.test_stimulus_player import _run, write_film


@pytest.fixture
def playlist(tmp_path):
    write_film(tmp_path / "film.mkv", np.arange(8) * 0.05)
    picture = np.zeros((60, 200, 3), np.uint8)
    picture[..., 2] = 200  # blue first: red
    cv2.imwrite(str(tmp_path / "red.png"), picture)
    path = tmp_path / "day.json"
    path.write_text(
        json.dumps(
            [
                {"blank": 0.3}, {"film": "film.mkv"}, {"picture": "red.png", "seconds": 0.3},
                {"question": "Did you like it? y / n", "keys": "yn"}, {"blank": 0.2},
            ]
        )
    )  # fmt: skip
    return path


def press(player, key, text) -> None:
    event = QKeyEvent(QKeyEvent.Type.KeyPress, key, Qt.KeyboardModifier.NoModifier, text)
    QCoreApplication.sendEvent(player._surface, event)


def test_items_come_one_after_another_and_their_events_at_the_swap(playlist):
    application()
    player = StimulusPlayer(playlist)
    events, frames = [], []
    player.events.attach(events.append)
    player.open()

    def asked() -> bool:
        while (frame := player.read()) is not None:
            frames.append(frame)
        return any(words.startswith("question") for _, words in events)

    _run(15.0, asked)
    press(player, Qt.Key.Key_X, "x")  # no answer to this question
    _run(0.15)
    before = time.monotonic()
    press(player, Qt.Key.Key_Y, "y")
    _run(10.0, lambda: asked() and player.finished)
    player.close()
    _run(0.05)
    assert [words for _, words in events] == [
        "blank", "film: film.mkv", "picture: red.png", "question: Did you like it? y / n", "answer: y",
        "blank",
    ]  # fmt: skip
    stamps = {frame.stamp: frame for frame in frames}
    swaps = [stamp for stamp, words in events if not words.startswith("answer")]
    assert all(stamp in stamps for stamp in swaps)  # each is the stamp of the frame that brought it
    assert events[4][0] == pytest.approx(before, abs=0.05)
    seqs = [frame.seq for frame in frames]
    assert seqs == sorted(set(seqs))
    assert {frame.image.shape for frame in frames} == {(120, 160, 3)}
    blank, red = stamps[swaps[0]].image, stamps[swaps[2]].image
    assert blank.max() == 0
    assert red[60, 80].tolist() == [200, 0, 0]
    assert red[2, 80].tolist() == [0, 0, 0]  # fitted on black
    assert stamps[swaps[3]].image.max() > 80  # words, small


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[", "cannot be read"),
        ("[]", "holds no list of items"),
        ("[" * 100_000, "cannot be read"),
        ('[{"blank": -1}]', "item 1 of the playlist"),
        ('[{"blank": true}]', "item 1 of the playlist"),
        ('[{"blank": Infinity}]', "item 1 of the playlist"),
        ('[{"blank": 1, "film": "a.mkv"}]', "item 1 of the playlist"),
        ('[{"film": "none.mkv"}]', "which is not there"),
        ('[{"question": "?", "keys": ""}]', "item 1 of the playlist"),
    ],
)
def test_a_list_that_cannot_be_played_says_which_item_and_what_to_write(tmp_path, written, words):
    path = tmp_path / "list.json"
    path.write_text(written)
    with pytest.raises(ConfigError, match=words):
        read_playlist(path)


def test_a_picture_that_is_none_is_refused_before_it_begins(tmp_path):
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "list.json").write_text('[{"picture": "a.png", "seconds": 1}]')
    application()
    with pytest.raises(VideoError, match="no picture that can be read"):
        StimulusPlayer(tmp_path / "list.json").open()


def test_an_answer_counts_once_and_only_to_a_question(tmp_path):
    (tmp_path / "list.json").write_text('[{"blank": 1}, {"question": "?", "keys": "AB"}]')
    assert read_playlist(tmp_path / "list.json") == (Blank(1.0), Question("?", "ab"))
    player = StimulusPlayer(tmp_path / "list.json")
    assert player._film.answer("a") is None


def test_it_counts_down_and_warns_before_it_covers_the_only_screen_or_flashes(tmp_path):
    lead_in = LeadIn(3.0, [ONLY_SCREEN, ""])
    assert lead_in.warnings == [ONLY_SCREEN]
    shown = []
    for tenth in range(100):
        now = 50 + tenth / 10
        if lead_in.over(now):
            break
        if (picture := lead_in.picture(now)) is not None:
            shown.append(picture)
    assert now == pytest.approx(58.0)  # 3 s, and 5 more to read
    assert len(shown) == 8
    assert all(picture.max() > 100 for picture in shown)


def test_the_film_begins_after_the_countdown_and_what_is_counted_is_not_handed_on(tmp_path, monkeypatch):
    monkeypatch.setattr("gui.stimulus.player.only_screen", lambda: False)
    application()
    player = StimulusPlayer(write_film(tmp_path / "film.mkv", np.arange(6) * 0.1), countdown_s=0.6)
    begun = time.monotonic()
    player.open()
    _run(5.0, lambda: player.health().frames > 0)
    first = player.read()
    player.close()
    _run(0.05)
    assert first.seq == 0
    assert first.stamp - begun >= 0.6


def flicker(tmp_path, hz, depth=1.0):
    path = tmp_path / "flicker.mkv"
    with VideoWriter(path, (64, 48)) as writer:
        for number in range(60):
            lit = 0.5 + 0.5 * depth * np.sign(np.sin(2 * np.pi * hz * (number + 0.5) / 30))
            writer.write(np.full((48, 64, 3), round(255 * lit), np.uint8), number / 30)
    return path


@pytest.mark.parametrize(("hz", "depth", "flashes"), [(5, 1.0, 5), (1, 1.0, 1), (5, 0.03, 0)])
def test_flashes_of_a_film_are_counted(tmp_path, hz, depth, flashes):
    assert film_flashes(flicker(tmp_path, hz, depth)) == pytest.approx(flashes, abs=0.5)


def test_a_flicker_in_a_small_part_of_the_picture_is_none():
    times = np.arange(60) / 30
    levels = np.full((60, 16), 0.2)
    levels[:, :3] += 0.5 * (np.arange(60) % 2)[:, None]
    assert most_flashes(times, levels) == 0
    levels[:, 3] += 0.5 * (np.arange(60) % 2)
    assert most_flashes(times, levels) == pytest.approx(15, abs=1)


def test_a_film_that_flashes_says_so_before_it_begins(tmp_path):
    application()
    player = StimulusPlayer(flicker(tmp_path, 6), countdown_s=3.0)
    player.open()
    _run(0.3)
    player.close()
    _run(0.05)
    assert "flashes up to 6 times a second" in player._lead_in.warnings[0]
    assert "photosensitive epilepsy" in player._lead_in.warnings[0]
