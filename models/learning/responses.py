"""Responses to changes of light: CCA of electrodes with the film's last moments, of the frame or by place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import linalg

from models.learning.linear import COMPONENTS, LAMBDAS, Standard, distance, rows_of, whitener
from models.linear_model import Floats, correlations
from models.response_model import answers, behind

RESPONSE_S = 0.3
"""How long the answer to a change of light is followed."""
_PLAINLY = 0.1  # standard deviations, by which all features must do better than rises and falls alone
CHANGES = (1, 2)  # rises and falls alone, of light's features (`data.light.FEATURES`)


@dataclass(frozen=True)
class Responses:
    """CCA of electrodes as they stand with the film's last 0.3 s: spatial filters, each with its responses.

    With many electrodes and little data this is the linear model to beat: C weights a component in place of
    C for each lag (Dmochowski et al. 2018, doi:10.1016/j.neuroimage.2017.05.037).

    Attributes
    ----------
    mean : array of shape (C,)
    filters : array of shape (C, k)
        Of EEG in units of its running scale; each gives a component of variance 1.
    patterns : array of shape (C, k)
        What each component looks like on the scalp (Haufe et al. 2014, doi:10.1016/j.neuroimage.2013.10.067).
    film : Standard
        Of the features used.
    responses : array of shape (features · lags, k)
    used : tuple of int
        Which features.
    """

    mean: Floats
    filters: Floats
    patterns: Floats
    film: Standard
    responses: Floats
    used: tuple[int, ...]
    n_lags: int

    @classmethod
    def fit(
        cls, folds: Sequence[tuple[Floats, Floats]], n_lags: int, components: Sequence[int] = COMPONENTS
    ) -> Responses:
        """Fit to blocks of EEG (n, G + lag, C) and film (n, G, F), each left out in turn to choose.

        Chosen are the shrinkage, the number of components among `components`, and rises and falls alone
        unless all features do plainly better: how bright a place is says little of what is attended there.
        """
        best, chosen = -np.inf, cls.solve(folds, n_lags)
        for used in (CHANGES, tuple(range(folds[0][1].shape[2]))):
            standard, sums = _response_sums(folds, n_lags, used)
            margin = 0.0 if used == CHANGES else _PLAINLY
            rests = [[s for j, s in enumerate(sums) if j != i or len(sums) == 1] for i in range(len(sums))]
            for penalty in LAMBDAS[1:5]:
                models = [
                    cls._of(rest, standard, n_lags, penalty, used).first(max(components)) for rest in rests
                ]
                each = [model.each(*fold) for model, fold in zip(models, folds, strict=True)]
                for k in components:
                    found = distance([r[:k].mean(axis=0) for r in each]) - margin
                    if found > best:
                        best, chosen = found, cls._of(sums, standard, n_lags, penalty, used).first(k)
        return chosen

    @classmethod
    def solve(
        cls,
        folds: Sequence[tuple[Floats, Floats]],
        n_lags: int,
        penalty: float = LAMBDAS[2],
        used: tuple[int, ...] = CHANGES,
    ) -> Responses:
        """All components at one shrinkage."""
        standard, sums = _response_sums(folds, n_lags, used)
        return cls._of(sums, standard, n_lags, penalty, used)

    @classmethod
    def _of(
        cls, sums: Sequence[_Sums], film: Standard, n_lags: int, penalty: float, used: tuple[int, ...]
    ) -> Responses:
        n, x, y, xx, yy, xy = (np.sum(part, axis=0) for part in zip(*sums, strict=True))
        mean = x / n
        covariance, film_covariance = xx / n - np.outer(mean, mean), yy / n - np.outer(y, y) / n**2
        whiten = [whitener(part, penalty) for part in (covariance, film_covariance)]
        across = xy / n - np.outer(mean, y / n)
        u, _, vt = linalg.svd(whiten[0].T @ across @ whiten[1], full_matrices=False)
        filters = whiten[0] @ u
        variance = np.einsum("ck,cd,dk->k", filters, covariance, filters)
        filters /= np.sqrt(np.maximum(variance, 1e-24))
        return cls(mean, filters, covariance @ filters, film, whiten[1] @ vt.T, used, n_lags)

    def first(self, k: int) -> Responses:
        """Return the same with its first `k` components."""
        return replace(
            self, filters=self.filters[:, :k], patterns=self.patterns[:, :k], responses=self.responses[:, :k]
        )

    def components(self, eeg: Floats) -> Floats:
        """Apply the filters to EEG (n, G + lag, C): (n, G + lag, k)."""
        return (eeg - self.mean) @ self.filters

    def expected(self, film: Floats, n_rows: int) -> Floats:
        """Components (n, n_rows, ..., k) that answer to film (n, G, ..., F): the frame's, or each place's."""
        standard = self.film(film[..., self.used])
        return np.stack([answers(one[None], self.responses, n_rows)[0] for one in standard])

    def scores(self, eeg: Floats, film: Floats) -> Floats:
        """Mean correlation (n, m) of EEG (n, G + lag, C) with film (m, G, F)."""
        return np.asarray(self.each(eeg, film).mean(axis=0))

    def each(self, eeg: Floats, film: Floats) -> Floats:
        """Correlation of each component: (k, n, m), sides as in `scores`."""
        return correlations(self.components(eeg), self.expected(film, eeg.shape[1]))

    def by_place(self, eeg: Floats, film: Floats) -> Floats:
        """Return the same for each place of film (m, G, places, F): (n, m, places)."""
        expected = self.expected(film, eeg.shape[1])
        components = self.components(eeg)
        places = [correlations(components, expected[:, :, p]).mean(axis=0) for p in range(film.shape[2])]
        return np.stack(places, axis=2)


_Sums = tuple[int, Floats, Floats, Floats, Floats, Floats]


def _response_sums(
    folds: Sequence[tuple[Floats, Floats]], n_lags: int, used: tuple[int, ...]
) -> tuple[Standard, list[_Sums]]:
    """How the film is standardised, and what a CCA needs of each block: n, Σx, Σy, Σxx, Σyy, Σxy."""
    standard = Standard.of(rows_of([film for _, film in folds])[:, used])
    standard = Standard(standard.mean, np.where(standard.sd < 1e-4, np.inf, standard.sd))  # it never changes
    sums = []
    for eeg, film in folds:
        x, y = rows_of([eeg]), rows_of([behind(standard(film[..., used]), n_lags, eeg.shape[1])])
        sums.append((len(x), x.sum(axis=0), y.sum(axis=0), x.T @ x, y.T @ y, x.T @ y))
    return standard, sums
