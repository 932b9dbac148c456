"""Which of network, linear models and their sum is best on held-out parts of the training data, and runs.

Each is judged by how likely it makes the true video of every held-out window among its impostors, a softmax
of weight · score; windows that overlap by half count half. A sum has a weight more to fit these windows with,
and is judged on few of them. It runs where neither of its parts is plainly better than the other (`PLAINLY`),
so that nothing hangs on which of them those few windows favour; beside one that is, it has to be plainly
better itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from models.checkpoint import load_checkpoint
from models.combination import NETWORK, SECOND, TWO, Combination
from models.inference.linear_engine import load_linear
from models.learning.baselines import FilmFeatures, LinearModels, fit_linear, odds_of
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.data.light import Light
from models.learning.judging.judge import headline
from models.learning.judging.metrics import Floats, Scored, contest, interval, pairs, summary
from models.learning.judging.scoring import Seen, place_runs, see_windows, similarity_runs
from models.learning.linear import Scorer
from models.learning.responses import Responses
from models.learning.training.search import Sought
from models.learning.training.validation import HeldWindows
from models.linear_model import FILE, LinearModel
from models.response_model import BY_PLACE, RESPONSES, ResponseModel
from models.response_model import FILE as RESPONSES_FILE

LINEAR = ("ridge", "cca", RESPONSES)
"""Linear models that can run live; where there are cues, `BY_PLACE` as well."""
PLAINLY = 2.0
"""Standard errors by which a candidate must do better than another, over the same windows."""
_OVERLAP = 2  # held-out windows begin half an interval apart


def choose(sought: Sought, recordings: Recordings, second: Sought | None = None) -> Combination:
    """Judge the network of a search, linear models that learned from the same parts, and their sums.

    Parameters
    ----------
    second : Sought, optional
        Of a second network on the same parts: the mean of both is a candidate too, and its sums.

    Returns
    -------
    Combination
        The best, with the figures of all: `two_way`, `two_way_ci`, `likelihood` (a window's, in bits above
        chance), `weights`.
    """
    linear = linear_runs(sought.parts, recordings, sought.places)
    networks = {NETWORK: list(sought.judged)}
    if second is not None:
        networks[TWO] = [_summed(pair, 0.5) for pair in zip(sought.judged, second.judged, strict=True)]
    runs = {**networks, **linear}
    singles = [_fitted(runs, (name,)) for name in runs]
    sums = [_fitted(runs, (network, name)) for network in networks for name in linear]
    judged = {candidate.name: candidate for candidate in (*singles, *sums)}
    best = _best(singles, sums)
    figures = {name: candidate.told() for name, candidate in judged.items()}
    true, false = pairs(best.runs)
    slope, offset = odds_of(true, false)
    odds = float(slope), float(offset)
    return Combination(best.name, best.share, odds, figures, by_place=sought.places is not None)


def _best(singles: Sequence[Candidate], sums: Sequence[Candidate]) -> Candidate:
    """Return the likeliest candidate of those that may run."""
    by_name = {candidate.name: candidate for candidate in singles}
    single = max(singles, key=lambda candidate: candidate.worth)
    may = [single]
    for both in sums:
        one, other = (by_name[name] for name in both.parts)
        if abs(one.lead(other)) <= PLAINLY or both.lead(single) > PLAINLY:
            may.append(both)
    return max(may, key=lambda candidate: candidate.worth)


def linear_runs(
    parts: Sequence[tuple[Sequence[Span], Sequence[Span]]],
    recordings: Recordings,
    places: tuple[int, int] | None = None,
) -> dict[str, list[Scored]]:
    """Ask linear models, fitted to what each part leaves, about the part's windows; by place where asked."""
    models = LinearModels(recordings)
    names = LINEAR if places is None else (*LINEAR, BY_PLACE)
    found: dict[str, list[Scored]] = {name: [] for name in names}
    for train, held in parts:
        windows = HeldWindows.of(recordings, held)
        assert windows is not None, "a part was judged that has no window"
        for name, scores in linear_scores(models, fit_all(models, train), windows.windows, places).items():
            found[name].append(windows.judged(scores))
    return found


