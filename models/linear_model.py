"""A linear model of EEG and film, fitted and kept: it stands in where there is too little data for a network.

    score = Σ over components  mix · Pearson's r of (lagged EEG → component) with (lagged film → component)

A ridge backward model has the film's features as its components, CCA has canonical ones. No torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import ArrayLike, NDArray
from scipy import special

from realtime.config import GridConfig
from realtime.errors import WeightsError

Floats = NDArray[np.float64]
FILE = "linear.safetensors"
REACH_S = 0.55
"""How long after a frame the brain's answer is looked for; EEG that a window does not hold reads as 0."""
FILM_REACH_S = 0.25  # how far back a component may look in the film
CLIP = 8.0  # in units of the running robust scale


def probability(odds: ArrayLike, score: ArrayLike) -> Floats:
    """Logistic of odds[0]·score + odds[1], odds of shape (2,), of scores of any shape (...)."""
    slope, offset = np.asarray(odds, np.float64)
    found: Floats = special.expit(slope * np.asarray(score, np.float64) + offset)
    return found


def lagged(x: Floats, n_lags: int, n_slots: int) -> Floats:
    """Windows (n, n_points, C) with every point's `n_lags` successors beside it: (n, n_slots, C·n_lags).

    Points behind the window's end read as 0.
    """
    short = max(0, n_slots + n_lags - 1 - x.shape[1])
    padded = np.pad(x, ((0, 0), (0, short), (0, 0)))
    return np.concatenate([padded[:, lag : lag + n_slots] for lag in range(n_lags)], axis=2)


def correlations(given: Floats, wanted: Floats) -> Floats:
    """Pearson's r of every window (n, G, F) with every window (m, G, F), feature by feature: (F, n, m)."""
    cosines: Floats = standing(given).transpose(2, 0, 1) @ standing(wanted).transpose(2, 1, 0)
    return cosines


def standing(side: Floats) -> Floats:
    """Centre each feature of windows (n, G, ...) over the window, and bring it to length 1; 0 if constant."""
    centred = side - side.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.asarray(np.where(length > 1e-9, centred / np.maximum(length, 1e-9), 0.0))


def eeg_slots(
    eeg: NDArray[np.float32], valid: NDArray[np.bool_], scale: NDArray[np.float32], grid: GridConfig
) -> Floats:
    """EEG of windows, slot by slot to the end of their lag: (n, G + lag, C), in units of the running scale.

    Parameters
    ----------
    eeg : array of shape (n, C, n_times), µV
    valid : array of shape (n, C, n_times), bool
    scale : array of shape (n, C), µV
    """
    unit = np.clip(eeg / scale[:, :, None], -CLIP, CLIP) * valid
    per_slot = grid.per_slot
    slots: Floats = (
        unit.reshape(*unit.shape[:2], -1, per_slot).mean(axis=3).transpose(0, 2, 1).astype(np.float64)
    )
    return slots


def eeg_rows(
    eeg: NDArray[np.float32], valid: NDArray[np.bool_], scale: NDArray[np.float32], grid: GridConfig
) -> Floats:
    """Lagged EEG (n, G, C·lags) of windows, given as to `eeg_slots`."""
    slots = eeg_slots(eeg, valid, scale, grid)
    return lagged(slots, round(REACH_S * grid.slots_hz) + 1, grid.n_slots)


def film_rows(film: Floats, grid: GridConfig, lags: bool) -> Floats:
    """Film features (n, G, F), with those of the slots before beside them where `lags` (n, G, F·lags)."""
    if not lags:
        return film
    turned = lagged(film[:, ::-1], round(FILM_REACH_S * grid.slots_hz) + 1, film.shape[1])
    return turned[:, ::-1]


