"""Phosphene for programs (`import phosphene`) and as a command (`phosphene --help`).

What `__all__` lists is the public face: documented, tested and kept. Each name is imported when it is first
used, so that `import phosphene` loads neither torch nor numpy.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiment.compose import LiveChoice, open_live, open_replay
    from experiment.feedback_options import FeedbackChoice
    from experiment.model_choice import ModelChoice
    from experiment.run import Running, run
    from models.inference.engine import Engine
    from models.learning.evaluate import evaluate_checkpoint
    from models.learning.train import Material, train_sessions
    from models.learning.training.recipe import Recipe
    from models.network.interfaces import EegConfig, EegFeatures, Fused, FusionConfig, Media
    from realtime.config import ConditioningConfig, GridConfig
    from realtime.errors import PhospheneError
    from realtime.feedback.config import FeedbackConfig
    from realtime.feedback.controller import Feedback
    from realtime.pipeline import Pipeline
    from realtime.types import Reading
    from recordings.arrays import IntervalArrays, RecordedArrays, read_intervals, read_recording
    from recordings.recorder import Recorder
    from recordings.session.example import EXAMPLE

__all__ = [
    "EXAMPLE",
    "ConditioningConfig",
    "EegConfig",
    "EegFeatures",
    "Engine",
    "Feedback",
    "FeedbackChoice",
    "FeedbackConfig",
    "Fused",
    "FusionConfig",
    "GridConfig",
    "IntervalArrays",
    "LiveChoice",
    "Material",
    "Media",
    "ModelChoice",
    "PhospheneError",
    "Pipeline",
    "Reading",
    "Recipe",
    "RecordedArrays",
    "Recorder",
    "Running",
    "evaluate_checkpoint",
    "open_live",
    "open_replay",
    "read_intervals",
    "read_recording",
    "run",
    "train_sessions",
]

_HOMES = {
    "experiment.compose": ("LiveChoice", "open_live", "open_replay"),
    "experiment.feedback_options": ("FeedbackChoice",),
    "experiment.model_choice": ("ModelChoice",),
    "experiment.run": ("Running", "run"),
    "models.inference.engine": ("Engine",),
    "models.learning.evaluate": ("evaluate_checkpoint",),
    "models.learning.train": ("Material", "train_sessions"),
    "models.learning.training.recipe": ("Recipe",),
    "models.network.interfaces": ("EegConfig", "EegFeatures", "Fused", "FusionConfig", "Media"),
    "realtime.config": ("ConditioningConfig", "GridConfig"),
    "realtime.errors": ("PhospheneError",),
    "realtime.feedback.config": ("FeedbackConfig",),
    "realtime.feedback.controller": ("Feedback",),
    "realtime.pipeline": ("Pipeline",),
    "realtime.types": ("Reading",),
    "recordings.arrays": ("IntervalArrays", "RecordedArrays", "read_intervals", "read_recording"),
    "recordings.recorder": ("Recorder",),
    "recordings.session.example": ("EXAMPLE",),
}
_ROOMS = ("realtime", "recordings", "models", "experiment", "gui", "commands")
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'phosphene' has no attribute {name!r}; it has {', '.join(__all__)}")
    if words := _shadowed():
        raise ImportError(f"phosphene: {words}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def main() -> None:
    """Run the command `phosphene`."""
    if words := _shadowed():
        print(f"phosphene: {words}", file=sys.stderr)
        sys.exit(1)
    from commands.app import main as run_command

    run_command()


def _shadowed() -> str:
    """Say which of the program's packages another one of the same name hides; empty where none is hidden.

    Their names are general: a folder `models` of the user's, or of another program, may be found first.
    """
    ours = Path(__file__).resolve().parent
    for room in _ROOMS:
        spec = find_spec(room)
        places = [Path(place).resolve() for place in (spec and spec.submodule_search_locations) or []]
        if places != [ours / room]:
            found = f"is taken from {places[0]}" if places else "was not found"
            return (
                f"its package `{room}` {found}, not from {ours}: another folder or program of that name is "
                "in the way. Run phosphene from another folder, and install it in an environment of its own "
                "(pipx install, uv tool install)"
            )
    return ""


if __name__ == "__main__":
    main()
