"""Does it matter what is seen, beyond when? Virtual subjects who answer to a part of what happens.

    python -m models.learning.studies.what --out docs/what.md

In the film a face is one token in three and comes on like any other. A subject who answers to faces alone
leaves no trace of the rest, so whoever knows only when something changed expects three answers and finds one.
A subject who sees the left half of the picture alone does the same to about every second token.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.config import preset
from models.learning.crossval import cross_validate
from models.learning.studies.demo import write_people
from models.learning.train import Material
from models.learning.training.recipe import PLAIN, Recipe

SUBJECTS: Mapping[str, Mapping[str, Any]] = {
    "every change": {},
    "the left half alone": {"sees": "left"},
    "faces alone": {"face_weight": 1.0},
}
"""What the subject answers to, and its options."""

PLACELESS: Mapping[str, Any] = {"places": 1}
"""A network to compare with: a frame is one token, its patches averaged, so little of *where* is left."""


def what_beyond_when(
    recipe: Recipe,
    chosen: Sequence[str] = tuple(SUBJECTS),
    n_train: int = 5,
    seconds: float = 200.0,
    network: Mapping[str, Any] | None = None,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """For each of `SUBJECTS` that is `chosen` the figures of `cross_validate` on the last person.

    `placeless` among them are those of the same network without places, for the similarity alone.
    """
    alone = recipe.model_copy(update={"match": 0.0})
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="phosphene-what-") as folder:
            material = Material(write_people(Path(folder), n_train, seconds, **SUBJECTS[name]))
            last, changes = f"{n_train + 1}", dict(network or {})
            found = cross_validate(material, preset("demo", changes), recipe, last)
            config = preset("demo", {**changes, **PLACELESS})
            less = cross_validate(material, config, alone, last, linear=False)
            yield name, found | {"placeless": less["similarity"]}


def as_markdown(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """2-way / 10-way of each model, by what the subject answers to."""
    models = [model for model in ("similarity", "placeless", "match") if model in rows[0][1]]
    found = [{model: figures[model] for model in models} | dict(figures["baselines"]) for _, figures in rows]
    lines = ["| the subject answers to | " + " | ".join(found[0]) + " |", "|---" * (len(found[0]) + 1) + "|"]
    for (name, _), parts in zip(rows, found, strict=True):
        cells = [
            f"{part['two_way']:.3f} ({part['two_way_ci'][0]:.3f}–{part['two_way_ci'][1]:.3f}) / "
            f"{part['ten_way']:.3f}"
            for part in parts.values()
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description="Measure what is seen beyond when.")
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown.")
    parser.add_argument("--only", nargs="+", choices=SUBJECTS, default=tuple(SUBJECTS))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--precision", default="32-true", help="bf16-mixed is twice as fast on newer CPUs.")
    asked = parser.parse_args()
    recipe = Recipe(steps=asked.steps, match_from=0.5, validation=0, precision=asked.precision, **PLAIN)
    rows = []
    for row in what_beyond_when(recipe, asked.only):
        rows.append(row)
        asked.out.write_text(as_markdown(rows), encoding="utf-8")
        sys.stderr.write(f"{row[0]}: done\n")


if __name__ == "__main__":
    main()
