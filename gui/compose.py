"""Puts sessions together: live, replay and demo, each from sources, a model and what drives them."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from gui.closed_loop import close_loop
from gui.run import Running
from gui.state import Mode
from realtime.chance import auc
from realtime.clock import LslClock, ManualClock
from realtime.config import ConditioningConfig
from realtime.errors import PhospheneError, RunError
from realtime.feedback import FeedbackConfig
from realtime.live import LiveRunner
from realtime.model import Model
from realtime.montage import Renamed
from realtime.pipeline import Pipeline
from realtime.sources import EegSource
from realtime.types import Reading
from realtime.view import PipelineView

if TYPE_CHECKING:
    from realtime.lsl_selector import StreamSelector

DEMO_SEED = 7
DEMO_FEEDBACK = FeedbackConfig(baseline_s=8.0, longest_s=8.0)


@dataclass(frozen=True)
class ModelChoice:
    """Which network: a preset, or trained weights (which say their own preset).

    `weights` is a folder, or the name of weights that come with the program (`demo`). `backend` is what
    runs the network: eager, inductor, openvino, openvino-int8, tensorrt or auto.
    """

    preset: str = "demo"
    weights: str | None = None
    backend: str = "eager"

    def build(self, labels: tuple[str, ...], n_videos: int = 1) -> Model:
        """The engine for these electrodes, ready to run; compiling it takes a while and is told."""
        from models.inference.engine import Engine

        if self.weights is not None:
            engine = Engine.from_checkpoint(shipped_weights(self.weights) or self.weights)
        else:
            engine = Engine.from_preset(self.preset, labels)
        tell = partial(print, file=sys.stderr)
        return engine.compile(self.backend, progress=tell, n_videos=n_videos)


def shipped_weights(name: str) -> Path | None:
    """Folder of weights that come with the program, or None where none has this name."""
    folder = Path(str(files("models"))) / "weights" / name
    return folder if (folder / "checkpoint.json").is_file() else None


@dataclass(frozen=True)
class LiveChoice:
    """What a live session is made of; of several videos, the first is what is shown."""

    eeg: str
    video: str | tuple[str, ...]
    model: ModelChoice = field(default_factory=ModelChoice)
    conditioning: ConditioningConfig | None = None
    clock: str = "check"
    montage: tuple[str, ...] | None = None


def open_live(choice: LiveChoice) -> Running:
    """Connect to the streams of a live session.

    Raises
    ------
    StreamNotFound, StreamFormatError, VideoError, WeightsError
    """
    from realtime.camera import open_video
    from realtime.lsl_eeg import LslEeg, StreamSelector
    from realtime.lsl_isolation import hush

    hush()
    clock = LslClock()
    eeg: EegSource = LslEeg(StreamSelector.parse(choice.eeg), clock=choice.clock)
    if choice.montage is not None:
        eeg = Renamed(eeg, choice.montage)
    names = (choice.video,) if isinstance(choice.video, str) else choice.video
    video, *more = (open_video(name, clock) for name in names)
    build = partial(choice.model.build, n_videos=len(names))
    pipeline = Pipeline(eeg, video, build, choice.conditioning, more)
    running, view = _live(f"Phosphene live · {pipeline.eeg_info.name}", Mode.LIVE, pipeline, clock)
    _show_markers(running, view, StreamSelector(type="Markers"))
    return running


def _live(title: str, mode: Mode, pipeline: Pipeline, clock: LslClock) -> tuple[Running, PipelineView]:
    runner = LiveRunner(pipeline, clock)
    view = PipelineView(pipeline, clock, lambda: runner.failure)
    return Running(title, mode, pipeline, runner, view), view


def _show_markers(
    running: Running,
    view: PipelineView,
    selector: StreamSelector,
    *more: Callable[[float, str], None],
) -> None:
    """Show the events of these LSL streams in the session's window, and tell them to `more`."""
    from realtime.lsl_markers import MarkerListener

    def heard(stamp: float, text: str) -> None:
        for listener in (view.add_marker, *more):
            listener(stamp, text)

    listener = MarkerListener(selector, heard).launch()
    running.watched.append(lambda: listener.failure)
    running.cleanups.insert(0, listener.stop)  # inlets go before the outlets they read


