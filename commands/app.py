"""The command `phosphene`: every verb by its name, and how it ends."""

from __future__ import annotations

import importlib.metadata
import sys
from typing import Annotated

import typer

from commands import learning, machine, recordings, sessions
from commands.calibrate import calibrate
from commands.headset import headset
from commands.output import tell
from commands.subject import subject

_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]  # click's, which typer brings along
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
    "Models": (
        calibrate,
        learning.baseline,
        learning.embed,
        learning.train,
        learning.evaluate,
        learning.crossval,
        learning.runs,
        learning.models,
    ),
    "This machine": (
        machine.doctor,
        machine.streams,
        headset,
        subject,
        machine.calibrate_camera,
        machine.bench,
    ),
}
_NAMES = {"import_": "import", "calibrate_camera": "calibrate-camera"}

app = typer.Typer(pretty_exceptions_enable=False)
for _panel, _verbs in _VERBS.items():
    for _verb in _verbs:
        app.command(_NAMES.get(_verb.__name__, _verb.__name__), rich_help_panel=_panel)(_verb)


@app.callback(invoke_without_command=True)
def phosphene(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version, and end.", is_eager=True)
    ] = False,
) -> None:
    """Fuse a live EEG stream with live video, and see how well this brain matches what is on the screen."""
    if version:
        typer.echo(f"phosphene {installed_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def installed_version() -> str:
    """Return the version, or words where the program runs from a folder that is not installed."""
    try:
        return importlib.metadata.version("phosphene")
    except importlib.metadata.PackageNotFoundError:
        return "of a source folder that is not installed"


def main() -> None:
    """Run the command line: 0 done, 1 failed, 2 wrong input with one line on standard error."""
    from realtime.errors import PhospheneError

    try:
        code = app(standalone_mode=False, prog_name="phosphene")
    except PhospheneError as error:
        tell(f"phosphene: {error}")
        code = error.exit_code
    except _USAGE_ERROR as error:
        tell(f"phosphene: {_one_line(error)}")
        code = 2
    except typer.Abort:
        code = 1
    sys.exit(code or 0)


def _one_line(error: Exception) -> str:
    """Say what is wrong with an option, and which help lists the legal ones."""
    context = getattr(error, "ctx", None)
    verb = context.command_path if context is not None else "phosphene"
    words = " ".join(getattr(error, "format_message", lambda: str(error))().split())
    return f"{words.rstrip('.').replace('Value error, ', '')}. See `{verb} --help`"
