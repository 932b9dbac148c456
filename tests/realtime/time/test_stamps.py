"""Times fitted to a sender's stamps, against times that are known: channel 0 is the sample's number."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import StreamFormatError
from realtime.time.offsets import ClockOffsets
from realtime.time.stamps import StampFitter
from realtime.types import ClockOffset, EegChunk, RawChunk
from tests.realtime.time.arrivals import Sender, arrivals

RATES = (250.0, 256.0, 500.0, 1000.0, 2048.0)
SETTLED_S = 10.0


def numbered(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)[:, None]


def true_times(rate: float, seconds: float, ppm: float = 0.0, start: float = 1000.0) -> np.ndarray:
    return start + np.arange(round(rate * seconds)) / (rate * (1 + ppm * 1e-6))


def fit(stamps: np.ndarray, rate: float, sizes: list[int] | int = 32) -> tuple[StampFitter, list[EegChunk]]:
    """All of a stream through a fitter, in chunks of the given sizes, again and again."""
    fitter, chunks, start = StampFitter(rate), [], 0
    samples = numbered(len(stamps))
    sizes = [sizes] if isinstance(sizes, int) else sizes
    while start < len(stamps):
        for size in sizes:
            chunks += fitter.push(RawChunk(samples[start : start + size], stamps[start : start + size]))
            start += size
    return fitter, chunks + fitter.flush()


def joined(chunks: list[EegChunk]) -> tuple[np.ndarray, np.ndarray]:
    """Times and numbers of the samples that came out."""
    return np.concatenate([c.stamps for c in chunks]), np.concatenate(
        [c.samples[:, 0] for c in chunks]
    ).astype(int)


def errors(chunks: list[EegChunk], true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How wrong each sample's time is, and when it was since the start; seconds."""
    times, number = joined(chunks)
    assert np.all(np.diff(times) > 0)
    return np.abs(times - true[number]), true[number] - true[0]


def gaps_at(chunks: list[EegChunk]) -> list[int]:
    return [int(chunk.samples[0, 0]) for chunk in chunks if chunk.gap_before]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("ppm", [-200.0, 200.0])
def test_jitter_of_5_ms_and_200_ppm_of_drift_leave_less_than_half_a_millisecond(rate, ppm):
    true = true_times(rate, 40, ppm)
    for seed in range(2):
        shaken = true + np.random.default_rng(seed).uniform(-5e-3, 5e-3, len(true))
        fitter, chunks = fit(shaken, rate)
        error, since = errors(chunks, true)
        assert error[since > SETTLED_S].max() < 0.5e-3
        assert error.max() < 1 / rate
        assert fitter.gaps == 0
        assert fitter.samples == len(true)


@pytest.mark.parametrize("rate", RATES)
def test_clean_stamps_are_followed_to_a_tenth_of_a_millisecond_at_once(rate):
    true = true_times(rate, 20, ppm=200)
    fitter, chunks = fit(true, rate)
    error, since = errors(chunks, true)
    assert error.max() < 0.1e-3
    assert error[since > 3].max() < 1e-5
    assert fitter.drift_ppm == pytest.approx(200, abs=1)
    assert fitter.rate_effective == pytest.approx(rate * 1.0002, rel=1e-6)


@pytest.mark.parametrize("rate", RATES)
def test_a_gap_is_counted_and_starts_a_new_segment(rate):
    true = true_times(rate, 20)
    kept = np.ones(len(true), bool)
    kept[int(8 * rate) : int(8 * rate) + 20] = False
    kept[int(12 * rate) : int(13.5 * rate)] = False
    fitter, chunks = fit(true[kept], rate)
    times, number = joined(chunks)
    assert np.abs(times - true[kept][number]).max() < 0.1e-3
    assert gaps_at(chunks) == [int(8 * rate), int(12 * rate) - 20]
    assert (fitter.gaps, fitter.lost_samples) == (2, int(np.count_nonzero(~kept)))


@pytest.mark.parametrize("rate", RATES)
def test_gaps_are_found_through_jitter(rate):
    true = true_times(rate, 30, ppm=100)
    kept = np.ones(len(true), bool)
    kept[int(15 * rate) : int(15.2 * rate)] = False
    shaken = true + np.random.default_rng(3).uniform(-5e-3, 5e-3, len(true))
    fitter, chunks = fit(shaken[kept], rate)
    error, _ = errors(chunks, true[kept])
    assert error.max() < 1 / rate
    assert fitter.gaps == 1
    assert fitter.lost_samples == pytest.approx(np.count_nonzero(~kept), abs=1)


