"""`phosphene subject`: a virtual subject that watches the film, as a real LSL stream.

Nothing heavy is imported before the command runs. An option that is not given is left to `SubjectOptions`,
which alone knows the defaults.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import Annotated

import typer


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
        "seed", "film_seed", "rate", "snr", "lag_s", "face_weight", "sees", "phase_s", "drift_ppm",
        "dropouts",
    )  # fmt: skip
    given = {option: value for option, value in locals().items() if option in chosen and value is not None}

    from pydantic import ValidationError

    from realtime.eeg.electrodes import HEADSETS
    from realtime.errors import ConfigError
    from realtime.lsl.selector import StreamSelector
    from realtime.time.clock import LslClock
    from realtime.virtual.subject.serving import serve
    from realtime.virtual.subject.subject import SubjectOptions

    if electrodes is not None:
        names = (name.strip() for name in electrodes.split(","))
        given["electrodes"] = HEADSETS.get(electrodes) or tuple(names)
    try:
        options = SubjectOptions(always_engaged=always_engaged, **given)
    except ValidationError as error:
        lines = (f"--{e['loc'][0]} {e['input']}: {e['msg']}".replace("_", "-") for e in error.errors())
        raise ConfigError("; ".join(lines)) from None
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
