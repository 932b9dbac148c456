"""What a lab would otherwise use: a ridge backward model and CCA, on the very windows the network is given.

No point of EEG more is theirs, and the same code judges them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from models.combination import over_places
from models.film_features import on_slots
from models.inference.machine import one_blas_thread
from models.learning import receptive_field
from models.learning.banded import Banded
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.data.features import linear_tables, session_features
from models.learning.data.film import Share, make_missing, of_each
from models.learning.data.light import Light
from models.learning.judging.metrics import Scored
from models.learning.linear import COMPONENTS, Cca, Linear, Ridge, Scorer
from models.learning.responses import CHANGES, RESPONSE_S, Responses
from models.linear_model import REACH_S, Floats, LinearModel, eeg_rows, eeg_slots, film_rows
from recordings.session.session import Session


def read_films(recordings: Recordings, tell: Callable[[str, float], None] | None = None) -> None:
    """Read each film that was not read before, once for all that linear models see of it.

    Parameters
    ----------
    tell : callable, optional
        Told that films are read, and how much of them is, 0 to 1.
    """
    place = recordings.cache, recordings.selectors[1]

    def read(source: Path, stop: Event, share: Share) -> None:
        with Session(source) as session:
            make_missing(session, linear_tables(session, *place), place[1], stop, share)

    of_each(recordings.paths, read, None if tell is None else partial(tell, "films"))


class FilmFeatures:
    """Features of any window of some recordings, on the slots of their grid."""

    def __init__(self, recordings: Recordings) -> None:
        self.recordings = recordings
        self._of_frames: list[NDArray[np.float32]] = []
        for path in recordings.paths:
            with Session(path) as session:
                self._of_frames.append(session_features(session, recordings.cache, recordings.selectors[1]))

    def __call__(self, windows: Windows) -> NDArray[np.float32]:
        """Features (n, G, n_features); 0 where no frame is on show."""
        positions, shown = self.recordings.positions(windows)
        found = [
            on_slots(self._of_frames[session], position, there)
            for session, position, there in zip(windows.session, positions, shown, strict=True)
        ]
        return np.stack(found)


class LinearModels:
    """Ridge, CCA, responses to rises and falls, and banded ridge over recordings; MNE's where it is.

    Parameters
    ----------
    recordings : Recordings
    """

    def __init__(self, recordings: Recordings) -> None:
        self.recordings = recordings

    @cached_property
    def features(self) -> FilmFeatures:
        """Features of the whole frame."""
        return FilmFeatures(self.recordings)

    @cached_property
    def light(self) -> Light:
        """Light by place."""
        return Light(self.recordings)

    @one_blas_thread()
    def fit(self, train: Sequence[Span]) -> dict[str, Scorer]:
        """All models, from windows in a row; sessions (or thirds of one) are left out in turn."""
        blocks = [w for w in map(self._windows, blocks_of(train)) if len(w.end)]
        reach = round(REACH_S * self.recordings.grid.slots_hz) + 1
        found: dict[str, Scorer] = {
            "ridge": Ridge.fit([self.sides("ridge", w) for w in blocks]),
            "banded": Banded.fit([(self.slots(w), self.seen(w, self.attended(w))) for w in blocks], reach),
            "cca": Cca.fit([self.sides("cca", w) for w in blocks]),
            "responses": self.fit_responses(train),
        }
        if not receptive_field.missing():
            sides = [(self.slots(w), self.film(w)) for w in blocks]
            found["mne"] = receptive_field.fit_receptive_field(sides, reach, self.recordings.grid.slots_hz)
        return found

    @one_blas_thread()
    def fit_one(self, name: str, train: Sequence[Span]) -> Linear:
        """`ridge` or `cca` alone."""
        blocks = [w for w in map(self._windows, blocks_of(train)) if len(w.end)]
        sides = [self.sides(name, w) for w in blocks]
        return Ridge.fit(sides) if name == "ridge" else Cca.fit(sides)

    @one_blas_thread()
    def fit_responses(self, train: Sequence[Span], components: int | None = None) -> Responses:
        """Responses to the light of what is attended, of the whole frame where no cue says so.

        Parameters
        ----------
        components : int, optional
            How many; by default the number that does best on blocks that were left out.
        """
        blocks = [w for w in map(self._windows, blocks_of(train)) if len(w.end)]
        sides = [(self.slots(w), self.attended(w)) for w in blocks]
        return Responses.fit(sides, self.n_lags, COMPONENTS if components is None else (components,))

    @property
    def n_lags(self) -> int:
        """Slots over which the answer to a change of light is followed."""
        return round(RESPONSE_S * self.recordings.grid.slots_hz) + 1

    @one_blas_thread()
    def scores_by_place(self, fitted: Responses, windows: Windows, places: tuple[int, int]) -> Floats:
        """Soft maximum over places of how well EEG goes with film, for all pairs of windows: (n, n)."""
        light = Light(self.recordings, places).by_place(windows)
        return over_places(fitted.by_place(self.slots(windows), light))

    def sides(self, name: str, windows: Windows) -> tuple[Floats, Floats]:
        """EEG and film of windows as the model of this name compares them."""
        if name in ("responses", "banded"):
            light = self.light.over(windows, np.full((len(windows.end), 4), np.nan))
            return self.slots(windows), light if name == "responses" else self.seen(windows, light)
        film = self.film(windows)
        return self.eeg(windows), self.behind(film) if name == "cca" else film

    def slots(self, windows: Windows) -> Floats:
        """EEG (n, G + lag, C), slot by slot."""
        return eeg_slots(*self.recordings.eeg(windows), self.recordings.grid)

    def attended(self, windows: Windows) -> Floats:
        """Light (n, G, 4) of what a cue says is attended, of the whole frame elsewhere."""
        return self.light.over(windows, self.recordings.boxes(windows))

    @one_blas_thread()
    def score(
        self, models: Mapping[str, Scorer], test: Sequence[Span], gain: int = 1
    ) -> dict[str, list[Scored]]:
        """All pairs of windows of each session in `test`, by model; `gain` windows in a row make one."""
        found: dict[str, list[Scored]] = {name: [] for name in models}
        for span in test:
            windows = self._windows([span])
            if not len(windows.end):
                continue
            starts, film = self.recordings.starts(windows), self.recordings.film_times(windows)
            run, length = self.recordings.names[span.session], self.recordings.grid.interval_s * gain
            for name, model in models.items():
                scores = model.scores(*(_strung(side, gain) for side in self.sides(name, windows)))
                n = len(scores)
                found[name].append(Scored(scores, starts[:n], run, length, film=film[:n]))
        return found

    def eeg(self, windows: Windows) -> Floats:
        """Lagged EEG (n, G, C·lags)."""
        return eeg_rows(*self.recordings.eeg(windows), self.recordings.grid)

    def film(self, windows: Windows) -> Floats:
        """Film features (n, G, F)."""
        return self.features(windows).astype(np.float64)

    def seen(self, windows: Windows, light: Floats) -> Floats:
        """Film features and the rises and falls of a light (n, G, 4): `banded.SEEN`, (n, G, F)."""
        return np.concatenate([self.film(windows), light[..., CHANGES]], axis=2)

    def behind(self, film: Floats) -> Floats:
        """Film features with those of the slots before beside them (n, G, F·lags)."""
        return film_rows(film, self.recordings.grid, lags=True)

    def _windows(self, spans: Sequence[Span] | Span) -> Windows:
        spans = [spans] if isinstance(spans, Span) else spans
        return self.recordings.every(spans, self.recordings.grid.n_slots)


def blocks_of(train: Sequence[Span], least: int = 3, most: int = 12) -> list[list[Span]]:
    """Cut what is left out in turn: spans as they are, cut up where too few, grouped where too many."""
    if len(train) > most:
        return [list(train[len(train) * i // least : len(train) * (i + 1) // least]) for i in range(least)]
    pieces = -(-least // max(len(train), 1))
    return [
        [Span(s.session, s.start + n * i // pieces, s.start + n * (i + 1) // pieces)]
        for s in train
        for n in [s.stop - s.start]
        for i in range(pieces)
    ]


def _strung(windows: Floats, k: int) -> Floats:
    """Every `k` windows in a row as one: (n, G, F) to (n − k + 1, k·G, F)."""
    n = len(windows) - k + 1
    return windows if k == 1 else np.concatenate([windows[i : n + i] for i in range(k)], axis=1)


def fit_linear(recordings: Recordings, train: Sequence[Span], name: str = "ridge") -> LinearModel:
    """Return a linear model to be kept and used live.

    Its probability is fitted by logistic regression (Platt 1999) on scores of windows that were left out:
    each block of `train` is scored by a model that learned from the others.

    Parameters
    ----------
    name : str
        `ridge` or `cca`.
    """
    models = LinearModels(recordings)
    model = models.fit_one(name, train)
    true, false = [], []
    blocks = blocks_of(train)
    for i in range(len(blocks)):
        others = [span for j, block in enumerate(blocks) if j != i for span in block]
        (run,) = models.score({name: models.fit_one(name, others)}, blocks[i])[name]
        true.append(np.diag(run.scores))
        false.append(run.scores[run.impostors()])
    eeg, film, eeg_weights, film_weights, mix = model.parts()
    return LinearModel(
        name,
        recordings.labels,
        recordings.grid,
        name == "cca",
        eeg.mean,
        eeg.sd,
        eeg_weights,
        film.mean,
        film.sd,
        film_weights,
        mix,
        odds_of(np.concatenate(true), np.concatenate(false)),
    )


def odds_of(true: Floats, false: Floats) -> Floats:
    """Slope and offset (2,) of a logistic of the score, true and mismatched pairs at even odds."""
    if not len(true) or not len(false):
        return np.array([10.0, 0.0])
    scores = np.concatenate([true, false])
    signs = np.concatenate([np.ones(len(true)), -np.ones(len(false))])
    weight = np.concatenate([np.full(len(part), 0.5 / max(len(part), 1)) for part in (true, false)])

    def loss(odds: Floats) -> float:
        return float((weight * np.logaddexp(0, -signs * (odds[0] * scores + odds[1]))).sum())

    return np.asarray(optimize.minimize(loss, np.array([10.0, 0.0])).x)
