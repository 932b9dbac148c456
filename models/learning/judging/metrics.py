"""What a matrix of scores, every EEG window against every video window of a run, is worth against chance.

Match–mismatch: given the EEG of a window, which of n videos was being watched. The impostors are windows of
the same run, far enough away; each is also somebody's true one. The accuracy is its exact expectation over
all draws of impostors, so no draw adds noise; the uncertainty that is left is that over windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.chance import IMPOSTOR_GAP_S, auc, wilson

Floats = NDArray[np.float64]
N_SHIFTS = 9
CHANCE, NEAR = 0.5, 0.05
_BOOTSTRAPS = 2000


@dataclass(frozen=True)
class Scored:
    """All pairs of one run.

    Attributes
    ----------
    scores : array of shape (n, n), float64
        Row: EEG of a window. Column: video of a window, in the same order.
    starts : array of shape (n,), float64 s
    run : str
        Where the windows come from.
    length_s : float
        Of a window; windows that overlap are never impostors.
    every : int
        Only every k-th row is judged, so that no two of them share a moment of EEG.
    film : array of shape (n,), float64 s, or None
        When each window begins in its film (`Recordings.film_times`): what shows the same moment is no
        impostor, whenever it was shown. None: no moment comes twice.
    """

    scores: Floats
    starts: Floats
    run: str = ""
    length_s: float = 2.0
    every: int = 1
    film: Floats | None = None

    def impostors(self, gap_s: float = IMPOSTOR_GAP_S) -> NDArray[np.bool_]:
        """Which columns may be impostors of which row's true window, (n, n)."""
        allowed = np.ones(self.scores.shape, bool)
        for times in (self.starts, *(() if self.film is None else (self.film,))):
            apart = np.abs(times[:, None] - times[None, :])
            allowed &= apart >= max(gap_s, self.length_s) - 1e-9
        return allowed

    def summed(self, k: int) -> Scored:
        """Evidence of `k` windows in a row: it may begin at any window, but those judged do not overlap."""
        n = max(0, len(self.starts) - k + 1)
        total = sum(self.scores[m : n + m, m : n + m] for m in range(k)) / k
        steady = np.abs(self.starts[k - 1 :][:n] - self.starts[:n] - (k - 1) * self.length_s) < 1e-6
        kept = np.asarray(total)[np.ix_(steady, steady)]
        film = None if self.film is None else self.film[:n][steady]
        return Scored(kept, self.starts[:n][steady], self.run, self.length_s * k, k, film)


@dataclass(frozen=True)
class Contest:
    """For each window, (n_windows,): of how many impostors how many score below it (a tie counts half)."""

    below: Floats
    n_impostors: NDArray[np.int64]

    @property
    def n(self) -> int:
        """How many windows were judged."""
        return len(self.below)

    @property
    def beaten(self) -> Floats:
        """Share of the impostors below: the 2-way accuracy of each window."""
        return self.below / np.maximum(self.n_impostors, 1)

    def n_way(self, n: int) -> Floats:
        """Probability that a window is chosen among itself and n − 1 impostors drawn without repetition."""
        p = np.ones(self.n)
        for i in range(n - 1):
            p *= np.clip(self.below - i, 0, None) / np.clip(self.n_impostors - i, 1, None)
        return p

    def top(self, k: int) -> Floats:
        """1 where fewer than `k` impostors score higher: retrieval among all of them, (n_windows,)."""
        return (self.n_impostors - self.below < k).astype(np.float64)


def contest(runs: Iterable[Scored], gap_s: float = IMPOSTOR_GAP_S, least: int = 9) -> Contest:
    """Set true windows against their impostors, over runs; those with fewer than `least` are left out."""
    below, counts = [], []
    for run in runs:
        allowed = run.impostors(gap_s)
        true = np.diag(run.scores)[:, None]
        won = (run.scores < true) + 0.5 * (run.scores == true)
        below.append((won * allowed).sum(axis=1)[:: run.every])
        counts.append(allowed.sum(axis=1)[:: run.every])
    return _joined(below, counts, least)


def shifted_contest(
    runs: Iterable[Scored], share: float, gap_s: float = IMPOSTOR_GAP_S, least: int = 9
) -> Contest:
    """Turn the video round against the EEG by `share` of each run, so that there is nothing to find.

    The video that was really on show, and what is near it, is neither partner nor impostor.
    """
    below, counts = [], []
    for run in runs:
        n = len(run.starts)
        if not n:
            continue
        partner = (np.arange(n) + max(1, round(share * n))) % n
        allowed = run.impostors(gap_s)
        kept = allowed[np.arange(n), partner]
        both = allowed & allowed[partner]
        true = run.scores[np.arange(n), partner][:, None]
        won = (run.scores < true) + 0.5 * (run.scores == true)
        below.append((won * both).sum(axis=1)[kept])
        counts.append(both.sum(axis=1)[kept])
    return _joined(below, counts, least)


