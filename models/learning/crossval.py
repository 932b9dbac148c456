"""Training anew for every fold, and on more and more data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.config import NetworkConfig
from models.learning import receptive_field
from models.learning.baselines import LinearModels
from models.learning.data.dataset import Recordings, Span
from models.learning.data.flicker import configured, films_flicker
from models.learning.data.folds import Fold, as_split, first_minutes, folds_of, groups_of
from models.learning.evaluate import Tell
from models.learning.judging.choices import Choices
from models.learning.judging.judge import Runs, by_run, judged
from models.learning.judging.metrics import Scored, contest, summary
from models.learning.judging.scoring import score
from models.learning.people import with_people
from models.learning.train import Material, learner_of, prepare, refuse_two
from models.learning.training.fit import Progress
from models.learning.training.recipe import Recipe
from models.learning.training.search import learn
from models.network.network import Network

Report = Callable[[str, float], None]
"""Called after every step: what is going on, and what share of all is done, 0 to 1."""


@dataclass(frozen=True)
class Watch:
    """Who hears how far it is: a few words a fold, and every step."""

    tell: Tell | None = None
    report: Report | None = None


def cross_validate(
    material: Material,
    config: str | NetworkConfig = "demo",
    recipe: Recipe | None = None,
    how: str = "runs",
    minutes: float | None = None,
    state: Path | None = None,
    linear: bool = True,
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Train and judge fold by fold, the linear models beside it on the same windows.

    Parameters
    ----------
    how : str
        See `folds.folds_of`.
    minutes : float, optional
        Learn from the first so many minutes of each fold's training data only.
    state : Path, optional
        A folder for what a killed run goes on from.
    linear : bool
        Also fit linear models.

    Returns
    -------
    dict
        As `evaluate_checkpoint` gives, over the windows of all folds together.
    """
    recipe, watch = recipe or Recipe(), watch or Watch()
    refuse_two(recipe, "a cross-validation")
    groups_of(how, len(material.sessions))  # refused before films are read, not after
    if isinstance(config, str):
        config = configured(config, flickers=films_flicker(material.sessions, material.video))
    _, recordings = prepare(material, config, recipe)
    models = LinearModels(recordings) if linear else None
    if models is not None and watch.tell is not None and receptive_field.missing():
        watch.tell(receptive_field.missing())
    folds = folds_of(recordings, how)
    network_said, linear_said = Runs([], [], []), dict[str, list[Scored]]()
    choices = Choices()
    for k, fold in enumerate(folds):
        spans = list(fold.train)
        if minutes is not None:
            spans = first_minutes(spans, minutes, recordings.grid.slots_hz)
        report = None if watch.report is None else _in_all(watch.report, fold, k, len(folds))
        kept = state / f"{fold.name.replace('/', '-')}.state" if state is not None else None
        network = trained(config, recipe, recordings, spans, kept, report)
        fuses = recipe.match > 0
        said = Runs.of(score(network, recordings, fold.test, match=fuses), recordings)
        network_said += said
        if fuses:
            choices += Choices.of(network, recordings, fold.test)
        if models is not None:
            for name, runs in models.score(models.fit(spans), fold.test).items():
                linear_said.setdefault(name, []).extend(runs)
        if watch.tell is not None:
            watch.tell(_line(fold, said))
    found = judged(network_said) | choices.told()
    tests = [span for fold in folds for span in fold.test]
    found["split"] = {**as_split({"test": tests}, recordings), "how": how, "folds": [f.name for f in folds]}
    found["minutes"] = round(recordings.minutes(folds[0].train) if minutes is None else minutes, 2)
    found["recipe"] = recipe.model_dump(mode="json")
    found["baselines"] = {
        name: {**summary(runs), "by_run": by_run(runs)} for name, runs in linear_said.items()
    }
    return found


def trained(
    config: NetworkConfig,
    recipe: Recipe,
    recordings: Recordings,
    spans: Sequence[Span],
    state: Path | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Network:
    """Return a fresh network, trained on `spans` as `phosphene train` does it."""
    config = with_people(config, [recordings.paths[span.session] for span in spans])
    return learn(learner_of(recordings, config, recipe, report), spans, state).network


def learning_curve(
    material: Material,
    config: str | NetworkConfig = "demo",
    recipe: Recipe | None = None,
    minutes: Sequence[float] = (2, 4, 8, 14),
    how: str = "runs",
    watch: Watch | None = None,
) -> list[dict[str, Any]]:
    """How good network and linear models are after so many minutes of training data: one dict an amount."""
    rows, watch = [], watch or Watch()
    for k, amount in enumerate(minutes):

        def of_all(words: str, share: float, k: int = k, amount: float = amount) -> None:
            if watch.report is not None:
                watch.report(f"{amount:g} min, {words}", (k + share) / len(minutes))

        found = cross_validate(material, config, recipe, how, amount, watch=Watch(watch.tell, of_all))
        figures = {name: found[name] for name in ("two_way", "two_way_ci", "ten_way", "n_windows")}
        linear = {
            name: {k: part[k] for k in ("two_way", "two_way_ci", "ten_way")}
            for name, part in found["baselines"].items()
        }
        rows.append({"minutes": amount, "network": figures, **linear})
    return rows


def _in_all(report: Report, fold: Fold, k: int, n_folds: int) -> Callable[[Progress], None]:
    """Tells `report` of the training of the `k`-th fold as a part of all of them."""

    def watch(progress: Progress) -> None:
        words = f"without {fold.name} ({k + 1} of {n_folds}), {progress.words}"
        report(words, (k + progress.share) / n_folds)

    return watch


def _line(fold: Fold, said: Runs) -> str:
    """Return a few words on a fold."""
    words = [f"{fold.name}: similarity {_pair(said.similarity)}"]
    if said.match:
        words.append(f"match {_pair(said.match)}")
    return ", ".join(words)


def _pair(runs: Sequence[Scored]) -> str:
    result = contest(runs)
    return f"{result.beaten.mean():.3f} / {result.n_way(10).mean():.3f}" if result.n else "no window"
