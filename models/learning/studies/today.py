"""The same person, another day: a model of the past, continued on minutes of today, against beginning anew.

    python -m models.learning.studies.today PAST… --today TODAY… --test SESSIONS… [--runs 1,2] [--seeds 1]

Of `TODAY` the first so many runs are learned from; `SESSIONS`, further ones of today, are judged, and nothing
is chosen on them. Each row is what a folder's parts say of the same windows: the network, what the program
chose to run, and the linear models that learned from the same minutes.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from models.checkpoint import load_checkpoint
from models.combination import Combination
from models.learning.baselines import LinearModels
from models.learning.candidates import live_runs
from models.learning.judging.judge import brief
from models.learning.judging.scoring import score, similarity_runs
from models.learning.kept import load_models
from models.learning.person import train_from
from models.learning.studies.progress import steps_on_stderr
from models.learning.studies.trials import changed
from models.learning.train import Material, fed, train_sessions
from models.learning.training.recipe import Recipe

Row = dict[str, Any]
tell = partial(print, file=sys.stderr, flush=True)


def judge(folder: Path, test: Material) -> Row:
    """Say what the network, what runs, and the linear models of a folder reach on sessions."""
    checkpoint = load_checkpoint(folder)
    recordings = fed(test, checkpoint.network)
    by_place = (Combination.load(folder) or Combination()).by_place
    seen = score(checkpoint.network, recordings, recordings.spans(), match=False, by_place=by_place)
    network = similarity_runs(seen, recordings)
    runs, said = live_runs(folder, seen, recordings)
    linear = LinearModels(recordings).score(load_models(folder), recordings.spans())
    newest = checkpoint.metrics["ancestry"][-1]
    return {
        "how": newest["how"],
        "steps": newest["steps"],
        "minutes": newest["minutes"],
        "runs": runs.name,
        "judged": dict(runs.judged),
        "chosen": brief(said),
        "network": brief(network),
        **{name: brief(part) for name, part in linear.items()},
    }


@dataclass(frozen=True)
class Sides:
    """Sessions of the past, those of today that are learned from, and those that are judged."""

    past: Material
    today: Material
    test: Material


def rows(
    sides: Sides, runs: Sequence[int], recipe: Recipe, changes: Mapping[str, Any] | None = None
) -> Iterator[Row]:
    """Judge the past's model unchanged, then continued and begun anew on the first `runs` of today.

    Parameters
    ----------
    changes : mapping, optional
        Of the demo's network.
    """
    report = steps_on_stderr
    with tempfile.TemporaryDirectory() as root:
        old = Path(root) / "past"
        whole = recipe.model_copy(update={"validation": 0.0})  # all of the past, and all steps
        train_sessions(sides.past, old, "demo", whole, changes, report)
        yield {"from": "past, unchanged", **judge(old, sides.test)}
        for n in runs:
            some = replace(sides.today, sessions=sides.today.sessions[:n])
            for name in ("past", "nothing"):
                out = Path(root) / f"{name}-{n}"
                if name == "past":
                    train_from(old, some, out, recipe, report=report, tell=tell)
                else:
                    train_sessions(some, out, "demo", recipe, changes, report)
                yield {"from": name, **judge(out, sides.test)}


def as_markdown(found: Sequence[Row]) -> str:
    """Return a table, 2-way [95 %] / 10-way."""
    lines = ["| minutes of today | from | learned | network | what runs | CCA | ridge |", "|---" * 7 + "|"]
    for row in found:
        minutes = 0 if row["from"].endswith("unchanged") else round(row["minutes"], 1)
        figures = [_cell(row[name]) for name in ("network", "chosen", "cca", "ridge")]
        figures[1] = f"{row['runs']}: {figures[1]}"
        how = f"{row['how']}, {row['steps']} steps"
        lines.append(f"| {minutes} | {row['from']} | {how} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _cell(part: Mapping[str, Any]) -> str:
    low, high = part["two_way_ci"]
    return f"{part['two_way']:.3f} [{low:.3f}, {high:.3f}] / {part['ten_way']:.3f}"


def main() -> None:
    """Print each row as it comes, as JSON on standard error, and the table at the end."""
    parser = argparse.ArgumentParser(description="A model of the past on minutes of today.")
    parser.add_argument("past", nargs="+", type=Path)
    parser.add_argument("--today", nargs="+", type=Path, required=True, help="Learned from, the first first.")
    parser.add_argument("--test", nargs="+", type=Path, required=True, help="Judged.")
    parser.add_argument("--runs", default="1,2", help="How many of today are learned from: 1,2")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="recipe.match=0 recipe.steps=200 …"
    )
    asked = parser.parse_args()
    paths = (asked.past, asked.today, asked.test)
    sides = Sides(*(Material(part, cache=asked.cache) for part in paths))
    runs = [int(n) for n in asked.runs.split(",")]
    found = []
    for seed in range(asked.seeds):
        changes, recipe = changed(asked.set, {}, Recipe(), seed)
        recipe = Recipe(**recipe.model_dump(exclude_defaults=True))
        for row in rows(sides, runs, recipe, changes):
            tell(json.dumps({"seed": seed, **row}))
            found.append(row)
    print(as_markdown(found))


if __name__ == "__main__":
    main()
