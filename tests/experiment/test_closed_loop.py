"""The loop of a session: what a user may ask of it, what is recorded of it, and what participant and operator
are told."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from experiment.closed_loop import close_loop, give_feedback, operators_view
from experiment.feedback_options import FeedbackChoice, feedback_choice
from experiment.recording import SessionRecording
from experiment.run import Running
from experiment.state import FeedbackStyle, Mode
from realtime.errors import ConfigError
from realtime.feedback.config import FeedbackConfig
from realtime.feedback.controller import BASELINE_OVER, OFF, ON, FeedbackController, FeedbackState
from realtime.feedback.tone import Tone, samples
from realtime.live import LiveRunner
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.video.file import FileCamera
from recordings.report.page import session_report
from recordings.session.outcome import all_feedback, events_once
from recordings.session.session import Session
from recordings.video.files import VideoWriter
from tests.realtime.feedback.test_feedback import reading, run, spans
from tests.support.fakes import ArithmeticModel, ArrayEeg, ArrayVideo

RATE = 250.0
EAGER = FeedbackConfig(
    smoothing_s=0, baseline_s=2, hold_s=0, refractory_s=0.5, longest_s=2, percentile=50, hysteresis=0
)


def session(clock: ManualClock, seconds: float = 14.0) -> Running:
    """A live session on arrays, stepped by hand; nothing of it runs by itself."""
    random = np.random.default_rng(5)
    n = int(seconds * RATE)
    samples_uv = random.normal(0, 20, (n, 3)).astype(np.float32)
    eeg = ArrayEeg(clock, samples_uv, 100 + np.arange(n) / RATE, RATE, chunk=13)
    video = ArrayVideo(clock, 100 + np.arange(int(seconds * 30)) / 30, size=(16, 16))
    pipeline = Pipeline(eeg, video, lambda labels: ArithmeticModel())
    runner = LiveRunner(pipeline, clock)
    return Running("test", Mode.LIVE, pipeline, runner, view=None)


def advance(running: Running, clock: ManualClock, start: float, stop: float) -> None:
    for now in np.arange(start, stop, 0.02):
        clock.set(now)
        running.pipeline.advance(now)


def recorded(folder, config: FeedbackConfig):
    """A session with feedback that was recorded; returns the told feedback and the recording's folder."""
    clock = ManualClock(99.0)
    running = session(clock)
    running.feedback = close_loop(running, config, clock)
    told = []
    running.feedback.taps.attach(told.append)
    recording = SessionRecording(running, folder)
    recording.start()
    try:
        advance(running, clock, 99.0, 114.0)
    finally:
        recording.stop()
        running.feedback.close()
    return told, recording.folders[0]


class TestRecorded:
    def test_values_events_and_parameters_stand_in_the_recording_at_the_intervals_end(self, tmp_path):
        told, folder = recorded(tmp_path, EAGER)
        events = [(f.end, e) for f in told for e in f.events]
        assert [e for _, e in events].count(ON) >= 2
        with Session(folder) as opened:
            stream = next(s for s in opened.reader.streams.values() if s.info.type == "Feedback")
            stamps, rows = opened.reader.read(stream.info.stream_id)
            assert stamps.tolist() == [f.end for f in told]
            assert rows[:, 0].tolist() == [f.similarity for f in told]
            assert rows[:, 2].tolist() == [f.level for f in told]
            assert rows[:, 6].tolist() == [f.position for f in told]
            assert FeedbackConfig(**json.loads(stream.info.text("desc/parameters"))) == EAGER
            assert [(m.stamp, m.text) for m in opened.markers()] == events
            found = all_feedback(opened, events_once(opened))
        lengths = [stop - start for start, stop in spans(told)]
        assert [b - a for a, b in found.spans][: len(lengths)] == pytest.approx(lengths)
        assert json.loads(found.parameters)["percentile"] == 50

    def test_the_report_tells_of_it_and_of_the_network(self, tmp_path):
        _, folder = recorded(tmp_path, EAGER)
        page = session_report(folder, stills=False)
        assert "The baseline was over at" in page
        assert "percentile" in page
        assert "Untrained network" in page

    def test_a_recorded_session_gives_the_times_of_a_yoked_one(self, tmp_path):
        told, folder = recorded(tmp_path, EAGER)
        choice = feedback_choice(["baseline_s=2", "hold_s=0", "refractory_s=0"], sham=str(folder))
        over = next(f.end for f in told if BASELINE_OVER in f.events)
        ons = [f.end - over for f in told if ON in f.events]
        assert choice.config.sham == "yoked"
        assert [start for start, _ in choice.config.yoked] == pytest.approx(ons[: len(choice.config.yoked)])

    def test_without_a_loop_nothing_of_feedback_is_recorded(self, tmp_path):
        clock = ManualClock(99.0)
        running = session(clock)
        recording = SessionRecording(running, tmp_path)
        recording.start()
        advance(running, clock, 99.0, 104.0)
        recording.stop()
        with Session(recording.folders[0]) as opened:
            assert "Feedback" not in {s.info.type for s in opened.reader.streams.values()}


