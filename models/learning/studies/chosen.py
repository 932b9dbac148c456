"""What the program chooses to run, judged beside everything it chose from.

    python -m models.learning.studies.chosen SESSIONS --name NAME --folds '4 blocks' --out OUT.md
    python -m models.learning.studies.chosen RUNS --name '2 min' --folds 7-11 --minutes 2 --out OUT.md
    python -m models.learning.studies.chosen --virtual 0 --name 'one person' --folds '2 blocks' --out OUT.md

In each fold a network is trained as `phosphene train` does it, what is best on held-out parts of its training
data is chosen, and network, linear models, the choice, and the sum of two networks of different seeds are
judged, by the similarity (that of places where there are cues), on the windows that were left out.
Differences are of the same windows. Each run adds its row.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from models.learning.baselines import LinearModels
from models.learning.candidates import LINEAR, choose, fit_all, linear_scores
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.data.flicker import configured, films_flicker
from models.learning.data.folds import Fold, first_minutes, folds_of
from models.learning.judging.metrics import Scored, contest, interval
from models.learning.judging.scoring import place_runs, score, similarity_runs
from models.learning.studies.pooled import person_session
from models.learning.studies.progress import on_stderr
from models.learning.studies.trials import changed
from models.learning.train import Material, learner_of, prepare
from models.learning.training.recipe import Recipe
from models.learning.training.search import Learner, learn
from models.response_model import BY_PLACE

Said = dict[str, list[Scored]]
_VIRTUAL_MIN = 8.0
NETWORK, TWO, CHOICE = "network", "two networks", "what runs"


def measure(
    material: Material,
    how: str,
    recipe: Recipe,
    minutes: float | None = None,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Judge the choice and what it was made from, fold by fold.

    Parameters
    ----------
    how : str
        See `folds.folds_of`.
    minutes : float, optional
        Learn from the first so many minutes of each fold alone.

    Returns
    -------
    dict
        `chosen`: what each fold chose; `two_way`, `ten_way` by name, each with its interval; and `less_best`:
        how much better the choice is than the best single candidate, on the same windows.
    """
    config = configured("demo", changes, flickers=films_flicker(material.sessions, material.video))
    _, recordings = prepare(material, config, recipe)
    said: Said = {}
    chosen = []
    for fold in folds_of(recordings, how):
        spans = list(fold.train)
        if minutes is not None:
            spans = first_minutes(spans, minutes, recordings.grid.slots_hz)
        learners = [
            learner_of(recordings, config, seeded)
            for seeded in (recipe, recipe.model_copy(update={"seed": recipe.seed + 1}))
        ]
        name, part = _judged(learners, recordings, spans, fold)
        chosen.append(name)
        for candidate, runs in part.items():
            said.setdefault(candidate, []).extend(runs)
        on_stderr(f"{fold.name}: {name}; " + _line(said))
    return {"chosen": chosen, **told(said)}


def _judged(
    learners: Sequence[Learner], recordings: Recordings, spans: Sequence[Span], fold: Fold
) -> tuple[str, Said]:
    """Return what was chosen on `spans`, and what everything says of a fold's windows, by name."""
    first, second = (learn(learner, list(spans)) for learner in learners)
    assert first.sought is not None, "too little data to hold a part out"
    runs = choose(first.sought, recordings)
    places = first.sought.places
    networks = []
    for learned in (first, second):
        seen = score(learned.network, recordings, fold.test, match=False, by_place=places is not None)
        networks.append((similarity_runs if places is None else place_runs)(seen, recordings))
    said = {NETWORK: networks[0], TWO: [_mixed(a, b, 0.5) for a, b in zip(*networks, strict=True)]}
    said |= _linear(recordings, spans, networks[0], seen.windows, places)
    linear = runs.name.rpartition("+")[2]
    other = said[linear] if runs.has_linear else networks[0]
    said[CHOICE] = [_mixed(a, b, runs.weight) for a, b in zip(networks[0], other, strict=True)]
    return runs.name, said


def _linear(
    recordings: Recordings,
    spans: Sequence[Span],
    like: Sequence[Scored],
    windows: Windows,
    places: tuple[int, int] | None,
) -> Said:
    """Score the very windows that a network was asked about, session by session, by name."""
    models, found = LinearModels(recordings), dict[str, list[Scored]]()
    fitted = fit_all(models, spans)
    for run, session in zip(like, np.unique(windows.session), strict=True):
        mine = Windows(*(part[windows.session == session] for part in windows))
        for name, scores in linear_scores(models, fitted, mine, places).items():
            found.setdefault(name, []).append(replace(run, scores=scores))
    return found


