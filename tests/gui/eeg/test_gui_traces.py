"""The strip chart of the EEG: each sample drawn once, and yet the same picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gui.app import application
from gui.eeg.strip_chart import StripChart, TraceStyle
from gui.eeg.traces import SCALES, fitting_scale, next_scale
from gui.eeg.view_filter import AS_THE_MODEL, FILTERS

RATE = 200
STYLE = TraceStyle((400, 120), (50, 50, 50), (False, False, True), "#3b4653", "#a3acb6", 1)


@pytest.fixture(autouse=True, scope="module")
def qt():
    return application()


def eeg(start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
    index = np.arange(round(start * RATE), round(end * RATE) + 1)
    t = index / RATE
    waves = np.stack([20 * np.sin(2 * np.pi * f * t) for f in (3, 7, 1)], axis=1)
    return t, waves.astype(np.float32)


def pixels(chart: StripChart) -> np.ndarray:
    image = chart.pixmap.toImage().convertToFormat(chart.pixmap.toImage().Format.Format_RGBA8888)
    shape = image.height(), image.width(), 4
    return (
        np.frombuffer(image.constBits(), np.uint8).reshape(shape)[:, : int(chart.shown.width())].astype(int)
    )


def drawn(*moments: float, style: TraceStyle = STYLE) -> np.ndarray:
    """The picture after drawing at these times, each with the EEG that the chart asked for."""
    chart = StripChart(10.0)
    for now in moments:
        seconds = chart.prepare(now, style)
        chart.draw(now, *eeg(now - seconds, now))
    return pixels(chart)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.005, 0.4), min_size=1, max_size=30))
def test_drawing_sample_by_sample_gives_the_picture_of_drawing_at_once(steps):
    moments = 1000.0 + np.cumsum([0.0, *steps])
    difference = np.abs(drawn(*moments) - drawn(moments[-1]))
    assert difference[:, 8:].max() == 0  # at the left edge the two begin in different places


def test_only_what_is_new_is_asked_for():
    chart = StripChart(10.0)
    assert chart.prepare(100.0, STYLE) == 10.0
    chart.draw(100.0, *eeg(90.0, 100.0))
    assert chart.prepare(100.05, STYLE) < 0.5


@pytest.mark.parametrize("later", [80.0, 140.0], ids=["backwards", "far ahead"])
def test_a_jump_in_time_begins_anew(later):
    chart = StripChart(10.0)
    chart.prepare(100.0, STYLE)
    chart.draw(100.0, *eeg(90.0, 100.0))
    assert chart.prepare(later, STYLE) == 10.0
    assert pixels(chart).max() == 0


def test_samples_of_the_place_that_was_left_do_not_count_as_drawn():
    chart = StripChart(10.0)
    chart.prepare(88.0, STYLE)
    chart.draw(88.0, *eeg(82.0, 100.0))  # sought back from 100 s, before the EEG of 88 s was read
    seconds = chart.prepare(88.02, STYLE)
    chart.draw(88.02, *eeg(88.02 - seconds, 88.02))
    assert np.abs(pixels(chart) - drawn(88.02))[:, 8:].max() == 0


def test_another_scale_draws_everything_anew():
    chart = StripChart(10.0)
    chart.prepare(100.0, STYLE)
    chart.draw(100.0, *eeg(90.0, 100.0))
    assert chart.prepare(100.1, replace(STYLE, scales=(100,) * 3)) == 10.0


def test_a_stalled_stream_moves_out_and_leaves_the_right_side_empty():
    chart = StripChart(10.0)
    held = eeg(90.0, 100.0)
    for now in np.arange(100.0, 105.0, 0.25):
        chart.prepare(now, STYLE)
        chart.draw(now, *held)
    columns = pixels(chart)[..., 3].max(axis=0)
    assert columns[:180].min() > 0
    assert columns[220:].max() == 0


def test_nothing_is_drawn_across_a_gap():
    t, samples = eeg(90.0, 100.0)
    samples[(t > 94) & (t < 96)] = np.nan
    chart = StripChart(10.0)
    chart.prepare(100.0, STYLE)
    chart.draw(100.0, t, samples)
    columns = pixels(chart)[..., 3].max(axis=0)
    assert columns[165:235].max() == 0
    assert columns[10:155].min() > 0


def test_a_bad_channel_keeps_to_its_row():
    t, samples = eeg(90.0, 100.0)
    samples[:, :2] = np.nan
    samples[:, 2] *= 100
    chart = StripChart(10.0)
    chart.prepare(100.0, STYLE)
    chart.draw(100.0, t, samples)
    rows = pixels(chart)[..., 3].max(axis=1)
    assert rows[:78].max() == 0
    assert rows[79:].max() > 0


def test_the_scale_fits_most_channels_and_ignores_a_wild_one():
    _, samples = eeg(0, 10)
    usual = fitting_scale(samples)
    samples[:, 2] *= 1000
    assert fitting_scale(samples) == usual == 50
    assert usual in SCALES


def test_without_a_known_sample_there_is_still_a_scale():
    assert fitting_scale(np.full((100, 3), np.nan, np.float32)) == 50


def test_the_scale_stops_at_its_ends():
    assert next_scale(50, 1) == 100
    assert next_scale(50, -1) == 20
    assert next_scale(SCALES[0], -1) == SCALES[0]
    assert next_scale(SCALES[-1], 1) == SCALES[-1]


def test_the_view_filter_keeps_its_band_and_takes_the_rest():
    t = np.arange(0, 6, 1 / RATE)
    waves = np.stack([np.sin(2 * np.pi * f * t) for f in (1, 10, 40)], axis=1).astype(np.float32)
    alpha = next(f for f in FILTERS if f.band_hz == (8.0, 13.0))
    kept = alpha(waves, RATE)[round(alpha.warm_up_s * RATE) :].std(axis=0) * np.sqrt(2)
    assert kept[1] > 0.9
    assert kept[0] < 0.05
    assert kept[2] < 0.06


def test_a_stretch_filtered_by_itself_equals_the_whole_filtered_at_once():
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 10, (4000, 3)).astype(np.float32)
    for choice in FILTERS:
        whole = choice(samples, RATE)
        warm = round(choice.warm_up_s * RATE)
        stretch = choice(samples[3000 - warm :], RATE)[warm:]
        assert np.abs(stretch - whole[3000:]).max() < 0.3  # of 10 µV: a thirtieth of what is drawn


def test_what_is_not_known_stays_unknown_through_the_filter():
    samples = np.ones((400, 2), np.float32)
    samples[100:200, 1] = np.nan
    filtered = FILTERS[1](samples, RATE)
    assert np.isnan(filtered[100:200, 1]).all()
    assert np.isfinite(filtered[:, 0]).all()
    assert np.isfinite(filtered[200:, 1]).all()


def test_as_the_model_sees_it_changes_nothing():
    samples = np.random.default_rng(1).normal(size=(100, 2)).astype(np.float32)
    assert AS_THE_MODEL(samples, RATE) is samples