class TestTold:
    def test_the_operator_sees_as_much_of_a_sham_run_as_of_a_real_one(self):
        rng = np.random.default_rng(2)
        signal = rng.normal(size=1200).cumsum() / 20
        real = run(FeedbackConfig(), signal)
        sham = run(FeedbackConfig(sham="random", sham_per_min=6), signal)
        for told, config in ((real, FeedbackConfig()), (sham, FeedbackConfig(sham="random"))):
            views = [operators_view(f, config) for f in told]
            running = [v for f, v in zip(told, views, strict=True) if f.state is not FeedbackState.BASELINE]
            assert {v.threshold for v in running} == {0.35}
            levels = np.array([v.level for v in running])
            assert ((levels >= 0) & (levels <= 1)).all()
            assert 0.2 < levels.mean() < 0.8
            on = np.array([v.rewarded for v in running])
            assert levels[on].mean() < 0.4 < levels[~on].mean()

    def test_bad_eeg_shows_no_level_and_asks_for_a_hand(self):
        told = run(FeedbackConfig(baseline_s=1), [0.1] * 8 + [0.2], [1.0] * 8 + [0.3])
        view = operators_view(told[-1], FeedbackConfig())
        assert (view.level, view.phase, view.needs_hand) == (None, "poor signal", True)

    def test_a_level_that_nobody_measures_any_more_is_not_shown(self):
        clock = ManualClock(99.0)
        running = session(clock)
        loop = close_loop(running, EAGER, clock)
        advance(running, clock, 99.0, 106.0)
        assert running.actions.feedback().level is not None
        clock.set(106.0 + EAGER.stale_s + 0.5)
        assert (running.actions.feedback().level, running.actions.feedback().phase) == (None, "no signal")
        loop.close()

    def test_feedback_ends_in_a_live_session_whose_readings_stay_away(self):
        clock = ManualClock(1000.0)
        running = session(clock)
        loop = close_loop(running, EAGER.model_copy(update={"threshold": 5.0, "longest_s": 60.0}), clock)
        for index in range(12):
            loop.take(reading(index))
        assert loop.latest.get().value.level == 1.0
        clock.set(1000.0 + 12 * 0.25 + 60)
        running.runner._score()
        told = loop.latest.get().value
        assert (told.level, told.events) == (0.0, (OFF,))
        loop.close()


