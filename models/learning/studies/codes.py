"""Which of the codes on the screen is attended? Trials of a code-modulated speller, one video a trial.

    python -m models.learning.studies.codes SESSION --json

Each trial begins with a marker and shows the attended object's code twice. A window is one pass of it; the
candidates are the videos of all trials at the same pass, so chance is one in the number of trials.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.config import NetworkConfig, preset
from models.learning.baselines import LinearModels
from models.learning.crossval import trained
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.judging.scoring import see_windows
from models.learning.train import Material, prepare
from models.learning.training.recipe import PLAIN, Recipe
from realtime.chance import wilson
from realtime.errors import SessionError
from recordings.session.session import Session

Scores = NDArray[np.float64]
PASS_S, PASSES = 2.1, 2  # of a Gold code of 126 bits at 60 Hz, and how often a trial shows it


@dataclass(frozen=True)
class Trials:
    """Windows of the passes of each trial.

    Attributes
    ----------
    windows : Windows
        Trial by trial, pass by pass.
    starts : array of shape (n_trials,), int64
        First slot of each trial, in rows of the session's table.
    n_slots : int
        Of the session.
    """

    windows: Windows
    starts: NDArray[np.int64]
    n_slots: int

    @classmethod
    def of(cls, recordings: Recordings, prefix: str = "target") -> Trials:
        """Trials of the first session, by its markers.

        Raises
        ------
        SessionError
            Fewer than two trials lie within the session.
        """
        hz, table = recordings.grid.slots_hz, recordings.tables[0]
        with Session(recordings.paths[0]) as session:
            begun = [marker.stamp for marker in session.markers() if marker.text.startswith(prefix)]
        starts = np.round(np.array(begun) * hz).astype(np.int64) - table.first
        ends = starts[:, None] + np.arange(PASSES) * recordings.grid.n_slots + recordings.n_rows
        inside = (starts >= 0) & (ends[:, -1] <= table.n_slots - 1) if len(starts) else np.zeros(0, bool)
        if inside.sum() < 2:
            raise SessionError(
                f"{recordings.paths[0]} has {inside.sum()} whole trials marked {prefix}…: give one with more"
            )
        ends = ends[inside].reshape(-1)
        return cls(Windows(np.zeros_like(ends), ends), starts[inside], table.n_slots)

    def __len__(self) -> int:
        return len(self.starts)

    def spans(self, kept: NDArray[np.bool_]) -> list[Span]:
        """Stretches of trials in a row that are kept."""
        stops = np.append(self.starts[1:], self.n_slots)
        spans: list[Span] = []
        for trial in np.flatnonzero(kept):
            if spans and spans[-1].stop == self.starts[trial]:
                spans[-1] = Span(0, spans[-1].start, int(stops[trial]))
            else:
                spans.append(Span(0, int(self.starts[trial]), int(stops[trial])))
        return spans


def attended(
    material: Material,
    config: NetworkConfig,
    recipe: Recipe,
    n_folds: int = 4,
    tell: Callable[[str], None] = lambda words: None,
) -> dict[str, dict[str, Any]]:
    """Leave blocks of trials out in turn; how often the attended code scores highest, by model.

    Returns
    -------
    dict of model to dict
        `correct` of `n` single passes, their share with its 95 % interval (Wilson), and `correct_trials` of
        `n_trials` with the passes summed.
    """
    _, recordings = prepare(material, config, recipe)
    trials, models = Trials.of(recordings), LinearModels(recordings)
    block = np.arange(len(trials)) * n_folds // len(trials)
    found: dict[str, Scores] = {}
    for fold in range(n_folds):
        left_out = block == fold
        spans = trials.spans(~left_out)
        network = trained(config, recipe, recordings, spans)
        seen = see_windows(network.eval(), recordings, trials.windows, match=False)
        said = {"network": (seen.eeg.flatten(1) @ seen.video.flatten(1).T).double().numpy()}
        for name, model in models.fit(spans).items():
            eeg, film = models.eeg(trials.windows), models.film(trials.windows)
            said[name] = np.asarray(model.scores(eeg, models.behind(film) if name == "cca" else film))
        for name, scores in said.items():
            kept = found.setdefault(name, np.zeros((len(trials), PASSES, len(trials))))
            kept[left_out] = same_pass(scores, len(trials))[left_out]
        tell(f"block {fold + 1} of {n_folds}")
    return {name: told(scores) for name, scores in found.items()}


def same_pass(scores: Scores, n_trials: int) -> Scores:
    """Scores of all windows with all (n·p, n·p), as (n, p, n): each pass with every trial's same pass."""
    by_pass = scores.reshape(n_trials, PASSES, n_trials, PASSES)
    same: Scores = np.einsum("apbp->apb", by_pass)
    return same


def told(scores: Scores) -> dict[str, Any]:
    """How often the own trial's video scores highest, of one pass and of all passes together."""
    own = np.arange(len(scores))
    single = scores.argmax(axis=2) == own[:, None]
    whole = scores.sum(axis=1).argmax(axis=1) == own
    return {
        "correct": int(single.sum()),
        "n": single.size,
        "share": round(float(single.mean()), 4),
        "share_ci": [round(x, 4) for x in wilson(int(single.sum()), single.size)],
        "correct_trials": int(whole.sum()),
        "n_trials": len(whole),
        "chance": round(1 / len(scores), 4),
    }


def main() -> None:
    """Judge one session, and print what was found."""
    parser = argparse.ArgumentParser(description="Tell which of the codes on the screen is attended.")
    parser.add_argument("session", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--precision", default="32-true", help="bf16-mixed is twice as fast on newer CPUs.")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    grid = {"slots_hz": 100, "interval_s": PASS_S, "lag_s": 0.0}
    config = preset("demo", {f"grid.{name}": value for name, value in grid.items()})
    recipe = Recipe(steps=asked.steps, validation=0, match=0, precision=asked.precision, **PLAIN)
    material = Material([asked.session], cache=asked.cache)
    found = attended(material, config, recipe, asked.folds, lambda words: print(words, file=sys.stderr))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