@pytest.mark.parametrize("rate", RATES)
def test_packets_with_one_stamp_for_all_samples_get_the_time_of_each(rate):
    true = true_times(rate, 20, ppm=-50)
    packet = int(0.1 * rate)
    last = np.minimum((np.arange(len(true)) // packet + 1) * packet, len(true)) - 1
    fitter, chunks = fit(true[last], rate)
    error, since = errors(chunks, true)
    assert error[since > 3].max() < 0.1e-3
    assert error.max() < 0.5e-3
    assert fitter.gaps == 0


def test_a_packet_lost_by_a_sender_of_packets_is_found_within_half_a_second():
    rate, packet = 250.0, 25
    true = true_times(rate, 30)
    kept = np.ones(len(true), bool)
    kept[300 * packet // 2 : 300 * packet // 2 + packet] = False
    last = (np.arange(len(true)) // packet + 1) * packet - 1
    fitter, chunks = fit(true[last][kept], rate)
    error, since = errors(chunks, true[kept])
    wrong = since[error > 1e-3]
    assert (fitter.gaps, fitter.lost_samples) == (1, packet)
    assert np.ptp(wrong) < 0.5


@pytest.mark.parametrize("rate", RATES)
def test_packets_that_are_late_as_a_whole_are_neither_gaps_nor_lost(rate):
    true = true_times(rate, 60, ppm=200)
    packet = int(0.1 * rate)
    late = np.repeat(np.random.default_rng(1).uniform(-5e-3, 5e-3, len(true) // packet + 1), packet)[
        : len(true)
    ]
    fitter, chunks = fit(true + late, rate)
    error, since = errors(chunks, true)
    assert (fitter.gaps, fitter.samples) == (0, len(true))
    assert error[since > 30].max() < 2e-3  # ten packets a second are worth no more


def test_a_single_wrong_stamp_is_no_gap_and_its_sample_takes_the_lines_time():
    rate = 500.0
    true = true_times(rate, 20)
    stamps = true.copy()
    stamps[[3000, 5000, 5001, 7000]] += [0.8, -0.6, -0.6, 5.0]
    fitter, chunks = fit(stamps, rate)
    error, _ = errors(chunks, true)
    assert error.max() < 0.1e-3
    assert (fitter.gaps, fitter.samples) == (0, len(true))


@pytest.mark.parametrize("packet", [0, 10])
@pytest.mark.parametrize("step", [-0.4, -12.0, 200_000.0])
def test_a_clock_that_is_set_is_named_and_time_goes_on_where_it_was(step, packet):
    came = arrivals(Sender(250.0, packet, steps=((10.0, step),), seconds=20.0))
    fitter, chunks = fit(came.stamps, 250.0)
    error, _ = errors(chunks, came.true)
    assert error.max() < 1e-3
    assert (fitter.gaps, fitter.lost_samples, fitter.samples) == (0, 0, len(came.stamps))
    (when, how_far), *more = fitter.clock_steps
    assert not more
    assert when == pytest.approx(1010.0, abs=0.5)
    assert how_far == pytest.approx(step, abs=0.05)


def test_a_clock_that_is_set_and_set_back_leaves_nothing_behind():
    came = arrivals(Sender(250.0, 0, steps=((8.0, 200_000.0), (14.0, -200_000.0)), seconds=25.0))
    fitter, chunks = fit(came.stamps, 250.0)
    error, _ = errors(chunks, came.true)
    assert error.max() < 1e-3
    assert (fitter.gaps, fitter.samples, len(fitter.clock_steps)) == (0, len(came.stamps), 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("where", [slice(700, 701), slice(0, 3), slice(400, 420), slice(999, 1000)])
def test_a_sample_whose_stamp_is_no_number_keeps_its_place(value, where):
    true = true_times(250.0, 4)
    stamps = true.copy()
    stamps[where] = value
    fitter, chunks = fit(stamps, 250.0, 7)
    error, _ = errors(chunks, true)
    assert error.max() < 1e-3
    assert (fitter.gaps, fitter.samples) == (0, len(true))


def test_where_stamps_stand_still_samples_are_counted_and_the_note_says_so():
    fitter, chunks = fit(np.full(2000, 7.0), 250.0)
    times, _ = joined(chunks)
    assert np.diff(times) == pytest.approx(1 / 250, rel=1e-3)
    assert "stand still" in fitter.note


def test_an_irregular_stream_is_refused():
    with pytest.raises(StreamFormatError, match="irregular"):
        StampFitter(0.0)


def test_a_rate_eight_percent_off_is_learned_from_the_first_stamps():
    true = 50 + np.arange(10_000) / 915.2
    fitter, chunks = fit(true + np.random.default_rng(0).uniform(-2e-4, 2e-4, len(true)), 1000.0)
    error, _ = errors(chunks, true)
    assert fitter.gaps == 0
    assert fitter.rate_effective == pytest.approx(915.2, rel=1e-3)
    assert error.max() < 1e-3


def test_a_sender_whose_pace_wanders_is_followed():
    rng = np.random.default_rng(5)
    true = 10 + np.cumsum(
        1 / 93 + rng.normal(0, 4e-4, 20_000)
    )  # a loop that sleeps: its phase walks at random
    fitter, chunks = fit(true, 100.0)
    error, _ = errors(chunks, true)
    assert np.quantile(error, 0.95) < 10e-3
    assert fitter.samples == 20_000


@pytest.mark.parametrize("minutes", [10, pytest.param(60, marks=pytest.mark.long)])
def test_drift_that_changes_is_followed_for_an_hour(minutes):
    rate, n = 250.0, 250 * 60 * minutes
    wander = 100e-6 * np.sin(2 * np.pi * np.arange(n) / (250 * 3600))
    true = 1000 + np.cumsum((1 + wander) / rate)
    shaken = true + np.random.default_rng(0).uniform(-5e-3, 5e-3, n)
    fitter, chunks = fit(shaken, rate, 250)
    error, since = errors(chunks, true)
    assert error[since > SETTLED_S].max() < 0.5e-3
    assert fitter.jitter_ms == pytest.approx(5 / np.sqrt(3), rel=0.2)


@st.composite
def streams(draw):
    """Stamps of 6 s of a stream with jitter, packets, gaps, outliers and a step back."""
    rate = draw(st.sampled_from([120.0, *RATES]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    true = true_times(rate, 6, draw(st.floats(-300, 300)))
    packet = draw(st.sampled_from([1, 1, 12, int(rate / 10)]))
    last = np.minimum((np.arange(len(true)) // packet + 1) * packet, len(true)) - 1
    stamps = true[last] + draw(st.sampled_from([0.0, 1e-3, 5e-3])) * rng.uniform(-1, 1, len(true))[last]
    stamps[rng.integers(0, len(true), draw(st.integers(0, 6)))] += rng.uniform(-0.9, 0.9)
    kept = np.ones(len(true), bool)
    for _ in range(draw(st.integers(0, 3))):
        at = rng.integers(0, len(true))
        kept[at : at + rng.integers(1, int(rate))] = False
    return rate, stamps[kept]


@settings(max_examples=60, deadline=None)
@given(streams(), st.lists(st.integers(0, 300), min_size=1, max_size=8).filter(any))
def test_any_chunking_gives_the_same_bits(stream, sizes):
    rate, stamps = stream
    (one, cut), (whole, uncut) = fit(stamps, rate, sizes), fit(stamps, rate, len(stamps) or 1)
    for a, b in zip(joined(cut) if cut else [], joined(uncut) if uncut else [], strict=True):
        np.testing.assert_array_equal(a, b)
    assert gaps_at(cut) == gaps_at(uncut)
    counts = ("samples", "gaps", "lost_samples", "clock_steps", "rate_effective", "jitter_ms")
    assert [getattr(one, name) for name in counts] == [getattr(whole, name) for name in counts]
    assert one.samples == len(stamps)


# -- clock offsets -----------------------------------------------------------------------------------


def offsets_of(*measured: tuple[float, float]) -> ClockOffsets:
    offsets = ClockOffsets()
    for collected, value in measured:
        offsets.add(ClockOffset(collected, value))
    return offsets


def test_a_measurement_takes_effect_slowly_and_after_its_own_moment_on_the_senders_clock():
    offsets = offsets_of((110.0, 10.0), (115.0, 10.0004))  # on the sender's clock: at 100 and at 104.9996
    corrected = offsets.correct(np.array([90.0, 100.0, 105.9, 107.0, 108.0, 120.0]))
    np.testing.assert_allclose(corrected - [100.0, 110.0, 115.9, 117.0, 118.0, 130.0],
                               [0, 0, 0, 2e-4, 4e-4, 4e-4], atol=1e-6)  # fmt: skip


@pytest.mark.parametrize("scatter_ms", [1.0, 5.0, 10.0])
def test_measurements_that_scatter_move_time_by_a_millisecond_at_most(scatter_ms):
    values = np.random.default_rng(0).normal(3.0, scatter_ms * 1e-3, 60)
    offsets = offsets_of(*((1000 + 5 * k + value, value) for k, value in enumerate(values)))
    moved = offsets.correct(1000 + np.arange(0, 300, 0.25)) - 1000 - np.arange(0, 300, 0.25)
    assert np.abs(np.diff(moved)).max() < 0.2e-3
    assert moved[-100:] == pytest.approx(3.0, abs=(1 + scatter_ms / 2) * 1e-3)


def test_a_measurement_that_is_no_number_or_beyond_reason_changes_nothing():
    good = [(1000.0 + 5 * k, 7.0) for k in range(8)]
    odd = [*good[:3], (1013.0, np.nan), (1014.0, 1e9), *good[3:]]
    stamps = 993 + np.arange(0, 40, 0.01)
    np.testing.assert_array_equal(offsets_of(*odd).correct(stamps), offsets_of(*good).correct(stamps))


def test_stamps_without_offsets_are_on_our_clock():
    stamps = np.array([1.0, 2.0])
    np.testing.assert_array_equal(ClockOffsets().correct(stamps), stamps)


def test_a_sender_that_was_rebooted_begins_a_new_era_with_its_own_offsets():
    offsets = offsets_of((1000.0, -5000.0), (1005.0, -5000.0), (1030.0, 900.0), (1035.0, 900.0))
    before, after = (
        6000 + np.arange(0, 8, 0.5),
        126 + np.arange(0, 8, 0.5),
    )  # 126: before the era's first offset
    corrected = offsets.correct(np.concatenate([before, after]))
    np.testing.assert_allclose(corrected, np.concatenate([before - 5000, after + 900]))


def test_offsets_given_early_or_in_time_give_the_same_times():
    rate = 250.0
    stamps = true_times(rate, 12, start=50.0)
    measured = [ClockOffset(57.0 + 5 * k, 7.0 + 1e-4 * k) for k in range(3)]
    early, timely = StampFitter(rate), StampFitter(rate)
    at_once, in_time = [], []
    for start in range(0, len(stamps), 10):
        part = RawChunk(numbered(10), stamps[start : start + 10])
        at_once += early.push(RawChunk(part.samples, part.stamps, tuple(measured) if not start else ()))
        due = tuple(
            o for o in measured if part.stamps[0] - 10 / rate < o.collected - o.value <= part.stamps[-1]
        )
        in_time += timely.push(RawChunk(part.samples, part.stamps, due))
    np.testing.assert_array_equal(joined(at_once)[0], joined(in_time)[0])


def test_others_recordings_are_put_in_order(shared_data):
    pyxdf = pytest.importorskip("pyxdf")
    streams, _ = pyxdf.load_xdf(
        shared_data / "xdf" / "clock_resets.xdf", synchronize_clocks=False, dejitter_timestamps=False
    )
    stream = next(s for s in streams if s["info"]["type"] == ["EEG"])
    # XDF keeps when an offset was measured on the sender's clock
    offsets = tuple(
        ClockOffset(t + v, v) for t, v in zip(stream["clock_times"], stream["clock_values"], strict=True)
    )
    stamps = np.asarray(stream["time_stamps"])
    fitter = StampFitter(100.0)
    chunks = fitter.push(RawChunk(numbered(len(stamps)), stamps, offsets)) + fitter.flush()
    times, number = joined(chunks)
    assert fitter.samples == len(stamps)
    assert np.diff(times).max() == pytest.approx(273.6, abs=0.1)
    assert 12_875 in number[1:][np.diff(times) > 200] - 1
    # its sender's loop waited now and then: only where a stamp comes a whole period late may one be missing
    assert all(np.abs(np.diff(stamps)[k - 40 : k]).max() > 1.9 / 93 for k in gaps_at(chunks))
    assert fitter.gaps <= 4
