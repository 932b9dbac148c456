"""`phosphene subject`: somebody who watches the film or attends one of several objects, as a real LSL stream.

Nothing heavy is imported before the command runs. An option that is not given is left to `SubjectOptions` or
`AttenderOptions`, which alone know the defaults.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import typer

from commands.grouping import given_options, grouped
from commands.output import in_words, tell

if TYPE_CHECKING:
    from realtime.virtual.subject.subject import PersonOptions


@dataclass(frozen=True)
class PersonGroup:
    """Who watches, and how the brain answers."""

    PANEL: ClassVar = "The person"

    seed: Annotated[int | None, typer.Option(help="Another seed, another person.")] = None
    film_seed: Annotated[int | None, typer.Option(help="Which film is watched.")] = None
    snr: Annotated[float | None, typer.Option(help="Answer to the film over background, at Oz.")] = None
    lag_s: Annotated[float | None, typer.Option(help="Added to every latency.")] = None
    face_weight: Annotated[float | None, typer.Option(help="0: changes count. 1: only faces do.")] = None
    sees: Annotated[Literal["all", "left", "right"] | None, typer.Option(help="Which half reaches it.")] = (
        None
    )
    phase_s: Annotated[float | None, typer.Option(help="Mean length of a phase of engagement.")] = None
    always_engaged: Annotated[
        bool | None, typer.Option("--always-engaged", help="Its mind never wanders.")
    ] = None


@dataclass(frozen=True)
class AttendGroup:
    """Somebody who attends one of several objects."""

    PANEL: ClassVar = "Several objects (--attend)"

    attend: Annotated[
        bool, typer.Option("--attend", help="Attend one of several objects (--video objects).")
    ] = False
    n_objects: Annotated[int | None, typer.Option("--objects", help="2, 4, 6 or 9.")] = None
    turn_s: Annotated[float | None, typer.Option(help="Mean time on one object; 15: 10 to 20 s.")] = None
    drifts: Annotated[float | None, typer.Option(help="Share of turns off all objects.")] = None
    ignored: Annotated[
        float | None, typer.Option(help="Answer to the others, as a share of the attended.")
    ] = None


@dataclass(frozen=True)
class CapGroup:
    """What the person wears."""

    PANEL: ClassVar = "The headset"

    electrodes: Annotated[str | None, typer.Option(help="A headset (unicorn, muse …) or names: Fz,Cz,Oz")] = (
        None
    )
    rate: Annotated[float | None, typer.Option(help="Samples a second.")] = None
    drift_ppm: Annotated[float | None, typer.Option(help="How much faster than stated it samples.")] = None
    dropouts: Annotated[float | None, typer.Option(help="Chance of a loss in any second.")] = None


@grouped
def subject(
    person: PersonGroup,
    objects: AttendGroup,
    cap: CapGroup,
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
    import psutil

    from experiment.interrupt import interruptible
    from realtime.lsl.selector import StreamSelector
    from realtime.time.clock import LslClock, check_lsl_clock
    from realtime.virtual.subject.serving import serve

    given = given_options(person) | given_options(objects) | given_options(cap)
    options = _person(given, attend=given.pop("attend"))
    check_lsl_clock()
    parent = psutil.Process(os.getppid())

    def orphaned() -> bool:
        """Whether the parent has ended: a process gets another one then on Unix, and none on Windows."""
        return with_parent and (os.getppid() != parent.pid or not parent.is_running())

    with interruptible() as stopping:
        sent = serve(
            options,
            LslClock(),
            lambda: stopping.is_set() or orphaned(),
            source_id=source_id,
            seconds=seconds,
            feedback=StreamSelector.parse(feedback) if feedback is not None else None,
        )
    tell(f"{sent} samples sent.")


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
        names = tuple(name.strip() for name in electrodes.split(","))
        given = {**given, "electrodes": HEADSETS.get(electrodes) or names}
    try:
        return kind(**given)
    except ValidationError as error:
        raise ConfigError(in_words(error, lambda name: f"{_flag(name)} ")) from None


def _flag(option: str) -> str:
    """Return the option as it is typed."""
    return "--objects" if option == "n_objects" else f"--{option.replace('_', '-')}"
