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
    from collections.abc import Callable

    from gui.compose import LiveChoice, ModelChoice
    from gui.feedback_options import FeedbackChoice
    from gui.run import Running
    from models.learning.recipe import Recipe
    from realtime.config import ConditioningConfig

app = typer.Typer(
    help="Fuse a live EEG stream with live video, and see how well this brain matches what is on the screen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

SessionFolder = Annotated[Path, typer.Argument(help="Folder with session.xdf and its video.")]
Sessions = Annotated[list[Path], typer.Argument(help="Folders of recorded sessions.")]
Cache = Annotated[
    Path | None,
    typer.Option("--cache", help="Where embedded frames are kept; beside each session by default."),
]
EegOfSession = Annotated[
    str | None, typer.Option("--eeg", help="Which EEG stream, where the session has several.")
]
VIDEO_HELP = "A camera's number, a file, a URL or screen; again for more, what is shown first."
Videos = Annotated[list[str] | None, typer.Option("--video", help=VIDEO_HELP)]
Headless = Annotated[bool, typer.Option("--headless", help="No window and no live text: run, then report.")]
Seconds = Annotated[float | None, typer.Option("--seconds", min=0.1, help="End after this many seconds.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary as JSON on standard output.")]
Preset = Annotated[str, typer.Option("--preset", help="demo, laptop or lab.")]
Weights = Annotated[
    str | None, typer.Option("--weights", help="Folder with trained weights, or demo for the shipped ones.")
]
Backend = Annotated[
    str, typer.Option("--backend", help="eager, inductor, openvino, openvino-int8, tensorrt or auto.")
]
Channels = Annotated[str | None, typer.Option("--channels", help="Electrodes in the order wanted: Fz,Cz,Pz")]
Reference = Annotated[str, typer.Option("--reference", help="'as recorded' or 'average'.")]
Notch = Annotated[float, typer.Option("--notch", help="Line frequency to remove: 50, 60, or 0 for none.")]
Unit = Annotated[
    str | None, typer.Option("--unit", help="Unit of the samples, where the stream says none or a wrong one.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="A part of the network or of the recipe: mixer=gru, recipe.steps=800"),
]
ClockMode = Annotated[
    str, typer.Option("--clock", help="check: refuse stamps of another clock. arrival: stamp on arrival.")
]
FeedbackOn = Annotated[
    bool, typer.Option("--feedback", help="Close the loop: give feedback on the similarity, as it stands.")
]
FeedbackSet = Annotated[
    list[str] | None,
    typer.Option(
        "--feedback-set", help="A setting of the feedback: baseline_s=30, threshold=0.2, when=above"
    ),
]
FeedbackLook = Annotated[
    str | None,
    typer.Option("--feedback-style", help="bar, ring, brightness, tone or speed (of the film shown)."),
]
Sham = Annotated[
    str | None,
    typer.Option("--sham", help="Feedback that follows nothing: random, or the times of this SESSION's."),
]
Osc = Annotated[str | None, typer.Option("--osc", help="Send the feedback by OSC as well: HOST:PORT.")]
Stimulus = Annotated[
    str | None,
    typer.Option("--stimulus", help="A film, played full screen to the participant: the session sees it."),
]
Screen = Annotated[
    int | None,
    typer.Option("--screen", min=1, help="Of the stimulus; the second by default where there is one."),
]


@app.command()
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
    feedback_set: FeedbackSet = None,
) -> None:
    """Watch a virtual subject watch a film. Needs no headset, no camera and no network."""
    from gui.compose import DEMO_FEEDBACK, open_demo
    from gui.feedback_options import feedback_choice

    model = _model(preset, weights, backend)
    closed = not headless if closed_loop is None else closed_loop
    feedback = feedback_choice(feedback_set or (), base=DEMO_FEEDBACK).config
    _run(lambda: open_demo(model, closed_loop=closed, tour=tour, feedback=feedback), headless, seconds, json)


@app.command()
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
    osc: Osc = None,
) -> None:
    """Fuse an LSL EEG stream with a camera, a film or a video stream, live. Without options it asks."""
    loop = _feedback(feedback, feedback_set, feedback_style, sham, osc)
    if eeg is None or not (video or stimulus):
        _run(_ask(eeg, video, headless, out, loop), headless, seconds, json)
        return
    choice = _live_choice(
        eeg, video, _model(preset, weights, backend), channels, reference, notch, unit, clock
    )
    choice = _with_loop(choice, stimulus, screen, headless, loop)
    _run(lambda: _open_recordable(choice, out), headless, seconds, json)


