"""The demo's weights: `python -m models.learning.studies.demo OUT` makes virtual sessions and trains on them.

Nothing goes in but the virtual subject and its film, so the weights may be passed on freely. They are judged
on a subject and a film that the training never saw.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from models.checkpoint import load_checkpoint, save_checkpoint
from models.learning.data.dataset import Windows
from models.learning.evaluate import evaluate_checkpoint
from models.learning.judging.report import write_worth
from models.learning.judging.scoring import see_windows
from models.learning.studies.progress import steps_on_stderr
from models.learning.train import Material, TrainingResult, fed, train_sessions
from models.learning.training.recipe import PLAIN, Recipe
from realtime.chance import auc
from realtime.types import EegInfo
from realtime.virtual.subject.session import simulate_session
from realtime.virtual.subject.subject import PersonOptions, SubjectOptions
from recordings.session.session import Session
from recordings.session.writer import write_session

N_SESSIONS, SECONDS, TEST_SECONDS = 6, 200.0, 240.0
FIRST_PERSON, FIRST_FILM = 10, 100  # of the training; the demo's own person and film are not among them
DEMO_PERSON, DEMO_FILM = 0, 7
RECIPE = Recipe(steps=300, match_from=0.3, **PLAIN)  # of the weights that ship
_SIZE = 240, 135  # pixels: four times what the fast path keeps


def write_virtual(
    folder: Path, seconds: float, person: int, film: int, engaged: bool, **subject: Any
) -> Path:
    """Record a virtual subject who watches a film, `engaged` throughout or with a mind that wanders.

    `subject` are further `SubjectOptions`.
    """
    who = SubjectOptions(seed=person, film_seed=film, always_engaged=engaged, **subject)
    return write_person(folder, seconds, who)


def write_person(folder: Path, seconds: float, who: PersonOptions) -> Path:
    """Record anybody virtual, with the film that is theirs."""
    simulated = simulate_session(seconds, who, _SIZE)
    info = EegInfo("Virtual subject", simulated.labels, "microvolts", simulated.rate, f"virtual-{who.seed}")
    write_session(folder, info, simulated.stamps, simulated.samples, simulated.frames(), simulated.markers)
    return folder


def write_people(folder: Path, n_train: int, seconds: float, **subject: Any) -> list[Path]:
    """Record engaged subjects to learn from, and last one to be judged on, whose film nobody learned from.

    `subject` are further `SubjectOptions` of all of them.
    """
    who = [(FIRST_PERSON + i, FIRST_FILM + i) for i in range(n_train)] + [(DEMO_PERSON, DEMO_FILM)]
    return [
        write_virtual(folder / f"{i}", seconds, person, film, engaged=True, **subject)
        for i, (person, film) in enumerate(who)
    ]


def train_demo(out: Path, scratch: Path, recipe: Recipe = RECIPE, report: Any = None) -> TrainingResult:
    """Make the sessions (those in `scratch` are used again), train, judge, and write weights and report.

    Training subjects are engaged throughout: nobody can learn from an answer that is not there.
    """
    sessions = []
    for i in range(N_SESSIONS):
        folder = scratch / f"train{i}"
        if not (folder / "session.xdf").is_file():
            write_virtual(folder, SECONDS, FIRST_PERSON + i, FIRST_FILM + i, engaged=True)
        sessions.append(folder)
    result = train_sessions(Material(sessions), out, "demo", recipe, report=report)
    judge_demo(out, scratch)
    return result


def judge_demo(out: Path, scratch: Path) -> None:
    """Judge the weights in `out` on the demo's person and film; writes figures and a report beside them."""
    engaged, wandering = scratch / "test-engaged", scratch / "test-wandering"
    for folder, always in ((engaged, True), (wandering, False)):
        if not (folder / "session.xdf").is_file():
            write_virtual(folder, TEST_SECONDS, DEMO_PERSON, DEMO_FILM, engaged=always)
    found = evaluate_checkpoint(out, Material([engaged]))
    found["engagement_auc"] = engagement_auc(out, wandering)
    checkpoint = load_checkpoint(out)
    figures = {name: found[name] for name in ("two_way", "two_way_ci", "ten_way", "engagement_auc", "match")}
    metrics = {**checkpoint.metrics, "test": figures}
    save_checkpoint(out, checkpoint.network, "demo", checkpoint.split, metrics)
    (out / "evaluation.json").write_text(json.dumps(found, indent=1))
    write_worth(found, out / "report.html")


def engagement_auc(folder: Path, session: Path) -> float | None:
    """Probability that an engaged interval is more similar than a drifting one, every quarter of a second.

    Only intervals that lie in one phase as a whole count; phases are told by the session's markers.
    """
    network = load_checkpoint(folder).network
    recordings = fed(Material([session]), network)
    hop = recordings.grid.hop_slots
    windows: Windows = recordings.every(recordings.spans(), hop)
    seen = see_windows(network, recordings, windows, match=False)
    similarity = (seen.eeg * seen.video).sum(dim=2).mean(dim=1).numpy()
    ends = (recordings.tables[0].first + windows.end) / recordings.grid.slots_hz
    starts = ends - recordings.grid.interval_s - recordings.grid.lag_s
    with Session(session) as recorded:
        markers = recorded.markers()
    stamps = np.array([marker.stamp for marker in markers])
    phase = np.searchsorted(stamps, starts, side="right") - 1
    whole = (phase >= 0) & (np.searchsorted(stamps, ends, side="right") - 1 == phase)
    engaged = np.array([marker.text == "engaged" for marker in markers])[np.maximum(phase, 0)]
    found = auc(similarity[whole & engaged], similarity[whole & ~engaged])
    return None if found is None else round(found, 4)


def main() -> None:
    """Train, and say so on standard error."""
    parser = argparse.ArgumentParser(description="Train the weights that the demo ships with.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--scratch", type=Path, help="Folder for the virtual sessions, to use them again.")
    asked = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        train_demo(asked.out, asked.scratch or Path(temporary), report=steps_on_stderr)


if __name__ == "__main__":
    main()
