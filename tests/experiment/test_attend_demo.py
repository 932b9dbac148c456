"""The attend demo: the map over the picture becomes an object, which is held against the truth."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiment.demo.attending import AttendedTruth, object_of
from realtime.types import Attention, Chance, Reading
from realtime.virtual.film.objects import LAYOUTS, ObjectsFilm

pytest.importorskip("pylsl")


def attention(places: np.ndarray) -> Attention:
    none = np.zeros(0, np.float32)
    return Attention(np.zeros((0, 0), np.float32), none, places.astype(np.float32), none)


def reading(end: float, places: np.ndarray) -> Reading:
    return Reading(
        seq=0, index=round(end * 4), end=end, emitted=end, similarity=0.0, match=0.5, chance=Chance(),
        attention=attention(places), gate=0.5, frame_seq=np.zeros(80, np.int64), eeg_valid_share=1.0,
        video_valid_share=1.0,
    )  # fmt: skip


@given(
    n=st.sampled_from(sorted(LAYOUTS)),
    side=st.integers(4, 8),
    where=st.tuples(st.floats(0.001, 0.999), st.floats(0.001, 0.999)),
)
@settings(max_examples=100)
def test_a_place_inside_a_home_is_that_object(n, side, where):
    film = ObjectsFilm(n_objects=n)
    homes = [film.home(index) for index in range(n)]
    places = np.zeros((side, side))
    row, column = int(where[1] * side), int(where[0] * side)
    places[row, column] = 1.0
    found, share = object_of(attention(places), homes)
    over = [
        max(0, min(h.right, (column + 1) / side) - max(h.left, column / side))
        * max(0, min(h.bottom, (row + 1) / side) - max(h.top, row / side))
        for h in homes
    ]
    assert found == int(np.argmax(over)) or over[found] == pytest.approx(max(over))
    assert share == pytest.approx(max(over) / sum(over))


def test_no_attention_is_no_object():
    film = ObjectsFilm()
    assert object_of(attention(np.zeros((4, 4))), [film.home(index) for index in range(4)]) == (None, 0.0)


def test_only_whole_intervals_in_one_phase_count_and_none_twice():
    film = ObjectsFilm()
    truth = AttendedTruth([film.home(index) for index in range(4)], interval_s=2.5)
    upper_right = np.zeros((4, 4))
    upper_right[0, 3] = 1.0
    assert truth.hits().rate is None
    for stamp, phase in (
        (100.0, "attends 1"),
        (112.0, "drifting"),
        (125.0, "attends 2"),
        (140.0, "attends 1"),
    ):
        truth.marker(stamp, phase)
    for end in np.arange(96.0, 150.0, 0.25):
        assert truth.reading(reading(float(end), upper_right)) == (1, 1.0)
    hits = truth.hits()
    first, second, third = 4, 5, 3  # whole intervals of 2.5 s in 12, 15 and 9.75 s; one ends at a switch
    assert (hits.n, hits.right) == (first + second + third, first + third)
    low, high = hits.ci
    assert low < hits.rate < high
    assert truth.now() == 1


@pytest.mark.slow
def test_the_demo_runs_without_a_window_and_says_how_often_it_found_the_attended_object():
    command = [sys.executable, "-m", "phosphene", "demo", "--attend", "--objects", "2", "--headless"]
    done = subprocess.run(
        [*command, "--closed-loop", "--seconds", "16", "--json"], capture_output=True, text=True, check=True
    )
    summary = json.loads(done.stdout)
    assert summary["errors"] == []
    assert summary["readings"] > 10
    assert 1 <= summary["attended_n"] <= 10
    low, high = summary["attended_hit_rate_ci"]
    assert 0 <= low <= summary["attended_hit_rate"] <= high <= 1


@pytest.mark.slow
def test_in_a_terminal_the_demo_tells_truth_and_choice():
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    command = [sys.executable, "-m", "phosphene", "demo", "--attend", "--seconds", "7"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**environment, "QT_QPA_PLATFORM": "xcb"}
    )
    assert re.search(r"attends (none|\d) · found (none|\d) · ", done.stderr)


def test_an_impossible_number_of_objects_is_one_line_and_exit_code_2():
    command = [sys.executable, "-m", "phosphene", "demo", "--attend", "--objects", "5", "--headless"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "2, 4, 6, 9" in ended.stderr
