"""The film of objects: a pure function of seed and clock, in which each object keeps to itself."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import ConfigError
from realtime.time.clock import ManualClock
from realtime.video.camera import open_video
from realtime.virtual.film.effects import Spotlight
from realtime.virtual.film.objects import LAYOUTS, ObjectsFilm
from realtime.virtual.film.source import FilmSource

SMALL = (160, 90)
TIMES = st.floats(0, 1e6)
COUNTS = st.sampled_from(sorted(LAYOUTS))


def test_another_process_with_the_same_seed_sees_the_same_frame():
    code = (
        "from hashlib import sha256; from realtime.virtual.film.objects import ObjectsFilm;"
        "print(sha256(ObjectsFilm(3, size=(160, 90), n_objects=6).frame(123456).tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = ObjectsFilm(3, size=SMALL, n_objects=6).frame(123456)
    assert done.stdout.strip() == sha256(here.tobytes()).hexdigest()


@given(seed=st.integers(0, 10**6), n=COUNTS, time=TIMES)
@settings(max_examples=200)
def test_objects_stay_in_their_homes_and_never_overlap(seed, n, time):
    film = ObjectsFilm(seed, n_objects=n)
    for index in range(n):
        (left, top, right, bottom), home = film.rectangle(index, time), film.home(index)
        assert 0 < home.left < left < right < home.right < 1
        assert 0 < home.top < top < bottom < home.bottom < 1
    for a, b in combinations([film.home(index) for index in range(n)], 2):
        assert a.right <= b.left or b.right <= a.left or a.bottom <= b.top or b.bottom <= a.top


@given(seed=st.integers(0, 50), n=COUNTS, number=st.integers(0, 10**7))
@settings(max_examples=25, deadline=None)
def test_what_is_drawn_between_two_frames_lies_where_the_objects_are_said_to_be(seed, n, number):
    film = ObjectsFilm(seed, size=(320, 180), n_objects=n)
    moved = (film.frame(number) != film.frame(number + 10)).any(axis=2)
    known = np.zeros_like(moved)
    for index in range(n):
        for at in (number, number + 10):
            left, top, right, bottom = film.rectangle(index, film.stamp(at))
            rows = slice(int(top * 180) - 1, int(bottom * 180) + 2)
            known[rows, int(left * 320) - 1 : int(right * 320) + 2] = True
    assert moved.any()
    assert not (moved & ~known).any()


@given(seed=st.integers(0, 10**6), index=st.integers(0, 8), time=TIMES)
@settings(max_examples=200)
def test_an_object_changes_often_enough_to_be_followed_and_flashes_less_than_thrice_a_second(
    seed, index, time
):
    moments = ObjectsFilm(seed, n_objects=9).moments(index)
    changes = list(moments.between(time, time + 1))
    assert 1 <= len(changes) <= 5  # a flash takes two of them


def test_each_change_is_one_of_light():
    film = ObjectsFilm(5)
    for index in range(4):
        moments = film.moments(index)
        lights = [
            film.pose(index, moments.start(i + 1) - 1e-6).light for i in moments.between(1000, 1060)
        ]  # where each change has led; some are cut short by the next
        assert np.abs(np.diff(lights)).min() > 0.1


def test_objects_change_at_moments_of_their_own():
    film = ObjectsFilm(5)
    rows = [
        np.array([film.moments(i).start(k) for k in film.moments(i).between(1000, 1100)]) for i in range(4)
    ]
    for a, b in combinations(rows, 2):
        nearest = np.abs(a[:, None] - b[None, :]).min(1)
        assert (nearest < 0.02).mean() < 0.3


def test_a_layout_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="no film has 5 objects: 2, 4, 6, 9 are possible"):
        ObjectsFilm(n_objects=5)


def test_it_is_a_video_that_can_be_named():
    source = open_video("objects:9", ManualClock(50.0))
    source.open()
    assert np.array_equal(source.read().image, ObjectsFilm(n_objects=9).frame(1500))
    with pytest.raises(ConfigError, match="no film has 3 objects"):
        open_video("objects:3")


def test_the_object_that_is_lit_up_gets_a_frame_that_fades_in_and_touches_no_object():
    clock, film = ManualClock(50.0), ObjectsFilm(2, size=(480, 270))
    spotlight = Spotlight(film, fade_s=0.5)
    source = FilmSource(film, clock, spotlight)
    source.read()
    spotlight.set(2)
    brighter = []
    for _ in range(20):
        frame = source.read(1.0)
        change = frame.image.astype(int) - film.frame(frame.seq)
        brighter.append(np.abs(change).sum())
    assert np.all(np.diff(brighter[:14]) > 0)
    assert brighter[16] == brighter[19]
    rows, columns = np.nonzero(np.abs(change).sum(2))
    x, y = (columns + 0.5) / 480, (rows + 0.5) / 270
    home = film.home(2)
    inside = (abs(x - (home.left + home.right) / 2) < (home.right - home.left) / 2 - 1 / 480) & (
        abs(y - (home.top + home.bottom) / 2) < (home.bottom - home.top) / 2 - 1 / 270
    )
    assert not inside.any()
    assert x.max() < 0.5 < y.min()
    spotlight.set(None)
    for _ in range(20):
        frame = source.read(1.0)
    assert np.array_equal(frame.image, film.frame(frame.seq))
