"""A baseline that others keep: the receptive field of MNE-Python, fitted to the very windows ours are given.

https://mne.tools/stable/generated/mne.decoding.ReceptiveField.html (BSD-3). Only fitting needs the package:
what it finds is kept as the weights of a `Ridge`, so figures can be made again without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from models.learning.linear import LAMBDAS, Ridge, Standard, distance, mixes, rows_of
from models.linear_model import Floats, correlations, lagged

NEEDED = ("mne", "sklearn")
SMOOTH = ("ridge", "laplacian")
"""What is kept small: weights, or the steps from one lag to the next."""
_Fold = tuple[Floats, Floats]


def missing() -> str:
    """Say what to install where the package is not here; else nothing."""
    gone = [name for name in NEEDED if find_spec(name) is None]
    if not gone:
        return ""
    return f"mne's ReceptiveField is left out for want of {' and '.join(gone)}: pip install 'phosphene[mne]'"


def fit_receptive_field(folds: Sequence[_Fold], n_lags: int, slots_hz: int) -> Ridge:
    """Decode features from lagged EEG with `mne.decoding.ReceptiveField`.

    Penalty, its kind and the weights of features are those that set true pairs furthest above mismatched ones
    in blocks that were left out, a third of them at a time.

    Parameters
    ----------
    folds : sequence of (n, G + lag, C) and (n, G, F)
        Blocks of windows that follow each other: the library is given them as one recording, so at the seams
        of blocks a few lags reach into the next one.
    n_lags : int
        Slots after a frame in which its answer is looked for, and the frame's own.
    """
    n_slots, n_groups = folds[0][1].shape[1], min(3, len(folds))
    points = Standard.of(rows_of([eeg[:, :n_slots] for eeg, _ in folds]))
    whole = [(points(eeg), film) for eeg, film in folds]
    groups = [whole[len(whole) * i // n_groups : len(whole) * (i + 1) // n_groups] for i in range(n_groups)]
    best, chosen = -np.inf, (SMOOTH[0], LAMBDAS[0], np.ones(folds[0][1].shape[2]))
    for kind in SMOOTH:
        for penalty in LAMBDAS[::2]:
            found = []
            for i, group in enumerate(groups):
                rest = [fold for j, other in enumerate(groups) if j != i or n_groups == 1 for fold in other]
                weights = _weights(rest, n_lags, slots_hz, penalty, kind)
                found += [correlations(lagged(eeg, n_lags, n_slots) @ weights, film) for eeg, film in group]
            for mix in mixes(found):
                worth = distance([np.asarray(np.tensordot(mix, r, axes=1), np.float64) for r in found])
                if worth > best:
                    best, chosen = worth, (kind, penalty, mix)
    kind, penalty, mix = chosen
    standard = Standard(np.tile(points.mean, n_lags), np.tile(points.sd, n_lags))
    return Ridge(standard, _weights(whole, n_lags, slots_hz, penalty, kind), mix, penalty)


def _weights(folds: Sequence[_Fold], n_lags: int, slots_hz: int, penalty: float, kind: str) -> Floats:
    """Weights (C·lags, F), laid out as `linear_model.lagged` lays out its columns."""
    import mne
    from mne.decoding import ReceptiveField, TimeDelayingRidge

    n_slots = folds[0][1].shape[1]
    eeg = np.concatenate([part[:, :n_slots].reshape(-1, part.shape[2]) for part, _ in folds])
    film = np.concatenate([part.reshape(-1, part.shape[2]) for _, part in folds])
    first, last = -(n_lags - 1) / slots_hz, 0.0
    ridge = TimeDelayingRidge(first, last, slots_hz, penalty * len(eeg), reg_type=kind, fit_intercept=True)
    field: Any = ReceptiveField(first, last, slots_hz, estimator=ridge)
    with mne.use_log_level("ERROR"):
        field.fit(eeg, film)
    coefficients = np.asarray(field.coef_)  # (F, C, lags), the latest EEG first
    by_lag: Floats = coefficients[:, :, ::-1].transpose(2, 1, 0).reshape(-1, len(coefficients))
    return by_lag
