"""Verbs that run a session: demo, live, record, replay."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import (
    Backend,
    Blind,
    Channels,
    ClockMode,
    EegOfSession,
    FeedbackLook,
    FeedbackOn,
    FeedbackSet,
    Headless,
    Json,
    Notch,
    Osc,
    Preset,
    Reference,
    Screen,
    Seconds,
    SessionFolder,
    Sham,
    Stimulus,
    Unit,
    Videos,
    Weights,
    conditioning_of,
    print_json,
    speed_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiment.compose import LiveChoice
    from experiment.feedback_options import FeedbackChoice
    from experiment.model_choice import ModelChoice
    from experiment.run import Running, Surface
    from recordings.session.options import RecordingOptions


def demo(
    headless: Headless = False,
    seconds: Seconds = None,
    json: Json = False,
    preset: Preset = "demo",
    weights: Weights = None,
    backend: Backend = "eager",
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

    model = _model(preset, weights, backend)
    closed = not headless if closed_loop is None else closed_loop
    if attend:
        _run(
            lambda: open_attend_demo(model, n_objects=objects, closed_loop=closed, tour=tour),
            headless,
            seconds,
            json,
        )
        return
    feedback = feedback_choice(feedback_set or (), base=FEEDBACK).config
    _run(lambda: open_demo(model, closed_loop=closed, tour=tour, feedback=feedback), headless, seconds, json)


def live(
    eeg: Annotated[
        str | None, typer.Option("--eeg", help="LSL stream: name=…, type=… or source_id=…")
    ] = None,
    video: Videos = None,
    stimulus: Stimulus = None,
    screen: Screen = None,
    headless: Headless = False,
    seconds: Seconds = None,
    json: Json = False,
    preset: Preset = "demo",
    weights: Weights = None,
    backend: Backend = "eager",
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
    clock: ClockMode = "check",
    out: Annotated[Path, typer.Option("--out", help="Where the record button puts its folders.")] = Path(
        "sessions"
    ),
    feedback: FeedbackOn = False,
    feedback_set: FeedbackSet = None,
    feedback_style: FeedbackLook = None,
    sham: Sham = None,
    blind: Blind = False,
    osc: Osc = None,
) -> None:
    """Fuse an LSL EEG stream with a camera, a film or a video stream, live. Without options it asks."""
    loop = _feedback(feedback, feedback_set, feedback_style, sham, blind, osc)
    if eeg is None or not (video or stimulus):
        _run(_ask(eeg, bool(video or stimulus), headless, out, loop), headless, seconds, json)
        return
    choice = _live_choice(
        eeg, video, _model(preset, weights, backend), channels, reference, notch, unit, clock
    )
    choice = _with_loop(choice, stimulus, screen, headless, loop)
    _run(lambda: _open_recordable(choice, out), headless, seconds, json)


def record(
    out: Annotated[Path, typer.Argument(help="Folder under which the session's own folder is made.")],
    eeg: Annotated[str, typer.Option("--eeg", help="LSL stream: name=…, type=… or source_id=…")],
    video: Videos = None,
    stimulus: Stimulus = None,
    screen: Screen = None,
    stream: Annotated[
        list[str] | None,
        typer.Option("--stream", help="Further LSL streams, recorded as they are: type=Markers"),
    ] = None,
    sub: Annotated[str | None, typer.Option(help="Subject, letters and digits.")] = None,
    ses: Annotated[str | None, typer.Option(help="Session.")] = None,
    task: Annotated[str | None, typer.Option(help="Task.")] = None,
    run: Annotated[str | None, typer.Option(help="Run; the next free number by default.")] = None,
    template: Annotated[
        str, typer.Option(help="Of the folder's name, with {sub}, {ses}, {task}, {run}.")
    ] = "sub-{sub}_ses-{ses}_task-{task}_run-{run}",
    codec: Annotated[str, typer.Option(help="FFmpeg's encoder of the video: libx264, ffv1 …")] = "libx264",
    codec_option: Annotated[
        list[str] | None, typer.Option(help="Of the encoder, for its quality: crf=18, preset=fast")
    ] = None,
    headless: Headless = False,
    seconds: Seconds = None,
    json: Json = False,
    preset: Preset = "demo",
    weights: Weights = None,
    backend: Backend = "eager",
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
    clock: ClockMode = "check",
    feedback: FeedbackOn = False,
    feedback_set: FeedbackSet = None,
    feedback_style: FeedbackLook = None,
    sham: Sham = None,
    blind: Blind = False,
    osc: Osc = None,
) -> None:
    """Record a live session from its first sample: every EEG sample, every frame, other streams, readings."""
    choice = _live_choice(
        eeg, video, _model(preset, weights, backend), channels, reference, notch, unit, clock
    )
    loop = _feedback(feedback, feedback_set, feedback_style, sham, blind, osc)
    choice = _with_loop(choice, stimulus, screen, headless, loop)
    named = {"sub": sub, "ses": ses, "task": task, "run": run}
    options = _recording(codec, codec_option, {k: v for k, v in named.items() if v is not None})
    _run(
        lambda: _open_recordable(choice, out, stream or [], options, template, at_once=True),
        headless,
        seconds,
        json,
    )


def replay(
    session: SessionFolder,
    speed: Annotated[str, typer.Option("--speed", help="Times real time, or max.")] = "1",
    start: Annotated[
        float, typer.Option("--start", min=0, help="Begin this many seconds into the session.")
    ] = 0.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end.")] = False,
    eeg: EegOfSession = None,
    lsl: Annotated[
        bool, typer.Option("--lsl", help="Stream it out over LSL instead, for any LSL program.")
    ] = False,
    headless: Headless = False,
    seconds: Seconds = None,
    json: Json = False,
    preset: Preset = "demo",
    weights: Weights = None,
    backend: Backend = "eager",
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
) -> None:
    """Play a recorded session through the same path as a live one."""
    if lsl:
        _stream_out(session, speed_of(speed), loop, seconds)
        return
    from experiment.compose import open_replay

    conditioning = conditioning_of(channels, reference, notch, unit)
    _run(
        lambda: open_replay(
            session,
            _model(preset, weights, backend),
            speed_of(speed),
            start,
            loop,
            eeg,
            conditioning,
        ),
        headless,
        seconds,
        json,
    )


def _run(
    open_session: Callable[[], Running | None], headless: bool, seconds: float | None, json: bool
) -> None:
    """Open a session, run it where it can be shown, print what it came to, and end with the right code."""
    from concurrent.futures import ThreadPoolExecutor

    from experiment.display import why_no_window

    with ThreadPoolExecutor(1) as beside:  # Qt is tried in another process, which takes a second
        asked = None if headless else beside.submit(why_no_window)
        session = open_session()
        obstacle = asked.result() if asked is not None else None
    if session is None:
        return
    if obstacle:
        typer.echo(f"{obstacle}. Showing the session as text; --headless runs without any view.", err=True)
    from experiment.console import (
        print_summary,  # not sooner: the demo's subject wakes up while these are loaded
    )
    from experiment.run import run

    windowed = not headless and not obstacle
    if windowed and not json and session.hold_at_end is not None:
        session.hold_at_end()  # whoever looks at a window closes it; a script waits for the end
    summary = run(session, _surface(windowed, headless, json), seconds)
    if json:
        print_json(summary)
    else:
        print_summary(summary)
    if summary["errors"]:
        raise typer.Exit(1)


def _surface(windowed: bool, headless: bool, json: bool) -> Surface:
    """What shows a session; nothing of the window is imported where there is none."""
    if windowed:
        from gui.app import show_session

        return show_session
    from experiment.run import show_nothing
    from experiment.text_view import show_line, show_text

    if not headless:
        return show_text
    return show_nothing if json else show_line


def _stream_out(folder: Path, speed: float, loop: bool, seconds: float | None) -> None:
    """Be the streams of a recorded session until its end, Ctrl-C, or for some seconds."""
    from experiment.run import interruptible
    from realtime.lsl.isolation import hush
    from realtime.time.clock import LslClock
    from recordings.lsl_replay import serve_session
    from recordings.session.session import Session

    hush()
    clock = LslClock()
    until = math.inf if seconds is None else clock.now() + seconds
    with Session(folder) as session, interruptible() as interrupted:
        sent = serve_session(session, clock, lambda: interrupted.is_set() or clock.now() > until, speed, loop)
    for stream, n_samples in sent.items():
        typer.echo(f"{stream}: {n_samples} samples sent")


def _ask(
    eeg: str | None, video: bool, headless: bool, out: Path, feedback: FeedbackChoice | None
) -> Callable[[], Running | None]:
    """What opens a session by asking, where there is a window to ask in and nothing was said yet."""
    from experiment.display import why_no_window
    from realtime.errors import ConfigError

    if eeg is not None or video or headless or why_no_window():
        missing = ["--eeg"] * (eeg is None) + ["--video"] * (not video)
        raise ConfigError(f"give {' and '.join(missing)}; `phosphene streams` lists what there is")
    from gui.setup.ask import ask_and_open

    return lambda: ask_and_open(out, feedback)


def _feedback(
    on: bool, settings: list[str] | None, style: str | None, sham: str | None, blind: bool, osc: str | None
) -> FeedbackChoice | None:
    """The feedback that was asked for; None where none of its options was given."""
    if not (on or settings or style or sham or blind or osc):
        return None
    from experiment.feedback_options import feedback_choice

    return feedback_choice(settings or (), sham, osc, style or "bar", blind=blind)


def _with_loop(
    choice: LiveChoice,
    stimulus: str | None,
    screen: int | None,
    headless: bool,
    feedback: FeedbackChoice | None,
) -> LiveChoice:
    """The choice with what the participant is shown."""
    from dataclasses import replace

    from experiment.display import why_no_window
    from realtime.errors import ConfigError

    if stimulus is None and screen is not None:
        raise ConfigError("--screen says where a stimulus is shown: give it with --stimulus FILE")
    if stimulus is None and not choice.video:
        raise ConfigError("give --video, or --stimulus FILE; `phosphene streams` lists the cameras")
    obstacle = None if stimulus is None else "--headless" if headless else why_no_window()
    if obstacle:
        raise ConfigError(f"--stimulus plays a film to the participant and needs a screen ({obstacle})")
    choice = replace(choice, feedback=feedback)
    if stimulus is None:
        return choice
    from gui.stimulus.player import full_screen

    return replace(choice, stimulus=full_screen(stimulus, screen))


def _live_choice(
    eeg: str,
    video: list[str] | None,
    model: ModelChoice,
    channels: str | None,
    reference: str,
    notch: float,
    unit: str | None,
    clock: str,
) -> LiveChoice:
    from experiment.compose import LiveChoice

    conditioning = conditioning_of(channels, reference, notch, unit)
    return LiveChoice(eeg, tuple(video or ()), model, conditioning, clock)


def _open_recordable(
    choice: LiveChoice,
    out: Path,
    streams: list[str] | None = None,
    options: RecordingOptions | None = None,
    template: str | None = None,
    at_once: bool = False,
) -> Running:
    from experiment.compose import open_live
    from experiment.recording import offer_recording
    from recordings.session.naming import TEMPLATE

    running = open_live(choice)
    offer_recording(running, out, streams or [], options, template or TEMPLATE, at_once)
    return running


def _recording(codec: str, settings: list[str] | None, entities: dict[str, str]) -> RecordingOptions:
    from realtime.errors import ConfigError
    from recordings.session.options import RecordingOptions

    pairs = [setting.partition("=") for setting in settings or []]
    if unset := [name for name, equals, _ in pairs if not equals]:
        raise ConfigError(f"--codec-option {unset[0]} names no value: write NAME=VALUE, for example crf=18")
    chosen = {name: value for name, _, value in pairs}
    return RecordingOptions(codec=codec, codec_options=chosen, entities=entities)


def _model(preset: str, weights: str | None, backend: str) -> ModelChoice:
    from experiment.model_choice import ModelChoice

    return ModelChoice(preset, weights, backend)
