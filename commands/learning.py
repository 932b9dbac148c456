"""Verbs that train and judge: baseline, train, evaluate, crossval, runs, models."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from commands.grouping import grouped
from commands.options import (
    ConditioningGroup,
    DataGroup,
    Json,
    NetworkGroup,
    PastGroup,
    Sessions,
    SignalGroup,
    numbers_of,
)
from commands.output import print_json, tell


@grouped
def train(
    sessions: Sessions,
    out: Annotated[Path, typer.Option("--out", help="Folder for the checkpoint.")],
    network: NetworkGroup,
    conditioning: ConditioningGroup,
    data: DataGroup,
    past: PastGroup,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from what an earlier training left in --out, or say no.")
    ] = False,
    json: Json = False,
) -> None:
    """Learn a person's answer to what they watch from recorded sessions. Ctrl-C keeps what was reached.

    How many steps is found on parts of the data that are held out in turn; then all of it is learned.
    """
    from experiment.console import reading, training_progress, work_progress
    from models.learning.person import train_from
    from models.learning.train import train_sessions, unfinished
    from models.learning.training.curves import TrainingCurves
    from models.learning.training.ranks import rank

    material = data.material(sessions, conditioning.config())
    changes, recipe = past.changes(network)
    parent = past.folder()
    if begun := unfinished(out, needed=resume):
        tell(begun)
    with work_progress() as show:
        curves = TrainingCurves(training_progress(show))
        material = replace(material, tell=reading(show) if rank() == 0 else None)
        if parent is None:
            result = train_sessions(material, out, network.preset, recipe, changes, curves)
        else:
            result = train_from(parent, material, out, recipe, past.recipe, curves, tell)
    if rank() > 0:
        return  # the first of several processes tells
    curves.write(out)
    if json:
        print_json(result.as_dict())
    else:
        trained = result.trained
        typer.echo(f"{result.folder}: {trained.steps} steps on {result.minutes:.1f} min, {trained.reason}")
    if result.advice:
        tell(result.advice)
    if result.trained.reason == "interrupted":
        words = [word for word in sys.argv[1:] if word != "--resume"]
        tell(f"to go on: {shlex.join(['phosphene', *words, '--resume'])}")


@grouped
def embed(
    sessions: Sessions,
    model: Annotated[str, typer.Option("--model", help="Folder or hub id of a model, transformers format.")],
    text: Annotated[
        str | None,
        typer.Option("--text", help="What was said: markers, or a file of subtitles."),
    ] = None,
    audio: Annotated[
        str | None,
        typer.Option("--audio", help="What was heard: session for its own video's sound, or a file."),
    ] = None,
    video: Annotated[bool, typer.Option("--video", help="What was shown: the session's video.")] = False,
    every: Annotated[
        float, typer.Option("--every", min=0.05, help="Seconds between embeddings of sound or pictures.")
    ] = 0.5,
    out: Annotated[
        str, typer.Option("--out", help="Name of the file beside each session; teacher-KIND.npz by default.")
    ] = "",
    json: Json = False,
) -> None:
    """Write what a published model makes of a session beside it: a teacher for `train --teacher`."""
    from models.learning.embedding.embed import Content, embed_sessions
    from realtime.errors import ConfigError

    given = {"text": text, "audio": audio, "video": "" if video else None}
    chosen = [(kind, name) for kind, name in given.items() if name is not None]
    if len(chosen) != 1:
        raise ConfigError("name one of --text, --audio and --video: each makes a file of its own")
    written = embed_sessions(sessions, Content(*chosen[0], every), model, out, tell)
    if json:
        print_json([{**found._asdict(), "path": str(found.path)} for found in written])


@grouped
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Folder of a checkpoint, or demo for the shipped one.")],
    sessions: Sessions,
    signal: SignalGroup,
    data: DataGroup,
    controls: Annotated[
        bool, typer.Option("--controls/--no-controls", help="Also without frontal channels, and more.")
    ] = True,
    report: Annotated[
        Path | None, typer.Option("--report", help="Also write the result as a page of its own.")
    ] = None,
    json: Json = False,
) -> None:
    """Say what a checkpoint is worth on sessions: against chance, a shifted null and linear models."""
    from experiment.console import print_worth, reading, work_progress
    from experiment.model_choice import shipped_weights
    from models.learning.evaluate import evaluate_checkpoint
    from models.learning.judging.report import write_worth

    material = data.material(sessions, signal.config())
    with work_progress() as show:
        material = replace(material, tell=reading(show))
        found = evaluate_checkpoint(shipped_weights(checkpoint) or checkpoint, material, controls, tell)
    if report is not None:
        write_worth(found, report)
    if json:
        print_json(found)
    else:
        print_worth(found)


@grouped
def crossval(
    sessions: Sessions,
    network: NetworkGroup,
    conditioning: ConditioningGroup,
    data: DataGroup,
    folds: Annotated[
        str, typer.Option("--folds", help="runs, '5 blocks', or groups such as 1-6/7-11 (across days).")
    ] = "runs",
    minutes: Annotated[
        str | None,
        typer.Option("--minutes", help="A learning curve: on so many minutes of data each, 2,4,8,14"),
    ] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="A folder for what a killed run goes on from.")
    ] = None,
    json: Json = False,
) -> None:
    """Train again for every fold and judge on what was left out, beside linear models on the same windows."""
    from experiment.console import print_curve, print_worth, reading, work_progress
    from models.learning.crossval import Watch, cross_validate, learning_curve
    from models.learning.data.flicker import configured, films_flicker, slots_in_words

    material = data.material(sessions, conditioning.config())
    changes, recipe = network.changes()
    flickers = films_flicker(material.sessions, material.video)
    config = configured(network.preset, changes, flickers=flickers)
    if words := slots_in_words(config, flickers):
        tell(words)
    found: Any
    amounts = numbers_of("--minutes", minutes) if minutes is not None else None
    with work_progress() as show:
        material = replace(material, tell=reading(show))
        watch = Watch(tell, show)
        if amounts is None:
            found = cross_validate(material, config, recipe, folds, state=state, watch=watch)
        else:
            found = learning_curve(material, config, recipe, amounts, folds, watch)
    if json:
        print_json(found)
    elif minutes is None:
        print_worth(found)
    else:
        print_curve(found)


@grouped
def baseline(
    sessions: Sessions,
    conditioning: ConditioningGroup,
    data: DataGroup,
    json: Json = False,
) -> None:
    """Say what linear models (ridge, banded ridge, CCA) reach on sessions, each left out in turn."""
    from experiment.console import print_worth, reading, work_progress
    from models.learning.evaluate import baseline_sessions

    material = data.material(sessions, conditioning.config())
    with work_progress() as show:
        found = baseline_sessions(replace(material, tell=reading(show)), tell=tell)
    if json:
        print_json(found)
    else:
        print_worth(found)


def runs(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Where to look; `models`, or else this folder, by default.")
    ] = None,
    json: Json = False,
) -> None:
    """List trained models and unfinished trainings: when, of whom, from how much, how good, from what."""
    from experiment.console import print_runs
    from models.learning.runs import runs_in

    usual = Path("models")
    found = runs_in(folders or [usual if usual.is_dir() else Path()])
    if json:
        print_json([run.as_dict() for run in found])
    elif found:
        print_runs(found)
    else:
        tell("no model is there: `phosphene train SESSION … --out FOLDER` makes one")


def models(
    table: Annotated[
        bool, typer.Option("--table", help="Measure every combination of parts; takes minutes.")
    ] = False,
    accuracy: Annotated[
        Path | None,
        typer.Option("--accuracy", help="JSON of the ablation, shown beside it."),
    ] = None,
    json: Json = False,
) -> None:
    """List the presets and the parts they are made of; with --table what every combination costs here."""
    if not table:
        from experiment.console import print_family
        from models.family import family

        (print_json if json else print_family)(family())
        return
    from models.bench.table import as_markdown, measured_on, rows
    from models.learning.studies.ablation import accuracies

    measured = []
    for row in rows():
        measured.append(row)
        typer.echo(f"{len(measured)}: {', '.join(row.parts)}", err=True)
    known = accuracies(accuracy) if accuracy is not None else None
    typer.echo(f"{measured_on()}\n\n{as_markdown(measured, known)}")