def null_two_way(runs: Sequence[Scored], n_shifts: int = N_SHIFTS, gap_s: float = IMPOSTOR_GAP_S) -> Floats:
    """2-way accuracy under each of `n_shifts` circular shifts: (n_shifts,).

    They are spread over the run by the golden ratio, so that no rhythm of the stimulus meets them all.
    """
    shares = 0.08 + 0.84 * ((np.arange(n_shifts) + 1) * 0.6180339887498949 % 1)
    contests = [shifted_contest(runs, float(share), gap_s, least=1) for share in shares]
    return np.array([c.beaten.mean() if c.n else np.nan for c in contests])


def interval(values: Floats, seed: int = 0) -> tuple[float, float]:
    """95 % interval of a mean over windows: bootstrap over windows, percentiles."""
    if len(values) == 0:
        return 0.0, 1.0
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(values), (_BOOTSTRAPS, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class Calibration:
    """How far a probability can be taken at its word, true and mismatched pairs at even odds.

    Attributes
    ----------
    said, seen, weight : arrays of shape (n_bins,), float64
        Mean probability in a bin, share of true pairs in it, share of all weight; empty bins are left out.
    error : float
        Expected calibration error: Σ weight·|said − seen|.
    brier : float
        Mean squared distance to the truth; 0.25 for one who always says a half.
    """

    said: Floats
    seen: Floats
    weight: Floats
    error: float
    brier: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON and reports."""
        return {
            "said": self.said.round(4).tolist(),
            "seen": self.seen.round(4).tolist(),
            "weight": self.weight.round(4).tolist(),
            "error": round(self.error, 4),
            "brier": round(self.brier, 4),
        }


def calibration(positive: Floats, negative: Floats, n_bins: int = 10) -> Calibration:
    """Compare probabilities given to true pairs (n,) and to mismatched ones (m,) with what is true."""
    p = np.concatenate([positive, negative])
    truth = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    weight = np.concatenate([np.full(len(x), 0.5 / max(len(x), 1)) for x in (positive, negative)])
    which = np.minimum((p * n_bins).astype(int), n_bins - 1)
    total: Floats = np.bincount(which, weight, n_bins).astype(np.float64)
    there = total > 0
    said = np.bincount(which, weight * p, n_bins)[there] / total[there]
    seen = np.bincount(which, weight * truth, n_bins)[there] / total[there]
    error = float((total[there] * np.abs(said - seen)).sum())
    return Calibration(said, seen, total[there], error, float((weight * (p - truth) ** 2).sum()))


def pairs(runs: Iterable[Scored], gap_s: float = IMPOSTOR_GAP_S) -> tuple[Floats, Floats]:
    """Scores of all true pairs and of all mismatched ones."""
    true, false = [np.zeros(0)], [np.zeros(0)]
    for run in runs:
        true.append(np.diag(run.scores))
        false.append(run.scores[run.impostors(gap_s)])
    return np.concatenate(true), np.concatenate(false)


def verdict(two_way_ci: Sequence[float]) -> str:
    """Say in words what the 95 % interval of a 2-way accuracy (low, high) leaves open.

    `at chance`: it holds a half. `near chance`: all of it lies above, its low end by less than `NEAR`.
    """
    low, high = two_way_ci
    if high < CHANCE:
        return "below chance"
    if low <= CHANCE:
        return "at chance"
    return "near chance" if low < CHANCE + NEAR else "above chance"


def summary(runs: Sequence[Scored], gap_s: float = IMPOSTOR_GAP_S) -> dict[str, object]:
    """Return the figures a report shows of one scorer, each with its 95 % interval and its chance."""
    result = contest(runs, gap_s)
    if not result.n:
        return {"n_windows": 0}
    found: dict[str, object] = {"n_windows": result.n}
    for word, n in (("two", 2), ("five", 5), ("ten", 10)):
        values = result.n_way(n)
        found[f"{word}_way"] = round(float(values.mean()), 4)
        found[f"{word}_way_ci"] = _rounded(interval(values))
        found[f"{word}_way_chance"] = 1 / n
    for k in (1, 5):
        hits = result.top(k)
        found[f"top_{k}"] = round(float(hits.mean()), 4)
        found[f"top_{k}_ci"] = _rounded(wilson(int(hits.sum()), result.n))
        found[f"top_{k}_chance"] = round(float(np.minimum(1, k / (result.n_impostors + 1)).mean()), 4)
    found["verdict"] = verdict(interval(result.beaten))
    null = null_two_way(runs, gap_s=gap_s)
    found["null_two_way"] = round(float(np.nanmean(null)), 4)
    found["null_two_way_sd"] = round(float(np.nanstd(null)), 4)
    found["auc"] = round(auc(*pairs(runs, gap_s)) or 0.0, 4)
    return found


def _joined(below: list[Floats], counts: list[NDArray[np.int64]], least: int) -> Contest:
    if not below:
        return Contest(np.zeros(0), np.zeros(0, np.int64))
    won, n = np.concatenate(below), np.concatenate(counts)
    return Contest(won[n >= least], n[n >= least])


def _rounded(pair: tuple[float, float]) -> list[float]:
    return [round(pair[0], 4), round(pair[1], 4)]
