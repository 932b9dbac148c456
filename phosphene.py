"""Phosphene for programs (`import phosphene`) and as a command (`phosphene --help`).

What `__all__` lists is the public face: documented, tested and kept. Each name is imported when it is first
used, so that `import phosphene` loads neither torch nor numpy.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer

from commands import learning, machine, recordings, sessions
from commands.headset import headset
from commands.subject import subject

if TYPE_CHECKING:
    from experiment.compose import LiveChoice, open_live, open_replay
    from experiment.feedback_options import FeedbackChoice
    from experiment.model_choice import ModelChoice
    from experiment.run import Running, run
    from models.inference.engine import Engine
    from models.learning.evaluate import evaluate_checkpoint
    from models.learning.train import Material, train_sessions
    from models.learning.training.recipe import Recipe
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
    "Engine",
    "Feedback",
    "FeedbackChoice",
    "FeedbackConfig",
    "GridConfig",
    "IntervalArrays",
    "LiveChoice",
    "Material",
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
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Import a public name from its home when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'phosphene' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = globals()[name] = getattr(import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


app = typer.Typer(
    help="Fuse a live EEG stream with live video, and see how well this brain matches what is on the screen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

_VERBS = {
    "Sessions": (sessions.demo, sessions.live, sessions.record, sessions.replay),
    "Recordings": (
        recordings.info,
        recordings.report,
        recordings.repair,
        recordings.import_,
        recordings.export,
        recordings.anonymize,
    ),
    "Models": (learning.baseline, learning.train, learning.evaluate, learning.crossval, learning.models),
    "This machine": (machine.doctor, machine.streams, headset, subject, machine.calibrate, machine.bench),
}
_NAMES = {recordings.import_: "import", machine.calibrate: "calibrate-camera"}
for _panel, _verbs in _VERBS.items():
    for _verb in _verbs:
        app.command(_NAMES.get(_verb, _verb.__name__), rich_help_panel=_panel)(_verb)


def main() -> None:
    """Entry point: errors of ours become one line and their exit code."""
    from realtime.errors import PhospheneError

    try:
        app(standalone_mode=True)
    except PhospheneError as error:
        typer.echo(f"phosphene: {error}", err=True)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
