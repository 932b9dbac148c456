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

    def weighed(self, rows: Floats, weights: Floats) -> Floats:
        """Standardise rows (..., F) and multiply them with weights (F, K), in one pass over the rows."""
        scaled = weights / self.sd[:, None]
        return np.asarray(rows @ scaled - self.mean @ scaled)


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
                found.append(correlations(standard.weighed(eeg, weights), film))
            for mix in mixes(found):
                accuracy = _accuracy([np.asarray(np.tensordot(mix, r, axes=1), np.float64) for r in found])
                if accuracy > best:
                    best, chosen = accuracy, (penalty, mix)
        penalty, mix = chosen
        return cls(standard, _solve(sums, penalty), mix, penalty)

    def scores(self, eeg: Floats, film: Floats) -> Floats:
        """Score each window (n, G, C·lags) with each film (m, G, F): (n, m)."""
        r = correlations(self.eeg.weighed(eeg, self.weights), film)
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
        sums = [_both_sums(*fold) for fold in folds]
        rests = [[s for j, s in enumerate(sums) if j != i or len(sums) == 1] for i in range(len(sums))]
        best, chosen = -1.0, (LAMBDAS[0], COMPONENTS[0])
        for penalty in LAMBDAS[1::2]:
            models = [cls._of(rest, penalty).first(max(COMPONENTS)) for rest in rests]
            each = [model.each(*fold) for model, fold in zip(models, folds, strict=True)]
            for k in COMPONENTS:
                found = _accuracy([r[:k].mean(axis=0) for r in each])
                if found > best:
                    best, chosen = found, (penalty, k)
        return cls._of(sums, chosen[0]).first(chosen[1])

    @classmethod
    def _of(cls, sums: Sequence[_BothSums], penalty: float) -> Cca:
        n, x, y, xx, yy, xy = (np.sum(part, axis=0) for part in zip(*sums, strict=True))
        eeg, film = _standard(n, x, xx), _standard(n, y, yy)
        whiten = [
            whitener(_covariance(n, of, of, products, side, side), penalty)
            for of, products, side in ((x, xx, eeg), (y, yy, film))
        ]
        across = _covariance(n, x, y, xy, eeg, film)
        u, _, vt = linalg.svd(whiten[0].T @ across @ whiten[1], full_matrices=False)
        return cls(eeg, film, whiten[0] @ u, whiten[1] @ vt.T)

    def first(self, k: int) -> Cca:
        """Return the same with its first `k` components."""
        return Cca(self.eeg, self.film, self.eeg_weights[:, :k], self.film_weights[:, :k])

    def scores(self, eeg: Floats, film: Floats) -> Floats:
        """Score each window (n, G, C·lags) with each film (m, G, F·lags): (n, m)."""
        return np.asarray(self.each(eeg, film).mean(axis=0))

    def each(self, eeg: Floats, film: Floats) -> Floats:
        """Correlation of each component: (k, n, m), sides as in `scores`."""
        return correlations(
            self.eeg.weighed(eeg, self.eeg_weights), self.film.weighed(film, self.film_weights)
        )

    def parts(self) -> tuple[Standard, Standard, Floats, Floats, Floats]:
        """Say how EEG and film are standardised, their weights, and the mix of components."""
        k = self.eeg_weights.shape[1]
        return self.eeg, self.film, self.eeg_weights, self.film_weights, np.full(k, 1 / k)


def rows_of(windows: Sequence[Floats]) -> Floats:
    """All slots of windows (n, G, F) below each other: (slots, F)."""
    return np.concatenate([w.reshape(-1, w.shape[2]) for w in windows])


_BothSums = tuple[int, Floats, Floats, Floats, Floats, Floats]


def _both_sums(eeg: Floats, film: Floats) -> _BothSums:
    """Sum what a CCA needs of a block: n, Σx, Σy, Σxx, Σyy, Σxy; it is not read again for each fit."""
    x, y = (np.asarray(side.reshape(-1, side.shape[2]), np.float64) for side in (eeg, film))
    return len(x), x.sum(axis=0), y.sum(axis=0), x.T @ x, y.T @ y, x.T @ y


def _standard(n: int, total: Floats, products: Floats) -> Standard:
    """Mean and deviation from the sums over n rows: Σx (F,) and Σxx (F, F)."""
    mean = total / n
    return Standard(mean, np.maximum(np.sqrt(np.maximum(np.diag(products) / n - mean**2, 0)), 1e-9))


def _covariance(n: int, x: Floats, y: Floats, products: Floats, one: Standard, other: Standard) -> Floats:
    """Covariance (F, H) of what is standardised, from sums over n rows: Σx (F,), Σy (H,), Σxy (F, H)."""
    return (products / n - np.outer(x, y) / n**2) / np.outer(one.sd, other.sd)


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
