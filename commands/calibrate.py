"""The verb that makes a model for whoever sits there now: calibrate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from commands.grouping import grouped
from commands.options import ConditioningGroup, Json, ModelGroup, NetworkGroup, PastGroup, RunGroup
from commands.output import print_json, tell
from commands.session_options import StreamsGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from experiment.person.training import TrainingRequest
    from experiment.recording import SessionRecording
    from experiment.run import Running


@dataclass(frozen=True)
class ShownGroup:
    """What the participant sees."""

    PANEL: ClassVar = "What is shown"

    film: Annotated[
        str | None, typer.Option("--film", help="A film, played full screen to the participant.")
    ] = None
    playlist: Annotated[
        str | None,
        typer.Option("--playlist", help="A list of films, pauses and pictures (.json), played likewise."),
    ] = None
    video: Annotated[
        str | None,
        typer.Option("--video", help="What is shown elsewhere: a file, a camera's number, a URL or screen."),
    ] = None
    screen: Annotated[int | None, typer.Option("--screen", min=1, help="Of the film or the playlist.")] = None

    def streams(self) -> StreamsGroup:
        """Return what a live session takes.

        Raises
        ------
        ConfigError
            Not exactly one thing is shown.
        """
        from realtime.errors import ConfigError

        if len([one for one in (self.film, self.playlist, self.video) if one]) != 1:
            raise ConfigError("give one of --film, --playlist and --video: what the participant sees")
        return StreamsGroup([self.video] if self.video else None, self.film or self.playlist, self.screen)


@dataclass(frozen=True)
class RecordedGroup:
    """How long is recorded, and where it goes."""

    PANEL: ClassVar = "Recording"

    seconds: Annotated[float, typer.Option("--seconds", min=5, help="To record.")] = 120.0
    sessions: Annotated[
        Path, typer.Option("--sessions", help="Folder under which the recording's own folder is made.")
    ] = Path("sessions")
    sub: Annotated[str | None, typer.Option("--sub", help="Whose recording it is.")] = None


@grouped
def calibrate(
    *,
    eeg: Annotated[str, typer.Option("--eeg", help="LSL stream: name=…, type=… or source_id=…")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the model.")],
    shown: ShownGroup,
    recorded: RecordedGroup,
    past: PastGroup,
    network: NetworkGroup,
    conditioning: ConditioningGroup,
    json: Json = False,
) -> None:
    """Record whoever sits there now, train a model on it, say what it is worth and how to use it.

    Ctrl-C while it trains keeps what was learned; the recording is kept in any case.
    """
    from realtime.errors import RunError

    streams, request = shown.streams(), _request(out, past, network, conditioning)
    runs = ModelGroup(network.preset, request.parent)
    opened = _open(eeg, streams, runs, conditioning, recorded)
    follow = _in_session if shown.video else _in_window
    found = follow(*opened, request, recorded.seconds)
    if found.get("failure"):
        raise RunError(found["failure"])
    if json:
        print_json(found)
    else:
        _say(found)


def _request(
    out: Path, past: PastGroup, network: NetworkGroup, conditioning: ConditioningGroup
) -> TrainingRequest:
    """Return what is to be trained."""
    from experiment.person.training import TrainingRequest

    changes, recipe = past.changes(network)
    return TrainingRequest(
        (),
        str(out),
        past.folder(),
        past.recipe,
        network.preset,
        changes,
        recipe.model_dump(exclude_unset=True),
        conditioning.config().model_dump(mode="json"),
    )


def _open(
    eeg: str,
    streams: StreamsGroup,
    model: ModelGroup,
    conditioning: ConditioningGroup,
    recorded: RecordedGroup,
) -> tuple[Running, SessionRecording]:
    """Open the live session that is recorded, and what records it."""
    from dataclasses import replace

    from commands.sessions import live_choice, player
    from experiment.compose import open_live
    from experiment.recording import offer_recording
    from recordings.session.options import RecordingOptions

    choice = live_choice(eeg, streams, model, conditioning, None)
    if streams.stimulus is not None:
        choice = replace(choice, stimulus=player(streams.stimulus, streams.screen, RunGroup()))
    running = open_live(choice)
    entities = {"task": "calibration", **({} if recorded.sub is None else {"sub": recorded.sub})}
    recording = offer_recording(running, recorded.sessions, (), RecordingOptions(entities=entities))
    return running, recording


def _in_session(
    running: Running, recording: SessionRecording, request: TrainingRequest, seconds: float
) -> dict[str, Any]:
    """Record, train beside the session and have the model take over, shown as text."""
    from experiment.person.calibration import CalibrationRun
    from experiment.person.text import follow_calibration
    from experiment.run import run

    calibration = CalibrationRun(running, recording, request, seconds)
    summary = run(running, follow_calibration(calibration, tell))
    now = summary["calibration"]
    done = {} if now.training is None else dict(now.training.done or {})
    failure = now.failure or "; ".join(summary["errors"])
    return {**done, "recording": str(recording.folders[-1]), "failure": failure if not done else ""}


def _in_window(
    running: Running, recording: SessionRecording, request: TrainingRequest, seconds: float
) -> dict[str, Any]:
    """Record while the film plays in a window of its own, then train."""
    from dataclasses import replace

    from commands.sessions import in_window
    from experiment.interrupt import interruptible
    from experiment.person.text import follow_training
    from experiment.person.training import TrainingProcess

    recording.start()
    summary = in_window(running, RunGroup(seconds=seconds))
    folder = str(recording.folders[-1])
    if summary["errors"]:
        return {"recording": folder, "failure": "; ".join(summary["errors"])}
    with interruptible() as interrupted:
        training = TrainingProcess(replace(request, sessions=(folder,))).launch()
        state = follow_training(training, interrupted)
    return {**(state.done or {}), "recording": folder, "failure": state.failure}


def _say(found: Mapping[str, Any]) -> None:
    """Print what came out, and how to use it."""
    from experiment.person.training import worth_in_words

    typer.echo(f"recorded: {found['recording']}")
    typer.echo(f"{found['folder']}: {found['how']}, {found['steps']} steps on {found['minutes']:.1f} min")
    typer.echo(worth_in_words(found))
    if found["advice"]:
        tell(found["advice"])
    typer.echo(f"use it: phosphene live --eeg … --video … --weights {found['folder']}")