def fit_all(models: LinearModels, train: Sequence[Span]) -> dict[str, Scorer]:
    """Fit what can run live, by name."""
    return {
        name: models.fit_responses(train) if name == RESPONSES else models.fit_one(name, train)
        for name in LINEAR
    }


def linear_scores(
    models: LinearModels,
    fitted: Mapping[str, Scorer],
    windows: Windows,
    places: tuple[int, int] | None = None,
) -> dict[str, Floats]:
    """Score all pairs of windows, (n, n) by name, with those that see places where there are any."""
    found = {name: model.scores(*models.sides(name, windows)) for name, model in fitted.items()}
    if places is not None and isinstance(responses := fitted[RESPONSES], Responses):
        found[BY_PLACE] = models.scores_by_place(responses, windows, places)
    return found


class Candidate:
    """Scores with the weights that make the held-out windows likeliest.

    Attributes
    ----------
    worth : float
        Log likelihood of the windows above chance.
    share : float
        Of the network in the sum.
    parts : sequence of str
        What was summed; one may have been given no weight.
    """

    def __init__(self, parts: Sequence[str], runs: Sequence[Scored], gains: Floats, share: float) -> None:
        self.parts, self.runs, self.gains, self.share = parts, runs, gains, share
        self.name = "+".join(parts) if 0 < share < 1 else parts[0] if share == 1 else parts[-1]
        self.worth = float(gains.sum()) / _OVERLAP

    def lead(self, other: Candidate) -> float:
        """By how much it does better than another on the same windows, in standard errors."""
        better = self.gains - other.gains
        error = float(better.std() * np.sqrt(len(better) / _OVERLAP))
        return float(better.sum()) / _OVERLAP / max(error, 1e-9)

    def told(self) -> dict[str, Any]:
        """Give its figures as plain values."""
        result = contest(self.runs, least=1)
        n = max(1.0, result.n / _OVERLAP)
        return {
            "two_way": round(float(result.beaten.mean()), 4),
            "two_way_ci": [round(x, 4) for x in interval(result.beaten)],
            "likelihood": round(self.worth / n / np.log(2), 4),
            "share": round(self.share, 4),
        }


def _fitted(runs: Mapping[str, Sequence[Scored]], names: Sequence[str]) -> Candidate:
    """Fit the weights (one each, none below 0) of a sum of scores."""
    tables = [Rivals.of([runs[name][k] for name in names]) for k in range(len(runs[names[0]]))]
    weights, _ = likeliest(tables)
    share = weights[0] / max(weights.sum(), 1e-9) if len(names) > 1 else float(names[0] in (NETWORK, TWO))
    parts = [
        _summed([runs[name][k] for name in names], share if len(names) > 1 else 1.0)
        for k in range(len(tables))
    ]
    gains = np.concatenate([table.gains(weights) for table in tables])
    return Candidate(names, parts, gains, float(share))


class Rivals(NamedTuple):
    """What K scorers say of n windows and their m candidates.

    Attributes
    ----------
    scores : array of shape (K, n, m)
    allowed : array of shape (n, m), bool
        Which columns compete in a row, the true one among them.
    true : array of shape (n,), int64
        The column that is right.
    """

    scores: Floats
    allowed: NDArray[np.bool_]
    true: NDArray[np.int64]

    @classmethod
    def of(cls, runs: Sequence[Scored]) -> Rivals:
        """Join several scorers' matrices of the same windows."""
        n = len(runs[0].starts)
        allowed = runs[0].impostors() | np.eye(n, dtype=bool)
        return cls(np.stack([run.scores for run in runs]), allowed, np.arange(n))

    def gains(self, weights: Floats) -> Floats:
        """Log p(true) − log chance of each row, (n,), where scores have such weights (K,)."""
        total = np.where(self.allowed, np.tensordot(weights, self.scores, axes=1), -np.inf)
        own = np.take_along_axis(total, self.true[:, None], axis=1)[:, 0]
        found: Floats = own - special.logsumexp(total, axis=1) + np.log(self.allowed.sum(axis=1))
        return found


