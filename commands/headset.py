"""Command line of `phosphene headset`: a virtual headset, or with `--board` a real one that has no LSL.

Nothing heavy is imported before the command runs. An option that is not given is left to `HeadsetOptions` or
`BoardOptions`, which alone know the defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import typer

from commands.grouping import given_options, grouped
from commands.output import in_words, tell


@dataclass(frozen=True)
class OutletGroup:
    """The LSL stream that goes out, whichever headset it is."""

    PANEL: ClassVar = "The stream"

    name: Annotated[str | None, typer.Option(help="Name of the stream.")] = None
    channels: Annotated[str | None, typer.Option(help="How many, or their names: 8, or Fz,Cz,Pz")] = None
    source_id: Annotated[str | None, typer.Option(help="Identity that survives a restart.")] = None
    seconds: Annotated[float | None, typer.Option(help="End after this many seconds.")] = None
    network: Annotated[
        bool, typer.Option("--network", help="Let other machines hear it, not this one alone.")
    ] = False


@dataclass(frozen=True)
class VirtualHeadsetGroup:
    """What a virtual headset measures, and how it sends it."""

    PANEL: ClassVar = "The virtual headset"

    rate: Annotated[float | None, typer.Option(help="Samples a second.")] = None
    unit: Annotated[str | None, typer.Option(help="uV, mV or V.")] = None
    chunk: Annotated[int | None, typer.Option(help="Samples sent at a time.")] = None
    noise_uv: Annotated[float | None, typer.Option(help="Background, µV.")] = None
    alpha_uv: Annotated[float | None, typer.Option(help="Alpha at the back of the head, µV.")] = None
    blinks_per_min: Annotated[float | None, typer.Option(help="Blinks a minute.")] = None
    line_hz: Annotated[float | None, typer.Option(help="Frequency of the mains.")] = None
    line_uv: Annotated[float | None, typer.Option(help="Hum of the mains, µV.")] = None
    stamps: Annotated[
        Literal["sample", "arrival", "unix"] | None,
        typer.Option(help="A stamp a sample, one for a chunk when it is sent, or Unix time."),
    ] = None
    ramp: Annotated[
        Literal["time", "number"] | None, typer.Option(help="Channel 0 carries that of its sample.")
    ] = None
    format: Annotated[Literal["float32", "double64"] | None, typer.Option(help="Of the samples.")] = None
    seed: Annotated[int | None, typer.Option(help="Another seed, another head.")] = None


@dataclass(frozen=True)
class FaultGroup:
    """What is wrong with a virtual headset."""

    PANEL: ClassVar = "Its faults"

    dropouts: Annotated[
        str | None,
        typer.Option(help="Chance of a loss in any second, or each as start:length in seconds: 5:1,9:0.2"),
    ] = None
    dropout_s: Annotated[float | None, typer.Option(help="Length of a loss by chance, seconds.")] = None
    drift_ppm: Annotated[float | None, typer.Option(help="How much faster than stated it samples.")] = None
    jitter_ms: Annotated[float | None, typer.Option(help="Stamps are off by up to this.")] = None


@dataclass(frozen=True)
class BoardGroup:
    """A real headset that BrainFlow reads."""

    PANEL: ClassVar = "A real headset"

    board: Annotated[
        str | None, typer.Option(help="Its name for BrainFlow: cyton, muse_2 … (`?` lists them).")
    ] = None
    serial_port: Annotated[str | None, typer.Option(help="/dev/ttyUSB0, COM3 …")] = None
    mac_address: Annotated[str | None, typer.Option(help="Of a Bluetooth headset.")] = None
    ip_address: Annotated[str | None, typer.Option(help="Of a headset in the network.")] = None
    ip_port: Annotated[int | None, typer.Option(help="Of a headset in the network.")] = None
    serial_number: Annotated[str | None, typer.Option(help="Of the headset.")] = None
    timeout_s: Annotated[float | None, typer.Option(help="How long it is looked for.")] = None
    playback: Annotated[
        str | None, typer.Option(help="A recording by BrainFlow from such a board, in place of it.")
    ] = None


@grouped
def headset(stream: OutletGroup, virtual: VirtualHeadsetGroup, faults: FaultGroup, real: BoardGroup) -> None:
    """Be a headset: an LSL stream of made-up EEG, or that of a real headset which has no LSL of its own."""
    from experiment.interrupt import interruptible
    from realtime.errors import ConfigError
    from realtime.lsl.outlet import let_the_network_hear
    from realtime.time.clock import check_lsl_clock

    made_up, board = given_options(virtual) | given_options(faults), given_options(real)
    misplaced = board if real.board is None else made_up
    if misplaced:
        whose = (
            "a real headset: name it with --board" if real.board is None else "the virtual one: leave it out"
        )
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(misplaced))
        raise ConfigError(f"{names} is for {whose}")
    check_lsl_clock()
    if stream.network:
        let_the_network_hear()
    named = {name: value for name, value in given_options(stream).items() if name != "network"}
    with interruptible() as stopping:
        serve = _virtual if real.board is None else _real
        serve(named | made_up | board, stopping.is_set)


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
        raise ConfigError(in_words(error)) from None
    tell(f"{options.name}: {len(options.channels)} channels at {options.rate:g} Hz over LSL. Ctrl-C ends it.")
    sent = serve(options, LslClock(), should_stop)
    tell(f"{sent} samples sent.")


def _real(given: dict[str, Any], should_stop: Callable[[], bool]) -> None:
    from pydantic import ValidationError

    from realtime.boards.brainflow import BoardOptions, BrainFlowBoard, board_names
    from realtime.boards.bridge import serve
    from realtime.errors import ConfigError
    from realtime.time.clock import LslClock

    if given["board"] == "?":
        typer.echo("\n".join(board_names()))
        return
    seconds = given.pop("seconds", None)
    if "channels" in given:
        given["channels"] = tuple(name.strip() for name in given["channels"].split(","))
    try:
        board = BrainFlowBoard(BoardOptions(**given))
    except ValidationError as error:
        raise ConfigError(in_words(error)) from None
    info = board.info
    tell(
        f"Connecting to {info.name}, {info.n_channels} channels at {info.rate_nominal:g} Hz. Ctrl-C ends it."
    )
    sent, lost = serve(board, LslClock(), should_stop, seconds)
    tell(f"{sent} samples sent, {lost} lost on the way from the headset.")


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
