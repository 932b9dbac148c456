"""The virtual attender: its truth is known, and its EEG tells which of several objects it attends."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from realtime.feedback.attended import AttendedOutlet
from realtime.lsl.selector import StreamSelector
from realtime.time.clock import LslClock
from realtime.virtual.subject.attender import AttenderOptions
from realtime.virtual.subject.focus import ResponsiveFocus, ScheduledFocus
from realtime.virtual.subject.session import simulate_session
from realtime.virtual.subject.subject import VirtualSubject

COUNTS = st.sampled_from([2, 4, 6, 9])


class TestFocus:
    @given(seed=st.integers(0, 10**6), n=COUNTS, time=st.floats(0, 1e6))
    @settings(max_examples=100)
    def test_it_switches_every_10_to_20_s_and_never_to_where_it_was(self, seed, n, time):
        changes = ScheduledFocus(seed, n).phases(time, time + 200)
        assert len(changes) >= 9
        for (before, phase), (after, other) in pairwise(changes):
            assert 10 - 1e-6 <= after - before <= 20 + 1e-6
            assert phase != other

    @given(seed=st.integers(0, 10**6), n=COUNTS, start=st.floats(0, 1e6), cut=st.integers(1, 399))
    @settings(max_examples=50)
    def test_attention_is_the_same_however_time_is_cut(self, seed, n, start, cut):
        focus, times = ScheduledFocus(seed, n), start + np.arange(400) * 0.1
        whole = focus.at(times)
        assert np.array_equal(np.concatenate([focus.at(times[:cut]), focus.at(times[cut:])]), whole)
        assert whole.min() >= 0
        assert whole.sum(1).max() <= 1 + 1e-9

    @given(seed=st.integers(0, 10**6), n=COUNTS, start=st.floats(0, 1e6))
    @settings(max_examples=50)
    def test_the_marks_say_where_attention_is(self, seed, n, start):
        focus = ScheduledFocus(seed, n)
        for (before, phase), (after, _) in pairwise(focus.phases(start, start + 100)):
            level = focus.at(np.array([before + 0.3, (before + after) / 2, after - 0.3]))
            expected = np.zeros(n)
            if phase != "drifting":
                expected[int(phase.removeprefix("attends "))] = 1
            assert level == pytest.approx(np.tile(expected, (3, 1)))
            assert focus.phase((before + after) / 2) == phase

    def test_all_objects_have_their_turn_and_some_turns_are_off_all_of_them(self):
        for n in (2, 4, 6, 9):
            objects = [ScheduledFocus(3, n, drifts=0.2).object_of(turn) for turn in range(900)]
            shares = [objects.count(index) / len(objects) for index in range(n)]
            assert objects.count(None) / len(objects) == pytest.approx(0.2, abs=0.04)
            assert min(shares) > 0.5 * 0.8 / n
        assert None not in [ScheduledFocus(3, drifts=0.0).object_of(turn) for turn in range(900)]

    def test_attention_fades_where_nothing_is_lit_and_is_held_where_the_right_object_is(self):
        schedule = ScheduledFocus(1, drifts=0.0)
        times = np.arange(1000.0, 1100.0, 0.02)
        found = {}
        for lit in (0.0, 1.0):
            focus = ResponsiveFocus(schedule, 1000.0)
            level = []
            for part in np.array_split(times, 500):
                focus.feedback(lit, float(part[0]))
                level.append(focus.at(part))
            found[lit] = np.concatenate(level).sum(1), focus.phases(1000, 1100)
        assert found[0.0][0].min() < 0.4
        assert "drifting" in {phase for _, phase in found[0.0][1]}
        assert found[1.0][0].min() > 0.7
        assert found[1.0][1] == [(1000.0, schedule.phase(1000.0)), *schedule.phases(1000, 1100)]

    @given(n_parts=st.integers(2, 150))
    @settings(max_examples=20, deadline=None)
    def test_held_attention_does_not_depend_on_how_time_is_cut(self, n_parts):
        times = np.arange(1000.0, 1060.0, 0.02)
        whole, cut = (ResponsiveFocus(ScheduledFocus(1, drifts=0.0), 1000.0) for _ in range(2))
        parts = np.concatenate([cut.at(part) for part in np.array_split(times, n_parts)])
        assert parts == pytest.approx(whole.at(times), abs=1e-9)
        assert cut.phases(0, 2000) == whole.phases(0, 2000)


class TestEeg:
    @given(st.lists(st.integers(1, 400), min_size=1, max_size=6))
    @settings(max_examples=5, deadline=None)
    def test_samples_do_not_depend_on_the_size_of_chunks(self, sizes):
        options = AttenderOptions(seed=4, film_seed=2, n_objects=2)
        whole = VirtualSubject(options, 1000.0).read(sum(sizes))
        subject = VirtualSubject(options, 1000.0)
        assert np.array_equal(np.concatenate([subject.read(n) for n in sizes]), whole)

    @pytest.mark.parametrize("n", [2, 4, 6, 9])
    def test_the_answer_to_what_is_attended_has_the_size_that_snr_counts_in(self, n):
        options = AttenderOptions(film_seed=1, n_objects=n, electrodes=("Oz",))
        brain = options.brains(options.seen(10**4))[0]
        (gain,) = options.gains(np.ones((1, 1)))[0]
        answer = gain * brain.respond(np.arange(1000, 1030, 0.01))
        assert answer.std() == pytest.approx(1, abs=0.2)

    @pytest.mark.slow
    def test_a_linear_model_finds_the_attended_object_and_is_at_chance_without_an_answer(self):
        found = {snr: hit_rate(snr) for snr in (0.0, 0.15, 0.5)}
        assert abs(found[0.0] - 0.25) < 0.12
        assert found[0.0] + 0.15 < found[0.15] < found[0.5]
        assert found[0.5] > 0.9


SECONDS = 100
WINDOW = 60  # frames, 2 s


@lru_cache
def looked_at(film: int):
    """What is seen of each object of a film: the same for whoever looks."""
    return AttenderOptions(film_seed=film).seen(10**4)


def answers(person: int, film: int, snr: float):
    """EEG with its next 0.4 s at each frame, the changes of each object there, and the object attended."""
    options = AttenderOptions(seed=person, film_seed=film, snr=snr, drifts=0.0)
    session = simulate_session(SECONDS, options, seen=looked_at(film))
    frames = session.first_frame + np.arange(session.n_frames)
    changes = np.stack([one.between(frames[0], frames[-1] + 1)[:, :5] for one in looked_at(film)], axis=1)
    band = signal.butter(2, (0.7, 20), "bandpass", fs=250, output="sos")
    eeg = signal.sosfilt(band, session.samples, axis=0)
    places = np.searchsorted(session.stamps, frames / 30)[:, None] + np.arange(0, 100, 5)
    rows = eeg[places.clip(max=len(eeg) - 1)].reshape(len(frames), -1)
    attended = session.engagement[places[:, 0].clip(max=len(eeg) - 1)]
    return rows / rows.std(), changes / changes.std((0, 1)), attended.argmax(1)


def hit_rate(snr: float) -> float:
    """Which of 4 is attended in windows of 2 s, by ridge regression of the attended object's changes."""
    rows, changes, attended = answers(10, 100, snr)
    own = changes[np.arange(len(changes)), attended]
    weights = np.linalg.solve(rows.T @ rows + 1000 * np.eye(rows.shape[1]), rows.T @ own)
    rows, changes, attended = answers(0, 7, snr)
    guess = rows @ weights
    hits = []
    for begin in range(0, len(guess) - WINDOW, WINDOW // 2):
        part = slice(begin, begin + WINDOW)
        if len(set(attended[part])) == 1:
            seen = changes[part] - changes[part].mean(0)
            fits = np.einsum("tf,tof->o", guess[part], seen) / np.sqrt((seen**2).sum((0, 2)))
            hits.append(np.argmax(fits) == attended[begin])
    return float(np.mean(hits))


pylsl = pytest.importorskip("pylsl")


@pytest.mark.slow
def test_served_in_another_process_its_marks_are_the_truth_of_this_clock(source_id):
    command = [sys.executable, "-m", "phosphene", "subject", "--attend", "--seed", "5", "--turn-s", "4"]
    options = AttenderOptions(seed=5, film_seed=3, turn_s=4, snr=20)
    subject = subprocess.Popen(
        [*command, "--film-seed", "3", "--snr", "20", "--source-id", source_id],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        (info,) = pylsl.resolve_byprop("source_id", f"{source_id}-markers", timeout=20)
        markers = pylsl.StreamInlet(info, recover=False)
        (info,) = pylsl.resolve_byprop("source_id", source_id, timeout=20)
        eeg = pylsl.StreamInlet(info, recover=False)
        first, *later = [markers.pull_sample(timeout=15) for _ in range(2)]
        samples, stamps = [], []
        while len(stamps) < 1000:
            chunk, times = eeg.pull_chunk(timeout=1.0, max_samples=250)
            samples, stamps = samples + chunk, stamps + times
            assert stamps, "the attender sends nothing"
        del markers, eeg
    finally:
        subject.terminate()
        assert subject.wait(10) == 0
        subject.stderr.close()
    truth = options.truth()
    assert first[0] == [truth.phase(first[1] + 1e-6)]
    said = truth.phases(first[1] + 1e-6, later[-1][1] + 1e-6)
    assert [(pytest.approx(stamp), [text]) for stamp, text in said] == [(s, t) for t, s in later]
    attention = options.gains(truth.at(np.array(stamps)))
    brains = options.brains(options.seen())
    answer = sum(
        attention[:, [index]] * brain.respond(np.array(stamps)) for index, brain in enumerate(brains)
    )
    at_oz = options.electrodes.index("Oz")
    assert np.corrcoef(np.array(samples)[:, at_oz], answer[:, at_oz])[0, 1] > 0.9


def test_it_hears_over_lsl_which_object_is_lit_up(source_id):
    from realtime.virtual.subject.serving import Ear

    options, clock = AttenderOptions(seed=2), LslClock()
    listening = options.listening(clock.now())
    heard: list[tuple[float | None, float]] = []
    ear = Ear(
        StreamSelector.parse(f"source_id={source_id}"),
        type(listening)(listening.engagement, listening.channel, lambda *what: heard.append(what)),
        clock,
    )
    outlet = AttendedOutlet(clock, source_id)
    try:
        deadline = clock.now() + 20
        while not heard or heard[-1][0] is None:
            assert clock.now() < deadline
            outlet.send(3, 0.8, clock.now())
            ear.listen()
            clock.sleep_until(clock.now() + 0.05)
    finally:
        del ear
        outlet.close()
    assert heard[0][0] is None
    assert heard[-1][0] == 3.0


def test_the_attended_object_being_lit_up_is_what_holds_attention():
    options = AttenderOptions(seed=2)
    listening = options.listening(1000.0)
    attended = int(listening.engagement.phase(1000.0).removeprefix("attends "))
    end = listening.engagement.schedule.begin(listening.engagement.schedule.turn_at(1000.0) + 1)
    levels = []
    for lit in (attended, (attended + 1) % 4, None):
        listening = options.listening(1000.0)
        listening.hear(lit, 1000.0)
        levels.append(listening.engagement.at(np.arange(1000.0, end - 0.5, 0.02))[-1, attended])
    assert levels[0] > levels[1] + 0.1
    assert levels[1] == levels[2]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--attend", "--objects", "5"], "--objects 5: "),
        (["--attend", "--sees", "left"], "--sees makes no sense with --attend: leave it out"),
        (
            ["--turn-s", "9", "--drifts", "0"],
            "--drifts, --turn-s make no sense without --attend: leave them out",
        ),
    ],
)
def test_options_that_do_not_go_together_are_one_line_and_exit_code_2(options, said):
    ended = subprocess.run(
        [sys.executable, "-m", "phosphene", "subject", *options], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"phosphene: {said}")
    assert ended.stderr.count("\n") == 1
