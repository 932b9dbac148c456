"""Generated arrivals against the truth: what is reported lost was lost, and every sample has its time.

python -m pytest -m long tests/realtime/time/test_arrivals.py        # 10 000 streams
python -m tests.realtime.time.many 10000 0                           # the same, a line for each that fails
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.realtime.time.arrivals import Arrivals, Sender, arrivals
from tests.realtime.time.draw import draw_sender
from tests.realtime.time.judge import faults, fitted
from tests.realtime.time.many import failures, of_seed


@settings(max_examples=40, deadline=None, derandomize=True)  # the same streams each time; others below
@given(st.randoms(use_true_random=False), st.integers(16, 200))
def test_what_is_reported_lost_was_lost_and_times_are_right(random, size):
    assert faults(draw_sender(random), size) == []


@pytest.mark.parametrize("seed", range(60))
def test_streams_of_a_seed_are_taken_as_they_were_sent(seed):
    assert of_seed(seed) == (seed, [])


FOUND = (  # by the larger run, in one version or another: each was taken wrongly
    Sender(128.0, 25, 3.9e-3, ppm=259.0, gaps=((45.85, 128),), steps=((15.26, -0.7), (30.19, -12.0)),
           seconds=62.1, seed=233773435),
    Sender(128.0, 25, 3.9e-3, ppm=-288.0, pauses=((15.26, 2.0), (47.18, 0.3)), steps=((32.37, -0.7),),
           seconds=62.7, seed=1183525160),
    Sender(128.0, 20, 3.9e-3, ppm=-147.3, gaps=((41.35, 128),), steps=((12.41, 2e5), (27.0, -0.7)),
           seconds=55.1, seed=1303953595),
    Sender(128.0, 40, 2e-3, ppm=190.6, pauses=((15.9, 2.0),), gaps=((7.25, 13), (25.01, 128)),
           seconds=34.8, seed=10935841),
    Sender(128.0, 0, 3.9e-3, ppm=-149.2, gaps=((12.32, 13), (18.21, 39)), steps=((6.0, 2e5),),
           seconds=26.1, seed=282803368),
    Sender(1000.0, 5, ppm=440.4, gaps=((6.0, 50), (13.14, 50)), steps=((18.21, -0.7),),
           seconds=24.7, seed=472478120),
    Sender(1000.0, 5, 0.5e-3, ppm=-362.7, gaps=((13.41, 20),), steps=((6.0, -0.7), (21.05, -12.0)),
           seconds=27.1, seed=1884153784),
    Sender(1000.0, 40, 0.5e-3, ppm=431.7, gaps=((6.0, 10),), steps=((13.8, -12.0), (19.66, 2e5)),
           offset_scatter_s=2e-3, seconds=26.8, seed=664324079),
    Sender(500.0, 0, 1e-3, ppm=2.1, gaps=((6.0, 3),), offset_scatter_s=0.01, seconds=11.5, seed=559195958),
    Sender(256.0, 40, 0.5e-3, ppm=210.0, gaps=((6.0, 1),), seconds=11.7, seed=1255500646),
)  # fmt: skip


@pytest.mark.parametrize("sender", FOUND)
def test_what_the_larger_run_has_found_is_right(sender):
    assert faults(sender, 50) == []


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_ten_thousand_streams():
    assert list(failures(range(10_000))) == []


@pytest.mark.parametrize("scatter_ms", [0.5, 2.0, 8.0])
@pytest.mark.parametrize("rate", [250.0, 1000.0])
def test_measurements_of_the_clock_that_scatter_are_no_reason_for_a_gap(rate, scatter_ms):
    came = arrivals(Sender(rate, 0, offset_scatter_s=scatter_ms * 1e-3, seconds=120))
    fitter, times, _ = fitted(came, int(rate / 50))
    assert (fitter.gaps, fitter.lost_samples, fitter.samples) == (0, 0, len(came.stamps))
    assert np.all(np.diff(times) > 0)


@pytest.mark.parametrize(("rate", "packet"), [(250, 1), (250, 5), (250, 10), (128, 8), (256, 12), (500, 10)])
@pytest.mark.parametrize("pause", [0.2, 0.5, 1.0, 5.0])
def test_a_pause_of_the_link_and_its_backlog_are_no_loss(rate, packet, pause):
    came = arrivals(Sender(rate, packet, pauses=((5.0, pause),)))
    fitter, times, _ = fitted(came, 5)
    assert (fitter.gaps, fitter.lost_samples) == (0, 0)
    assert fitter.rate_effective == pytest.approx(rate, rel=1e-4)
    assert np.abs(times - came.true).max() < 2e-3


def test_a_senders_stamps_on_a_busy_machine_tell_of_no_loss(shared_data):
    path = shared_data.parent / "cases" / "stamps_unicorn2lsl.npy"
    if not path.exists():
        pytest.skip("the stamps of that sender are not here")
    stamps = np.load(path)
    came = Arrivals(Sender(250.0, 1), stamps, stamps, np.arange(len(stamps)), ())
    fitter, times, _ = fitted(came, 5)
    assert (fitter.gaps, fitter.lost_samples, fitter.samples) == (0, 0, 3110)
    assert fitter.rate_effective == pytest.approx(250, rel=1e-3)
    assert np.ptp(np.diff(times)) < 1e-3


@pytest.mark.parametrize("off_share", [-0.08, -0.03, 0.03, 0.08])
@pytest.mark.parametrize("packet", [0, 1, 5])
def test_a_rate_some_percent_off_the_claimed_one_is_met(off_share, packet):
    came = arrivals(Sender(250.0, packet, 1e-3, off_share=off_share))
    fitter, times, number = fitted(came, 10)
    error = times - came.true[number]
    assert (fitter.gaps, fitter.lost_samples) == (0, 0)
    assert np.ptp(error[came.true > 1001]) < 5e-3
    assert fitter.rate_effective == pytest.approx(250 * (1 + off_share), rel=1e-3)