def open_replay(
    folder: Path,
    model: ModelChoice,
    speed: float = 1.0,
    start_s: float = 0.0,
    loop: bool = False,
    eeg: str | None = None,
    conditioning: ConditioningConfig | None = None,
) -> Running:
    """Open a recorded session as if it were live.

    Raises
    ------
    SessionError, StreamNotFound, StreamFormatError, WeightsError
    """
    from recordings.player import Player
    from recordings.replay import ReplayEeg, replay_videos
    from recordings.session import Session
    from recordings.survey import Survey

    session = Session(folder)
    clock = ManualClock(session.start)
    source, (video, *more) = ReplayEeg(session, clock, eeg or ""), replay_videos(session, clock)
    build = partial(model.build, n_videos=1 + len(more))
    pipeline = Pipeline(source, video, build, conditioning, more)
    begin = session.start + start_s
    survey = Survey(folder, eeg or "")
    player = Player(pipeline, source, video, clock, begin, session.end, speed, loop, survey, more)
    view = PipelineView(pipeline, clock, lambda: player.failure, player)
    for marker in session.markers():
        view.add_marker(marker.stamp, marker.text)
    return Running(
        f"Phosphene replay · {session.name}",
        Mode.REPLAY,
        pipeline,
        player,
        view,
        hold_at_end=player.hold_at_end,
    )


def open_demo(
    model: ModelChoice, seed: int = DEMO_SEED, closed_loop: bool = True, tour: bool = False
) -> Running:
    """A virtual subject in a process of its own watches a film made from the clock; its EEG comes by LSL.

    In a closed loop the film is dimmed while similarity is low, and the subject, whose mind wanders by
    itself, comes back to it; else its engagement follows the clock. The shipped weights were trained on
    virtual subjects, so they are taken here, and only here, without being asked for.
    """
    from realtime.lsl_eeg import LslEeg, StreamSelector
    from realtime.lsl_isolation import isolate
    from realtime.virtual.film import Film, FilmSource

    if model == ModelChoice(backend=model.backend) and shipped_weights("demo"):
        model = replace(model, weights="demo")
    isolate()
    clock = LslClock()
    source_id = f"phosphene-demo-{uuid.uuid4().hex[:12]}"
    film = FilmSource(Film(seed), clock)
    feedback_id = f"{source_id}-feedback"
    listening = ("--feedback", f"source_id={feedback_id}") if closed_loop else ()
    subject = _spawn(
        "realtime.virtual.subject",
        "--source-id",
        source_id,
        "--film-seed",
        str(seed),
        "--with-parent",
        *listening,
    )
    import models.inference.engine  # noqa: F401  takes seconds, while the subject wakes up

    try:
        pipeline = Pipeline(LslEeg(StreamSelector(source_id=source_id), resolve_s=20.0), film, model.build)
    except PhospheneError as error:
        raise RunError(f"the virtual subject did not begin: {_end(subject) or error}") from error
    running, view = _live("Phosphene demo", Mode.DEMO, pipeline, clock)
    running.tour = tour
    if closed_loop:
        close_loop(running, DEMO_FEEDBACK, clock, feedback_id, film.set_dim)
    truth = EngagementTruth(pipeline.grid.interval_s + pipeline.grid.lag_s)
    pipeline.taps.append(truth.reading)
    _show_markers(running, view, StreamSelector(source_id=f"{source_id}-markers"), truth.marker)
    running.extras.append(truth.summary)
    running.cleanups.append(partial(_end, subject))
    return running


class EngagementTruth:
    """Compares similarity with what the virtual subject says of itself: `engaged` or `drifting`.

    Only readings whose whole interval lies in one phase count. Markers and readings come in two threads.
    """

    def __init__(self, interval_s: float):
        self._interval_s = interval_s
        self._changes: list[tuple[float, str]] = []
        self._readings: list[tuple[float, float]] = []

    def marker(self, stamp: float, phase: str) -> None:
        self._changes.append((stamp, phase))

    def reading(self, reading: Reading) -> None:
        self._readings.append((reading.end, reading.similarity))

    def summary(self) -> dict[str, float | None]:
        """`engagement_auc`: probability that an engaged reading is more similar than a drifting one."""
        phases: dict[str, list[float]] = {"engaged": [], "drifting": []}
        changes = sorted(self._changes)
        for end, similarity in self._readings:
            before = [phase for stamp, phase in changes if stamp <= end - self._interval_s]
            within = any(end - self._interval_s < stamp <= end for stamp, _ in changes)
            if before and not within:
                phases[before[-1]].append(similarity)
        return {"engagement_auc": auc(phases["engaged"], phases["drifting"])}


def _spawn(module: str, *options: str) -> subprocess.Popen[str]:
    """Start one of our own modules as a process that sees the same LSL as we do."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *options],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def _end(process: subprocess.Popen[str]) -> str:
    """End it, by force if need be; returns the last line it had to say."""
    process.terminate()
    try:
        _, said = process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        _, said = process.communicate()
    return said.strip().splitlines()[-1] if said.strip() else ""
