"""The virtual subject in a process of its own: its EEG follows the same film, and it listens to feedback."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from realtime.eeg.electrodes import HEADSETS
from realtime.feedback.config import FeedbackConfig
from realtime.feedback.controller import Feedback, FeedbackState
from realtime.feedback.outlet import FeedbackOutlet
from realtime.lsl.selector import StreamSelector
from realtime.time.clock import LslClock
from realtime.virtual.subject.response import Brain
from realtime.virtual.subject.serving import Ear
from realtime.virtual.subject.subject import SubjectOptions

pylsl = pytest.importorskip("pylsl")


def start(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "phosphene", "subject", *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_its_eeg_answers_the_film_of_this_clock_in_another_process(source_id):
    subject = start("--source-id", source_id, "--film-seed", "3", "--snr", "20", "--always-engaged")
    try:
        (info,) = pylsl.resolve_byprop("source_id", source_id, timeout=20)
        inlet = pylsl.StreamInlet(info, recover=False)
        labels = inlet.info(10).get_channel_labels()
        assert tuple(labels) == HEADSETS["unicorn"]
        samples, stamps = [], []
        while len(stamps) < 1000:
            chunk, times = inlet.pull_chunk(timeout=10.0, max_samples=250)
            samples += chunk
            stamps += times
            assert stamps, "the subject sends nothing"
        del inlet
    finally:
        subject.terminate()
        assert subject.wait(10) == 0
        assert "samples sent" in subject.stderr.read()
        subject.stderr.close()
    stamps = np.array(stamps)
    assert np.diff(stamps) == pytest.approx(np.full(len(stamps) - 1, 0.004), abs=1e-6)
    answer = Brain(SubjectOptions(film_seed=3).seen()[0], HEADSETS["unicorn"]).respond(stamps)
    at_oz = HEADSETS["unicorn"].index("Oz")
    assert np.corrcoef(np.array(samples)[:, at_oz], answer[:, at_oz])[0, 1] > 0.9


@pytest.mark.slow
def test_it_tells_its_engagement_in_markers(source_id):
    subject = start("--source-id", source_id, "--phase-s", "4", "--snr", "0", "--seconds", "20")
    try:
        (info,) = pylsl.resolve_byprop("source_id", f"{source_id}-markers", timeout=20)
        inlet = pylsl.StreamInlet(info, recover=False)
        marks = [inlet.pull_sample(timeout=10) for _ in range(3)]
        del inlet
    finally:
        subject.terminate()
        subject.wait(10)
        subject.stderr.close()
    assert {text for (text,), _ in marks} == {"engaged", "drifting"}
    assert 8 / 3 - 1e-6 <= marks[2][1] - marks[1][1] <= 16 / 3 + 1e-6
    assert abs(time.monotonic() - marks[2][1]) < 20


def test_an_option_that_cannot_be_is_one_line(source_id):
    subject = start("--snr", "-1")
    assert subject.wait(20) == 2
    said = subject.stderr.read()
    subject.stderr.close()
    assert said.startswith("phosphene: --snr -1.0: ")
    assert said.count("\n") == 1


def test_feedback_that_comes_over_lsl_brings_engagement_back(source_id):
    class LaterClock(LslClock):
        """Now, and a while: so that no test waits for a mind to wander."""

        ahead = 0.0

        def now(self) -> float:
            return super().now() + self.ahead

    clock = LaterClock()
    listening = SubjectOptions().listening(clock.now())
    engagement = listening.engagement
    ear = Ear(StreamSelector.parse(f"source_id={source_id}"), listening, clock)
    outlet = FeedbackOutlet(FeedbackConfig(), clock, source_id)
    try:
        deadline = clock.now() + 20
        while not outlet.has_consumers():
            assert clock.now() < deadline
            ear.listen()
            time.sleep(0.02)
        clock.ahead = 20.0
        level = engagement.at(np.array([clock.now()]))[0]
        now = clock.now()
        outlet.send(Feedback(now, now, -0.1, 0.2, -0.1, 0.0, 0.1, 1.0, FeedbackState.ACTIVE))
        while not ear.level:
            assert clock.now() < deadline + 20
            ear.listen()
            time.sleep(0.02)
        clock.ahead += 2.5
        ear.listen()
        clock.ahead += 1.0
        ear.listen()
        raised = engagement.at(np.array([clock.now()]))[0]
        clock.ahead += 30.0
        ear.listen()
        silent = engagement.at(np.array([clock.now()]))[0]
    finally:
        del ear
        outlet.close()
    assert level < 0.25
    assert raised > level + 0.3
    assert silent < raised