def likeliest(tables: Sequence[Rivals]) -> tuple[Floats, float]:
    """Find weights (K,), none below 0, that make what is true likeliest; gives also how likely, in nats."""
    n = len(tables[0].scores)

    def loss(weights: Floats) -> float:
        return -sum(float(table.gains(weights).sum()) for table in tables)

    weights = optimize.minimize(loss, np.full(n, 10.0), bounds=[(0.0, 500.0)] * n).x
    return np.asarray(weights), -loss(weights)


def _summed(runs: Sequence[Scored], share: float) -> Scored:
    """Sum the scores of two models, `share` of the first; of one alone, they are its own."""
    if len(runs) == 1:
        return runs[0]
    mixed = share * runs[0].scores + (1 - share) * runs[1].scores
    return replace(runs[0], scores=mixed)


# ---------------------------------------------------------------- what a folder runs, on recordings
def keep(
    runs: Combination,
    recordings: Recordings,
    train: Sequence[Span],
    folder: Path,
    places: tuple[int, int] | None = None,
) -> None:
    """Write what was chosen to a folder, with its linear model, which learns from all of `train`.

    What stood there before goes.

    Parameters
    ----------
    places : (int, int), optional
        Of responses by place.
    """
    for file in (FILE, RESPONSES_FILE):
        (folder / file).unlink(missing_ok=True)
    name = runs.name.rpartition("+")[2]
    if runs.has_linear and name in (RESPONSES, BY_PLACE):
        found = LinearModels(recordings).fit_responses(train)
        ResponseModel(
            recordings.labels,
            recordings.grid,
            found.used,
            found.mean,
            found.filters,
            found.film.mean,
            found.film.sd,
            found.responses,
            np.array(runs.odds),
            places if name == BY_PLACE else None,
        ).save(folder)
    elif runs.has_linear:
        fit_linear(recordings, train, name).save(folder)
    runs.save(folder)


def what_runs(folder: Path, seen: Seen, recordings: Recordings) -> dict[str, Any]:
    """Return `runs`, and the headline where another score than the network's similarity runs."""
    combination, said = live_runs(folder, seen, recordings)
    if combination.name == NETWORK and not combination.by_place:
        return {"runs": {"name": combination.name}}
    figures = summary(said)
    return {**headline(figures), "runs": {"name": combination.name, **figures}}


def live_runs(folder: Path, seen: Seen, recordings: Recordings) -> tuple[Combination, list[Scored]]:
    """Score all pairs of windows, by session, as a live session with this folder would.

    Parameters
    ----------
    seen : Seen
        The windows as the folder's network sees them, with its places where the folder asks for them.
    """
    combination = Combination.load(folder) or Combination()
    by_place = combination.by_place and combination.has_network
    network = (place_runs if by_place else similarity_runs)(seen, recordings)
    if combination.has_two:
        again = load_checkpoint(folder / SECOND).network
        for person in sorted({recordings.people[session] for session in seen.windows.session}):
            again.choose(person)
        other = see_windows(again.eval(), recordings, seen.windows, match=False, by_place=by_place)
        theirs = (place_runs if by_place else similarity_runs)(other, recordings)
        network = [_summed(pair, 0.5) for pair in zip(network, theirs, strict=True)]
    if not combination.has_linear:
        return combination, network
    model, windows = load_linear(folder), seen.windows
    see = _sight(model, recordings)
    found = []
    for run, session in zip(network, np.unique(windows.session), strict=True):
        mine = Windows(*(part[windows.session == session] for part in windows))
        eeg = model.see_eeg(*recordings.eeg(mine))
        film = model.see_film(see(mine))
        scores = combination.score(run.scores, model.compare(eeg, film))
        found.append(replace(run, scores=scores))
    return combination, found


def _sight(model: LinearModel | ResponseModel, recordings: Recordings) -> Callable[[Windows], Floats]:
    """Return what gives windows of film as a linear model takes them."""
    if not isinstance(model, ResponseModel):
        features = FilmFeatures(recordings)
        return lambda windows: features(windows).astype(np.float64)
    if model.places is None:
        whole = Light(recordings)
        return lambda windows: whole.whole(windows)[:, :, None]
    return Light(recordings, model.places).by_place
