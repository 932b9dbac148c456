"""Alignment, proven with data that carries its own answer."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.align import Aligner, FrameHistory, frames_on_show
from realtime.config import GridConfig
from realtime.eeg.conditioning import RunningScale
from realtime.errors import PhospheneError
from realtime.ring import GridRing
from realtime.time.interpolation import GridInterpolator, kernel_for
from realtime.types import EegChunk


@pytest.mark.parametrize("rate", [120.0, 250.0, 256.0, 500.0, 1000.0, 2048.0])
def test_a_channel_that_is_the_samples_time_tells_the_time_of_every_grid_point(rate):
    stamps = 1000.0 + np.arange(int(rate * 6)) / (rate * (1 + 200e-6))
    ring = GridRing(4000, 1)
    interpolator = GridInterpolator(200, ring, kernel_for(40.0, rate))
    for part in np.array_split(np.arange(len(stamps)), 77):
        interpolator.push(EegChunk((stamps[part, None] - 1000).astype(np.float32), stamps[part]))
    rows, valid = ring.read(ring.first, ring.head)
    assert valid.all()
    assert ring.head - ring.first > 6 * 200 - 30 * 6
    error = rows[:, 0] - (np.arange(ring.first, ring.head) / 200 - 1000)
    assert np.abs(error).max() < 5e-5  # 50 µs; the goal is 0.5 ms


@pytest.mark.parametrize("frequency", [3.0, 20.0, 40.0])
@pytest.mark.parametrize(("rate", "within"), [(256.0, 3e-3), (128.0, 0.04), (120.0, 0.04)])
def test_a_wave_in_the_band_is_the_same_wave_on_the_grid(frequency, rate, within):
    stamps = np.arange(10 * rate) / rate
    ring = GridRing(4000, 1)
    GridInterpolator(200, ring, kernel_for(40.0, rate)).push(
        EegChunk(np.sin(2 * np.pi * frequency * stamps)[:, None].astype(np.float32), stamps)
    )
    rows, _ = ring.read(ring.first, ring.head)
    truth = np.sin(2 * np.pi * frequency * np.arange(ring.first, ring.head) / 200)
    assert np.abs(rows[:, 0] - truth).max() < within


def test_a_point_waits_for_two_samples_where_the_band_allows_and_for_six_where_nothing_was_cut_from_it():
    waits = {(40.0, 256.0): 2, (40.0, 200.0): 2, (40.0, 1000.0): 2, (40.0, 128.0): 3, (None, 256.0): 6}
    for (highest_hz, rate), n_samples in waits.items():
        ring, stamps = GridRing(4000, 1), np.arange(int(rate)) / rate
        kernel = kernel_for(highest_hz, rate)
        GridInterpolator(200, ring, kernel).push(EegChunk(np.zeros((len(stamps), 1), np.float32), stamps))
        newest = (ring.head - 1) / 200
        assert n_samples / rate <= stamps[-1] + 1 / rate - newest < n_samples / rate + 1 / 200 + 1e-9


def test_a_constant_and_noise_pass_a_kernel_unchanged_and_not_amplified():
    for rate in (128.0, 256.0):
        table = kernel_for(40.0, rate).table
        assert (table.sum(axis=1) == 1).all()
        assert (table**2).sum(axis=1).max() < 1.25


@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(1, 1999), max_size=25), gap=st.integers(100, 1900))
def test_the_grid_does_not_depend_on_how_samples_are_chunked(cuts, gap):
    stamps = np.arange(2000) / 256.0 + np.where(np.arange(2000) >= gap, 0.73, 0.0)
    samples = np.random.default_rng(0).normal(size=(2000, 2)).astype(np.float32)

    def run(edges):
        ring = GridRing(4000, 2)
        interpolator = GridInterpolator(200, ring, kernel_for(40.0, 256.0))
        for a, b in itertools.pairwise(edges):
            interpolator.push(EegChunk(samples[a:b], stamps[a:b], gap_before=a == gap))
        return ring.read(0, 2000)

    whole = run([0, gap, 2000])
    parts = run(sorted({0, gap, 2000, *cuts}))
    assert (whole[0] == parts[0]).all()
    assert (whole[1] == parts[1]).all()
    missing = np.flatnonzero(~whole[1].all(axis=1)) / 200
    inside = missing[(missing > 1) & (missing < stamps[-1] - 1)] if 1 < stamps[gap] < 8 else missing[:0]
    assert ((inside > stamps[gap - 1] - 4 / 256) & (inside < stamps[gap] + 12 / 256)).all()


def test_the_frame_on_show_is_the_last_that_appeared_at_or_before_the_slot():
    position, valid = frames_on_show(
        np.array([1.0, 1.1, 3.0]), np.array([0.9, 1.0, 1.09, 1.1, 2.0, 2.2, 3.5]), 1.0
    )
    assert position.tolist() == [-1, 0, 0, 1, 1, 1, 2]
    assert valid.tolist() == [False, True, True, True, True, False, True]


@settings(deadline=None, max_examples=40)
@given(
    fps=st.sampled_from([7.0, 24.0, 29.97, 30.0, 60.0, 120.0]),
    jitter=st.floats(0, 0.4),
    seed=st.integers(0, 2**16),
)
def test_frames_that_carry_their_number_stand_at_the_right_slots(fps, jitter, seed):
    grid = GridConfig()
    rng = np.random.default_rng(seed)
    stamps = 50 + (np.arange(int(6 * fps)) + jitter * rng.random(int(6 * fps))) / fps
    frames = FrameHistory(1024)
    for seq, stamp in enumerate(stamps):
        frames.append(np.full((2, 2, 3), seq % 256, np.uint8), stamp, 7 + seq)
    eeg = GridRing(4000, 1)
    eeg.write(10_000, np.zeros((1200, 1), np.float32))
    aligner = Aligner(grid, eeg, RunningScale(1, 200, 20), frames)
    index = int(54.0 / grid.hop_s)
    interval, number = aligner.interval(index)
    for time, seq, n, valid in zip(
        aligner.slot_times(index), interval.frame_seq, number, interval.frame_valid, strict=True
    ):
        truth = np.flatnonzero(stamps <= time)[-1]
        assert valid
        assert (seq, n) == (7 + truth, truth)
        assert frames.image(n)[0, 0, 0] == truth % 256


def test_the_eeg_reaches_half_a_second_past_the_video():
    grid = GridConfig()
    start, stop = grid.slot_range(40)
    assert (start / 40, stop / 40) == (7.5, 9.5)
    start, stop = grid.point_range(40)
    assert (start / 200, stop / 200) == (7.5, 10.0)


def test_a_grid_that_is_not_whole_is_refused_with_the_values_that_are():
    with pytest.raises(ValueError, match="20, 25, 40, 50 or 100"):
        GridConfig(slots_hz=30)
    with pytest.raises(ValueError, match="hop_s"):
        GridConfig(hop_s=0.26)


def test_every_error_of_ours_says_how_a_command_ends():
    def tree(kind):
        return [kind, *(leaf for child in kind.__subclasses__() for leaf in tree(child))]

    assert {kind.exit_code for kind in tree(PhospheneError)} == {1, 2}
