"""Responses to rises and falls of light, fitted and kept: spatial filters, each with what it answers to.

    score = mean over components of Pearson's r of (electrodes → component) with (the film's last 0.3 s → it)

of the frame as a whole, or of each of its places, whose soft maximum then counts. With many electrodes and
little data this is what to beat (fitted by `learning.responses`). No torch.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from models.combination import over_places
from models.linear_model import UNREADABLE, Floats, eeg_slots, probability, standing
from realtime.config import GridConfig
from realtime.errors import WeightsError

FILE = "responses.safetensors"
RESPONSES, BY_PLACE = "responses", "responses by place"
"""Names of the two."""


def answers(film: Floats, responses: Floats, n_rows: int) -> Floats:
    """Compute what components answer to a film: `behind` of film (n, G, ..., F) @ responses (F · lags, k).

    Added up lag by lag, so that the film is not laid out once for each: (n, n_rows, ..., k).
    """
    n_features = film.shape[-1]
    n_lags = len(responses) // n_features
    pad = [(0, 0), (n_lags - 1, max(0, n_rows - film.shape[1])), *[(0, 0)] * (film.ndim - 2)]
    padded = np.pad(film, pad)
    found = np.zeros((len(film), n_rows, *film.shape[2:-1], responses.shape[1]))
    for lag, weights in enumerate(responses.reshape(n_lags, n_features, -1)):
        found += padded[:, n_lags - 1 - lag :][:, :n_rows] @ weights
    return found


def behind(film: Floats, n_lags: int, n_rows: int) -> Floats:
    """Film (n, G, ..., F) with its last `n_lags` slots beside each: (n, n_rows, ..., F · lags).

    Film before and after the window is not known and reads as 0, which is its mean where it is standardised.
    """
    n_slots = film.shape[1]
    pad = [(0, 0), (n_lags - 1, max(0, n_rows - n_slots)), *[(0, 0)] * (film.ndim - 2)]
    padded = np.pad(film, pad)
    return np.concatenate([padded[:, n_lags - 1 - lag :][:, :n_rows] for lag in range(n_lags)], axis=-1)


@dataclass(frozen=True)
class ResponseModel:
    """See the module. C electrodes, F features of light, k components.

    Attributes
    ----------
    labels : tuple of str
    used : tuple of int
        Which features of light (`models.light_features.FEATURES`).
    mean, filters : arrays of shape (C,), (C, k)
    film_mean, film_sd : arrays of shape (F,)
    responses : array of shape (F · lags, k)
    odds : array of shape (2,)
        The probability of a match is the logistic of odds[0]·score + odds[1].
    places : (int, int) or None
        Rows and columns of P places that are seen apart; None for the frame as a whole, P = 1.
    """

    labels: tuple[str, ...]
    grid: GridConfig
    used: tuple[int, ...]
    mean: Floats
    filters: Floats
    film_mean: Floats
    film_sd: Floats
    responses: Floats
    odds: Floats
    places: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """What it is called beside others."""
        return RESPONSES if self.places is None else BY_PLACE

    def see_eeg(
        self, eeg: NDArray[np.float32], valid: NDArray[np.bool_], scale: NDArray[np.float32]
    ) -> Floats:
        """Components of EEG windows (n, C, n_times), given as to `linear_model.eeg_slots`: (n, S·k).

        S is the number of slots of an interval and its lag.
        """
        seen = standing((eeg_slots(eeg, valid, scale, self.grid) - self.mean) @ self.filters)
        return seen.reshape(len(seen), -1)

    def see_film(self, film: Floats) -> Floats:
        """Answers of the components to the light of each place (n, G, P, 4): (n, P, S·k)."""
        standard = (film[..., self.used] - self.film_mean) / self.film_sd
        n_rows = film.shape[1] + round(self.grid.lag_s * self.grid.slots_hz)
        answered = standing(answers(standard, self.responses, n_rows))
        return np.swapaxes(answered, 1, 2).reshape(len(film), film.shape[2], -1)

    def compare(self, eeg: Floats, film: Floats) -> Floats:
        """Scores (n, m), -1 to 1, of what `see_eeg` gives of n windows with what `see_film` gives of m."""
        r = eeg @ film.reshape(-1, film.shape[2]).T / self.filters.shape[1]
        return over_places(r.reshape(len(eeg), *film.shape[:2]))

    def match(self, score: Floats) -> Floats:
        """Probability that a pair of this score belongs together, at even odds; any shape (...)."""
        return probability(self.odds, score)

    def save(self, folder: str | Path) -> Path:
        """Write it to a folder; gives the file."""
        path = Path(folder) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        about = {
            "labels": list(self.labels),
            "grid": self.grid.model_dump(),
            "used": list(self.used),
            "places": self.places,
        }
        safetensors.numpy.save_file(arrays, path, {"about": json.dumps(about)})
        return path

    @classmethod
    def load(cls, folder: str | Path) -> ResponseModel:
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
                arrays = {name: np.asarray(file.get_tensor(name), np.float64) for name in _ARRAYS}
            labels, used = tuple(map(str, about["labels"])), tuple(map(int, about["used"]))
            made = cls(
                labels, GridConfig(**about["grid"]), used, **arrays, places=_shape(about.get("places"))
            )
            made._check()
            return made
        except UNREADABLE as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"{path} holds no responses ({reason}): train it again") from error

    def _check(self) -> None:
        """Raise ValueError where the parts do not fit each other, or hold no numbers."""
        n, k = self.filters.shape
        n_used = len(self.used)
        due = {"mean": (n,), "film_mean": (n_used,), "film_sd": (n_used,), "odds": (2,)}
        wrong = [name for name, shape in due.items() if getattr(self, name).shape != shape]
        wrong += [] if n == len(self.labels) else ["labels"]
        wrong += [] if set(self.used) <= set(range(4)) and n_used else ["used"]
        lags, rest = divmod(len(self.responses), max(n_used, 1))
        wrong += [] if self.responses.shape[1:] == (k,) and lags and not rest else ["responses"]
        wrong += [name for name in _ARRAYS if np.isnan(getattr(self, name)).any()]
        if wrong:
            raise ValueError(f"{', '.join(wrong)} do not fit, or hold no numbers")


def _shape(places: Any) -> tuple[int, int] | None:
    """Rows and columns as they were written; ValueError for anything else."""
    if places is None:
        return None
    rows, columns = map(int, places)
    if min(rows, columns) < 1:
        raise ValueError(f"places {rows} × {columns}")
    return rows, columns


_ARRAYS = ("mean", "filters", "film_mean", "film_sd", "responses", "odds")
