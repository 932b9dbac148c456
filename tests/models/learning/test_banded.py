"""Banded ridge and the library's receptive field on data they must find, beside least squares and MNE."""

from __future__ import annotations

import mne
import numpy as np
import pytest

from models.learning.banded import BANDS, SEEN, Banded
from models.learning.judging.metrics import Scored, contest
from models.learning.receptive_field import fit_receptive_field
from models.linear_model import lagged
from models.response_model import behind

N_SLOTS, LAG, N_LAGS = 40, 10, 8
KERNEL = np.array([0.0, 0.0, 0.3, 1.0, 0.5, -0.4, 0.0, 0.0])


def brain(n: int, answers: dict[str, float], seed: int, shared: float = 0.0):
    """EEG (n, G + lag, 3) that answers some of the features, and features (n, G, F) of which all vary."""
    rng = np.random.default_rng(seed)
    film = rng.standard_normal((n, N_SLOTS, len(SEEN)))
    eeg = rng.standard_normal((n, N_SLOTS + LAG, 3)) + shared * rng.standard_normal((n, N_SLOTS + LAG, 1))
    for name, gain in answers.items():
        answer = behind(film[..., [SEEN.index(name)]], N_LAGS, N_SLOTS + LAG) @ KERNEL
        eeg += gain * answer[..., None] * np.array([1.0, -0.6, 0.3])
    return eeg, film


def accuracy(model, side) -> float:
    scores = model.scores(*side)
    return float(contest([Scored(scores, 2.0 * np.arange(len(scores)))]).beaten.mean())


def test_each_band_gets_the_penalty_that_its_answer_asks_for():
    model = Banded.fit([brain(20, {"difference": 1.0}, seed) for seed in range(3)], N_LAGS)
    states, changes, flicker = model.penalties
    assert changes < min(states, flicker)
    assert accuracy(model, brain(20, {"difference": 1.0}, 9)) > 0.95
    assert abs(accuracy(model, brain(40, {}, 10)) - 0.5) < 0.1


def test_noise_that_electrodes_share_is_taken_out():
    drowned = {"rises": 0.3}
    model = Banded.fit([brain(30, drowned, seed, shared=5.0) for seed in range(3)], N_LAGS)
    plain = Banded(model.film, model.mean, model.weights, np.eye(3), model.penalties, N_LAGS)
    side = brain(40, drowned, 9, shared=5.0)
    assert accuracy(model, side) > accuracy(plain, side) + 0.1


def test_without_a_penalty_it_is_least_squares(monkeypatch):
    monkeypatch.setattr("models.learning.banded.LAMBDAS", (1e-12,))
    eeg, film = brain(30, {"cut": 1.0}, 0)
    model = Banded.fit([(eeg, film)], N_LAGS)
    rows = behind(model.film(film), N_LAGS, N_SLOTS + LAG).reshape(-1, len(SEEN) * N_LAGS)
    wanted = np.linalg.lstsq(
        rows - rows.mean(axis=0), (eeg - eeg.mean(axis=(0, 1))).reshape(-1, 3), rcond=None
    )
    assert model.weights == pytest.approx(wanted[0], abs=1e-6)


def test_every_feature_stands_in_one_band():
    assert sorted(name for band in BANDS for name in band) == sorted(SEEN)


def test_the_receptive_field_is_kept_as_the_weights_that_mne_predicts_with():
    folds = [brain(20, {"difference": 1.0}, seed) for seed in range(3)]
    model = fit_receptive_field(folds, N_LAGS, 20)
    assert accuracy_of_windows(model, brain(20, {"difference": 1.0}, 9)) > 0.95
    eeg = np.concatenate([model.eeg(lagged(side[0], N_LAGS, N_SLOTS))[..., :3] for side in folds])
    string, wanted = eeg.reshape(-1, 3), np.concatenate([film for _, film in folds]).reshape(-1, len(SEEN))
    ridge = mne.decoding.TimeDelayingRidge(-(N_LAGS - 1) / 20, 0, 20, model.penalty * len(string))
    kinds = []
    for kind in ("ridge", "laplacian"):
        ridge.reg_type = kind
        field = mne.decoding.ReceptiveField(-(N_LAGS - 1) / 20, 0, 20, estimator=ridge).fit(string, wanted)
        ours = lagged(string[None], N_LAGS, len(string))[0] @ model.weights
        gap = np.ptp((field.predict(string) - ours)[:-N_LAGS], axis=0)  # but for an offset
        kinds.append(gap.max())
    assert min(kinds) < 1e-6


def accuracy_of_windows(model, side) -> float:
    eeg, film = side
    return accuracy(model, (lagged(eeg, N_LAGS, N_SLOTS), film))
