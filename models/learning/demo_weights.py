"""How the demo's weights are made: six virtual subjects, each with a film of its own, and one training.

    python -m models.learning.demo_weights OUT

Nobody real is in them, so they may be handed on. They are judged on a person and a film they never saw, whose
mind wanders: those of the demo.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from models.learning.evaluate import evaluate_checkpoint
from models.learning.recipe import Recipe
from models.learning.train import Material, Progress, train_sessions
from realtime.types import EegInfo
from realtime.virtual.film import Film
from realtime.virtual.subject import SubjectOptions, simulate_session
from recordings.session_writer import write_session

N_SUBJECTS = 6
MINUTES_EACH = 200 / 60
RECIPE = Recipe(steps=400)
_SIZE = 240, 135  # pixels of the films: more than the tiny ViT looks at
_TEST_FILM, _TEST_PERSON, _TEST_S = 7, 0, 240.0


def simulate(folder: Path, seconds: float, film_seed: int, person: int, engaged: bool) -> Path:
    """Write a session of one virtual subject and one film; gives its folder."""
    options = SubjectOptions(seed=person, film_seed=film_seed, always_engaged=engaged)
    simulated = simulate_session(seconds, options, Film(film_seed, size=_SIZE))
    info = EegInfo("Virtual subject", simulated.labels, "microvolts", simulated.rate, f"virtual-{person}")
    write_session(folder, info, simulated.stamps, simulated.samples, simulated.frames(), simulated.markers)
    return folder


def make(out: Annotated[Path, typer.Argument(help="Folder of the checkpoint.")]) -> None:
    """Simulate, train, judge; writes the checkpoint and `worth.json` beside it."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        train = [
            simulate(folder / f"train{i}", 60 * MINUTES_EACH, 100 + i, 10 + i, engaged=True)
            for i in range(N_SUBJECTS)
        ]
        test = simulate(folder / "test", _TEST_S, _TEST_FILM, _TEST_PERSON, engaged=False)
        train_sessions(Material(train), out, "demo", RECIPE, report=_tell)
        worth = evaluate_checkpoint(out, Material([test]), tell=lambda words: typer.echo(words, err=True))
    (out / "worth.json").write_text(json.dumps(worth, indent=2), encoding="utf-8")


def _tell(progress: Progress) -> None:
    if progress.validation is not None:
        typer.echo(f"step {progress.step}: {progress.validation}", err=True)


if __name__ == "__main__":
    typer.run(make)
