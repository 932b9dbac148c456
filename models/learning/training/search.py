"""How many steps a person's data bear: found on held-out parts, then taken on all of the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.learning.data.dataset import Recordings, Span
from models.learning.data.folds import as_split, held_parts
from models.learning.judging.metrics import Scored, contest
from models.learning.training.fit import Progress, Split, Trained, fit, fit_with_looks
from models.learning.training.recipe import Recipe
from models.learning.training.validation import HeldWindows, judged_by_place
from models.network.network import Network

Make = Callable[[Sequence[Span]], Network]
"""Gives the network that a training on these spans begins from."""
_SMOOTH = 3  # looks that are averaged before the best is taken


@dataclass(frozen=True)
class Learner:
    """What trains on spans of some recordings.

    Attributes
    ----------
    make : callable
        Gives the network a training begins from: a fresh one, or one that was trained before.
    recipe : Recipe
    beside : sequence of Span
        Further data that every training sees and none is judged on: earlier sessions.
    report, stop : callable, optional
        As for `training.fit.fit`.
    rivals : sequence of callable
        What a training could begin from instead; what does best on held-out parts is taken.
    """

    make: Make
    recordings: Recordings
    recipe: Recipe
    beside: Sequence[Span] = ()
    report: Callable[[Progress], None] | None = None
    stop: Callable[[], bool] | None = None
    rivals: Sequence[Make] = ()

    def on(self, spans: Sequence[Span]) -> list[Span]:
        """Spans to learn from, with those beside; of both, about as many windows are drawn."""
        if not self.beside:
            return list(spans)
        times = round(self.recordings.minutes(self.beside) / max(self.recordings.minutes(spans), 1e-9))
        return [*(list(spans) * max(1, times)), *self.beside]

    def words(self, train: Sequence[Span], held: Sequence[Span] = ()) -> dict[str, Any]:
        """Return the split as a checkpoint keeps it."""
        return as_split({"train": [*train, *self.beside], "validation": held}, self.recordings)


@dataclass(frozen=True)
class Sought:
    """What held-out parts say of a training.

    Attributes
    ----------
    step : int
        After which it did best, over all parts; 0 is the network it began from.
    steps : int
        That were planned.
    history : list of dict
        By look: `step`, and the 2-way accuracy of the similarity over all parts (`similarity`).
    accuracy : float
        Of that step, its neighbours averaged in.
    judged : tuple of Scored
        What the network of that step said of each part's windows.
    parts : sequence of (spans, spans)
        What was learned from, and what was held out.
    places : (int, int) or None
        Rows and columns of the places the network was judged by; None for the frame as a whole.
    make : callable, optional
        What it began from, where there were several.
    """

    step: int
    steps: int
    history: list[dict[str, Any]]
    accuracy: float
    judged: tuple[Scored, ...]
    parts: Sequence[tuple[list[Span], list[Span]]]
    places: tuple[int, int] | None = None
    make: Make | None = None


@dataclass(frozen=True)
class Learned:
    """A network that has learned, and how."""

    network: Network
    trained: Trained
    split: dict[str, Any]
    sought: Sought | None = None


def learn(
    learner: Learner, spans: Sequence[Span], state: Path | None = None, sought: Sought | None = None
) -> Learned:
    """Find the step to stop at on held-out parts of `spans`, then train on all of them to that step.

    Without a part that can be held out, and where the recipe asks for none, all steps are gone. Where it asks
    for no second training, the network that was judged is kept.

    Parameters
    ----------
    state : Path, optional
        Where to keep what a killed work goes on from; parts have files of their own beside it.
    sought : Sought, optional
        What `seek` found before; it is not looked for again.
    """
    recipe = learner.recipe.for_minutes(learner.recordings.minutes([*spans, *learner.beside]))
    learner = replace(learner, recipe=recipe)
    parts = judged_parts(learner, spans)
    if not parts or not recipe.refit:
        train, held = parts[0] if parts else (list(spans), [])
        network = learner.make(train)
        trained = _fit(learner, network, (train, held), state)
        return Learned(network, trained, learner.words(train, held))
    works = len(parts) * (1 if sought else 1 + len(learner.rivals))
    found = sought or _best_beginning(learner, parts, state)
    if isinstance(found, Learned):
        return found
    network = (found.make or learner.make)(spans)
    chosen = replace(learner, recipe=recipe.model_copy(update={"until": found.step}))
    trained = _fit(_phased(chosen, "on all data", works, works + 1), network, (spans, []), state)
    trained = replace(trained, history=found.history)
    return Learned(network, trained, learner.words(spans), found)


def _best_beginning(
    learner: Learner, parts: Sequence[tuple[list[Span], list[Span]]], state: Path | None
) -> Sought | Learned:
    """Search from each beginning there is; gives the search that came out best."""
    makes, found = (learner.make, *learner.rivals), list[Sought]()
    for number, make in enumerate(makes):
        work = Work(number * len(parts), len(makes) * len(parts) + 1, f", way {number + 1}" if number else "")
        file = state if state is None or not number else state.with_name(f"{state.name}-rival{number}")
        one = seek(replace(learner, make=make), parts, file, work)
        if isinstance(one, Learned):
            return one
        found.append(replace(one, make=make))
    return max(found, key=lambda one: one.accuracy)


def judged_parts(learner: Learner, spans: Sequence[Span]) -> list[tuple[list[Span], list[Span]]]:
    """Leave parts of spans out as the recipe says; those too short for an impostor do not count."""
    parts = held_parts(spans, learner.recordings, learner.recipe.validation)
    return [part for part in parts if HeldWindows.of(learner.recordings, part[1]) is not None]


class Work(NamedTuple):
    """Which trainings of a longer work a search is: those before it, all of them, and what it is called."""

    before: int
    total: int
    words: str = ""


def seek(
    learner: Learner,
    parts: Sequence[tuple[list[Span], list[Span]]],
    state: Path | None = None,
    work: Work | None = None,
) -> Sought | Learned:
    """Train without each part in turn, by the similarity alone, and look how good it is as it goes.

    What has been learned so far is given where it is interrupted.
    """
    before, total, also = work or Work(0, len(parts) + 1)
    spans = [span for part in parts[0] for span in part]
    recipe = learner.recipe.for_minutes(learner.recordings.minutes([*spans, *learner.beside]))
    quick = recipe.model_copy(update={"match": 0.0})
    looks: list[dict[int, Scored]] = []
    for k, (train, held) in enumerate(parts):
        network = learner.make(train)
        words = learner.words(train, held)
        mine = _phased(learner, f"without part {k + 1} of {len(parts)}{also}", before + k, total)
        file = None if state is None else state.with_name(f"{state.name}-{k + 1}")
        split = Split(learner.on(train), held, words)
        trained, seen = fit_with_looks(
            network, learner.recordings, split, quick, file, mine.report, mine.stop
        )
        if trained.reason == "interrupted":
            return Learned(network, trained, words)
        looks.append(seen)
    assert quick.steps is not None
    step, accuracy, history = best_step(looks)
    by_place = recipe.cue > 0 and judged_by_place(network, learner.recordings)
    places = network.config.places if by_place else None
    return Sought(step, quick.steps, history, accuracy, tuple(seen[step] for seen in looks), parts, places)


def best_step(looks: Sequence[dict[int, Scored]]) -> tuple[int, float, list[dict[str, Any]]]:
    """Return the step at which the parts together were judged best, how good, and what every look said.

    Neighbouring looks are averaged, so that one lucky look among many is not taken for the best: a step
    counts with the one before and the one after it. Only steps that were seen of all parts count; step 0
    counts by itself, as it is no step of the training.
    """
    steps = sorted(set.intersection(*(set(seen) for seen in looks)))
    score = np.array([_accuracy([seen[step] for seen in looks]) for step in steps])
    history = [{"step": s, "similarity": round(float(x), 4)} for s, x in zip(steps, score, strict=True)]
    trained = score[1:] if steps[0] == 0 else score
    reach = _SMOOTH // 2
    smooth = [trained[max(0, i - reach) : i + reach + 1].mean() for i in range(len(trained))]
    if steps[0] == 0:
        smooth = [score[0], *smooth]
    best = int(np.argmax(smooth))
    return steps[best], float(smooth[best]), history


def _accuracy(runs: Sequence[Scored]) -> float:
    """Mean of 2-way and 4-way accuracy: the one alone says little where it is nearly full."""
    result = contest(runs, least=3)
    return float((result.n_way(2).mean() + result.n_way(4).mean()) / 2) if result.n else 0.0


def _fit(
    learner: Learner, network: Network, split: tuple[Sequence[Span], Sequence[Span]], state: Path | None
) -> Trained:
    train, held = split
    words = learner.words(train, held)
    return fit(
        network, learner.recordings, Split(learner.on(train), held, words), learner.recipe, state,
        learner.report, learner.stop,
    )  # fmt: skip


def _phased(learner: Learner, words: str, before: int, parts: int) -> Learner:
    """Return the same, whose progress tells what it is a part of."""
    report = learner.report
    if report is None:
        return learner

    def placed(progress: Progress) -> None:
        report(replace(progress, phase=words, before=before, parts=parts))

    return replace(learner, report=placed)
