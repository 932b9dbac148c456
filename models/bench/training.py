"""How long twenty minutes of data take from recordings to a model, by the command a user gives."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from models.bench.setting import Section, Setting
from models.bench.timing import Goal, rounded
from models.learning.studies.demo import FIRST_FILM, FIRST_PERSON, write_virtual
from realtime.errors import PhospheneError

N_SESSIONS, SECONDS = 10, 120.0
MOST_S = 120.0
_QUICK = ("recipe.steps=4", "recipe.match=0", "recipe.validation=0")


def training(setting: Setting) -> Section:
    """Train on a virtual subject's sessions, which nobody has embedded before: `total_s`, by the clock.

    `step_ms` is of the last training, on all of the data; before it, as many steps again at most are gone to
    find how many there should be.
    """
    n_sessions, seconds = (1, 30.0) if setting.quick else (N_SESSIONS, SECONDS)
    with TemporaryDirectory(prefix="phosphene-bench-") as folder:
        sessions = [
            write_virtual(Path(folder) / f"{k}", seconds, FIRST_PERSON, FIRST_FILM + k, engaged=True)
            for k in range(n_sessions)
        ]
        begin = time.perf_counter()
        made = _train(sessions, Path(folder) / "model", _QUICK if setting.quick else ())
        total = time.perf_counter() - begin
    trained, looks = made["trained"], made["trained"]["history"]
    numbers: dict[str, Any] = {
        "minutes": rounded(made["minutes"]),
        "total_s": rounded(total),
        "steps": trained["steps"],
        "step_ms": rounded(1e3 * trained["seconds"] / max(trained["steps"], 1)),
        "runs": made["metrics"]["runs"]["name"],
    }
    if looks:
        numbers["held_out"] = rounded(max(look["similarity"] for look in looks))
    words = f"training on {made['minutes']:.0f} min of data, embedding included"
    return Section(numbers, (Goal(words, total, MOST_S, "s", most=True),))


def _train(sessions: list[Path], out: Path, changes: tuple[str, ...]) -> dict[str, Any]:
    """Give the command; returns what it tells.

    Raises
    ------
    PhospheneError
        It failed.
    """
    settings = [word for change in changes for word in ("--set", change)]
    command = [sys.executable, "-m", "phosphene", "train", *map(str, sessions), "--out", str(out), "--json"]
    done = subprocess.run([*command, *settings], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PhospheneError(f"the training failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told
