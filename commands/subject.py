"""`phosphene subject`: somebody who watches the film or attends one of several objects, as a real LSL stream.

Nothing heavy is imported before the command runs. An option that is not given is left to `SubjectOptions` or
`AttenderOptions`, which alone know the defaults.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from realtime.virtual.subject.subject import PersonOptions

_ATTENDS: dict[str, Any] = {"rich_help_panel": "Several objects (--attend)"}


def subject(
    seed: Annotated[int | None, typer.Option(help="Another seed, another person.")] = None,
    film_seed: Annotated[int | None, typer.Option(help="Which film is watched.")] = None,
    electrodes: Annotated[
        str | None, typer.Option(help="A headset (unicorn, muse …) or names: Fz,Cz,Oz")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Samples a second.")] = None,
    snr: Annotated[float | None, typer.Option(help="Answer to the film over background, at Oz.")] = None,
    lag_s: Annotated[float | None, typer.Option(help="Added to every latency.")] = None,
    face_weight: Annotated[float | None, typer.Option(help="0: changes count. 1: only faces do.")] = None,
    sees: Annotated[str | None, typer.Option(help="What reaches it: all, left or right half.")] = None,
    phase_s: Annotated[float | None, typer.Option(help="Mean length of a phase of engagement.")] = None,
    always_engaged: Annotated[bool, typer.Option("--always-engaged", help="Its mind never wanders.")] = False,
    attend: Annotated[
        bool, typer.Option("--attend", help="Attend one of several objects (--video objects).", **_ATTENDS)
    ] = False,
    n_objects: Annotated[int | None, typer.Option("--objects", help="2, 4, 6 or 9.", **_ATTENDS)] = None,
    turn_s: Annotated[
        float | None, typer.Option(help="Mean time on one object; 15: 10 to 20 s.", **_ATTENDS)
    ] = None,
    drifts: Annotated[float | None, typer.Option(help="Share of turns off all objects.", **_ATTENDS)] = None,
    ignored: Annotated[
        float | None, typer.Option(help="Answer to the others, as a share of the attended.", **_ATTENDS)
    ] = None,
    drift_ppm: Annotated[float | None, typer.Option(help="How much faster than stated it samples.")] = None,
    dropouts: Annotated[float | None, typer.Option(help="Chance of a loss in any second.")] = None,
    source_id: Annotated[str, typer.Option(help="Identity of the LSL stream.")] = "",
    feedback: Annotated[
        str | None, typer.Option(help="Feedback stream that brings engagement back: source_id=… or name=…")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="End after this many seconds.")] = None,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", help="End when the parent process does.")
    ] = False,
) -> None:
    """Be a person who watches the film: a real LSL stream of the EEG it evokes."""
    chosen = (
        "seed", "film_seed", "electrodes", "rate", "snr", "lag_s", "face_weight", "sees", "phase_s",
        "n_objects", "turn_s", "drifts", "ignored", "drift_ppm", "dropouts",
    )  # fmt: skip
    given = {option: value for option, value in locals().items() if option in chosen and value is not None}
    if always_engaged:
        given["always_engaged"] = True

    from realtime.lsl.selector import StreamSelector
    from realtime.time.clock import LslClock
    from realtime.virtual.subject.serving import serve

    options = _person(given, attend=attend)
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    parent = os.getppid()
    sent = serve(
        options,
        LslClock(),
        lambda: stopping.is_set() or (with_parent and os.getppid() != parent),
        source_id=source_id,
        seconds=seconds,
        feedback=StreamSelector.parse(feedback) if feedback is not None else None,
    )
    typer.echo(f"{sent} samples sent.", err=True)


def _person(given: dict[str, Any], *, attend: bool) -> PersonOptions:
    """Who is meant by the options that were given; ConfigError where they do not go together."""
    from pydantic import ValidationError

    from realtime.eeg.electrodes import HEADSETS
    from realtime.errors import ConfigError
    from realtime.virtual.subject.attender import AttenderOptions
    from realtime.virtual.subject.subject import SubjectOptions

    kind = AttenderOptions if attend else SubjectOptions
    if strange := sorted(set(given) - set(kind.model_fields)):
        raise ConfigError(
            f"{', '.join(map(_flag, strange))} {'makes' if len(strange) == 1 else 'make'} no sense "
            f"{'with' if attend else 'without'} --attend: leave {'it' if len(strange) == 1 else 'them'} out"
        )
    if electrodes := given.get("electrodes"):
        names = (name.strip() for name in electrodes.split(","))
        given = {**given, "electrodes": HEADSETS.get(electrodes) or tuple(names)}
    try:
        return kind(**given)
    except ValidationError as error:
        lines = (f"{_flag(str(e['loc'][0]))} {e['input']}: {e['msg']}" for e in error.errors())
        raise ConfigError("; ".join(lines)) from None


def _flag(option: str) -> str:
    """The option as it is typed."""
    return "--objects" if option == "n_objects" else f"--{option.replace('_', '-')}"
