"""The virtual subject: its EEG follows the film, its truth is known, and nothing depends on chunks."""

from __future__ import annotations

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import signal

from realtime.eeg.electrodes import HEADSETS
from realtime.errors import ConfigError
from realtime.types import Rectangle
from realtime.virtual.background import Noise, pink
from realtime.virtual.film.film import Film
from realtime.virtual.head_model import direction, topography
from realtime.virtual.subject.engagement import ResponsiveEngagement, ScheduledEngagement
from realtime.virtual.subject.features import FEATURES, FeatureTrack, Part
from realtime.virtual.subject.response import SOURCES, Brain
from realtime.virtual.subject.session import simulate_session
from realtime.virtual.subject.subject import SubjectOptions, VirtualSubject

QUIET = {
    "background_uv": 0.0,
    "alpha_uv": 0.0,
    "blinks_per_min": 0.0,
    "bursts_per_min": 0.0,
    "line_uv": 0.0,
    "drift_uv": 0.0,
}
GRID_HZ = 50
WINDOW = 2 * GRID_HZ
SECONDS = 200
LEFT, RIGHT = Rectangle(0.0, 0.0, 0.5, 1.0), Rectangle(0.5, 0.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def seen() -> FeatureTrack:
    """Film 0, looked at only once for all tests."""
    return SubjectOptions().seen(memory=10**5)[0]


def on_grid(session, seen):
    """EEG and features on a common grid of 50 points a second, as a backward model wants them."""
    sos = signal.butter(2, (0.7, 20.0), "bandpass", fs=session.rate, output="sos")
    eeg = signal.sosfilt(sos, session.samples, axis=0)
    eeg = np.clip(eeg / (1.48 * np.median(np.abs(eeg), axis=0)), -8, 8)
    grid = np.arange(1000.0, session.stamps[-1], 1 / GRID_HZ)
    eeg = np.stack([np.interp(grid, session.stamps, channel) for channel in eeg.T], axis=1)
    shown = np.floor(grid * 30 + 1e-9).astype(int) - session.first_frame
    features = seen.between(session.first_frame, session.first_frame + session.n_frames)[shown, :5]
    told = signal.lfilter(np.full(5, 0.2), 1.0, features * (np.diff(shown, prepend=-1) > 0)[:, None], axis=0)
    engaged = np.interp(grid, session.stamps, session.engagement)
    return eeg, (told - told.mean(0)) / told.std(0), engaged


def two_way(session, seen, train_share=0.5):
    """2-way accuracy of a ridge backward model on each 2 s window it was not trained on, and its engagement.

    Impostors are all windows of the same recording that are at least one window away.
    """
    eeg, features, engaged = on_grid(session, seen)
    lagged = np.concatenate([np.roll(eeg, -lag, axis=0) for lag in range(25)], axis=1)
    stop = int(len(lagged) * train_share)
    known, told = lagged[: stop - 25], features[: stop - 25]
    weights = np.linalg.solve(known.T @ known + 300 * np.eye(known.shape[1]), known.T @ told)
    trust = np.array([abs(np.corrcoef(a, b)[0, 1]) for a, b in zip((known @ weights).T, told.T, strict=True)])
    starts = np.arange(stop + 25, len(lagged) - WINDOW - 25, WINDOW)

    def windows(signals):
        cut = np.stack([signals[s : s + WINDOW] - signals[s : s + WINDOW].mean(0) for s in starts])
        return cut / (np.linalg.norm(cut, axis=1, keepdims=True) + 1e-9)

    scores = np.einsum("itf,jtf,f->ij", windows(lagged @ weights), windows(features), trust)
    far = np.abs(starts[:, None] - starts[None]) >= 2 * WINDOW
    own = np.diag(scores)[:, None]
    accuracy = ((own > scores) & far).sum(1) / far.sum(1)
    return accuracy, np.array([engaged[s : s + WINDOW].mean() for s in starts])


class TestSamples:
    def test_they_are_the_same_however_they_are_cut(self):
        options = SubjectOptions(drift_ppm=120, face_weight=0.3)
        whole = VirtualSubject(options, 1000.0).read(2000)
        subject, parts, rng = VirtualSubject(options, 1000.0), [], np.random.default_rng(1)
        while (left := 2000 - sum(map(len, parts))) > 0:
            parts.append(subject.read(min(int(rng.integers(0, 120)), left)))
        assert np.array_equal(np.concatenate(parts), whole)
        assert whole.dtype == np.float32

    def test_another_seed_is_another_person(self):
        one, two = (
            VirtualSubject(SubjectOptions(seed=s, snr=0, drift_uv=0, line_uv=0), 1000.0).read(5000)
            for s in (0, 1)
        )
        assert np.abs([np.corrcoef(a, b)[0, 1] for a, b in zip(one.T, two.T, strict=True)]).max() < 0.2

    def test_a_larger_headset_at_1000_hz_is_faster_than_real_time(self):
        subject = VirtualSubject(SubjectOptions(electrodes=HEADSETS["biosemi64"], rate=1000), 1000.0)
        subject.read(1000)
        begun = time.process_time()
        for _ in range(100):
            subject.read(50)
        assert time.process_time() - begun < 5.0

    def test_the_clock_of_the_headset_may_run_fast(self):
        subject = VirtualSubject(SubjectOptions(drift_ppm=200), 1000.0)
        assert subject.times(0, 2)[0] == 1000.0
        assert subject.times(250_000, 1)[0] == pytest.approx(1000 + 1000 / (1 + 200e-6), abs=1e-9)

    def test_an_unknown_electrode_is_refused_with_names_that_would_do(self):
        with pytest.raises(ConfigError, match=r"'X9' is no electrode .* such as Fz"):
            SubjectOptions(electrodes=("Fz", "X9"))
        with pytest.raises(ValidationError):
            SubjectOptions(snr=-1)


class TestArtefacts:
    def test_blinks_are_largest_in_front(self):
        options = SubjectOptions(**QUIET | {"blinks_per_min": 30}, electrodes=HEADSETS["cyton"], snr=0)
        eeg = VirtualSubject(options, 1000.0).read(250 * 60)
        height = eeg.max(0)
        assert 60 < height[0] < 150
        assert height[6] < 0.1 * height[0]
        blinks, _ = signal.find_peaks(eeg[:, 0], height=30)
        assert 24 <= len(blinks) <= 36

    def test_mains_lie_at_their_frequency(self):
        eeg = VirtualSubject(SubjectOptions(**QUIET | {"line_uv": 2}, line_hz=60, snr=0), 1000.0).read(2500)
        hz, power = signal.periodogram(eeg[:, 0], 250)
        assert hz[power.argmax()] == pytest.approx(60, abs=0.2)

    def test_alpha_falls_with_engagement(self):
        options = SubjectOptions(**QUIET | {"alpha_uv": 8}, snr=0)
        eeg, truth = VirtualSubject(options, 1000.0).read(250 * 120)[:, 6], options.truth()
        engaged = truth.at(1000 + np.arange(eeg.size) / 250)
        calm, busy = eeg[engaged < 0.05].std(), eeg[engaged > 0.95].std()
        assert busy / calm == pytest.approx(0.3, abs=0.06)

    def test_the_background_falls_as_one_over_f(self):
        noise = Noise(pink(250.0), 8, 2500, seed=3, row=0)
        drawn = np.concatenate([noise.block() for _ in range(12)])
        assert drawn.std(0) == pytest.approx(np.ones(8), rel=0.1)
        hz, power = signal.welch(drawn, 250, nperseg=1000, axis=0)
        band = (hz >= 1) & (hz <= 40)
        slope = np.polyfit(np.log(hz[band]), np.log(power.mean(1)[band]), 1)[0]
        assert slope == pytest.approx(-1, abs=0.2)

    def test_lost_samples_leave_gaps_of_the_length_asked_for(self):
        session = simulate_session(60, SubjectOptions(snr=0, dropouts=0.1, dropout_s=0.4))
        steps = np.diff(session.stamps)
        gaps = steps[steps > 0.1]
        assert 2 <= len(gaps) <= 12
        assert gaps == pytest.approx(np.full(len(gaps), 0.4), abs=0.009)
        assert len(session.samples) == len(session.stamps) == len(session.engagement)


class TestHead:
    def test_left_and_right_mirror_each_other(self):
        for left, right in (("O1", "O2"), ("F7", "F8"), ("P5", "P6"), ("TP9", "TP10"), ("FC1", "FC2")):
            assert direction(left) * (-1, 1, 1) == pytest.approx(direction(right))

    def test_all_headsets_have_places_and_old_names_are_understood(self):
        for labels in HEADSETS.values():
            lengths = [np.linalg.norm(direction(label)) for label in labels]
            assert lengths == pytest.approx(np.ones(len(labels)))
        assert np.array_equal(direction("T5"), direction("P7"))
        assert np.array_equal(direction("fpz"), direction("Fpz"))

    def test_what_is_seen_is_strongest_at_the_back(self, seen):
        labels = HEADSETS["biosemi64"]
        answer = Brain(seen, labels).respond(np.arange(1000, 1020, 0.01)).std(0)
        assert labels[int(answer.argmax())] in ("Oz", "O1", "O2", "Iz", "POz")
        assert answer[labels.index("Fpz")] < 0.2 * answer.max()

    def test_motion_is_seen_by_the_far_hemisphere(self):
        field = topography(("PO7", "PO8"), {"PO8": 1.0}, 32.0)
        assert field[1] > 5 * field[0]


class TestEngagement:
    def test_it_rises_and_falls_with_known_marks(self):
        truth = ScheduledEngagement(seed=2, phase_s=15)
        times = np.arange(1000.0, 1300.0, 0.05)
        level = truth.at(times)
        assert level.min() == 0
        assert level.max() == 1
        assert 0.35 < level.mean() < 0.65
        marks = truth.phases(1000, 1300)
        assert np.diff([mark for mark, _ in marks]) == pytest.approx(np.full(len(marks) - 1, 15), abs=5)
        for (mark, phase), (after, other) in pairwise(marks):
            assert phase != other
            middle = truth.at(np.array([(mark + after) / 2]))[0]
            assert middle == (phase == "engaged")
            assert truth.at(np.array([mark]))[0] == pytest.approx(0.5)
            assert truth.phase(mark + 0.01) == phase

    @given(start=st.floats(0, 1e6), cut=st.integers(1, 399))
    @settings(max_examples=25)
    def test_the_schedule_is_the_same_wherever_one_begins(self, start, cut):
        truth, times = ScheduledEngagement(1), start + np.arange(400) * 0.1
        parts = np.concatenate([truth.at(times[:cut]), truth.at(times[cut:])])
        assert np.array_equal(parts, truth.at(times))

    def test_without_feedback_it_falls_and_feedback_brings_it_back(self):
        loop = ResponsiveEngagement(start=100.0)
        assert loop.at(np.array([100.0]))[0] == 1
        low = loop.at(np.arange(100.0, 125.0, 0.1))
        assert np.all(np.diff(low) < 0)
        assert low[-1] < 0.2
        loop.feedback(1.0, 125.0)
        back = loop.at(np.arange(125.0, 131.0, 0.1))
        assert np.all(np.diff(back[:20]) < 0)
        assert np.all(np.diff(back[21:]) > 0)
        assert back[-1] > 0.7
        loop.feedback(0.0, 131.0)
        assert [phase for _, phase in loop.phases(0, 200)] == ["drifting", "engaged"]

    def test_the_loop_does_not_depend_on_how_time_is_cut(self):
        whole, cut = ResponsiveEngagement(0.0), ResponsiveEngagement(0.0)
        for loop in (whole, cut):
            loop.feedback(0.8, 5.0)
            loop.feedback(0.0, 9.0)
        times = np.arange(0, 20, 0.004)
        parts = [cut.at(part) for part in np.array_split(times, 97)]
        assert np.concatenate(parts) == pytest.approx(whole.at(times), abs=1e-12)


class TestAnswers:
    def test_nothing_is_answered_before_it_is_shown(self):
        class Blank:
            fps = 30.0

            def __init__(self, number):
                self.number = number

            def frame(self, number):
                return np.full((90, 160, 3), 200 if number >= self.number else 50, np.uint8)

            def onsets(self, number):
                return []

        times = np.arange(1000, 1002, 0.002)
        answer = Brain(FeatureTrack(Blank(30015)), ("Oz", "O1")).respond(times)[:, 0]
        assert np.all(answer[times < 30015 / 30] == 0)
        assert times[np.abs(answer).argmax()] - 30015 / 30 == pytest.approx(0.115, abs=0.01)

    def test_the_answer_has_the_size_that_snr_counts_in(self, seen):
        answer = Brain(seen, ("Oz",)).respond(np.arange(1000, 1060, 0.01))
        assert answer.std() == pytest.approx(1, abs=0.2)

    @pytest.mark.parametrize(("sees", "answered"), [(LEFT, 1001), (RIGHT, 1002)])
    def test_who_sees_one_half_answers_to_nothing_in_the_other(self, sees, answered):
        class Squares:
            """A square comes on in the left half at 1001 s and in the right half at 1002 s."""

            fps = 30.0

            def frame(self, number):
                image = np.full((90, 160, 3), 50, np.uint8)
                image[30:50, 20:40] = 200 if number >= 30_030 else 50
                image[30:50, 120:140] = 200 if number >= 30_060 else 50
                return image

            def onsets(self, number):
                return []

        times = np.arange(1000, 1003, 0.002)
        answer = np.abs(Brain(FeatureTrack(Part(Squares(), sees)), ("Oz",)).respond(times)[:, 0])
        within = (times > answered) & (times < answered + 0.6)
        assert answer[within].max() > 1
        assert np.all(answer[~within] == 0)

    def test_half_of_the_film_is_answered_with_about_the_power_of_the_whole(self, seen):
        times = np.arange(1000, 1060, 0.01)
        whole, left = (
            Brain(s, ("Oz",)).respond(times).std() for s in (seen, SubjectOptions(sees="left").seen()[0])
        )
        assert left == pytest.approx(whole, rel=0.3)

    def test_each_token_appears_in_one_half(self):
        film = Film(0)
        for number in range(30_000, 33_000):
            left, right = (Part(film, side).onsets(number) for side in (LEFT, RIGHT))
            assert all(event.x < 0.5 for event in left)
            assert sorted(left + right, key=lambda e: e.index) == film.onsets(number)

    def test_a_cut_in_the_film_is_seen_as_one(self, seen):
        film = Film(0)
        cuts = seen.between(30_000, 31_200)[:, FEATURES.index("cut")]
        script = film.script.cuts
        written = [film.number_at(script.start(i) - 1e-9) + 1 for i in script.between(1000, 1040)]
        assert set(np.flatnonzero(cuts) + 30_000) >= set(written)
        assert cuts.sum() <= len(written) + 1

    def test_accuracy_rises_with_snr_from_chance(self, seen):
        scores = []
        for snr in (0.0, 0.1, 0.2, 0.4):
            session = simulate_session(SECONDS, SubjectOptions(snr=snr, always_engaged=True), seen=[seen])
            scores.append(two_way(session, seen)[0].mean())
        assert abs(scores[0] - 0.5) < 0.07
        assert scores[0] < scores[1] < scores[2] < scores[3]
        assert scores[3] > 0.85

    def test_at_the_default_an_engaged_brain_is_told_and_a_drifting_one_is_not(self, seen):
        accuracy, engaged = two_way(simulate_session(SECONDS, seen=[seen]), seen)
        assert accuracy[engaged > 0.9].mean() > 0.85
        assert abs(accuracy[engaged < 0.1].mean() - 0.5) < 0.12

    @pytest.mark.parametrize("lag_s", [0.0, 0.12])
    def test_the_lag_is_found_again_by_a_temporal_response_function(self, seen, lag_s):
        session = simulate_session(SECONDS, SubjectOptions(lag_s=lag_s, always_engaged=True), seen=[seen])
        band = signal.butter(2, (0.7, 20), "bandpass", fs=250, output="sos")
        oz = signal.sosfilt(band, session.samples[:, 6])
        shown = np.floor(session.stamps * 30 + 1e-9).astype(int) - session.first_frame
        features = seen.between(session.first_frame, session.first_frame + session.n_frames)
        light = features[shown, 0] * (np.diff(shown, prepend=-1) > 0)
        n = len(oz) - 125
        response = np.array([light[:n] @ oz[lag : lag + n] for lag in range(125)])
        kernel = signal.sosfilt(band, SOURCES[0].kernel(np.arange(125) / 250))
        found = np.correlate(response, kernel, "full").argmax() - 124
        assert found / 250 == pytest.approx(lag_s, abs=0.025)


def test_the_subject_that_the_shipped_weights_are_judged_on_stays_the_same():
    eeg = VirtualSubject(SubjectOptions(seed=0, film_seed=7), 1000.0).read(1001)[::250]
    as_shipped = [
        [0.565, 17.620, -53.482, -19.542, -9.282, -25.696, 14.897, -24.120],
        [9.893, 4.409, -34.644, 12.904, 19.008, -7.776, 48.678, 7.037],
        [15.218, 0.687, -27.205, 32.436, 13.092, 1.229, 42.771, -9.665],
        [23.227, -2.825, -26.137, 15.721, 12.866, 11.885, 26.272, 2.927],
        [27.092, 22.558, -3.205, 14.831, -6.249, 39.109, 14.667, 9.233],
    ]  # µV, from before the electrodes' places were one with those of the scalp map
    assert eeg == pytest.approx(np.array(as_shipped), abs=0.01)
