"""Trials of a code-modulated speller: each begins with a marker and shows every code twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.training.recipe import Recipe
from realtime.errors import SessionError
from recordings.session.session import Session

PASS_S, PASSES = 2.1, 2
"""A Gold code of 126 bits at 60 Hz lasts so long, and a trial shows it so often."""
CUES = {"target": {"rows": 4, "columns": 8, "seconds": PASS_S * PASSES}}
"""Where each object is: 4 × 8 cells, row by row (shared data: cvep32-grid)."""


@dataclass(frozen=True)
class Trials:
    """The trials of one session.

    Attributes
    ----------
    session : int
    starts : array of shape (n_trials,), int64
        First slot of each, in rows of the session's table.
    targets : array of shape (n_trials,), int64
        Number of the attended object.
    n_rows, n_slots : int
        Of an interval, with and without its lag.
    """

    session: int
    starts: NDArray[np.int64]
    targets: NDArray[np.int64]
    n_rows: int
    n_slots: int

    @classmethod
    def of(cls, recordings: Recordings, session: int = 0, prefix: str = "target") -> Trials:
        """Those that lie wholly within a session, by its markers.

        Raises
        ------
        SessionError
            Fewer than two do.
        """
        hz, table = recordings.grid.slots_hz, recordings.tables[session]
        with Session(recordings.paths[session]) as recorded:
            found = [(m.stamp, m.text.removeprefix(prefix)) for m in recorded.markers() if prefix in m.text]
        begun = [(stamp, int(number)) for stamp, number in found if number.isdigit()]
        starts = np.round(np.array([stamp for stamp, _ in begun]) * hz).astype(np.int64) - table.first
        last = starts + (PASSES - 1) * recordings.grid.n_slots + recordings.n_rows
        inside = (starts >= 0) & (last <= table.n_slots - 1)
        if inside.sum() < 2:
            raise SessionError(
                f"{recordings.paths[session]} has {inside.sum()} whole trials marked {prefix}N: "
                f"give one with more"
            )
        targets = np.array([number for _, number in begun], np.int64)
        sizes = recordings.n_rows, recordings.grid.n_slots
        return cls(session, starts[inside], targets[inside], *sizes)

    def __len__(self) -> int:
        """Count them."""
        return len(self.starts)

    def stamps(self, recordings: Recordings) -> NDArray[np.float64]:
        """When each begins, (n_trials,) s on the session's clock."""
        return (self.starts + recordings.tables[self.session].first) / recordings.grid.slots_hz

    def blocks(self, n: int) -> NDArray[np.int64]:
        """Which of `n` blocks in a row each trial belongs to, (n_trials,)."""
        return np.arange(len(self)) * n // len(self)

    def windows(self, chosen: NDArray[np.bool_]) -> Windows:
        """Return the passes of the chosen trials (n_trials,), trial by trial."""
        ends = self.starts[chosen][:, None] + np.arange(PASSES) * self.n_slots + self.n_rows
        return self._as_windows(ends)

    def phases(self, trial: int, shifts: NDArray[np.int64]) -> Windows:
        """Return a trial's film so many slots (n,) after its start."""
        return self._as_windows(self.starts[trial] + shifts + self.n_rows)

    def spans(self, chosen: NDArray[np.bool_]) -> list[Span]:
        """Each of the chosen trials (n_trials,) by itself: windows and their lag lie wholly inside."""
        length = (PASSES - 1) * self.n_slots + self.n_rows + 1
        return [Span(self.session, int(start), int(start) + length) for start in self.starts[chosen]]

    def _as_windows(self, ends: NDArray[np.int64]) -> Windows:
        flat = ends.reshape(-1).astype(np.int64)
        return Windows(np.full(len(flat), self.session, np.int64), flat)


def changed(
    settings: Sequence[str], network: Mapping[str, Any], recipe: Recipe, seed: int
) -> tuple[dict[str, Any], Recipe]:
    """Return a study's network and recipe, changed as `--set` of the program changes a preset's."""
    given = dict(setting.partition("=")[::2] for setting in settings)
    own = {name.removeprefix("recipe."): value for name, value in given.items() if name.startswith("recipe.")}
    parts = {name: value for name, value in given.items() if not name.startswith("recipe.")}
    return {**network, **parts}, Recipe(**{**recipe.model_dump(), "seed": seed, **own})
