"""Feedback: when it begins and ends, sham that looks alike, and its way out over LSL and OSC."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from realtime.errors import ConfigError
from realtime.feedback.config import FeedbackConfig
from realtime.feedback.controller import (
    BASELINE_OVER,
    OFF,
    ON,
    FeedbackController,
    FeedbackState,
    from_markers,
)
from realtime.feedback.outlet import CHANNELS, FeedbackOutlet, OscOutlet
from realtime.time.clock import LslClock, ManualClock
from realtime.types import Attention, Chance, Reading

HOP_S = 0.25
PLAIN = {"smoothing_s": 0.0, "baseline_s": 2.0, "threshold": 0.0, "hold_s": 0.5, "refractory_s": 1.0}
NOTHING = np.zeros(0, np.float32)


def reading(index: int, similarity: float = 0.5, valid: float = 1.0, start: float = 1000.0) -> Reading:
    end = start + index * HOP_S
    attention = Attention(np.zeros((0, 0), np.float32), NOTHING, np.zeros((0, 0), np.float32), NOTHING)
    return Reading(
        seq=index, index=index, end=end, emitted=end + 0.03, similarity=similarity, match=1 - similarity,
        chance=Chance(), attention=attention, gate=0.0, frame_seq=np.zeros(0, np.int64),
        eeg_valid_share=valid, video_valid_share=1.0,
    )  # fmt: skip


def run(config: FeedbackConfig, similarities, valid=None, start: float = 1000.0):
    valid = [1.0] * len(similarities) if valid is None else valid
    controller = FeedbackController(config)
    return [
        controller.update(reading(i, s, v, start))
        for i, (s, v) in enumerate(zip(similarities, valid, strict=True))
    ]


def spans(told) -> list[tuple[float, float]]:
    """Start and end of each feedback that ended, seconds since the first reading."""
    marks = [(f.end - told[0].end, event) for f in told for event in f.events if event != BASELINE_OVER]
    return [(a, b) for (a, _), (b, _) in zip(marks[::2], marks[1::2], strict=False)]


class TestTiming:
    def test_feedback_begins_after_the_hold_and_ends_when_the_signal_is_back(self):
        told = run(FeedbackConfig(**PLAIN), [0.5] * 12 + [-0.5] * 8 + [0.5] * 12)
        assert spans(told) == [(12 * HOP_S + 0.5, 20 * HOP_S)]
        assert [f.level for f in told[14:20]] == [1.0] * 6
        assert sum(f.level for f in told) == 6

    def test_a_dip_shorter_than_the_hold_gives_none(self):
        told = run(FeedbackConfig(**PLAIN), [0.5] * 12 + [-0.5] * 2 + [0.5] * 12)
        assert sum(f.level for f in told) == 0
        assert FeedbackState.HOLDING in {f.state for f in told}

    def test_none_comes_in_the_baseline_nor_right_after_feedback(self):
        config = FeedbackConfig(**PLAIN | {"refractory_s": 3.0, "longest_s": 2.0})
        told = run(config, [-0.5] * 60)
        first, second = spans(told)[:2]
        assert first[0] >= 2.0
        assert first[1] - first[0] == 2.0
        assert second[0] - first[1] == 3.0 + 0.5

    def test_between_threshold_and_hysteresis_nothing_changes(self):
        config = FeedbackConfig(**PLAIN | {"hysteresis": 1.0, "hold_s": 0.0})
        wave = [0.5, -0.5] * 10  # its standard deviation, and so the hysteresis, is about 0.5
        told = run(config, [*wave, -0.5, 0.2, 0.2, 0.2, 0.9, 0.9])
        assert [f.level for f in told[20:]] == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0]

    def test_it_may_reward_what_is_above(self):
        told = run(FeedbackConfig(**PLAIN | {"when": "above"}), [-0.5] * 12 + [0.5] * 4 + [-0.5] * 4)
        assert spans(told) == [(12 * HOP_S + 0.5, 16 * HOP_S)]

    def test_it_may_follow_the_match(self):
        told = run(FeedbackConfig(**PLAIN | {"signal": "match", "threshold": 0.6}), [0.1] * 12 + [0.9] * 8)
        assert told[-1].level == 1.0
        assert told[-1].value == pytest.approx(0.1)

    def test_smoothing_is_an_exponential_mean_in_time(self):
        told = run(FeedbackConfig(**PLAIN | {"smoothing_s": 1.0}), [0.0] + [1.0] * 20)
        expected = 1 - np.exp(-np.arange(21) * HOP_S)
        assert [f.value for f in told] == pytest.approx(expected)


class TestThreshold:
    def test_the_adaptive_one_follows_the_signal(self):
        rng = np.random.default_rng(0)
        signal = np.concatenate([rng.normal(0.4, 0.1, 600), rng.normal(-0.2, 0.1, 600)])
        told = run(FeedbackConfig(smoothing_s=0.5, window_s=60, longest_s=100), signal)
        early, late = (np.mean([f.level for f in part]) for part in (told[300:600], told[900:]))
        assert told[0].threshold is None
        assert told[599].threshold > 0.3 > -0.1 > told[-1].threshold
        assert 0.1 < early < 0.6
        assert 0.1 < late < 0.6

    def test_that_of_the_baseline_stays(self):
        signal = np.r_[np.linspace(0, 1, 81), np.full(400, -1.0)]
        told = run(FeedbackConfig(threshold="baseline", percentile=50, smoothing_s=0), signal)
        assert {f.threshold for f in told[81:]} == {told[81].threshold}
        assert told[81].threshold == pytest.approx(0.5, abs=0.02)

    def test_the_position_lies_between_0_and_1(self):
        rng = np.random.default_rng(1)
        told = run(FeedbackConfig(), rng.normal(size=400))
        assert all(0 <= f.position <= 1 for f in told)
        assert np.mean([f.position for f in told[100:]]) == pytest.approx(0.5, abs=0.1)

    def test_what_cannot_work_is_refused(self):
        with pytest.raises(ValidationError, match="needs a baseline"):
            FeedbackConfig(baseline_s=0)
        with pytest.raises(ValidationError, match="another session"):
            FeedbackConfig(sham="yoked")
        with pytest.raises(ValidationError, match="before the next"):
            FeedbackConfig(sham="yoked", yoked=((3.0, 5.0), (4.0, 6.0)))


class TestBadSignal:
    def test_bad_eeg_ends_feedback_and_begins_none(self):
        valid = [1.0] * 18 + [0.5] * 10 + [1.0] * 10
        told = run(FeedbackConfig(**PLAIN), [0.5] * 10 + [-0.5] * 28, valid)
        assert all(f.level == 0 for f, v in zip(told, valid, strict=True) if v < 0.9)
        assert told[18].events == (OFF,)
        assert told[-1].level == 1

    def test_the_caller_may_distrust_a_reading(self):
        controller = FeedbackController(FeedbackConfig(**PLAIN))
        for i in range(30):
            told = controller.update(reading(i, -0.5), trusted=i < 15)
        assert told.level == 0

    def test_bad_eeg_does_not_count_as_baseline(self):
        told = run(FeedbackConfig(**PLAIN), [0.5] * 30, [0.0] * 10 + [1.0] * 20)
        over = next(f.end for f in told if BASELINE_OVER in f.events)
        assert over == 1000 + 9 * HOP_S + 2.0

    def test_a_pause_in_the_readings_ends_feedback(self):
        controller = FeedbackController(FeedbackConfig(**PLAIN))
        for i in range(20):
            told = controller.update(reading(i, -0.5))
        assert told.level == 1
        assert controller.update(reading(40, -0.5)).events == (OFF,)

    def test_feedback_ends_by_the_clock_when_readings_stay_away(self):
        controller = FeedbackController(FeedbackConfig(**PLAIN))
        for i in range(20):
            told = controller.update(reading(i, -0.5))
        assert controller.expire(told.emitted + 1.0) is None
        ended = controller.expire(told.emitted + 2.0)
        assert (ended.level, ended.events) == (0.0, (OFF,))
        assert controller.expire(told.emitted + 3.0) is None

    def test_time_that_runs_backwards_begins_a_new_baseline(self):
        controller = FeedbackController(FeedbackConfig(**PLAIN))
        for i in range(20):
            controller.update(reading(i, -0.5))
        assert controller.update(reading(3, -0.5)).state is FeedbackState.BASELINE


class TestSham:
    def test_random_sham_does_not_follow_the_signal_but_keeps_its_rate(self):
        config = FeedbackConfig(sham="random", sham_per_min=4, sham_on_s=4, baseline_s=5)
        rng = np.random.default_rng(3)
        one, two = (run(config, rng.normal(size=2400)) for _ in range(2))
        assert spans(one) == spans(two)
        assert len(spans(one)) == pytest.approx(40, abs=4)
        assert np.median([b - a for a, b in spans(one)]) == pytest.approx(4, abs=HOP_S)
        other = run(config.model_copy(update={"seed": 1}), rng.normal(size=2400))
        assert spans(other) != spans(one)

    def test_yoked_sham_repeats_another_session(self):
        rng = np.random.default_rng(4)
        real = run(FeedbackConfig(smoothing_s=0.5), rng.normal(size=1200))
        markers = [(f.end, event) for f in real for event in f.events]
        yoked = from_markers(markers)
        assert len(yoked) > 10
        sham = run(
            FeedbackConfig(smoothing_s=0.5, sham="yoked", yoked=yoked), rng.normal(size=1200), start=5000
        )
        assert spans(sham) == spans(real)[: len(spans(sham))]
        assert [f.state for f in sham if f.level] == [FeedbackState.ACTIVE] * sum(f.level > 0 for f in sham)

    def test_sham_too_is_held_back_by_bad_eeg(self):
        config = FeedbackConfig(sham="random", sham_per_min=10, sham_on_s=4, baseline_s=1)
        valid = ([1.0] * 30 + [0.2] * 10) * 20
        told = run(config, [0.0] * len(valid), valid)
        assert any(f.level for f in told)
        assert not any(f.level for f, v in zip(told, valid, strict=True) if v < 0.9)


configs = st.builds(
    FeedbackConfig,
    when=st.sampled_from(["below", "above"]),
    smoothing_s=st.sampled_from([0.0, 1.0]),
    baseline_s=st.sampled_from([1.0, 5.0]),
    threshold=st.sampled_from([0.0, 0.3, "baseline", "adaptive"]),
    hysteresis=st.sampled_from([0.0, 0.5]),
    hold_s=st.sampled_from([0.0, 0.75]),
    refractory_s=st.sampled_from([0.0, 2.0]),
    longest_s=st.sampled_from([1.0, 5.0]),
    sham=st.sampled_from(["off", "random"]),
    sham_per_min=st.sampled_from([4.0, 20.0]),
)
steps = st.lists(
    st.tuples(st.floats(-1, 1), st.sampled_from([1.0, 1.0, 1.0, 0.95, 0.3])), min_size=5, max_size=150
)


class TestAlways:
    @given(config=configs, steps=steps)
    @settings(max_examples=120, deadline=None)
    def test_the_rules_hold_whatever_the_signal_does(self, config, steps):
        told = run(config, [s for s, _ in steps], [v for _, v in steps])
        events = [(f.end, e) for f in told for e in f.events if e != BASELINE_OVER]
        assert [e for _, e in events] == [(ON, OFF)[i % 2] for i in range(len(events))]
        for i, (end, event) in enumerate(events[1:], 1):
            since = end - events[i - 1][0]
            if event == OFF:
                assert since <= config.longest_s + HOP_S
            else:
                assert since >= config.refractory_s + config.hold_s - 1e-9
        for feedback, (_, valid) in zip(told, steps, strict=True):
            assert feedback.level == (feedback.state is FeedbackState.ACTIVE)
            assert not (feedback.level and valid < config.min_valid)
        over = next((f.end for f in told if BASELINE_OVER in f.events), np.inf)
        assert all(end >= over for end, _ in events)

    @given(config=configs, steps=steps, shift=st.integers(1, 400_000))
    @settings(max_examples=40, deadline=None)
    def test_it_makes_no_difference_when_the_session_was(self, config, steps, shift):
        similarities, valid = [s for s, _ in steps], [v for _, v in steps]
        early = run(config, similarities, valid, start=1000.0)
        late = run(config, similarities, valid, start=1000.0 + shift * HOP_S)
        assert [f.events for f in early] == [f.events for f in late]


class TestOutlets:
    def test_the_lsl_stream_carries_value_time_and_events(self, source_id):
        import pylsl

        clock = LslClock()
        config = FeedbackConfig(**PLAIN)
        outlet = FeedbackOutlet(config, clock, source_id)
        inlets = []
        try:
            for name, n in ((source_id, len(CHANNELS)), (f"{source_id}-markers", 1)):
                (info,) = pylsl.resolve_byprop("source_id", name, timeout=10)
                inlet = pylsl.StreamInlet(info, recover=False)
                inlet.open_stream(10)
                assert info.channel_count() == n
                told = inlet.info(10).desc().child_value("parameters")
                assert FeedbackConfig(**json.loads(told)) == config
                inlets.append(inlet)
            start = clock.now() - 20 * HOP_S
            controller = FeedbackController(config)
            sent = [controller.update(reading(i, -0.5, start=start)) for i in range(20)]
            for feedback in sent:
                outlet.send(feedback)
            got = [inlets[0].pull_sample(timeout=10) for _ in sent]
            marks = [inlets[1].pull_sample(timeout=10) for _ in range(2)]
        finally:
            inlets.clear()
            outlet.close()
        assert [stamp for _, stamp in got] == [f.end for f in sent]
        assert [values[:3] for values, _ in got] == [[f.similarity, f.match, f.level] for f in sent]
        assert all(0 <= clock.now() - values[3] < 20 for values, _ in got)
        assert [text for (text,), _ in marks] == [BASELINE_OVER, ON]

    def test_osc_goes_to_this_machine(self):
        osc = pytest.importorskip("pythonosc.osc_message", reason="python-osc is an extra")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.bind(("127.0.0.1", 0))
            ear.settimeout(10)
            outlet = OscOutlet(port=ear.getsockname()[1])
            for feedback in run(FeedbackConfig(**PLAIN), [0.25] * 9)[-1:]:
                outlet.send(feedback)
            messages = [osc.OscMessage(ear.recv(1024)) for _ in range(2)]
            outlet.close()
        assert (messages[0].address, messages[0].params) == ("/phosphene/event", [BASELINE_OVER])
        assert messages[1].address == "/phosphene/feedback"
        assert messages[1].params == pytest.approx([0.25, 0.75, 0.0])

    def test_without_python_osc_one_line_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pythonosc.udp_client", None)
        with pytest.raises(ConfigError, match=r"pip install 'phosphene\[osc\]'"):
            OscOutlet()

    def test_a_closed_outlet_sends_nothing(self, source_id):
        outlet = FeedbackOutlet(FeedbackConfig(), ManualClock(1.0), source_id)
        outlet.close()
        outlet.send(run(FeedbackConfig(), [0.5])[0])
