"""Does it matter what is seen, beyond when? Virtual subjects who answer to every change, or to faces alone.

    python -m models.learning.what --out docs/what.md

In the film a face is one token in three and comes on like any other. A subject who answers to faces alone
leaves no trace of the rest, so whoever knows only when something changed expects three answers and finds one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.learning.crossval import cross_validate
from models.learning.demo import write_people
from models.learning.recipe import Recipe
from models.learning.train import Material

WEIGHTS = (0.0, 1.0)
"""Of faces in the answer: every change counts, only faces do."""


def what_beyond_when(
    recipe: Recipe, n_train: int = 5, seconds: float = 200.0, network: Mapping[str, Any] | None = None
) -> Iterator[tuple[float, dict[str, Any]]]:
    """For each of `WEIGHTS` the figures of `cross_validate` on the last subject."""
    for weight in WEIGHTS:
        with tempfile.TemporaryDirectory(prefix="phosphene-what-") as folder:
            material = Material(write_people(Path(folder), n_train, seconds, weight))
            yield weight, cross_validate(material, "demo", recipe, f"{n_train + 1}", network)


def as_markdown(rows: Sequence[tuple[float, Mapping[str, Any]]]) -> str:
    """2-way / 10-way of each model, by what the subject answers to."""
    names = [name for name in ("similarity", "match") if name in rows[0][1]]
    found = [{name: figures[name] for name in names} | dict(figures["baselines"]) for _, figures in rows]
    lines = ["| the subject answers to | " + " | ".join(found[0]) + " |", "|---" * (len(found[0]) + 1) + "|"]
    for (weight, _), parts in zip(rows, found, strict=True):
        cells = [
            f"{part['two_way']:.3f} ({part['two_way_ci'][0]:.3f}–{part['two_way_ci'][1]:.3f}) / "
            f"{part['ten_way']:.3f}"
            for part in parts.values()
        ]
        lines.append(f"| {'faces alone' if weight else 'every change'} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description="Measure what is seen beyond when.")
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown.")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--precision", default="32-true", help="bf16-mixed is twice as fast on newer CPUs.")
    asked = parser.parse_args()
    recipe = Recipe(steps=asked.steps, match_from=0.5, validation=0, precision=asked.precision)
    rows = []
    for row in what_beyond_when(recipe):
        rows.append(row)
        asked.out.write_text(as_markdown(rows), encoding="utf-8")
        sys.stderr.write(f"faces {row[0]:g}: done\n")


if __name__ == "__main__":
    main()