@app.command()
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
    osc: Osc = None,
) -> None:
    """Record a live session from its first sample: every EEG sample, every frame, other streams, readings."""
    choice = _live_choice(
        eeg, video, _model(preset, weights, backend), channels, reference, notch, unit, clock
    )
    loop = _feedback(feedback, feedback_set, feedback_style, sham, osc)
    choice = _with_loop(choice, stimulus, screen, headless, loop)
    named = {"sub": sub, "ses": ses, "task": task, "run": run}
    entities = {name: value for name, value in named.items() if value is not None}
    _run(lambda: _open_recordable(choice, out, stream or [], entities, at_once=True), headless, seconds, json)


@app.command()
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
        _stream_out(session, _speed(speed), loop, seconds)
        return
    from gui.compose import open_replay

    conditioning = _conditioning(channels, reference, notch, unit)
    _run(
        lambda: open_replay(
            session,
            _model(preset, weights, backend),
            _speed(speed),
            start,
            loop,
            eeg,
            conditioning,
        ),
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
    from gui.console import print_streams
    from realtime.discovery import list_all_streams, list_cameras
    from realtime.lsl_isolation import hush

    hush()
    found, cameras = list_all_streams(wait), list_cameras()
    if json:
        _print_json({"streams": [vars(s) for s in found], "cameras": [vars(c) for c in cameras]})
    else:
        print_streams(found, cameras)


app.command()(headset)


@app.command()
def report(
    session: SessionFolder,
    out: Annotated[
        Path | None, typer.Option("--out", help="The HTML file; report.html in the folder by default.")
    ] = None,
    stills: Annotated[
        bool, typer.Option("--stills/--no-stills", help="Show pictures from the video.")
    ] = True,
) -> None:
    """Write one page on a session: similarity against chance, events, feedback, health of the streams."""
    from recordings.report import write_report

    typer.echo(write_report(session, out, stills))


@app.command("import")
def import_(
    recording: Annotated[
        Path, typer.Argument(help="LabRecorder's .xdf, or EDF, BDF, BrainVision, EEGLAB, FIF.")
    ],
    video: Annotated[Path, typer.Argument(help="The video that belongs to it.")],
    out: Annotated[Path, typer.Argument(help="Folder of the new session.")],
    start_marker: Annotated[
        str | None, typer.Option(help="Marker at which the video's first frame was shown.")
    ] = None,
    offset_s: Annotated[
        float | None, typer.Option(help="Or: how long after the first EEG sample, seconds.")
    ] = None,
) -> None:
    """Make a session of somebody else's recording and a video."""
    from recordings.importing import import_eeg, import_xdf

    make = import_xdf if recording.suffix.lower() in (".xdf", ".xdfz") else import_eeg
    typer.echo(make(recording, video, out, start_marker=start_marker, offset_s=offset_s))


@app.command()
def export(
    session: SessionFolder,
    out: Annotated[
        Path, typer.Argument(help="NAME_raw.fif, NAME.npz, NAME.zarr, or with --bids the root of a data set.")
    ],
    bids: Annotated[bool, typer.Option("--bids", help="Add it to a BIDS data set.")] = False,
    eeg: EegOfSession = None,
    unit: Unit = None,
) -> None:
    """Hand a session on: to FIF, to arrays of aligned intervals (.npz, .zarr), or to BIDS."""
    from recordings.session import Session

    with Session(session) as opened:
        if bids:
            from recordings.bids import export_bids

            written = export_bids(opened, out, eeg=eeg, unit=unit)
        elif out.suffix in (".npz", ".zarr"):
            from recordings.interval_arrays import export_intervals

            written = export_intervals(opened, out, eeg=eeg or "")
        else:
            from recordings.exporting import export_fif

            written = export_fif(opened, out, eeg, unit)
    typer.echo(written)


@app.command()
def anonymize(
    session: SessionFolder,
    out: Annotated[Path, typer.Argument(help="Folder of the copy.")],
    keep_video: Annotated[
        bool, typer.Option("--keep-video", help="Keep the pictures: a film that was shown.")
    ] = False,
    word: Annotated[
        list[str] | None, typer.Option("--word", help="A name that may not be left anywhere.")
    ] = None,
) -> None:
    """Copy a session without names, dates, hosts, serial numbers and faces."""
    from recordings.anonymizing import anonymize as copy_without
    from recordings.session import Session

    with Session(session) as opened:
        typer.echo(copy_without(opened, out, keep_video, word or ()))


@app.command()
def train(
    sessions: Sessions,
    out: Annotated[Path, typer.Option("--out", help="Folder for the checkpoint.")],
    preset: Preset = "demo",
    setting: Settings = None,
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
    cache: Cache = None,
    json: Json = False,
) -> None:
    """Learn a person's answer to what they watch from recorded sessions. Ctrl-C keeps what was reached."""
    from gui.console import training_progress
    from models.learning.train import Material, train_sessions

    material = Material(sessions, _conditioning(channels, reference, notch, unit), cache)
    changes, recipe = _settings(setting or [])
    with training_progress() as report:
        result = train_sessions(material, out, preset, recipe, changes, report)
    if json:
        _print_json(result.as_dict())
    else:
        trained = result.trained
        typer.echo(f"{result.folder}: {trained.steps} steps on {result.minutes:.1f} min, {trained.reason}")
    if result.advice:
        typer.echo(result.advice, err=True)


@app.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Folder of a checkpoint, or demo for the shipped one.")],
    sessions: Sessions,
    json: Json = False,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
    cache: Cache = None,
    controls: Annotated[
        bool, typer.Option("--controls/--no-controls", help="Also without frontal channels, and more.")
    ] = True,
) -> None:
    """Say what a checkpoint is worth on sessions: against chance, a shifted null and linear models."""
    from gui.compose import shipped_weights
    from gui.console import print_worth
    from models.learning.evaluate import evaluate_checkpoint
    from models.learning.train import Material

    material = Material(sessions, _conditioning(None, reference, notch, unit), cache)
    found = evaluate_checkpoint(shipped_weights(checkpoint) or checkpoint, material, controls, _tell)
    if json:
        _print_json(found)
    else:
        print_worth(found)


