"""The `phosphene` command: every verb by its name."""

from __future__ import annotations

import sys

import typer

from commands import learning, machine, recordings, sessions
from commands.headset import headset
from commands.subject import subject

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
