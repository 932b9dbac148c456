"""Options that several verbs share, and what their texts come to."""

from __future__ import annotations

import json as json_format
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from models.learning.training.recipe import Recipe
    from realtime.config import ConditioningConfig


SessionFolder = Annotated[Path, typer.Argument(help="Folder with session.xdf and its video.")]
Sessions = Annotated[list[Path], typer.Argument(help="Folders of recorded sessions.")]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Where embedded frames are kept; beside each session by default."),
]
EegOfSession = Annotated[
    str | None, typer.Option("--eeg", help="Which EEG stream, where the session has several.")
]
VIDEO_HELP = "A camera's number, a file, a URL or screen; again for more, what is shown first."
Videos = Annotated[list[str] | None, typer.Option("--video", help=VIDEO_HELP)]
Headless = Annotated[bool, typer.Option("--headless", help="No window and no live text: run, then report.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="End after this many seconds.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")]
Preset = Annotated[str, typer.Option("--preset", help="demo, laptop or lab.")]
Weights = Annotated[
    str | None, typer.Option("--weights", help="Folder with trained weights, or demo for the shipped ones.")
]
Backend = Annotated[
    str, typer.Option("--backend", help="eager, inductor, openvino, openvino-int8, tensorrt or auto.")
]
Channels = Annotated[str | None, typer.Option("--channels", help="Electrodes in the order wanted: Fz,Cz,Pz")]
Reference = Annotated[str, typer.Option("--reference", help="'as recorded' or 'average'.")]
Notch = Annotated[float, typer.Option("--notch", help="Line frequency to remove: 50, 60, or 0 for none.")]
Unit = Annotated[
    str | None, typer.Option("--unit", help="Unit of the samples, where the stream says none or a wrong one.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A part of the network or of the recipe: mixer=gru, recipe.steps=800"),
]
ClockMode = Annotated[
    str, typer.Option("--clock", help="check: refuse stamps of another clock. arrival: stamp on arrival.")
]
FeedbackOn = Annotated[
    bool, typer.Option("--feedback", help="Close the loop: give feedback on the similarity, as it stands.")
]
FeedbackSet = Annotated[
    list[str] | None,
    typer.Option(
        "--feedback-set", help="A setting of the feedback: baseline_s=30, threshold=0.2, when=above"
    ),
]
FeedbackLook = Annotated[
    str | None,
    typer.Option("--feedback-style", help="bar, ring, brightness, tone or speed (of the film shown)."),
]
Sham = Annotated[
    str | None,
    typer.Option("--sham", help="Feedback that follows nothing: random, or the times of this SESSION's."),
]
Blind = Annotated[
    bool,
    typer.Option(
        "--blind", help="Nobody here learns how well it fits; with --sham, a coin says whether it is one."
    ),
]
Osc = Annotated[str | None, typer.Option("--osc", help="Send the feedback by OSC as well: HOST:PORT.")]
Stimulus = Annotated[
    str | None,
    typer.Option("--stimulus", help="A film, played full screen to the participant: the session sees it."),
]
Screen = Annotated[
    int | None,
    typer.Option("--screen", min=1, help="Of the stimulus; the second by default where there is one."),
]


def conditioning_of(
    channels: str | None, reference: str, notch: float, unit: str | None
) -> ConditioningConfig:
    from pydantic import ValidationError

    from realtime.config import ConditioningConfig
    from realtime.errors import ConfigError

    names = tuple(name.strip() for name in channels.split(",")) if channels else None
    try:
        return ConditioningConfig(channels=names, reference=reference, notch_hz=notch or None, unit=unit)
    except ValidationError as error:
        raise ConfigError(
            "; ".join(f"{e['loc'][0]} {e['input']!r}: {e['msg']}" for e in error.errors())
        ) from None


def settings_of(settings: list[str]) -> tuple[dict[str, Any], Recipe]:
    """`--set` options: what changes in the network, and the recipe."""
    from pydantic import ValidationError

    from models.learning.training.recipe import Recipe
    from realtime.errors import ConfigError

    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting} names no value: write NAME=VALUE, for example mixer=gru")
        changes[name] = value
    recipe = {
        name.removeprefix("recipe."): changes.pop(name)
        for name in list(changes)
        if name.startswith("recipe.")
    }
    try:
        return changes, Recipe(**recipe)
    except ValidationError as error:
        told = (f"recipe.{e['loc'][0]}={e['input']}: {e['msg']}" for e in error.errors())
        raise ConfigError("; ".join(told)) from None


def numbers_of(option: str, text: str) -> list[float]:
    from realtime.errors import ConfigError

    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise ConfigError(f"{option} {text} are no numbers: write them with commas between, 2,4,8") from None


def speed_of(speed: str) -> float:
    from realtime.errors import ConfigError

    if speed == "max":
        return math.inf
    try:
        value = float(speed)
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ConfigError(f"--speed {speed} is no speed: give a number above 0, or max")
    return value


def print_json(value: Any) -> None:
    sys.stdout.write(json_format.dumps(value, indent=2, default=str) + "\n")


def tell(words: str) -> None:
    typer.echo(words, err=True)
