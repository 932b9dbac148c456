"""What a lab would otherwise use: a ridge backward model and CCA, on the very windows the network is given.

No point of EEG more is theirs, and the same code judges them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.learning.dataset import Recordings, Span, Windows
from models.learning.features import on_slots, session_features
from models.learning.linear import Cca, Floats, Linear, Ridge, lagged
from models.learning.metrics import Scored
from recordings.session import Session

REACH_S = 0.55
"""How long after a frame the brain's answer is looked for; EEG that a window does not hold reads as 0."""
FILM_REACH_S = 0.25  # how far back CCA looks in the film
_CLIP = 8.0


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
    """Ridge and CCA over recordings.

    Parameters
    ----------
    recordings : Recordings
    """

    def __init__(self, recordings: Recordings) -> None:
        self.recordings = recordings
        self.features = FilmFeatures(recordings)
        hz = recordings.grid.slots_hz
        self.eeg_lags, self.film_lags = round(REACH_S * hz) + 1, round(FILM_REACH_S * hz) + 1

    def fit(self, train: Sequence[Span]) -> dict[str, Linear]:
        """Both models, from windows in a row; sessions (or thirds of one) are left out in turn."""
        blocks = _blocks(train)
        pairs = [(self.eeg(w), self.film(w)) for w in map(self._windows, blocks) if len(w.end)]
        lagged_film = [(eeg, self.behind(film)) for eeg, film in pairs]
        return {"ridge": Ridge.fit(pairs), "cca": Cca.fit(lagged_film)}

    def score(
        self, models: dict[str, Linear], test: Sequence[Span], gain: int = 1
    ) -> dict[str, list[Scored]]:
        """All pairs of windows of each session in `test`, by model; `gain` windows in a row make one."""
        found: dict[str, list[Scored]] = {name: [] for name in models}
        for span in test:
            windows = self._windows([span])
            if not len(windows.end):
                continue
            eeg, film = self.eeg(windows), self.film(windows)
            starts = self.recordings.starts(windows)
            run, length = self.recordings.names[span.session], self.recordings.grid.interval_s * gain
            for name, model in models.items():
                shown = self.behind(film) if name == "cca" else film
                scores = model.scores(*(_strung(side, gain) for side in (eeg, shown)))
                found[name].append(Scored(scores, starts[: len(scores)], run, length))
        return found

    def eeg(self, windows: Windows) -> Floats:
        """Lagged EEG (n, G, C·lags): slot means in units of the running scale, clipped."""
        eeg, valid, scale = self.recordings.eeg(windows)
        grid = self.recordings.grid
        unit = np.clip(eeg / scale[:, :, None], -_CLIP, _CLIP) * valid[:, None]
        per_slot = grid.eeg_hz // grid.slots_hz
        slots = unit.reshape(*unit.shape[:2], -1, per_slot).mean(axis=3).transpose(0, 2, 1)
        return lagged(slots.astype(np.float64), self.eeg_lags, grid.n_slots)

    def film(self, windows: Windows) -> Floats:
        """Film features (n, G, F)."""
        return self.features(windows).astype(np.float64)

    def behind(self, film: Floats) -> Floats:
        """Film features with those of the slots before beside them (n, G, F·lags)."""
        turned = lagged(film[:, ::-1], self.film_lags, film.shape[1])
        return turned[:, ::-1]

    def _windows(self, spans: Sequence[Span] | Span) -> Windows:
        spans = [spans] if isinstance(spans, Span) else spans
        return self.recordings.every(spans, self.recordings.grid.n_slots)


def _blocks(train: Sequence[Span], least: int = 3) -> list[list[Span]]:
    """What is left out in turn: spans as they are, cut up where there are too few."""
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