@app.command()
def baseline(
    sessions: Sessions,
    json: Json = False,
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
    cache: Cache = None,
) -> None:
    """What linear models (ridge, CCA) reach on sessions, each left out in turn."""
    from gui.console import print_worth
    from models.learning.evaluate import baseline_sessions
    from models.learning.train import Material

    material = Material(sessions, _conditioning(channels, reference, notch, unit), cache)
    found = baseline_sessions(material, tell=_tell)
    if json:
        _print_json(found)
    else:
        print_worth(found)


@app.command()
def crossval(
    sessions: Sessions,
    folds: Annotated[
        str, typer.Option("--folds", help="runs, '5 blocks', or groups such as 1-6/7-11 (across days).")
    ] = "runs",
    minutes: Annotated[
        str | None,
        typer.Option("--minutes", help="A learning curve: on so many minutes of data each, 2,4,8,14"),
    ] = None,
    preset: Preset = "demo",
    setting: Settings = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="A folder for what a killed run goes on from.")
    ] = None,
    json: Json = False,
    channels: Channels = None,
    reference: Reference = "as recorded",
    notch: Notch = 50.0,
    unit: Unit = None,
    cache: Cache = None,
) -> None:
    """Train anew for every fold and judge on what was left out, beside linear models on the same windows."""
    from gui.console import print_curve, print_worth
    from models.learning.crossval import cross_validate, learning_curve
    from models.learning.train import Material

    material = Material(sessions, _conditioning(channels, reference, notch, unit), cache)
    changes, recipe = _settings(setting or [])
    found: Any
    if minutes is None:
        found = cross_validate(material, preset, recipe, folds, changes, state=state, tell=_tell)
    else:
        amounts = _numbers("--minutes", minutes)
        found = learning_curve(material, preset, recipe, amounts, folds, changes, _tell)
    if json:
        _print_json(found)
    elif minutes is None:
        print_worth(found)
    else:
        print_curve(found)