def _mixed(first: Scored, second: Scored, share: float) -> Scored:
    return replace(first, scores=share * first.scores + (1 - share) * second.scores)


def told(said: Said) -> dict[str, Any]:
    """Figures of each, and how much better the choice is than the best single candidate."""
    contests = {name: contest(runs, least=1) for name, runs in said.items()}
    figures = {
        name: {
            word: [round(float(values.mean()), 4), *(round(x, 4) for x in interval(values))]
            for word, values in (("two_way", each.beaten), ("ten_way", each.n_way(10)))
        }
        for name, each in contests.items()
    }
    singles = {name: contests[name].beaten for name in (NETWORK, *LINEAR, BY_PLACE) if name in contests}
    best = max(singles, key=lambda name: float(singles[name].mean()))
    apart = contests[CHOICE].beaten - singles[best]
    less = [round(float(apart.mean()), 4), *(round(x, 4) for x in interval(apart))]
    return {"n": contests[CHOICE].n, "figures": figures, "best": best, "less_best": less}


def as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table: 2-way [95 %] / 10-way of each, and the choice less the best single candidate."""
    names = (NETWORK, *LINEAR, BY_PLACE, TWO, CHOICE)
    lines = [
        "| data | windows | " + " | ".join(names) + " | chosen, by fold | less the best single one |",
        "|---" * (len(names) + 4) + "|",
    ]
    for row in rows:
        cells = [_cell(row["figures"].get(name)) for name in names]
        mean, low, high = row["less_best"]
        lines.append(
            f"| {row['data']} | {row['n']} | {' | '.join(cells)} | {', '.join(row['chosen'])} "
            f"| {mean:+.3f} [{low:+.3f}, {high:+.3f}] ({row['best']}) |"
        )
    return "\n".join(lines) + "\n"


def _cell(figures: Mapping[str, Sequence[float]] | None) -> str:
    if figures is None:
        return "–"
    two, low, high = figures["two_way"]
    return f"{two:.3f} [{low:.3f}, {high:.3f}] / {figures['ten_way'][0]:.3f}"


def _line(said: Said) -> str:
    parts = ((name, contest(runs, least=1).beaten) for name, runs in said.items())
    return ", ".join(f"{name} {beaten.mean():.3f}" for name, beaten in parts)


def main() -> None:
    """Measure one set of data, and add its row to the table; one of the same name is measured anew."""
    parser = argparse.ArgumentParser(
        description="Judge what is chosen to run against what it is chosen from."
    )
    parser.add_argument("sessions", nargs="*", type=Path)
    parser.add_argument("--virtual", type=int, help="Or a virtual person of this number, 8 min of them.")
    parser.add_argument("--name", required=True, help="Of the row.")
    parser.add_argument("--folds", default="runs")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown; JSON goes beside it.")
    parser.add_argument("--cues", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="eeg.spatial=3 …")
    asked = parser.parse_args()
    if bool(asked.sessions) == (asked.virtual is not None):
        parser.error("give sessions, or --virtual with the number of a person")
    changes, recipe = changed(["recipe.match=0", *asked.set], {}, Recipe(), 0)
    recipe = Recipe(**recipe.model_dump(exclude_defaults=True))
    with tempfile.TemporaryDirectory() as scratch:
        sessions = asked.sessions
        if asked.virtual is not None:
            on_stderr(f"recording {_VIRTUAL_MIN:g} min of virtual person {asked.virtual}")
            sessions = [person_session(Path(scratch), asked.virtual, _VIRTUAL_MIN)]
        material = Material(sessions, cache=asked.cache, cues=asked.cues)
        row = {"data": asked.name, **measure(material, asked.folds, recipe, asked.minutes, changes)}
    kept = asked.out.with_suffix(".json")
    rows = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
    rows = [other for other in rows if other["data"] != asked.name] + [row]
    kept.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    asked.out.write_text(as_markdown(rows), encoding="utf-8")
    print(as_markdown([row]))


if __name__ == "__main__":
    main()
