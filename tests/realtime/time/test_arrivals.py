"""Generated arrivals against the truth: what is reported lost was lost, and every sample has its time.

python -m pytest -m long tests/realtime/time/test_arrivals.py        # 10 000 streams
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from realtime.time.stamps import StampFitter
from tests.realtime.time.arrivals import Arrivals, Sender, arrivals, events

SETTLED_S = 1.0
GOOD_MS, PACKETS_MS = 1.0, 5.0
RATES = (128.0, 250.0, 256.0, 500.0, 512.0, 1000.0, 2000.0)


@st.composite
def senders(draw: st.DrawFn, share: float = 1.0) -> Sender:
    """A stream with up to three things that happen to it, five seconds and more apart.

    `share` is how much of the jitter there is that the model is meant to bear.

    Packets are unequally late (one sd) by as much as lets a sample be told in the five seconds: up to half a
    period, less where few packets come. A gap is at least 20 ms, five times that, and a quarter of a packet;
    a clock is set by at least two packets.
    """
    rate = draw(st.sampled_from(RATES))
    packet = draw(st.sampled_from([0, 1, 2, 3, 5, 8, 10, 12, 20, 25, 40]))
    told = min(0.5, 0.1 * (5 * rate / max(packet, 1)) ** 0.5) / rate
    jitter = min(draw(st.sampled_from([0.0, 1e-3, 2e-3, 4e-3])), share * told)
    pauses, gaps, steps, at = [], [], [], 8.0
    for kind in draw(st.lists(st.sampled_from(["pause", "gap", "step"]), max_size=3)):
        if kind == "pause" and packet:
            length = draw(st.sampled_from([0.05, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0]))
            pauses.append((at, length))
            at += length
        elif kind == "gap":
            least = max(0.02 * rate, 5 * jitter * rate, packet / 4, 1)
            lost = int(np.ceil(max(draw(st.sampled_from([0.02, 0.05, 0.1, 0.3, 1.0])) * rate, least)))
            gaps.append((at, lost))
            at += lost / rate
        elif kind == "step":
            step = draw(st.sampled_from([-12.0, -0.7, -0.2, 200_000.0]))
            steps.append((at, min(step, -2 * packet / rate) if step < 0 else step))
        at += 5 + draw(st.floats(0, 3)) + 2 * packet / rate
    return Sender(
        rate, packet, jitter, draw(st.floats(-500, 500)), 0.0, tuple(pauses), tuple(gaps), tuple(steps),
        draw(st.sampled_from([0.0, 0.0, 0.5e-3, 2e-3, 10e-3])), at + 3, draw(st.integers(0, 2**31)),
    )  # fmt: skip


def fitted(came: Arrivals, size: int) -> tuple[StampFitter, np.ndarray, np.ndarray]:
    """The times given, and the number of each one's sample among those that came."""
    fitter = StampFitter(came.sender.rate)
    chunks = [chunk for raw in came.chunks(size) for chunk in fitter.push(raw)] + fitter.flush()
    times = np.concatenate([chunk.stamps for chunk in chunks])
    return fitter, times, np.concatenate([chunk.samples[:, 0] for chunk in chunks]).astype(int)


def judged(came: Arrivals, number: np.ndarray) -> np.ndarray:
    """Which samples must have their right times: from a second after each event on."""
    sender = came.sender
    since = came.true[number] - 1000.0
    packet_s = sender.packet / sender.rate
    settled = since > SETTLED_S + packet_s
    for begin, end in events(sender):
        settled &= (since < begin - 0.1 - packet_s) | (since > end + SETTLED_S + packet_s)
    return settled


def check(sender: Sender, size: int) -> None:
    came = arrivals(sender)
    fitter, times, number = fitted(came, size)
    np.testing.assert_array_equal(number, np.arange(len(came.stamps)))
    assert np.all(np.diff(times) > 0)
    assert (fitter.gaps, fitter.lost_samples) == (len(sender.gaps), sender.lost)
    assert len(fitter.clock_steps) == len(sender.steps)
    settled = judged(came, number)
    error = times - came.true[number]
    if sender.packet:  # how long a packet is on its way at least, nobody can know
        error = error - np.median(error[settled])
    allowed_ms = PACKETS_MS if sender.packet else GOOD_MS
    assert np.abs(error[settled]).max() < allowed_ms * 1e-3 + 3.5 * sender.offset_scatter_s


@settings(max_examples=100, deadline=None, derandomize=True)  # the same streams each time; others below
@given(senders(share=0.2), st.integers(16, 200))
def test_what_is_reported_lost_was_lost_and_times_are_right(sender, size):
    check(sender, size)


@pytest.mark.long
@pytest.mark.timeout(7200)
@settings(max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(senders(), st.integers(16, 200))
def test_ten_thousand_streams(sender, size):
    check(sender, size)


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