@app.command()
def bench(
    parts: Annotated[
        list[str] | None, typer.Argument(help="Which parts: vit_b16, stages, tick, ring … All by default.")
    ] = None,
    json: Json = False,
    docs: Annotated[
        Path | None,
        typer.Option("--docs", help="Also put the numbers into this folder's performance.md."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small networks, short times: only proves that it runs.")
    ] = False,
) -> None:
    """Measure this machine: compiled networks, ticks, latency, window, memory, each beside its peer."""
    from models.bench.page import as_lines, write_page
    from models.bench.setting import Setting
    from models.bench.suite import run_bench

    found = run_bench(Setting(quick=quick, progress=_tell), parts or ())
    if docs is not None:
        write_page(found, docs)
    if json:
        _print_json(found)
    else:
        for line in as_lines(found):
            typer.echo(line)


@app.command()
def models(
    table: Annotated[
        bool, typer.Option("--table", help="Measure every combination of parts; takes minutes.")
    ] = False,
) -> None:
    """List the presets and the parts they are made of; with --table what every combination costs here."""
    from models.config import PRESETS, preset
    from models.table import as_markdown, machine, rows

    if not table:
        _print_json({name: preset(name).model_dump(mode="json") for name in PRESETS})
        return
    measured = []
    for row in rows():
        measured.append(row)
        typer.echo(f"{len(measured)}: {', '.join(row.parts)}", err=True)
    typer.echo(f"{machine()}\n\n{as_markdown(measured)}")


@app.command("calibrate-camera")
def calibrate(
    video: Annotated[str, typer.Argument(help="The camera's number, or a URL.")],
    json: Json = False,
) -> None:
    """Measure how late a camera's stamps are: it looks at the screen while that flashes."""
    from gui.calibration_window import calibrate_camera
    from gui.run import interruptible

    with interruptible() as interrupted:
        result = calibrate_camera(video, should_stop=interrupted.is_set)
    offset = result.offset
    if json:
        _print_json({**result._asdict(), "offset": vars(offset)})
    else:
        mean, spread = offset.offset_mean * 1e3, offset.offset_spread * 1e3
        typer.echo(f"{result.camera}: {mean:.1f} ms late, spread {spread:.1f} ms, kept in {result.path}")


@app.command()
def doctor(json: Json = False) -> None:
    """Check what this machine needs to run the program, and say what to do about what is missing."""
    from gui.console import print_findings
    from realtime.doctor import examine

    findings = examine()
    if json:
        _print_json([finding._asdict() for finding in findings])
    else:
        print_findings(findings)


@app.command()
def info(
    session: SessionFolder,
    json: Json = False,
    check_sums: Annotated[
        bool, typer.Option("--check-sums", help="Compare the files with the manifest's.")
    ] = False,
) -> None:
    """Audit a recorded session: rates, drift, gaps, channels, frames, and what is wrong."""
    from gui.console import print_audit
    from recordings.info import describe
    from recordings.session import Session

    with Session(session) as opened:
        report = describe(opened, check_sums)
    if json:
        _print_json(report)
    else:
        print_audit(report)


@app.command()
def repair(
    recording: Annotated[
        Path, typer.Argument(help="A damaged .xdf file, or the folder that holds session.xdf.")
    ],
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Replace the file; the damaged one is kept beside.")
    ] = False,
    json: Json = False,
) -> None:
    """Save what is whole of a recording that a crash cut short; nothing is deleted."""
    from recordings.repair import repair as save_whole

    saved = save_whole(recording / "session.xdf" if recording.is_dir() else recording, in_place)
    if json:
        _print_json(vars(saved))
        return
    for damage in saved.damages:
        typer.echo(f"left out: {damage}")
    for name, n_samples in saved.samples:
        typer.echo(f"saved: {n_samples} samples of {name}")
    typer.echo(f"{'nothing was wrong with' if saved.was_whole else 'written to'} {saved.path}")


def _run(
    open_session: Callable[[], Running | None], headless: bool, seconds: float | None, json: bool
) -> None:
    """Open a session, run it where it can be shown, print what it came to, and end with the right code."""
    from gui.console import print_summary
    from gui.display import why_no_window
    from gui.run import Surface, run

    obstacle = None if headless else why_no_window()
    if obstacle:
        typer.echo(f"{obstacle}. Showing the session as text; --headless runs without any view.", err=True)
    silent = Surface.NONE if json else Surface.LINE
    surface = silent if headless else Surface.TEXT if obstacle else Surface.WINDOW
    session = open_session()
    if session is None:
        return
    if surface is Surface.WINDOW and not json and session.hold_at_end is not None:
        session.hold_at_end()  # whoever looks at a window closes it; a script waits for the end
    summary = run(session, surface, seconds)
    if json:
        _print_json(summary)
    else:
        print_summary(summary)
    if summary["errors"]:
        raise typer.Exit(1)


