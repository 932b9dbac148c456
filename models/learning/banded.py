"""An encoding model with a penalty for each band of features: what is seen → EEG, as in the mTRF toolbox.

One penalty for all asks light that is held for seconds and its changes to be equally smooth; with one a band
what tells nothing is silenced and what tells much is left alone (Nunez-Elizalde, Huth & Gallant 2019,
doi:10.1016/j.neuroimage.2019.04.012).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg

from models.film_features import FEATURES
from models.learning.linear import LAMBDAS, Standard, distance, rows_of, whitener
from models.linear_model import Floats, correlations
from models.response_model import behind

SEEN = (*FEATURES, "rises", "falls")
"""Columns of the film side: features of the frame, and the rises and falls of its light (`data.light`)."""
BANDS = (("luminance", "contrast", "edges"), ("difference", "cut"), ("rises", "falls"))
SHRINKS = (1e-3, 1e-2, 1e-1)
"""How far the covariance of what is not explained is drawn towards a sphere, as a share of its mean."""
_Fold = tuple[Floats, Floats]
_Sums = tuple[Floats, ...]
_Worth = Callable[[tuple[float, ...], float], float]


@dataclass(frozen=True)
class Banded:
    """EEG expected from lagged features (mTRF; Crosse et al. 2016, doi:10.3389/fnhum.2016.00604).

    A window's score is the correlation of EEG and expectation over all slots and electrodes, both whitened by
    what the model does not explain: an electrode full of noise, or noise that electrodes share, counts less.

    Attributes
    ----------
    film : Standard
        Of the features (F,).
    mean : array of shape (C,)
    weights : array of shape (F · lags, C)
    whiten : array of shape (C, C)
    penalties : tuple of float
        One for each of `BANDS`.
    """

    film: Standard
    mean: Floats
    weights: Floats
    whiten: Floats
    penalties: tuple[float, ...]
    n_lags: int

    @classmethod
    def fit(cls, folds: Sequence[_Fold], n_lags: int) -> Banded:
        """Fit to blocks of EEG (n, G + lag, C) and features (n, G, F), each left out in turn to choose.

        First one penalty for all is chosen, then that of each band beside the others', then the shrinkage:
        always what sets true pairs furthest above mismatched ones in blocks that were left out.
        """
        film = Standard.of(rows_of([part for _, part in folds]))
        film = Standard(film.mean, np.where(film.sd < 1e-6, np.inf, film.sd))  # it never changes
        sides = [(eeg, behind(film(part), n_lags, eeg.shape[1])) for eeg, part in folds]
        sums = [_sums(*side) for side in sides]
        alone = len(sums) == 1
        rests = [_added([s for j, s in enumerate(sums) if j != i or alone]) for i in range(len(sums))]

        def worth(penalties: tuple[float, ...], shrink: float) -> float:
            models = [cls._of(rest, film, n_lags, penalties, shrink) for rest in rests]
            return distance([_compared(m, *side) for m, side in zip(models, sides, strict=True)])

        penalties, shrink = _chosen(worth)
        return cls._of(_added(sums), film, n_lags, penalties, shrink)

    @classmethod
    def _of(
        cls, sums: _Sums, film: Standard, n_lags: int, penalties: tuple[float, ...], shrink: float
    ) -> Banded:
        n, x, y, xx, xy, yy = sums
        mean = y / n
        cross, covariance = xy / n - np.outer(x / n, mean), yy / n - np.outer(mean, mean)
        regressors = xx / n - np.outer(x / n, x / n)
        load = np.tile(_by_feature(penalties), n_lags) * max(
            float(np.trace(regressors)) / len(regressors), 1e-9
        )
        weights: Floats = linalg.solve(regressors + np.diag(load), cross, assume_a="pos")
        left = covariance - weights.T @ cross - cross.T @ weights + weights.T @ regressors @ weights
        return cls(film, mean, weights, whitener(left, shrink), penalties, n_lags)

    def scores(self, eeg: Floats, film: Floats) -> Floats:
        """Correlation (n, m) of EEG (n, G + lag, C) with what is expected of films (m, G, F)."""
        return _compared(self, eeg, behind(self.film(film), self.n_lags, eeg.shape[1]))


def _compared(model: Banded, eeg: Floats, lagged: Floats) -> Floats:
    sides = (eeg - model.mean) @ model.whiten, lagged @ model.weights @ model.whiten
    centred = [side - side.mean(axis=1, keepdims=True) for side in sides]
    return np.asarray(correlations(*(side.reshape(len(side), -1, 1) for side in centred))[0])


def _chosen(worth: _Worth) -> tuple[tuple[float, ...], float]:
    """Return the best penalties by band, and the shrinkage."""
    best = max(((penalty,) * len(BANDS) for penalty in LAMBDAS), key=lambda them: worth(them, SHRINKS[1]))
    for band in range(len(BANDS)):
        best = max(_instead(best, band), key=lambda them: worth(them, SHRINKS[1]))
    return best, max(SHRINKS, key=lambda shrink: worth(best, shrink))


def _instead(penalties: tuple[float, ...], band: int) -> Iterator[tuple[float, ...]]:
    for penalty in LAMBDAS:
        yield (*penalties[:band], penalty, *penalties[band + 1 :])


def _by_feature(penalties: Sequence[float]) -> Floats:
    """Penalty (F,) of each of `SEEN`."""
    of = {name: penalty for band, penalty in zip(BANDS, penalties, strict=True) for name in band}
    return np.array([of[name] for name in SEEN])


def _sums(eeg: Floats, lagged: Floats) -> _Sums:
    """Sum what a fit needs of a block: n, Σx, Σy, Σxx, Σxy, Σyy."""
    x, y = (side.reshape(-1, side.shape[2]) for side in (lagged, eeg))
    return np.array(len(x)), x.sum(axis=0), y.sum(axis=0), x.T @ x, x.T @ y, y.T @ y


def _added(sums: Sequence[_Sums]) -> _Sums:
    return tuple(np.sum(part, axis=0) for part in zip(*sums, strict=True))
