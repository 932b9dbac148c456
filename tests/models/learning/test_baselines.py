"""Linear models on data they must find, must not find, and must not be given more of than the network is."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_info, threadpool_limits

from models.combination import over_places
from models.film_features import CHANGES, FEATURES, frame_features, on_slots
from models.inference.linear_engine import LinearEngine
from models.learning.baselines import LinearModels, fit_linear, odds_of
from models.learning.data.dataset import Recordings, Windows
from models.learning.data.light import on_slots as place_slots
from models.learning.judging.metrics import Scored, contest
from models.learning.linear import Cca, Ridge
from models.learning.responses import Responses
from models.light_features import moments
from models.linear_model import LinearModel, correlations, lagged
from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import WeightsError
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from recordings.player import Player
from recordings.replay import ReplayEeg, ReplayVideo
from recordings.session.session import Session
from tests.support.flashes import write_flashes

N_SLOTS, N_LAGS, N_CHANNELS = 80, 23, 3


def answering_brain(n: int, snr: float, seed: int):
    """Windows of film (n, G, 2) and of EEG (n, G + 20, C) that answers its first feature after 0.1 s."""
    rng = np.random.default_rng(seed)
    film = rng.standard_normal((n, N_SLOTS + 20, 2))
    kernel = np.zeros(N_LAGS)
    kernel[4:8] = [0.3, 1.0, 0.5, -0.4]
    answer = np.stack([np.convolve(window[:, 0], kernel)[: N_SLOTS + 20] for window in film])
    eeg = snr * answer[:, :, None] * np.array([1.0, 0.6, -0.3]) + rng.standard_normal(
        (n, N_SLOTS + 20, N_CHANNELS)
    )
    return lagged(eeg, N_LAGS, N_SLOTS), film[:, :N_SLOTS]


def accuracy(scores: np.ndarray) -> float:
    return float(contest([Scored(scores, 2.0 * np.arange(len(scores)))]).beaten.mean())


def folds(snr: float):
    return [answering_brain(30, snr, seed) for seed in range(3)]


def test_lags_stand_beside_each_point_and_what_lies_behind_the_window_is_zero():
    x = np.arange(1.0, 6.0)[None, :, None]
    expected = [[1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 0], [5, 0, 0]]
    assert lagged(x, 3, 5)[0].tolist() == expected


def test_correlations_are_pearsons_feature_by_feature():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 30, 2)), rng.standard_normal((5, 30, 2))
    found = correlations(a, b)
    assert found.shape == (2, 4, 5)
    assert found[1, 2, 3] == pytest.approx(np.corrcoef(a[2, :, 1], b[3, :, 1])[0, 1])
    assert correlations(np.ones((1, 9, 1)), b[:, :9, :1]).tolist() == [[[0.0] * 5]]


def test_ridge_finds_the_answer_of_a_linear_brain_and_which_feature_it_answers():
    model = Ridge.fit(folds(1.0))
    eeg, film = answering_brain(40, 1.0, 9)
    assert accuracy(model.scores(eeg, film)) > 0.95
    assert model.mix.argmax() == 0


def test_cca_finds_the_answer_where_the_film_is_given_with_its_past():
    def behind(film):
        return lagged(film[:, ::-1], 11, N_SLOTS)[:, ::-1]

    model = Cca.fit([(eeg, behind(film)) for eeg, film in folds(1.0)])
    eeg, film = answering_brain(40, 1.0, 9)
    assert accuracy(model.scores(eeg, behind(film))) > 0.95


def flickering_places(n: int, attended: int, seed: int):
    """EEG (n, 90, 4) that answers to the rises of one of 3 places of a film (n, 80, 3, 4), and the film."""
    rng = np.random.default_rng(seed)
    light = np.repeat(rng.integers(0, 2, (n, 20, 3)), 4, axis=1).astype(float)
    steps = np.diff(light, axis=1, prepend=light[:, :1])
    film = np.stack([light, np.maximum(steps, 0), np.maximum(-steps, 0), 0 * light], axis=3)
    answer = np.zeros((n, 90))
    for lag, weight in ((4, 1.0), (5, 2.0), (6, -1.0)):
        answer[:, lag : lag + 80] += weight * film[:, :, attended, 1]
    eeg = answer[:, :, None] * [1.0, 0.5, 0.0, -1.0] + 0.5 * rng.standard_normal((n, 90, 4))
    return eeg, film


def test_responses_find_which_place_is_attended_and_what_it_looks_like_on_the_scalp():
    blocks = [flickering_places(20, 1, seed) for seed in range(3)]
    model = Responses.fit([(eeg, film[:, :, 1]) for eeg, film in blocks], n_lags=10)
    eeg, film = flickering_places(20, 2, 9)  # somebody looks elsewhere: filters are the same
    scores = model.by_place(eeg, film)
    own = np.einsum("nnp->np", scores)
    assert (own.argmax(axis=1) == 2).mean() > 0.95
    soft = over_places(scores)
    assert (soft <= scores.max(axis=2) + 1e-9).all()
    assert (soft >= scores.mean(axis=2) - 1e-9).all()
    assert accuracy(soft) > 0.95 > accuracy(model.scores(eeg, film[:, :, 0])) + 0.2
    pattern = model.patterns[:, 0] / model.patterns[0, 0]
    assert pattern == pytest.approx([1.0, 0.5, 0.0, -1.0], abs=0.15)
    assert model.components(eeg)[..., 0].std() == pytest.approx(1.0, abs=0.1)


def test_a_feature_that_never_changed_while_learning_does_not_count_later():
    blocks = [flickering_places(20, 1, seed) for seed in range(2)]
    model = Responses.solve([(eeg, film[:, :, 1]) for eeg, film in blocks], 10, used=(0, 1, 2, 3))
    eeg, film = flickering_places(8, 1, 9)
    noisy = film.copy()
    noisy[..., 3] = np.random.default_rng(0).random(noisy.shape[:3])
    assert np.allclose(model.by_place(eeg, film), model.by_place(eeg, noisy))


def test_flicker_faster_than_the_slots_adds_up_at_the_slot_and_light_is_held():
    light = np.array([0.0, 1.0, 0.2, 0.2, 0.9])
    rows = np.stack([light, light**2], axis=1)[:, :, None]
    found = place_slots(rows, np.array([0, 2, 3, 3, 4, -1]), np.array([True] * 5 + [False]))[:, 0]
    assert found[:, 0].tolist() == pytest.approx([0, 0.2, 0.2, 0.2, 0.9, 0])
    assert found[:, 1].tolist() == pytest.approx([0, 1.0, 0, 0, 0.7, 0])
    assert found[:, 2].tolist() == pytest.approx([0, 0.8, 0, 0, 0, 0])


def test_light_is_that_of_each_place():
    image = np.zeros((64, 128, 3), np.uint8)
    image[8:16, :16] = 255  # the second place from above on the left
    mean, square = moments(image)
    assert mean[8] == pytest.approx(1.0)
    assert np.delete(mean, 8).max() == 0
    assert np.allclose(mean, square)


def test_both_are_at_chance_where_there_is_no_answer():
    eeg, film = answering_brain(120, 0.0, 9)
    for model in (Ridge.fit(folds(0.0)), Cca.fit(folds(0.0))):
        assert accuracy(model.scores(eeg, film)) == pytest.approx(0.5, abs=0.08)


def test_ridge_without_penalty_is_least_squares():
    blocks = folds(1.0)
    x = np.concatenate([eeg.reshape(-1, eeg.shape[2]) for eeg, _ in blocks])
    y = np.concatenate([film.reshape(-1, 2) for _, film in blocks])
    model = Ridge.fit(blocks)
    standard = (x - x.mean(axis=0)) / x.std(axis=0)
    target = y - np.repeat([film.mean(axis=(0, 1)) for _, film in blocks], 30 * N_SLOTS, axis=0)
    load = model.penalty * np.trace(standard.T @ standard) / standard.shape[1]
    by_hand = np.linalg.solve(standard.T @ standard + load * np.eye(standard.shape[1]), standard.T @ target)
    assert np.allclose(model.weights, by_hand)


# ---------------------------------------------------------------- features
def test_features_say_what_was_drawn():
    black, white = np.zeros((64, 64, 3), np.uint8), np.full((64, 64, 3), 255, np.uint8)
    half = black.copy()
    half[:, 32:] = 255
    named = dict(zip(FEATURES, frame_features(half, white), strict=True))
    assert named["luminance"] == pytest.approx(0.5)
    assert named["contrast"] == pytest.approx(0.5)
    assert named["difference"] == pytest.approx(0.5)
    assert named["cut"] == 1.0
    assert named["edges"] == pytest.approx(2 * 0.5 / 64)
    still = dict(zip(FEATURES, frame_features(white, white), strict=True))
    assert still["difference"] == still["cut"] == still["edges"] == 0.0


def test_a_state_is_held_and_a_change_stands_where_its_frame_appears():
    rows = np.zeros((5, len(FEATURES)), np.float32)
    rows[:, FEATURES.index("luminance")] = [0.1, 0.2, 0.3, 0.4, 0.5]
    rows[:, FEATURES.index("difference")] = [0.0, 0.6, 0.1, 0.2, 0.3]
    position = np.array([0, 0, 2, 2, 3, -1, 4])
    shown = np.array([True, True, True, True, False, False, True])
    found = on_slots(rows, position, shown)
    assert found[:, 0].tolist() == pytest.approx([0.1, 0.1, 0.3, 0.3, 0.0, 0.0, 0.5])
    assert found[:, FEATURES.index("difference")].tolist() == pytest.approx([0, 0, 0.6, 0, 0, 0, 0])
    assert set(CHANGES) < set(FEATURES)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(-1, 11), min_size=1, max_size=20), st.integers(0, 2**16))
def test_of_all_frames_that_appear_between_two_slots_the_largest_change_counts(position, seed):
    position = np.maximum.accumulate(np.array(position))
    rows = np.random.default_rng(seed).random((12, len(FEATURES)), dtype=np.float32)
    found = on_slots(rows, position, np.ones(len(position), bool))
    for name in CHANGES:
        column = FEATURES.index(name)
        before = np.concatenate([position[:1], position[:-1]])
        appeared = [
            rows[a + 1 : b + 1, column] if a >= 0 else [] for a, b in zip(before, position, strict=True)
        ]
        assert found[:, column].tolist() == [max(each, default=0.0) for each in appeared]


def test_models_are_fitted_by_one_thread_whatever_else_is_at_work(flashes, monkeypatch):
    seen = []
    monkeypatch.setattr(
        Ridge,
        "fit",
        lambda sides: seen.extend(
            lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"
        ),
    )
    recordings = Recordings(flashes[:1], GridConfig(), ConditioningConfig())
    with threadpool_limits(limits=3, user_api="blas"):
        LinearModels(recordings).fit_one("ridge", recordings.spans())
    assert set(seen) == {1}


def test_the_linear_solvers_need_no_network():
    code = (
        "import sys, models.learning.linear, models.inference.linear_engine; "
        "assert 'torch' not in sys.modules and 'PySide6' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------- kept and used live
@pytest.fixture(scope="module")
def flashes(tmp_path_factory):
    root = tmp_path_factory.mktemp("flashes")
    return [write_flashes(root / f"run{i}", 50.0, i) for i in range(2)]


@pytest.fixture(scope="module")
def kept(flashes, tmp_path_factory):
    folder = tmp_path_factory.mktemp("linear")
    recordings = Recordings(flashes[:1], GridConfig(), ConditioningConfig())
    fit_linear(recordings, recordings.spans()).save(folder)
    return folder


def test_a_linear_model_comes_back_from_its_file_as_it_was(kept):
    model = LinearModel.load(kept)
    assert (model.name, model.labels) == ("ridge", ("O1", "O2", "Fp1"))
    assert model.mix.sum() == pytest.approx(1.0)
    (kept / "copy").mkdir()
    again = LinearModel.load(model.save(kept / "copy").parent)
    assert np.array_equal(again.eeg_weights, model.eeg_weights)
    with pytest.raises(WeightsError, match="train it again"):
        LinearModel.load(kept / "nowhere")


def test_live_it_says_what_it_says_of_the_recording(flashes, kept):
    engine = LinearEngine.from_folder(kept)
    session = Session(flashes[1])
    sources = ReplayEeg(session, clock := ManualClock(session.start)), ReplayVideo(session, clock)
    pipeline = Pipeline(*sources, lambda labels: engine)
    Player(pipeline, sources, clock, session.span, float("inf")).run()
    readings = [r for r in pipeline.history if r.index % 8 == 0][2:]
    recordings = Recordings(flashes[1:], GridConfig(), ConditioningConfig())
    ends = np.array([round(r.end * 40) - recordings.tables[0].first for r in readings])
    windows = Windows(np.zeros(len(ends), np.int64), ends)
    linear, model = LinearModels(recordings), LinearModel.load(kept)
    by_hand = np.diag(
        model.compare(model.see_eeg(*recordings.eeg(windows)), model.see_film(linear.film(windows)))
    )
    assert len(readings) > 15
    assert np.corrcoef([r.similarity for r in readings], by_hand)[0, 1] > 0.99
    assert np.mean([r.similarity for r in readings]) > 0.1
    assert readings[-1].chance.two_way > 0.5
    assert np.mean([r.match for r in readings]) > 0.6


def test_the_logistic_puts_a_half_where_both_are_as_likely():
    rng = np.random.default_rng(0)
    slope, offset = odds_of(rng.normal(0.4, 0.2, 4000), rng.normal(0.0, 0.2, 9000))
    assert -offset / slope == pytest.approx(0.2, abs=0.02)
    assert slope == pytest.approx(0.4 / 0.2**2, rel=0.1)