@dataclass(frozen=True)
class LinearModel:
    """See the module. K components.

    Attributes
    ----------
    name : str
        `ridge` or `cca`.
    labels : tuple of str
        Electrodes, in order.
    lagged_film : bool
        Components look back in the film as well.
    eeg_mean, eeg_sd, eeg_weights : arrays of shape (C·lags,), (C·lags,), (C·lags, K)
    film_mean, film_sd, film_weights : arrays of shape (F·lags,), (F·lags,), (F·lags, K)
    mix : array of shape (K,), sums to 1
    odds : array of shape (2,)
        The probability of a match is the logistic of odds[0]·score + odds[1].
    """

    name: str
    labels: tuple[str, ...]
    grid: GridConfig
    lagged_film: bool
    eeg_mean: Floats
    eeg_sd: Floats
    eeg_weights: Floats
    film_mean: Floats
    film_sd: Floats
    film_weights: Floats
    mix: Floats
    odds: Floats

    def see_eeg(
        self, eeg: NDArray[np.float32], valid: NDArray[np.bool_], scale: NDArray[np.float32]
    ) -> Floats:
        """Components (n, G, K) of EEG windows, given as to `eeg_rows`."""
        return (eeg_rows(eeg, valid, scale, self.grid) - self.eeg_mean) / self.eeg_sd @ self.eeg_weights

    def see_film(self, film: Floats) -> Floats:
        """Components (n, G, K) of film features (n, G, F)."""
        rows = film_rows(film, self.grid, self.lagged_film)
        return (rows - self.film_mean) / self.film_sd @ self.film_weights

    def compare(self, eeg: Floats, film: Floats) -> Floats:
        """Scores (n, m) of EEG components (n, G, K) with film components (m, G, K), -1 to 1."""
        return np.asarray(np.tensordot(self.mix, correlations(eeg, film), axes=1))

    def match(self, score: Floats) -> Floats:
        """Probability that a pair of this score belongs together, at even odds."""
        return probability(self.odds, score)

    def save(self, folder: str | Path) -> Path:
        """Write `linear.safetensors` to a folder; gives the file."""
        path = Path(folder) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        about = {
            "name": self.name,
            "labels": list(self.labels),
            "grid": self.grid.model_dump(),
            "lagged_film": self.lagged_film,
        }
        safetensors.numpy.save_file(arrays, path, {"about": json.dumps(about)})
        return path

    @classmethod
    def load(cls, folder: str | Path) -> LinearModel:
        """Read what `save` wrote.

        Raises
        ------
        WeightsError
            The file is not there, damaged, or not one of these.
        """
        path = Path(folder) / FILE
        try:
            with safetensors.safe_open(path, "np") as file:
                about = json.loads(file.metadata()["about"])
                arrays = {name: file.get_tensor(name) for name in _ARRAYS}
            _check(about, arrays)
            grid = GridConfig(**about["grid"])
            return cls(about["name"], tuple(about["labels"]), grid, about["lagged_film"], **arrays)
        except UNREADABLE as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"{path} is no linear model ({reason}): train it again") from error


def _check(about: Any, arrays: Mapping[str, Floats]) -> None:
    """Raise ValueError where the parts of a model do not fit each other, or hold no numbers."""
    kinds = {"name": str, "labels": list, "grid": dict, "lagged_film": bool}
    if not isinstance(about, dict) or [k for k, kind in kinds.items() if not isinstance(about.get(k), kind)]:
        raise ValueError("its description is not that of one")
    if not all(isinstance(label, str) for label in about["labels"]):
        raise ValueError(f"its electrodes are {about['labels']!r}")
    n = arrays["mix"].shape
    due = {"mix": n, "odds": (2,)}
    for side in ("eeg", "film"):
        rows = arrays[f"{side}_mean"].shape
        due |= {f"{side}_mean": rows, f"{side}_sd": rows, f"{side}_weights": rows + n}
    for name, shape in due.items():
        if arrays[name].shape != shape or len(shape) > 2 or not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} of shape {arrays[name].shape} does not fit, or holds no numbers")


UNREADABLE = (
    OSError, KeyError, TypeError, ValueError, OverflowError, RecursionError, safetensors.SafetensorError,
)  # fmt: skip
_ARRAYS = (
    "eeg_mean", "eeg_sd", "eeg_weights", "film_mean", "film_sd", "film_weights", "mix", "odds",
)  # fmt: skip