class TestStyles:
    def test_a_tone_is_louder_with_the_level_and_its_phase_goes_on(self):
        first, level = samples(4800, 0, 0.0, 1.0)
        second, level = samples(4800, 4800, level, 1.0)
        both = np.concatenate([first, second])
        assert np.abs(np.diff(both)).max() < 0.1 * 2 * np.pi * 440 / 48_000 * 1.05  # no click
        assert np.abs(first[:480]).max() < np.abs(second).max() <= 0.1
        quiet, level = samples(48_000, 9600, level, 0.0)
        assert (np.abs(quiet[-480:]).max(), level) == (pytest.approx(0, abs=1e-4), pytest.approx(0, abs=1e-4))

    def test_a_tone_plays_on_a_device_and_is_given_levels(self):
        miniaudio = pytest.importorskip("miniaudio", reason="the extra tone is not installed")
        tone = Tone([miniaudio.Backend.NULL])
        tone.set_level(0.5)
        assert tone._device.running
        tone.close()

    def test_without_a_loudspeaker_one_line_says_so(self):
        miniaudio = pytest.importorskip("miniaudio", reason="the extra tone is not installed")
        with pytest.raises(ConfigError, match="plug in a loudspeaker"):
            Tone([miniaudio.Backend.ALSA if sys.platform == "darwin" else miniaudio.Backend.COREAUDIO])

    def test_a_film_slows_down_without_a_frame_out_of_order(self, tmp_path):
        path = tmp_path / "film.mkv"
        with VideoWriter(path, (32, 32)) as writer:
            for number in range(90):
                writer.write(np.full((32, 32, 3), number, np.uint8), number / 30)
        clock = ManualClock(50.0)
        film = FileCamera(path, loop=False, clock=clock)
        film.open()
        stamps = {}
        for step in range(600):
            clock.set(50.0 + step * 0.01)
            film.speed = 1.0 if step < 100 else 0.25 if step < 300 else 2.0
            if (frame := film.read()) is not None:
                stamps[frame.seq] = frame.stamp
        film.close()
        at = np.array([stamps[k] for k in sorted(stamps)])
        assert (np.diff(at) > 0).all()
        steps = np.diff(at)
        assert np.median(steps[:25]) == pytest.approx(1 / 30, abs=1e-3)
        assert np.median(steps[32:42]) == pytest.approx(4 / 30, abs=1e-2)
        assert np.median(steps[-20:]) == pytest.approx(1 / 60, abs=1e-2)
        assert film.finished

    def test_speed_follows_the_level_of_a_film_and_is_refused_for_a_camera(self):
        clock = ManualClock(99.0)
        running = session(clock)
        choice = FeedbackChoice(EAGER, FeedbackStyle.SPEED)
        with pytest.raises(ConfigError, match="this video is no film"):
            give_feedback(running, choice, clock)
        film = running.pipeline.video.source
        film.speed = 1.0
        loop = give_feedback(running, choice, clock)
        speeds = []
        loop.taps.attach(lambda f: speeds.append((film.speed, f)))
        advance(running, clock, 99.0, 110.0)
        loop.close()
        assert running.feedback_style is FeedbackStyle.SPEED
        late = [(speed, f.position) for speed, f in speeds if f.threshold is not None]
        assert late
        assert all(speed == pytest.approx(0.25 + 0.75 * position) for speed, position in late)
        assert speeds[0][0] == 1.0  # the baseline has no level: the film as it is


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"settings": ["wobble=1"]}, "one of signal, when, smoothing_s"),
            ({"settings": ["hold_s"]}, "write NAME=VALUE"),
            ({"settings": ["when=sideways"]}, "when=sideways: it should be 'below' or 'above'"),
            ({"settings": ["hold_s=-1"]}, "greater than or equal to 0"),
            ({"settings": ["baseline_s=0"]}, "needs a baseline"),
            ({"settings": ["yoked=1"]}, "--sham SESSION"),
            ({"sham": "nowhere"}, "neither “random” nor the folder"),
            ({"osc": "here"}, "write HOST:PORT"),
            ({"osc": "127.0.0.1:70000"}, "write HOST:PORT"),
            ({"style": "blink"}, "choose bar, ring, brightness, tone, speed"),
        ],
    )
    def test_what_is_no_option_is_refused_with_those_that_are(self, options, words):
        with pytest.raises(ConfigError, match=words) as refused:
            feedback_choice(**options)
        assert "\n" not in str(refused.value)

    def test_what_is_said_is_taken_and_the_rest_stays(self):
        choice = feedback_choice(["hold_s=0.25", "threshold=0.1"], osc="[::1]:9001", style="tone")
        assert (choice.config.hold_s, choice.config.threshold, choice.osc) == (0.25, 0.1, ("::1", 9001))
        assert choice.style is FeedbackStyle.TONE
        assert choice.config == FeedbackConfig(hold_s=0.25, threshold=0.1)

    def test_random_sham_comes_at_other_times_in_each_session(self):
        seeds = {feedback_choice(sham="random").config.seed for _ in range(3)}
        assert len(seeds) == 3
        assert feedback_choice(["seed=4"], sham="random").config.seed == 4


def test_a_network_that_is_away_ends_no_session(monkeypatch):
    pytest.importorskip("pythonosc", reason="the extra osc is not installed")
    choice = feedback_choice(osc="127.0.0.1:9")
    (outlet,) = choice.outlets()

    def unreachable(*_):
        raise OSError("Network is unreachable")

    monkeypatch.setattr(outlet._client, "send_message", unreachable)
    outlet.send(FeedbackController(EAGER).update(reading(0)))
    outlet.close()