def _stream_out(folder: Path, speed: float, loop: bool, seconds: float | None) -> None:
    """Be the streams of a recorded session until its end, Ctrl-C, or for some seconds."""
    from gui.run import interruptible
    from realtime.clock import LslClock
    from realtime.lsl_isolation import hush
    from recordings.lsl_replay import serve_session
    from recordings.session import Session

    hush()
    clock = LslClock()
    until = math.inf if seconds is None else clock.now() + seconds
    with Session(folder) as session, interruptible() as interrupted:
        sent = serve_session(session, clock, lambda: interrupted.is_set() or clock.now() > until, speed, loop)
    for stream, n_samples in sent.items():
        typer.echo(f"{stream}: {n_samples} samples sent")


def _print_json(value: Any) -> None:
    sys.stdout.write(json_format.dumps(value, indent=2, default=str) + "\n")


def _ask(
    eeg: str | None, video: list[str] | None, headless: bool, out: Path, feedback: FeedbackChoice | None
) -> Callable[[], Running | None]:
    """What opens a session by asking, where there is a window to ask in and nothing was said yet."""
    from gui.display import why_no_window
    from realtime.errors import ConfigError

    if eeg is not None or video or headless or why_no_window():
        raise ConfigError("give --eeg and --video; `phosphene streams` lists what there is")
    from gui.ask import ask_and_open

    return lambda: ask_and_open(out, feedback)


def _feedback(
    on: bool, settings: list[str] | None, style: str | None, sham: str | None, osc: str | None
) -> FeedbackChoice | None:
    """The feedback that was asked for; None where none of its options was given."""
    if not (on or settings or style or sham or osc):
        return None
    from gui.feedback_options import feedback_choice

    return feedback_choice(settings or (), sham, osc, style or "bar")


def _with_loop(
    choice: LiveChoice,
    stimulus: str | None,
    screen: int | None,
    headless: bool,
    feedback: FeedbackChoice | None,
) -> LiveChoice:
    """The choice with what the participant is shown."""
    from dataclasses import replace

    from gui.display import why_no_window
    from realtime.errors import ConfigError

    if stimulus is None and screen is not None:
        raise ConfigError("--screen says where a stimulus is shown: give it with --stimulus FILE")
    if stimulus is None and not choice.video:
        raise ConfigError("give --video, or --stimulus FILE; `phosphene streams` lists the cameras")
    obstacle = None if stimulus is None else "--headless" if headless else why_no_window()
    if obstacle:
        raise ConfigError(f"--stimulus plays a film to the participant and needs a screen ({obstacle})")
    return replace(choice, stimulus=stimulus, screen=screen, feedback=feedback)


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
    from gui.compose import LiveChoice

    conditioning = _conditioning(channels, reference, notch, unit)
    return LiveChoice(eeg, tuple(video or ()), model, conditioning, clock)


def _open_recordable(
    choice: LiveChoice,
    out: Path,
    streams: list[str] | None = None,
    entities: dict[str, str] | None = None,
    at_once: bool = False,
) -> Running:
    from gui.compose import open_live
    from gui.recording import offer_recording

    running = open_live(choice)
    offer_recording(running, out, streams or [], entities, at_once)
    return running


def _model(preset: str, weights: str | None, backend: str) -> ModelChoice:
    from gui.compose import ModelChoice

    return ModelChoice(preset, weights, backend)


def _settings(settings: list[str]) -> tuple[dict[str, Any], Recipe]:
    """`--set` options: what changes in the network, and the recipe."""
    from pydantic import ValidationError

    from models.learning.recipe import Recipe
    from realtime.errors import ConfigError

    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set {setting} names no value: write NAME=VALUE, for example mixer=gru")
        changes[name] = value
    recipe = {
        name.removeprefix("recipe."): changes.pop(name)
        for name in list(changes)
        if name.startswith("recipe.")
    }
    try:
        return changes, Recipe(**recipe)
    except ValidationError as error:
        told = (f"recipe.{e['loc'][0]}={e['input']}: {e['msg']}" for e in error.errors())
        raise ConfigError("; ".join(told)) from None


def _numbers(option: str, text: str) -> list[float]:
    from realtime.errors import ConfigError

    try:
        return [float(word) for word in text.split(",")]
    except ValueError:
        raise ConfigError(f"{option} {text} are no numbers: write them with commas between, 2,4,8") from None


def _tell(words: str) -> None:
    typer.echo(words, err=True)


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
