"""Verbs that run a session: demo, live, record, replay."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.grouping import grouped
from commands.options import ConditioningGroup, ModelGroup, RunGroup, SessionFolder
from commands.output import print_json, tell
from commands.session_options import (
    SESSIONS,
    FeedbackGroup,
    FeedbackSet,
    PlaybackGroup,
    RecordButtonGroup,
    RecordingGroup,
    StreamsGroup,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from experiment.compose import LiveChoice
    from experiment.feedback_options import FeedbackChoice
    from experiment.run import Running, Surface
    from realtime.sources import VideoSource

_EEG_HELP = "LSL stream: name=…, type=… or source_id=…"


@grouped
def demo(
    shown: RunGroup,
    model: ModelGroup,
    closed_loop: Annotated[
        bool | None,
        typer.Option(
            "--closed-loop/--open-loop",
            help="Whether feedback brings the subject back to the film; by default where it can be seen.",
        ),
    ] = None,
    tour: Annotated[bool, typer.Option("--tour", help="Begin with a walk through the panels.")] = False,
    attend: Annotated[
        bool, typer.Option("--attend", help="Several objects, one of which is attended: find out which.")
    ] = False,
    objects: Annotated[int, typer.Option("--objects", help="With --attend: 2, 4, 6 or 9.")] = 4,
    feedback_set: FeedbackSet = None,
) -> None:
    """Watch a virtual subject watch a film. Needs no headset, no camera and no network."""
    from experiment.demo import FEEDBACK, open_attend_demo, open_demo
    from experiment.feedback_options import feedback_choice

    closed = not shown.headless if closed_loop is None else closed_loop
    if attend:
        _run(
            lambda: open_attend_demo(model.choice(), n_objects=objects, closed_loop=closed, tour=tour), shown
        )
        return
    feedback = feedback_choice(feedback_set or (), base=FEEDBACK).config
    _run(lambda: open_demo(model.choice(), closed_loop=closed, tour=tour, feedback=feedback), shown)


@grouped
def live(
    *,
    eeg: Annotated[
        str | None, typer.Option("--eeg", help=_EEG_HELP, rich_help_panel=StreamsGroup.PANEL)
    ] = None,
    streams: StreamsGroup,
    shown: RunGroup,
    model: ModelGroup,
    conditioning: ConditioningGroup,
    feedback: FeedbackGroup,
    button: RecordButtonGroup,
) -> None:
    """Fuse an LSL EEG stream with a camera, a film or a video stream, live. Without options it asks."""
    loop, seen = feedback.choice(), bool(streams.video or streams.stimulus)
    if eeg is None or not seen:
        _ask(eeg, button.out, loop, shown, seen=seen)
        return
    choice = live_choice(eeg, streams, model, conditioning, loop)
    recording = RecordingGroup(remote=button.remote, sub=button.sub)
    _run(lambda: _open_recordable(choice, button.out, streams, recording, shown, at_once=False), shown)


@grouped
def record(
    out: Annotated[Path, typer.Argument(help="Folder under which the session's own folder is made.")],
    *,
    eeg: Annotated[
        str | None, typer.Option("--eeg", help=_EEG_HELP, rich_help_panel=StreamsGroup.PANEL)
    ] = None,
    streams: StreamsGroup,
    recording: RecordingGroup,
    shown: RunGroup,
    model: ModelGroup,
    conditioning: ConditioningGroup,
    feedback: FeedbackGroup,
) -> None:
    """Record a live session from its first sample: every EEG sample, every frame, other streams, readings.

    Without --eeg and --video, the streams of --stream or --all-streams alone, as they are.
    """
    if eeg is None:
        _record_raw(out, streams, recording, shown)
        return
    choice = live_choice(eeg, streams, model, conditioning, feedback.choice())
    _run(lambda: _open_recordable(choice, out, streams, recording, shown, at_once=True), shown)


@grouped
def replay(
    session: SessionFolder,
    playback: PlaybackGroup,
    shown: RunGroup,
    model: ModelGroup,
    conditioning: ConditioningGroup,
    lsl: Annotated[
        bool, typer.Option("--lsl", help="Stream it out over LSL instead, for any LSL program.")
    ] = False,
) -> None:
    """Play a recorded session through the same path as a live one."""
    speed = playback.factor()
    if lsl:
        if playback.network:
            from realtime.lsl.outlet import let_the_network_hear

            let_the_network_hear()
        _stream_out(session, speed, shown.seconds, loop=playback.loop)
        return
    from experiment.compose import open_replay

    _run(
        lambda: open_replay(
            session, model.choice(), speed, playback.start, loop=playback.loop, eeg=playback.eeg,
            conditioning=conditioning.config(),
        ),
        shown,
    )  # fmt: skip


def _run(open_session: Callable[[], Running], shown: RunGroup) -> None:
    """Open a session, run it where it can be shown, print what it came to, and end with the right code."""
    from concurrent.futures import ThreadPoolExecutor

    from experiment.display import why_no_window

    with ThreadPoolExecutor(1) as beside:  # Qt is tried in another process, which takes a second
        asked = None if shown.headless else beside.submit(why_no_window)
        session = open_session()
        obstacle = asked.result() if asked is not None else None
    if obstacle:
        tell(f"{obstacle}. Showing the session as text; --headless runs without any view.")
    from experiment.run import run  # not sooner: the demo's subject wakes up meanwhile
    from realtime.errors import InputError

    if shown.headless or obstacle:
        summary: Mapping[str, Any] = run(session, _surface(shown), shown.seconds)
    else:
        summary = in_window(session, shown)
    failure = session.failure
    if isinstance(failure, InputError) and not summary["intervals"]:
        raise failure  # what was asked for could not begin: wrong input, not a session that failed
    _print(summary, shown)


def _record_raw(out: Path, streams: StreamsGroup, recording: RecordingGroup, shown: RunGroup) -> None:
    """Record streams of which nothing is made; raises ConfigError where none is chosen."""
    from experiment.raw_recording import record_raw
    from realtime.errors import ConfigError

    if streams.video or streams.stimulus or not recording.streams():
        raise ConfigError(
            "give --eeg and --video for a session, or --stream or --all-streams alone to record streams as "
            "they are; `phosphene streams` lists what there is"
        )
    found = record_raw(out, recording.streams(), recording.options(), recording.template, shown.seconds)
    if shown.json:
        print_json(found)
    else:
        for name, n_samples in found["samples"].items():
            typer.echo(f"{name}: {n_samples} samples")
        for sentence in (*found["warnings"], *found["errors"]):
            tell(sentence)
    if found["errors"]:
        raise typer.Exit(1)


def _print(summary: Mapping[str, Any], shown: RunGroup) -> None:
    """Print what a session came to, and end with the right code."""
    from experiment.console import print_summary

    if shown.json:
        print_json(summary)
    else:
        print_summary(summary)
    if summary["errors"]:
        raise typer.Exit(1)


def in_window(
    session: Running | None, shown: RunGroup, out: Path = SESSIONS, feedback: FeedbackChoice | None = None
) -> Mapping[str, Any]:
    """Show a session, or ask for one, until the window is closed; what the last one came to."""
    from experiment.state import Mode

    with ExitStack() as undone:
        if session is not None:
            undone.push(session.closing)
            if session.mode is not Mode.REPLAY:  # nothing of a recording runs by before it can be seen
                session.begin()
        from gui.program import Program  # takes as long as a first interval

        program = Program(out, feedback)
        undone.pop_all()
    stay = not shown.json and shown.seconds is None  # a user closes the window; a script waits for the end
    if stay and session is not None and session.hold_at_end is not None:
        session.hold_at_end()
    return program.run(session, shown.seconds, stay=stay) or {}


def _surface(shown: RunGroup) -> Surface:
    """Return what shows a session where there is no window."""
    from experiment.run import show_nothing
    from experiment.text_view import show_line, show_text

    if not shown.headless:
        return show_text
    return show_nothing if shown.json else show_line


def _stream_out(folder: Path, speed: float, seconds: float | None, *, loop: bool) -> None:
    """Be the streams of a recorded session until its end, Ctrl-C, or for some seconds."""
    from experiment.interrupt import interruptible
    from realtime.lsl.isolation import hush
    from realtime.time.clock import LslClock, check_lsl_clock
    from recordings.lsl_replay import serve_session
    from recordings.session.session import Session

    hush()
    check_lsl_clock()
    clock = LslClock()
    until = math.inf if seconds is None else clock.now() + seconds
    with Session(folder) as session, interruptible() as interrupted:
        sent = serve_session(
            session, clock, lambda: interrupted.is_set() or clock.now() > until, speed, loop=loop
        )
    for stream, n_samples in sent.items():
        typer.echo(f"{stream}: {n_samples} samples sent")


def _ask(eeg: str | None, out: Path, feedback: FeedbackChoice | None, shown: RunGroup, *, seen: bool) -> None:
    """Ask in the window what to open, where there is one and nothing was said yet."""
    from experiment.display import why_no_window
    from realtime.errors import ConfigError

    if eeg is not None or seen or shown.headless or why_no_window():
        missing = ["--eeg"] * (eeg is None) + ["--video"] * (not seen)
        raise ConfigError(f"give {' and '.join(missing)}; `phosphene streams` lists what there is")
    if summary := in_window(None, shown, out, feedback):
        _print(summary, shown)


def live_choice(
    eeg: str,
    streams: StreamsGroup,
    model: ModelGroup,
    conditioning: ConditioningGroup,
    feedback: FeedbackChoice | None,
) -> LiveChoice:
    """Return what `experiment` opens; raises ConfigError where there is nothing to see."""
    from dataclasses import replace

    from experiment.compose import LiveChoice
    from realtime.eeg.montage import read_montage
    from realtime.errors import ConfigError

    if streams.stimulus is None and streams.screen is not None:
        raise ConfigError("--screen says where a stimulus is shown: give it with --stimulus FILE")
    if streams.stimulus is None and not streams.video:
        raise ConfigError("give --video, or --stimulus FILE; `phosphene streams` lists the cameras")
    named = streams.montage
    if conditioning.channels and "=" in conditioning.channels:  # 1=Fz,2=C3: those channels, by these names
        named, conditioning = named or conditioning.channels, replace(conditioning, channels=None)
    return LiveChoice(
        eeg,
        tuple(streams.video or ()),
        model.choice(),
        conditioning.config(),
        streams.clock,
        montage=read_montage(named) if named else None,
        feedback=feedback,
    )


def _open_recordable(
    choice: LiveChoice,
    out: Path,
    streams: StreamsGroup,
    recording: RecordingGroup,
    shown: RunGroup,
    *,
    at_once: bool,
) -> Running:
    """Open a live session with its record button, and with the player of a stimulus where there is one."""
    from dataclasses import replace

    from experiment.compose import open_live
    from experiment.person.offer import offer_calibration
    from experiment.recording import offer_recording

    options = recording.options()
    choice = replace(choice, model=replace(choice.model, person=options.entities.get("sub", "")))
    if streams.stimulus is not None:
        choice = replace(choice, stimulus=player(streams.stimulus, streams.screen, shown))
    running = open_live(choice)
    if told := running.pipeline.eeg_info.named_by:
        tell(f"{running.pipeline.eeg_info.name}: {told}.")
    recorder = offer_recording(
        running,
        out,
        recording.streams(),
        options,
        recording.template,
        at_once=at_once,
        remote=recording.remote,
    )
    offer_calibration(running, recorder, choice.model, choice.conditioning)
    return running


def player(film: str, screen: int | None, shown: RunGroup) -> Callable[..., VideoSource]:
    """Return what makes the player of a stimulus; raises ConfigError where there is no screen."""
    from experiment.display import why_no_window
    from realtime.errors import ConfigError

    if obstacle := "--headless" if shown.headless else why_no_window():
        raise ConfigError(f"--stimulus plays a film to the participant and needs a screen ({obstacle})")
    from gui.stimulus.player import full_screen

    return full_screen(film, screen)
