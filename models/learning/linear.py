"""Ridge and CCA with lags, on windows of arrays. Numpy and scipy alone.

Both choose what there is to choose by telling apart windows of blocks that were left out of the fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg

from models.learning.judging.metrics import Scored, contest, pairs
from models.linear_model import Floats, correlations

LAMBDAS = tuple(10.0**k for k in range(-4, 3))
"""Ridge penalties tried, as shares of the mean variance of the regressors."""
COMPONENTS = (1, 2, 3, 5, 8)


class Scorer(Protocol):
    """A linear model that compares EEG and film."""

    def scores(self, eeg: Floats, film: Floats) -> Floats:
        """How well each EEG window (n, G, ·) goes with each film window (m, G, ·): (n, m)."""
        ...


class Linear(Scorer, Protocol):
    """One that can be kept and used live."""

    def parts(self) -> tuple[Standard, Standard, Floats, Floats, Floats]:
        """How EEG and film are standardised, their weights, and the mix of components."""
        ...


@dataclass(frozen=True)
class Standard:
    """Mean and standard deviation of regressors in the training data."""

    mean: Floats
    sd: Floats

    @classmethod
    def of(cls, rows: Floats) -> Standard:
        """Measure rows (n, F)."""
        return cls(rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-9))

    def __call__(self, rows: Floats) -> Floats:
        """Standardise rows (..., F)."""
        return (rows - self.mean) / self.sd


@dataclass(frozen=True)
class Ridge:
    """Backward model: film features from lagged EEG (mTRF; Crosse et al. 2016, doi:10.3389/fnhum.2016.00604).

    A window's score is a weighted mean of its features' correlations. Penalty and weights (one feature alone,
    or all by their worth) are those that told most pairs apart in data the fit had not seen.
    """

    eeg: Standard
    weights: Floats  # (C·lags, F)
    mix: Floats  # (F,), sums to 1
    penalty: float

    @classmethod
    def fit(cls, folds: Sequence[tuple[Floats, Floats]]) -> Ridge:
        """Fit to blocks of lagged EEG (n, G, C·lags) and film (n, G, F); choices by leaving blocks out."""
        standard = Standard.of(rows_of([eeg for eeg, _ in folds]))
        sums = [_sums(standard(eeg), film) for eeg, film in folds]
        best, chosen = -1.0, (LAMBDAS[0], np.ones(folds[0][1].shape[2]))
        for penalty in LAMBDAS:
            found = []
            for i, (eeg, film) in enumerate(folds):
                weights = _solve([s for j, s in enumerate(sums) if j != i or len(folds) == 1], penalty)
                found.append(correlations(standard(eeg) @ weights, film))
            for mix in mixes(found):
                accuracy = _accuracy([np.asarray(np.tensordot(mix, r, axes=1), np.float64) for r in found])
                if accuracy > best:
                    best, chosen = accuracy, (penalty, mix)
        penalty, mix = chosen
        return cls(standard, _solve(sums, penalty), mix, penalty)

    def scores(self, eeg: Floats, film: Floats) -> Floats:
        """Score each window (n, G, C·lags) with each film (m, G, F): (n, m)."""
        r = correlations(self.eeg(eeg) @ self.weights, film)
        return np.asarray(np.tensordot(self.mix, r, axes=1))

    def parts(self) -> tuple[Standard, Standard, Floats, Floats, Floats]:
        """Say how EEG and film are standardised, their weights, and the mix of components."""
        n = len(self.mix)
        return self.eeg, Standard(np.zeros(n), np.ones(n)), self.weights, np.eye(n), self.mix


@dataclass(frozen=True)
class Cca:
    """Canonical correlation of lagged EEG with lagged film (Dmochowski et al. 2018, see `features`)."""

    eeg: Standard
    film: Standard
    eeg_weights: Floats  # (C·lags, k)
    film_weights: Floats  # (F·lags, k)

    @classmethod
    def fit(cls, folds: Sequence[tuple[Floats, Floats]]) -> Cca:
        """Fit to blocks of windows; shrinkage and number of components are chosen by leaving each out."""
        best, chosen = -1.0, (LAMBDAS[0], COMPONENTS[0])
        for penalty in LAMBDAS[1::2]:
            models = [
                cls._solve([f for j, f in enumerate(folds) if j != i or len(folds) == 1], penalty)
                for i in range(len(folds))
            ]
            for k in COMPONENTS:
                scores = [m.first(k).scores(*fold) for m, fold in zip(models, folds, strict=True)]
                found = _accuracy(scores)
                if found > best:
                    best, chosen = found, (penalty, k)
        return cls._solve(folds, chosen[0]).first(chosen[1])

    @classmethod
    def _solve(cls, folds: Sequence[tuple[Floats, Floats]], penalty: float) -> Cca:
        x, y = rows_of([eeg for eeg, _ in folds]), rows_of([film for _, film in folds])
        eeg, film = Standard.of(x), Standard.of(y)
        x, y = eeg(x), film(y)
        whiten = [whitener(side.T @ side / len(side), penalty) for side in (x, y)]
        u, _, vt = linalg.svd(whiten[0].T @ (x.T @ y / len(x)) @ whiten[1], full_matrices=False)
        return cls(eeg, film, whiten[0] @ u, whiten[1] @ vt.T)

    def first(self, k: int) -> Cca:
        """Return the same with its first `k` components."""
        return Cca(self.eeg, self.film, self.eeg_weights[:, :k], self.film_weights[:, :k])

    def scores(self, eeg: Floats, film: Floats) -> Floats:
        """Score each window (n, G, C·lags) with each film (m, G, F·lags): (n, m)."""
        sides = self.eeg(eeg) @ self.eeg_weights, self.film(film) @ self.film_weights
        return np.asarray(correlations(*sides).mean(axis=0))

    def parts(self) -> tuple[Standard, Standard, Floats, Floats, Floats]:
        """Say how EEG and film are standardised, their weights, and the mix of components."""
        k = self.eeg_weights.shape[1]
        return self.eeg, self.film, self.eeg_weights, self.film_weights, np.full(k, 1 / k)


def rows_of(windows: Sequence[Floats]) -> Floats:
    """All slots of windows (n, G, F) below each other: (slots, F)."""
    return np.concatenate([w.reshape(-1, w.shape[2]) for w in windows])


def _sums(eeg: Floats, film: Floats) -> tuple[Floats, Floats]:
    x, y = (side.reshape(-1, side.shape[2]) for side in (eeg, film))
    return x.T @ x, x.T @ (y - y.mean(axis=0))


def _solve(sums: Sequence[tuple[Floats, Floats]], penalty: float) -> Floats:
    xx, xy = (np.sum(part, axis=0) for part in zip(*sums, strict=True))
    load = penalty * np.trace(xx) / len(xx)
    weights: Floats = linalg.solve(xx + load * np.eye(len(xx)), xy, assume_a="pos")
    return weights


def whitener(covariance: Floats, penalty: float) -> Floats:
    """Square root of the inverse of a covariance (F, F), shrunk by a share of its mean variance."""
    values, vectors = linalg.eigh(covariance)
    root: Floats = vectors / np.sqrt(np.maximum(values, 0) + penalty * values.mean())
    return root


def mixes(found: Sequence[Floats]) -> list[Floats]:
    """Weights of features that are tried: each alone, all by their mean correlation, and by its square.

    `found` holds correlations (F, n, n) of blocks.
    """
    worth = np.concatenate([np.einsum("fnn->fn", r) for r in found], axis=1).mean(axis=1)
    worth = np.maximum(worth, 0) + 1e-9
    return [*np.eye(len(worth)), worth / worth.sum(), worth**2 / (worth**2).sum()]


def _accuracy(scores: Sequence[Floats]) -> float:
    """2-way accuracy over blocks; neighbours are no impostors."""
    runs = [Scored(block, np.arange(0.0, 2.0 * len(block), 2.0)) for block in scores]
    result = contest(runs, least=1)
    return float(result.beaten.mean()) if result.n else 0.0


def distance(scores: Sequence[Floats]) -> float:
    """How far true pairs lie above mismatched ones, in standard deviations: for where accuracy is full.

    Each of `scores` is a block, (n, n).
    """
    runs = [Scored(block, np.arange(0.0, 2.0 * len(block), 2.0)) for block in scores]
    true, false = pairs(runs)
    return float((true.mean() - false.mean()) / max(false.std(), 1e-9)) if len(false) else -1.0
