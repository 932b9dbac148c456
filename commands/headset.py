"""Command line of `phosphene headset`: a virtual headset, or with `--board` a real one that has no LSL.

Nothing heavy is imported before the command runs. An option that
is not given is left to `HeadsetOptions` or `BoardOptions`, which alone know the defaults.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Annotated, Any

import typer

_REAL: dict[str, Any] = {"rich_help_panel": "A real headset"}
_REAL_ONLY = {
    "board", "serial_port", "mac_address", "ip_address", "ip_port", "serial_number", "timeout_s", "playback",
}  # fmt: skip
_BOTH = {"name", "channels", "source_id", "seconds"}


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
    board: Annotated[
        str | None,
        typer.Option(help="A real headset that BrainFlow reads: cyton, muse_2 … (`?` lists them).", **_REAL),
    ] = None,
    serial_port: Annotated[str | None, typer.Option(help="/dev/ttyUSB0, COM3 …", **_REAL)] = None,
    mac_address: Annotated[str | None, typer.Option(help="Of a Bluetooth headset.", **_REAL)] = None,
    ip_address: Annotated[str | None, typer.Option(help="Of a headset in the network.", **_REAL)] = None,
    ip_port: Annotated[int | None, typer.Option(help="Of a headset in the network.", **_REAL)] = None,
    serial_number: Annotated[str | None, typer.Option(help="Of the headset.", **_REAL)] = None,
    timeout_s: Annotated[float | None, typer.Option(help="How long it is looked for.", **_REAL)] = None,
    playback: Annotated[
        str | None, typer.Option(help="A recording by BrainFlow from such a board, in place of it.", **_REAL)
    ] = None,
) -> None:
    """Be a headset: an LSL stream of made-up EEG, or that of a real headset which has no LSL of its own."""
    given = {option: value for option, value in locals().items() if value is not None}
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    misplaced = sorted(_REAL_ONLY & given.keys() if board is None else given.keys() - _REAL_ONLY - _BOTH)
    if misplaced:
        from realtime.errors import ConfigError

        whose = "a real headset: name it with --board" if board is None else "the virtual one: leave it out"
        raise ConfigError(f"{', '.join('--' + o.replace('_', '-') for o in misplaced)} is for {whose}")
    (_virtual if board is None else _real)(given, stopping.is_set)


def _virtual(given: dict[str, Any], should_stop: Callable[[], bool]) -> None:
    from pydantic import ValidationError

    from realtime.errors import ConfigError
    from realtime.time.clock import LslClock
    from realtime.virtual.headset import HeadsetOptions, serve

    if "dropouts" in given:
        given["dropouts"] = _losses(given["dropouts"])
    try:
        options = HeadsetOptions(**given)
    except ValidationError as error:
        raise ConfigError("; ".join(_sentence(e) for e in error.errors())) from None
    typer.echo(
        f"{options.name}: {len(options.channels)} channels at {options.rate:g} Hz over LSL. Ctrl-C ends it.",
        err=True,
    )
    sent = serve(options, LslClock(), should_stop)
    typer.echo(f"{sent} samples sent.", err=True)


def _real(given: dict[str, Any], should_stop: Callable[[], bool]) -> None:
    from pydantic import ValidationError

    from realtime.boards.brainflow import BoardOptions, BrainFlowBoard
    from realtime.boards.bridge import serve
    from realtime.errors import ConfigError
    from realtime.time.clock import LslClock

    seconds = given.pop("seconds", None)
    if "channels" in given:
        given["channels"] = tuple(name.strip() for name in given["channels"].split(","))
    try:
        board = BrainFlowBoard(BoardOptions(**given))
    except ValidationError as error:
        raise ConfigError("; ".join(_sentence(e) for e in error.errors())) from None
    info = board.info
    typer.echo(
        f"Connecting to {info.name}, {info.n_channels} channels at {info.rate_nominal:g} Hz. Ctrl-C ends it.",
        err=True,
    )
    sent, lost = serve(board, LslClock(), should_stop, seconds)
    typer.echo(f"{sent} samples sent, {lost} lost on the way from the headset.", err=True)


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
    return place + str(error["msg"]).removeprefix("Value error, ")
