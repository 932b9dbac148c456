"""The film: a pure function of the clock, rich in time, and a video source like any other."""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import ConfigError
from realtime.sources import VideoSource
from realtime.time.clock import ManualClock
from realtime.virtual.film.effects import Dimmer
from realtime.virtual.film.film import Film
from realtime.virtual.film.source import FilmSource
from realtime.virtual.timeline import Moments, chance

SMALL = (160, 90)


def _print_of(film: Film, number: int) -> str:
    return sha256(film.frame(number).tobytes()).hexdigest()


def test_a_frame_is_the_same_whoever_asks_and_in_whatever_order():
    numbers = [31_000_000, 12, 31_000_001, 700, 12]
    first = {n: _print_of(Film(3, size=SMALL), n) for n in numbers}
    again = Film(3, size=SMALL)
    assert {n: _print_of(again, n) for n in reversed(numbers)} == first
    assert _print_of(Film(4, size=SMALL), 700) != first[700]


def test_another_process_sees_the_same_film():
    program = (
        "from hashlib import sha256; from realtime.virtual.film.film import Film;"
        "print(sha256(Film(3, size=(160, 90)).frame(123456).tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == _print_of(Film(3, size=SMALL), 123456)


def test_a_frame_has_the_size_asked_for_and_the_scene_does_not_depend_on_it():
    large, small = Film(1).frame(5000), Film(1, size=(240, 135)).frame(5000)
    assert large.shape == (270, 480, 3)
    assert large.dtype == np.uint8
    reduced = large.reshape(135, 2, 240, 2, 3).mean((1, 3))
    assert np.abs(reduced - small).mean() < 2


def test_moments_keep_their_distance_and_do_not_repeat():
    moments = Moments(0.75, 0.6, seed=2)
    starts = np.array([moments.start(i) for i in range(2000)])
    steps = np.diff(starts)
    assert steps.min() >= 0.3
    assert steps.max() <= 1.2
    rest = steps - steps.mean()
    echo = np.array([rest[lag:] @ rest[:-lag] for lag in range(2, 100)]) / (rest @ rest)
    assert np.abs(echo).max() < 0.12


@given(
    time=st.floats(-1e4, 1e8), cell=st.floats(0.05, 100), jitter=st.floats(0, 0.99), seed=st.integers(0, 99)
)
def test_the_moment_found_at_a_time_is_the_last_one_before_it(time, cell, jitter, seed):
    moments = Moments(cell, jitter, seed)
    index = moments.index_at(time)
    assert moments.start(index) <= time < moments.start(index + 1)


@given(start=st.floats(0, 1e6), first=st.floats(0, 30), second=st.floats(0, 30))
@settings(max_examples=40)
def test_a_span_of_moments_can_be_cut_anywhere(start, first, second):
    moments = Moments(4.0, 0.6, 1)
    middle, stop = start + first, start + first + second
    parts = [*moments.between(start, middle), *moments.between(middle, stop)]
    assert parts == list(moments.between(start, stop))


def test_chance_is_spread_evenly():
    draws = np.array([chance(7, 1, i) for i in range(20_000)])
    share = np.histogram(draws, 20, (0, 1))[0] / draws.size
    assert np.abs(share - 0.05).max() < 0.006
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 0.02


@given(k=st.integers(0, 10**9), fps=st.sampled_from([24.0, 25.0, 29.97, 30.0, 60.0]))
def test_the_frame_on_show_at_its_own_stamp_is_itself(k, fps):
    film = Film(fps=fps)
    assert film.number_at(film.stamp(k)) == k
    assert film.number_at(np.nextafter(film.stamp(k), -1)) == k - 1


def test_every_event_shows_first_in_exactly_one_frame_unless_it_is_cut_away():
    film = Film(5, size=SMALL)
    seen = [event for k in range(9000, 12600) for event in film.onsets(k)]
    written = list(film.script.events_between(film.stamp(8999), film.stamp(12599)))
    assert len({e.index for e in seen}) == len(seen)
    assert {e.index for e in seen} <= {e.index for e in written}
    assert len(seen) > 0.98 * len(written)
    assert 0.25 < np.mean([e.kind == "face" for e in seen]) < 0.42


def test_two_stretches_of_film_are_told_apart_by_their_changes():
    film = Film(0, size=(96, 54))
    grey = np.stack([film.frame(k).astype(np.float32).mean(-1) for k in range(3000, 3000 + 1200)])
    change = np.sqrt(np.abs(np.diff(grey, axis=0)).mean((1, 2)))
    windows = change[: change.size // 60 * 60].reshape(-1, 60)
    windows = windows - windows.mean(1, keepdims=True)
    alike = np.corrcoef(windows)[np.triu_indices(len(windows), 1)]
    assert np.quantile(np.abs(alike), 0.95) < 0.55


def test_the_light_never_flashes_more_than_three_times_a_second():
    film = Film(0, size=(32, 18))
    pulses = [e.start for e in film.script.events_between(0, 3600) if e.pulse]
    assert max(np.searchsorted(pulses, t + 1.0) - i for i, t in enumerate(pulses)) <= 3


def test_a_film_that_cannot_be_drawn_is_refused():
    with pytest.raises(ConfigError, match="positive rate"):
        Film(fps=0)


class TestFilmSource:
    def test_it_is_a_video_source_with_exact_stamps(self):
        clock = ManualClock(1000.01)
        source = FilmSource(Film(2, size=SMALL), clock)
        assert isinstance(source, VideoSource)
        info = source.open()
        assert (info.width, info.height, info.fps_nominal, info.stamp_source) == (160, 90, 30.0, "film clock")
        frames = [source.read(1.0) for _ in range(5)]
        assert [f.seq for f in frames] == [30000, 30001, 30002, 30003, 30004]
        assert [f.stamp for f in frames] == [k / 30 for k in range(30000, 30005)]
        assert np.array_equal(frames[0].image, Film(2, size=SMALL).frame(30000))

    def test_it_waits_no_longer_than_it_is_told(self):
        clock = ManualClock(50.0)
        source = FilmSource(Film(2, size=SMALL), clock)
        assert source.read() is not None
        assert source.read(0.01) is None
        assert clock.now() == pytest.approx(50.01)

    def test_frames_that_nobody_took_are_counted(self):
        clock = ManualClock(50.0)
        source = FilmSource(Film(2, size=SMALL), clock)
        source.read()
        clock.sleep_until(51.0)
        assert source.read().seq == 51 * 30
        assert (source.health().frames, source.health().dropped) == (2, 29)

    def test_dimming_fades_in_and_out_without_a_jump(self):
        clock = ManualClock(50.0)
        dimmer = Dimmer(fade_s=0.5)
        source = FilmSource(Film(2, size=SMALL), clock, dimmer)
        bright = source.read().image
        dimmer.set(3.0)
        light = []
        for _ in range(20):
            frame = source.read(1.0)
            light.append(frame.image.mean() / source.film.frame(frame.seq).mean())
        assert np.diff(light).max() <= 1e-3
        assert np.diff(light).min() > -0.07
        assert light[-1] == pytest.approx(0.2, abs=0.02)
        dimmer.set(0.0)
        for _ in range(20):
            frame = source.read(1.0)
        assert np.array_equal(frame.image, source.film.frame(frame.seq))
        assert bright.mean() > 0
