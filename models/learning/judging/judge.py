"""Figures of a scorer over runs: the parts of every report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.learning.data.dataset import Recordings
from models.learning.judging.metrics import Scored, calibration, contest, interval, pairs, summary
from models.learning.judging.scoring import Seen, match_runs, similarity_runs

LENGTHS = {"1": (2, 1), "2": (1, 1), "4": (1, 2), "5": (2, 5), "8": (1, 4), "10": (2, 10)}
"""Window lengths in seconds: into how many parts an interval of 2 s is cut, how many of them are summed."""


@dataclass(frozen=True)
class Runs:
    """All that a network said of some windows, by run.

    Attributes
    ----------
    similarity, match : list of Scored
        `match` holds probabilities; empty where it was not asked for.
    halves : list of Scored
        Similarities of windows of half the length.
    """

    similarity: list[Scored]
    halves: list[Scored]
    match: list[Scored]

    @classmethod
    def of(cls, seen: Seen, recordings: Recordings) -> Runs:
        """Take what a network has seen apart by run."""
        return cls(
            similarity_runs(seen, recordings),
            similarity_runs(seen, recordings, parts=2),
            match_runs(seen, recordings) if seen.match is not None else [],
        )

    def __add__(self, other: Runs) -> Runs:
        """Join both."""
        return Runs(self.similarity + other.similarity, self.halves + other.halves, self.match + other.match)


def judged(runs: Runs) -> dict[str, Any]:
    """Give `two_way` and what stands beside it at the top; `similarity`, `match`, `lengths`, `by_run`, …."""
    figures = summary(runs.similarity)
    true, false = pairs(runs.similarity)
    found: dict[str, Any] = {
        **headline(figures),
        "similarity": figures,
        "cosine": {"true": _spread(true), "mismatched": _spread(false)},
        "lengths": by_length(runs),
        "by_run": {"similarity": by_run(runs.similarity)},
    }
    if runs.match:
        found["match"] = summary(runs.match)
        found["by_run"]["match"] = by_run(runs.match)
        found["lengths_match"] = {
            f"{k * runs.match[0].length_s:g}": brief([_as_logits(run).summed(k) for run in runs.match])
            for k in (1, 2, 4)
        }
        found["calibration"] = _calibration(runs.match)
    return found


def headline(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures that stand at the top of every result."""
    names = (
        "two_way", "two_way_ci", "verdict", "five_way", "ten_way", "ten_way_ci", "null_two_way", "n_windows",
    )  # fmt: skip
    return {name: figures.get(name) for name in names}


def brief(runs: Sequence[Scored]) -> dict[str, Any]:
    """2-way and 10-way with their intervals."""
    result = contest(runs)
    if not result.n:
        return {"n_windows": 0}
    found: dict[str, Any] = {"n_windows": result.n}
    for word, n in (("two_way", 2), ("ten_way", 10)):
        values = result.n_way(n)
        found[word] = round(float(values.mean()), 4)
        found[f"{word}_ci"] = [round(x, 4) for x in interval(values)]
    return found


def by_length(runs: Runs) -> dict[str, dict[str, Any]]:
    """Judge the similarity over windows of other lengths, by seconds (`LENGTHS`, at intervals of 2 s)."""
    cut = {1: runs.similarity, 2: runs.halves}
    scale = runs.similarity[0].length_s / 2 if runs.similarity else 1.0
    return {
        f"{float(seconds) * scale:g}": brief([run.summed(k) for run in cut[parts]])
        for seconds, (parts, k) in LENGTHS.items()
    }


def by_run(runs: Sequence[Scored]) -> dict[str, dict[str, Any]]:
    """Each run for itself."""
    return {run.run: brief([run]) for run in runs}


def _calibration(match: Sequence[Scored]) -> dict[str, Any]:
    """How far the match's probability can be taken at its word, at even odds."""
    return calibration(*pairs(match)).as_dict()


def _spread(values: np.ndarray) -> dict[str, float]:
    return {"mean": round(float(values.mean()), 4), "sd": round(float(values.std()), 4)}


def _as_logits(run: Scored) -> Scored:
    """Probabilities as logits, which is what evidence adds up in."""
    p = np.clip(run.scores, 1e-9, 1 - 1e-9)
    return replace(run, scores=np.log(p / (1 - p)))
