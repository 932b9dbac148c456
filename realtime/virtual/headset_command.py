"""Command line of the virtual headset, for `phosphene headset` and `python -m realtime.virtual.headset`.

Nothing heavy is imported before the command runs. An option that is not given is left to `HeadsetOptions`,
which alone knows the defaults.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Annotated, Any

import typer


def headset(
    name: Annotated[str | None, typer.Option(help="Name of the stream.")] = None,
    channels: Annotated[str | None, typer.Option(help="How many, or their names: 8, or Fz,Cz,Pz")] = None,
    rate: Annotated[float | None, typer.Option(help="Samples a second.")] = None,
    unit: Annotated[str | None, typer.Option(help="uV, mV or V.")] = None,
    chunk: Annotated[int | None, typer.Option(help="Samples sent at a time.")] = None,
    noise_uv: Annotated[float | None, typer.Option(help="Background, µV.")] = None,
    alpha_uv: Annotated[float | None, typer.Option(help="Alpha at the back of the head, µV.")] = None,
    blinks_per_min: Annotated[float | None, typer.Option(help="Blinks a minute.")] = None,
    line_hz: Annotated[float | None, typer.Option(help="Frequency of the mains.")] = None,
    line_uv: Annotated[float | None, typer.Option(help="Hum of the mains, µV.")] = None,
    dropouts: Annotated[
        str | None,
        typer.Option(help="Chance of a loss in any second, or each as start:length in seconds: 5:1,9:0.2"),
    ] = None,
    dropout_s: Annotated[float | None, typer.Option(help="Length of a loss by chance, seconds.")] = None,
    drift_ppm: Annotated[float | None, typer.Option(help="How much faster than stated it samples.")] = None,
    jitter_ms: Annotated[float | None, typer.Option(help="Stamps are off by up to this.")] = None,
    stamps: Annotated[str | None, typer.Option(help="sample, arrival (one for a chunk) or unix.")] = None,
    ramp: Annotated[
        str | None, typer.Option(help="time or number: channel 0 carries that of its sample.")
    ] = None,
    format: Annotated[str | None, typer.Option(help="float32 or double64.")] = None,
    source_id: Annotated[str | None, typer.Option(help="Identity that survives a restart.")] = None,
    seconds: Annotated[float | None, typer.Option(help="End after this many seconds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed, another head.")] = None,
) -> None:
    """Be a headset: a real LSL stream of made-up EEG, for trying things out without hardware."""
    given = {option: value for option, value in locals().items() if value is not None}
    if dropouts is not None:
        given["dropouts"] = _losses(dropouts)

    from pydantic import ValidationError

    from realtime.clock import LslClock
    from realtime.errors import ConfigError
    from realtime.virtual.headset import HeadsetOptions, serve

    try:
        options = HeadsetOptions(**given)
    except ValidationError as error:
        raise ConfigError("; ".join(_sentence(e) for e in error.errors())) from None
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    typer.echo(
        f"{options.name}: {len(options.channels)} channels at {options.rate:g} Hz over LSL. Ctrl-C ends it.",
        err=True,
    )
    sent = serve(options, LslClock(), stopping.is_set)
    typer.echo(f"{sent} samples sent.", err=True)


def _losses(text: str) -> Any:
    from realtime.errors import ConfigError

    try:
        if ":" not in text:
            return float(text)
        return tuple((float(a), float(b)) for a, b in (loss.split(":") for loss in text.split(",")))
    except ValueError:
        raise ConfigError(
            f"--dropouts {text} is neither a chance (0.1) nor losses as start:length (5:1,9:0.2)"
        ) from None


def _sentence(error: Any) -> str:
    place = f"--{str(error['loc'][0]).replace('_', '-')} {error['input']}: " if error["loc"] else ""
    return place + str(error["msg"])


def main() -> None:
    """Run the command by itself; what goes wrong is one line and the exit code of its kind."""
    from realtime.errors import PhospheneError

    try:
        typer.run(headset)
    except PhospheneError as error:
        typer.echo(f"headset: {error}", err=True)
        sys.exit(error.exit_code)
