"""What does a teacher bring that knows what is seen? Virtual people who answer to faces alone.

    python -m models.learning.studies.taught --out docs/taught.md [--snr 3] [--weight 4]

In the film a face is one token in three and comes on like any other. The network sees the pictures; the
teacher says of each token what it is, as a model of text or pictures would, and nothing of the brain.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from models.learning.crossval import cross_validate
from models.learning.studies.demo import write_virtual
from models.learning.train import Material
from models.learning.training.recipe import PLAIN, Recipe
from realtime.virtual.film.film import Film
from realtime.virtual.film.script import KINDS
from recordings.session.session import Session

TEACHER = "teacher-kinds.npz"
WAYS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "distribution": {"distil": "distribution"},
    "multi_positive": {"distil": "multi_positive"},
    "feature": {"distil": "feature"},
}
"""How the teacher is listened to, as changes of the recipe."""

_PERSON, _FILM, _TEST_FILM = 31, 301, 302
_TRAIN_S, _TEST_S = 490.0, 240.0


class TaughtRow(NamedTuple):
    """Accuracies of one way at one amount of data: of 2 and of 10, one value a seed."""

    way: str
    minutes: float
    two: list[float]
    ten: list[float]


def write_teacher(folder: Path, film_seed: int) -> Path:
    """Write what is seen beside a session: at each token one embedding that stands for its kind alone."""
    words = sorted(set(KINDS))
    film = Film(film_seed)
    with Session(folder) as session:
        times = session.video().times
    events = list(film.script.events_between(float(times[0]), float(times[-1])))
    rows = np.eye(len(words), dtype=np.float32)[[words.index(event.kind) for event in events]]
    path = folder / TEACHER
    np.savez(path, stamps=np.array([event.start for event in events]), embeddings=rows)
    return path


def taught(
    recipe: Recipe, minutes: Sequence[float], seeds: Sequence[int], ways: Sequence[str], snr: float
) -> Iterator[TaughtRow]:
    """Train on the first minutes of one person's film, judge on another film of the same person."""
    with tempfile.TemporaryDirectory(prefix="phosphene-taught-") as scratch:
        material = Material(write_sessions(Path(scratch), snr))
        for amount, way in product(minutes, ways):
            found = []
            for seed in seeds:
                changed = recipe.model_copy(update={**WAYS[way], "seed": seed})
                found.append(cross_validate(material, "demo", changed, "2", amount, linear=False))
            two, ten = ([one[name] for one in found] for name in ("two_way", "ten_way"))
            yield TaughtRow(way, amount, two, ten)


def write_sessions(folder: Path, snr: float) -> list[Path]:
    """Record the person with two films, the teacher's words beside each."""
    sessions, who = [], {"face_weight": 1.0, "snr": snr}
    for film, seconds in ((_FILM, _TRAIN_S), (_TEST_FILM, _TEST_S)):
        sessions.append(write_virtual(folder / f"{film}", seconds, _PERSON, film, engaged=True, **who))
        write_teacher(sessions[-1], film)
    return sessions


def as_markdown(rows: Sequence[TaughtRow]) -> str:
    """2-way / 10-way by minutes and way: mean over the seeds, and the span from the least to the largest."""
    amounts = sorted({row.minutes for row in rows})
    head = " | ".join(f"{amount:g} min" for amount in amounts)
    lines = [f"| teacher | {head} |", "|---" * (len(amounts) + 1) + "|"]
    for way in dict.fromkeys(row.way for row in rows):
        own = {row.minutes: row for row in rows if row.way == way}
        lines.append(f"| {way} | " + " | ".join(_cell(own.get(amount)) for amount in amounts) + " |")
    return "\n".join(lines) + "\n"


def _cell(row: TaughtRow | None) -> str:
    if row is None:
        return "–"
    return f"{np.mean(row.two):.3f} ({min(row.two):.3f}–{max(row.two):.3f}) / {np.mean(row.ten):.3f}"


def main() -> None:
    """Measure, and write the table after every row."""
    parser = argparse.ArgumentParser(description="Measure what a teacher brings that knows what is seen.")
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown.")
    parser.add_argument("--minutes", type=float, nargs="+", default=(2.0, 4.0, 8.0))
    parser.add_argument("--seeds", type=int, nargs="+", default=(0, 1, 2))
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--weight", type=float, default=1.0, help="Of the distillation in the loss.")
    parser.add_argument("--snr", type=float, default=0.4, help="Answer to faces against the background.")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=tuple(WAYS))
    asked = parser.parse_args()
    recipe = Recipe(
        steps=asked.steps, match=0.0, validation=0, teacher=TEACHER, distil_weight=asked.weight, **PLAIN
    )
    rows = []
    for row in taught(recipe, asked.minutes, asked.seeds, asked.ways, asked.snr):
        rows.append(row)
        asked.out.write_text(as_markdown(rows), encoding="utf-8")
        sys.stderr.write(f"{row.way}, {row.minutes:g} min: {row.two}\n")


if __name__ == "__main__":
    main()
