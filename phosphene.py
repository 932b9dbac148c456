"""The `phosphene` command. Each verb is a few lines over the public API and imports only what it needs."""

from __future__ import annotations

import json as json_format
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from realtime.virtual.headset_command import headset

if TYPE_CHECKING:
    from gui.compose import ModelChoice
    from realtime.config import ConditioningConfig

app = typer.Typer(
    help="Fuse a live EEG stream with live video, and see how well this brain matches what is on the screen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Headless = Annotated[bool, typer.Option("--headless", help="No window and no live text: run, then report.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="End after this many seconds.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")]
Preset = Annotated[str, typer.Option("--preset", help="demo, laptop or lab.")]
Weights = Annotated[
    str | None, typer.Option("--weights", help="Folder with trained weights, or demo for the shipped ones.")
]
Channels = Annotated[str | None, typer.Option("--channels", help="Electrodes in the order wanted: Fz,Cz,Pz")]
Reference = Annotated[str, typer.Option("--reference", help="'as recorded' or 'average'.")]
Notch = Annotated[float, typer.Option("--notch", help="Line frequency to remove: 50, 60, or 0 for none.")]
Unit = Annotated[
    str | None, typer.Option("--unit", help="Unit of the samples, where the stream says none or a wrong one.")
]


@app.command()
def demo(
    headless: Headless = False,
    seconds: Seconds = None,
    json: Json = False,
    preset: Preset = "demo",
    weights: Weights = None,
) -> None:
    """Watch a virtual subject watch a film. Needs no headset, no camera and no network."""
    from gui.compose import open_demo

    _run(lambda: open_demo(_model(preset, weights)), headless, seconds, json)


@app.command()
def live(
    eeg: Annotated[str, typer.Option("--eeg", help="LSL stream: name=…, type=… or source_id=…")],
    video: Annotated[str, typer.Option("--video", help="A camera's number, a file or a URL.")],
    headless: Headless = False,
    seconds: Seconds = None,
    json: Json = False,
    preset: Preset = "demo",
    weights: Weights = None,
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
    clock: Annotated[
        str, typer.Option("--clock", help="check: refuse stamps of another clock. arrival: stamp on arrival.")
    ] = "check",
) -> None:
    """Fuse an LSL EEG stream with a camera, a film or a video stream, live."""
    from gui.compose import LiveChoice, open_live

    choice = LiveChoice(
        eeg, video, _model(preset, weights), _conditioning(channels, reference, notch, unit), clock
    )
    _run(lambda: open_live(choice), headless, seconds, json)


@app.command()
def replay(
    session: Annotated[Path, typer.Argument(help="Folder with session.xdf and its video.")],
    speed: Annotated[str, typer.Option("--speed", help="Times real time, or max.")] = "1",
    start: Annotated[
        float, typer.Option("--start", min=0, help="Begin this many seconds into the session.")
    ] = 0.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
    eeg: Annotated[
        str | None, typer.Option("--eeg", help="Which EEG stream, where the session has several.")
    ] = None,
    headless: Headless = False,
    seconds: Seconds = None,
    json: Json = False,
    preset: Preset = "demo",
    weights: Weights = None,
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
) -> None:
    """Play a recorded session through the same path as a live one."""
    from gui.compose import open_replay

    conditioning = _conditioning(channels, reference, notch, unit)
    _run(
        lambda: open_replay(session, _model(preset, weights), _speed(speed), start, loop, eeg, conditioning),
        headless,
        seconds,
        json,
    )


@app.command()
def streams(
    json: Json = False,
    wait: Annotated[
        float, typer.Option("--wait", min=0.1, help="How long to listen for streams, seconds.")
    ] = 2.0,
) -> None:
    """List the LSL streams and cameras that are there."""
    from realtime.discovery import list_all_streams, list_cameras

    found, cameras = list_all_streams(wait), list_cameras()
    if json:
        _print_json({"streams": [vars(s) for s in found], "cameras": [vars(c) for c in cameras]})
    else:
        _print_streams(found, cameras)


app.command()(headset)


def _run(open_session: Any, headless: bool, seconds: float | None, json: bool) -> None:
    """Open a session, run it where it can be shown, print what it came to, and end with the right code."""
    from gui.run import Surface, has_display, run

    surface = Surface.NONE if headless else Surface.WINDOW if has_display() else Surface.TEXT
    if surface is Surface.TEXT:
        typer.echo(
            "There is no display here: showing the session as text. Use --headless for no view at all.",
            err=True,
        )
    session = open_session()
    summary = run(session, surface, seconds)
    if json:
        _print_json(summary)
    else:
        _print_summary(summary)
    if summary["errors"]:
        raise typer.Exit(1)


def _print_json(value: Any) -> None:
    sys.stdout.write(json_format.dumps(value, indent=2, default=str) + "\n")


def _print_summary(summary: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None, padding=(0, 2))
    eeg, video, latency = summary["eeg"], summary["video"], summary["latency_ms"]
    table.add_row("readings", f"{summary['readings']}  (skipped ticks {summary['skipped_ticks']})")
    table.add_row(
        "EEG", f"{eeg['name']}  {eeg['rate_effective']} Hz  gaps {eeg['gaps']}  lost {eeg['lost_samples']}"
    )
    table.add_row("video", f"{video['name']}  {video['fps_effective']} /s  dropped {video['dropped']}")
    if latency:
        table.add_row(
            "latency",
            f"p50 {latency['p50']:.0f} ms  p95 {latency['p95']:.0f} ms  max {latency['max']:.0f} ms",
        )
    table.add_row("network", f"{summary['backend']}, weights {summary['weights']}")
    for error in summary["errors"]:
        table.add_row("error", error, style="bold red")
    Console(stderr=True).print(table)


def _print_streams(found: list[Any], cameras: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(
        "name",
        "type",
        "channels",
        "rate",
        "format",
        "host",
        "source_id",
        title="LSL streams",
        title_justify="left",
    )
    for s in found:
        table.add_row(
            s.name, s.type, str(s.n_channels), f"{s.rate_nominal:g} Hz", s.format, s.host, s.source_id
        )
    console.print(
        table if found else "No LSL stream. Start a headset, or `phosphene headset` for a virtual one."
    )
    for camera in cameras:
        console.print(f"camera {camera.index}: {camera.name}")
    if not cameras:
        console.print("No camera. A video file or a URL serves as well.")


def _model(preset: str, weights: str | None) -> ModelChoice:
    from gui.compose import ModelChoice

    return ModelChoice(preset, weights)


def _conditioning(channels: str | None, reference: str, notch: float, unit: str | None) -> ConditioningConfig:
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


def _speed(speed: str) -> float:
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
