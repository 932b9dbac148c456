"""Options that several verbs share, in groups, and what each group comes to.

Legal values stand here as literals, so that `--help` lists them without importing what knows them;
`tests/commands/test_options.py` holds them against those.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import typer

from commands.output import in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from experiment.model_choice import ModelChoice
    from models.learning.train import Material
    from models.learning.training.recipe import Recipe
    from realtime.config import ConditioningConfig

PresetName = Literal["demo", "laptop", "lab"]
BackendName = Literal["eager", "inductor", "openvino", "openvino-int8", "cuda", "tensorrt", "auto"]
RecipeName = Literal["auto", "same-person", "new-person"]
ReferenceName = Literal["as recorded", "average"]

SessionFolder = Annotated[Path, typer.Argument(help="Folder with session.xdf and its video.")]
Sessions = Annotated[list[Path], typer.Argument(help="Folders of recorded sessions.")]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Where embedded frames are kept; beside each session by default."),
]
EegOfSession = Annotated[
    str | None, typer.Option("--eeg", help="Which EEG stream, where the session has several.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for programs.")]
Unit = Annotated[
    str | None, typer.Option("--unit", help="Unit of the samples, where the stream says none or a wrong one.")
]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="End after this many seconds.")]


@dataclass(frozen=True)
class RunGroup:
    """How long a session runs, and where it is shown."""

    PANEL: ClassVar = "Where it is shown"

    headless: Annotated[
        bool, typer.Option("--headless", help="No window and no live text: run, then report.")
    ] = False
    seconds: Seconds = None
    json: Json = False


@dataclass(frozen=True)
class ModelGroup:
    """The network of a session."""

    PANEL: ClassVar = "Model"

    preset: Annotated[PresetName, typer.Option("--preset", help="An untrained network of this size.")] = (
        "demo"
    )
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights", help="Folder that `phosphene train` wrote, or demo for the shipped weights."
        ),
    ] = None
    backend: Annotated[
        BackendName,
        typer.Option(
            "--backend",
            envvar="PHOSPHENE_BACKEND",
            help="What runs the network. auto: at once, and faster as soon as that is built beside it.",
        ),
    ] = "auto"

    def choice(self) -> ModelChoice:
        """Return what `experiment` takes."""
        from experiment.model_choice import ModelChoice

        return ModelChoice(self.preset, self.weights, self.backend)


@dataclass(frozen=True)
class SignalGroup:
    """What happens to the EEG before a model sees it."""

    PANEL: ClassVar = "EEG"

    reference: Annotated[ReferenceName, typer.Option("--reference", help="What the EEG is held against.")] = (
        "as recorded"
    )
    notch: Annotated[
        float | None,
        typer.Option(
            "--notch",
            min=0,
            max=1000,
            show_default="50",
            help="Line frequency to remove, Hz: 50 or 60; 0 for none.",
        ),
    ] = None
    unit: Unit = None

    def config(self) -> ConditioningConfig:
        """Return what the pipeline takes.

        Raises
        ------
        ConfigError
            A value is out of range; the message says which.
        """
        return _conditioning(self, None)


@dataclass(frozen=True)
class ConditioningGroup(SignalGroup):
    """The same with a choice of electrodes."""

    channels: Annotated[
        str | None, typer.Option("--channels", help="Electrodes in the order wanted: Fz,Cz,Pz")
    ] = None

    def config(self) -> ConditioningConfig:
        """Return what the pipeline takes; raises ConfigError as `SignalGroup` does."""
        return _conditioning(self, self.channels)


@dataclass(frozen=True)
class DataGroup:
    """Which streams of the sessions are learned from, and where what is made of them is kept."""

    PANEL: ClassVar = "Data"

    cache: Cache = None
    eeg: EegOfSession = None
    video: Annotated[
        str | None, typer.Option("--video", help="Which video, where the sessions have several.")
    ] = None
    cues: Annotated[
        Path | None,
        typer.Option("--cues", help="What part of the frame a marker names; each session's cues.json else."),
    ] = None

    def material(self, sessions: Sequence[Path], conditioning: ConditioningConfig) -> Material:
        """Return what `models.learning` takes."""
        from models.learning.train import Material

        return Material(sessions, conditioning, self.cache, self.eeg or "", self.video or "", self.cues)


@dataclass(frozen=True)
class BidsGroup:
    """What a run is called in a BIDS data set."""

    PANEL: ClassVar = "BIDS"

    sub: Annotated[str | None, typer.Option("--sub", help="The participant.")] = None
    ses: Annotated[str | None, typer.Option("--ses", help="The session.")] = None
    task: Annotated[str | None, typer.Option("--task", help="The task.")] = None
    run: Annotated[str | None, typer.Option("--run", help="By default the next free number.")] = None

    def entities(self) -> dict[str, str]:
        """Return those that were given."""
        given = {"sub": self.sub, "ses": self.ses, "task": self.task, "run": self.run}
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class NetworkGroup:
    """Which network is trained, and how."""

    PANEL: ClassVar = "Network"

    preset: Annotated[PresetName, typer.Option("--preset", help="What the network starts from.")] = "demo"
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="A part of the network or of the recipe: mixer=gru, recipe.steps=800"),
    ] = None

    teachers: Annotated[
        list[str] | None,
        typer.Option(
            "--teacher",
            help="A file of `phosphene embed` beside each session, to learn from as well; FILE=0.5 for half "
            "its weight. May stand several times.",
        ),
    ] = None

    def changes(self) -> tuple[dict[str, Any], Recipe]:
        """Return what changes in the network, and the recipe.

        Raises
        ------
        ConfigError
            A setting has no value, or the recipe does not know it.
        """
        from pydantic import ValidationError

        from models.learning.training.recipe import Recipe
        from realtime.errors import ConfigError

        changes: dict[str, Any] = {}
        for setting in self.settings or []:
            name, equals, value = setting.partition("=")
            if not equals:
                raise ConfigError(f"--set {setting} names no value: write NAME=VALUE, for example mixer=gru")
            changes[name] = value
        recipe = {
            name.removeprefix("recipe."): changes.pop(name)
            for name in list(changes)
            if name.startswith("recipe.")
        }
        if self.teachers:
            recipe = {"distil": "distribution", **recipe, "teacher": ",".join(self.teachers)}
        try:
            return changes, Recipe(**recipe)
        except ValidationError as error:
            raise ConfigError(in_words(error, lambda name: f"recipe.{name}=")) from None


@dataclass(frozen=True)
class PastGroup:
    """A model that is there already, to be continued."""

    PANEL: ClassVar = "A model that is there already"

    model: Annotated[
        str | None,
        typer.Option("--from", help="Continue this model: a folder that train wrote, or demo."),
    ] = None
    recipe: Annotated[
        RecipeName,
        typer.Option(
            "--recipe",
            help="With --from. same-person: mixed with the model's earlier sessions, gently where those are "
            "gone. new-person: the new minutes alone. auto finds out which applies.",
        ),
    ] = "auto"

    def folder(self) -> str | None:
        """Return the model's folder, of shipped weights by their name; None where none is continued."""
        from experiment.model_choice import shipped_weights

        return None if self.model is None else str(shipped_weights(self.model) or self.model)

    def changes(self, network: NetworkGroup) -> tuple[dict[str, Any], Recipe]:
        """Return what `NetworkGroup.changes` does.

        Raises
        ------
        ConfigError
            A model is continued, and another network than its own is asked for.
        """
        from realtime.errors import ConfigError

        changes, recipe = network.changes()
        if self.model is not None and changes:
            raise ConfigError(
                f"--set {next(iter(changes))}: with --from the network is the model's own; only recipe.… can "
                f"be set"
            )
        return changes, recipe


def numbers_of(option: str, text: str) -> list[float]:
    """Return the numbers of a line such as 2,4,8.

    Raises
    ------
    ConfigError
        One of them is no number.
    """
    from realtime.errors import ConfigError

    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise ConfigError(f"{option} {text} are no numbers: write them with commas between, 2,4,8") from None


def _conditioning(signal: SignalGroup, channels: str | None) -> ConditioningConfig:
    from pydantic import ValidationError

    from realtime.config import ConditioningConfig
    from realtime.errors import ConfigError

    given: dict[str, Any] = {"reference": signal.reference, "unit": signal.unit}
    if channels:
        given["channels"] = tuple(name.strip() for name in channels.split(","))
    if signal.notch is not None:
        given["notch_hz"] = signal.notch or None
    try:
        return ConditioningConfig(**given)
    except ValidationError as error:
        raise ConfigError(in_words(error)) from None
