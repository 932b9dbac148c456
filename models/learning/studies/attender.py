"""The attend demo's weights, made from virtual sessions: `python -m models.learning.studies.attender OUT`.

Nothing goes in but virtual attenders and films of objects, with the truth about which object is attended as
cues, so the weights may be passed on freely. They are judged on a person and a film that the training never
saw, with an answer in the EEG and without one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import torch

from models.checkpoint import load_checkpoint, save_checkpoint
from models.config import NetworkConfig, preset
from models.learning.data.cues import FILE
from models.learning.judging.attended import Hits, hits
from models.learning.studies.demo import write_person
from models.learning.studies.progress import steps_on_stderr
from models.learning.train import Material, TrainingResult, fed, train_sessions
from models.learning.training.recipe import Recipe
from realtime.virtual.subject.attender import AttenderOptions

N_OBJECTS = (4, 4, 4, 4, 2, 6, 9, 4)
"""Of the sessions of the training."""
SECONDS = 150.0
TRAIN_SNR = 0.4  # a weaker answer than the demo's own
TESTS = (
    ("attended", 0.5, 300.0),
    ("attended_weaker", 0.4, 300.0),
    ("attended_without_answer", 0.0, 1200.0),
)
"""Name, ratio of answer to background, and seconds: chance takes more windows to be shown."""
FIRST_PERSON, FIRST_FILM = 10, 100  # of the training; the demo's own person and film are not among them
DEMO_PERSON, DEMO_FILM = 0, 7
RECIPE = Recipe(steps=400, batch=32, seen_places=16, share=1.0, validation=0)
CHANGES: dict[str, Any] = {}
"""What differs from the preset `demo`."""


def write_attender(
    folder: Path, seconds: float, person: int, film: int, n_objects: int = 4, **attender: Any
) -> Path:
    """Record a virtual attender, with a map of cues beside the session.

    `attender` are further `AttenderOptions`.
    """
    who = AttenderOptions(seed=person, film_seed=film, n_objects=n_objects, **attender)
    write_person(folder, seconds, who)
    shown = who.film()
    homes = {f"attends {index}": list(shown.home(index)) for index in range(n_objects)}
    (folder / FILE).write_text(json.dumps({**homes, "drifting": None}, indent=1), encoding="utf-8")
    return folder


def train_attender(
    out: Path,
    scratch: Path,
    config: NetworkConfig | None = None,
    recipe: Recipe = RECIPE,
    report: Any = None,
) -> TrainingResult:
    """Make the sessions (those in `scratch` are used again), train, judge, and write the weights.

    Attenders of the training are never off all objects: nobody can learn from an answer that is not there.
    """
    sessions = []
    for i, n_objects in enumerate(N_OBJECTS):
        folder = scratch / f"train{i}"
        if not (folder / FILE).is_file():
            write_attender(
                folder, SECONDS, FIRST_PERSON + i, FIRST_FILM + i, n_objects, snr=TRAIN_SNR, drifts=0.0
            )
        sessions.append(folder)
    result = train_sessions(Material(sessions), out, config or preset("demo", CHANGES), recipe, report=report)
    judge_attender(out, scratch)
    return result


def judge_attender(out: Path, scratch: Path) -> dict[str, Any]:
    """Judge the weights in `out` on the demo's person and film; writes the figures into the checkpoint.

    Returns
    -------
    dict
        `attended`: how often it was found which of 4 is attended, in windows of one interval, at the demo's
        own ratio of answer to background; `attended_weaker` at that of the training;
        `attended_without_answer` where the EEG holds no answer.
    """
    found = {}
    for name, snr, seconds in TESTS:
        folder = scratch / f"test-{name}"
        if not (folder / FILE).is_file():
            write_attender(folder, seconds, DEMO_PERSON, DEMO_FILM, snr=snr)
        found[name] = _hits(out, folder).told()
    checkpoint = load_checkpoint(out)
    metrics = {**checkpoint.metrics, "test": found}
    save_checkpoint(out, checkpoint.network, out.resolve().name, checkpoint.split, metrics)
    (out / "evaluation.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    return found


@torch.inference_mode()
def _hits(out: Path, session: Path) -> Hits:
    network = load_checkpoint(out).network
    recordings = fed(Material([session]), network)
    found = hits(network, recordings, recordings.spans())
    assert found is not None, "the session has cues"
    return found


def main() -> None:
    """Train, and say so on standard error."""
    parser = argparse.ArgumentParser(description="Train the weights that the attend demo ships with.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--scratch", type=Path, help="Folder for the virtual sessions, to use them again.")
    parser.add_argument("--judge", action="store_true", help="Only judge the weights that are there.")
    asked = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        scratch = asked.scratch or Path(temporary)
        if not asked.judge:
            train_attender(asked.out, scratch, report=steps_on_stderr)
        print(json.dumps(judge_attender(asked.out, scratch), indent=1))


if __name__ == "__main__":
    main()
