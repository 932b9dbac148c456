"""Trains in a process of its own: `python -m experiment.person.child REQUEST`, told of in lines of JSON.

{"phase": "without part 1 of 3", "share": 0.12}    as it goes
{"done": {"folder": …, "minutes": …}}              or {"failed": "a sentence"}
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> int:
    """Do what the request, the last argument, asks for; exit codes are the program's."""
    from realtime.errors import InputError, PhospheneError

    if hasattr(os, "nice"):
        os.nice(10)  # the session it runs beside goes first
    try:
        say({"done": train(json.loads(sys.argv[-1]))})
    except PhospheneError as error:
        say({"failed": str(error)})
        return 2 if isinstance(error, InputError) else 1
    return 0


def train(request: dict[str, Any]) -> dict[str, Any]:
    """Train as `TrainingRequest` says; returns what came out."""
    from models.learning.person import train_from
    from models.learning.train import Material, train_sessions
    from models.learning.training.recipe import Recipe
    from realtime.config import ConditioningConfig

    sessions = [Path(path) for path in request["sessions"]]
    material = Material(sessions, ConditioningConfig(**request["conditioning"]), tell=reading)
    recipe = Recipe(**request["recipe"])
    if request["parent"] is None:
        made = train_sessions(
            material, request["out"], request["preset"], recipe, request["changes"], report=report
        )
    else:
        made = train_from(request["parent"], material, request["out"], recipe, request["how"], report, tell)
    newest = made.metrics["ancestry"][-1]
    return {
        "folder": str(made.folder),
        "minutes": made.minutes,
        "how": newest["how"],
        "steps": made.trained.steps,
        "interrupted": made.trained.reason == "interrupted",
        "runs": made.metrics["runs"],
        "advice": made.advice,
    }


def reading(what: str, share: float) -> None:
    """Say what is read."""
    say({"phase": f"reading {what}, {100 * share:.0f} %", "share": 0.0})


def report(progress: Any) -> None:
    """Say how far it is."""
    say({"phase": progress.phase, "share": progress.share})


def tell(words: str) -> None:
    """Say what was found."""
    say({"words": words})


def say(what: dict[str, Any]) -> None:
    """Write a line for whoever started this."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    sys.exit(main())
