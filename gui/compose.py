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

from gui.closed_loop import close_loop, give_feedback
from gui.feedback_options import FeedbackChoice
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
from realtime.sources import EegSource, VideoSource
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
    """What a live session is made of; of several videos, the first is what is shown.

    `stimulus` is a film to be played full screen to the participant, on `screen` (1 for the first; the second
    by default where there is one). It is the first video of the session, which sees what it shows.
    """

    eeg: str
    video: str | tuple[str, ...]
    model: ModelChoice = field(default_factory=ModelChoice)
    conditioning: ConditioningConfig | None = None
    clock: str = "check"
    montage: tuple[str, ...] | None = None
    stimulus: str | None = None
    screen: int | None = None
    feedback: FeedbackChoice | None = None


def open_live(choice: LiveChoice) -> Running:
    """Connect to the streams of a live session.

    Raises
    ------
    StreamNotFound, StreamFormatError, VideoError, WeightsError, ConfigError
    """
    from realtime.lsl_eeg import LslEeg, StreamSelector
    from realtime.lsl_isolation import hush

    hush()
    clock = LslClock()
    eeg: EegSource = LslEeg(StreamSelector.parse(choice.eeg), clock=choice.clock)
    if choice.montage is not None:
        eeg = Renamed(eeg, choice.montage)
    videos = _videos(choice, clock)
    build = partial(choice.model.build, n_videos=len(videos))
    try:
        pipeline = Pipeline(eeg, videos[0], build, choice.conditioning, videos[1:])
    except BaseException:
        for video in videos:
            video.close()
        raise
    running, view = _live(f"Phosphene live · {pipeline.eeg_info.name}", Mode.LIVE, pipeline, clock)
    if choice.stimulus is not None:
        running.cleanups.append(videos[0].close)  # in the Qt thread, so its window goes at once
    if choice.feedback is not None:
        view.blind = choice.feedback.blind
        try:
            running.feedback = give_feedback(running, choice.feedback, clock)
        except BaseException:
            pipeline.close()
            raise
    _show_markers(running, view, StreamSelector(type="Markers"))
    return running


def _videos(choice: LiveChoice, clock: LslClock) -> list[VideoSource]:
    from realtime.camera import open_video

    names = (choice.video,) if isinstance(choice.video, str) else choice.video
    videos = [open_video(name, clock) for name in names]
    if choice.stimulus is None:
        return videos
    from gui.app import application
    from gui.stimulus_player import StimulusPlayer

    application()
    return [StimulusPlayer(choice.stimulus, choice.screen, clock=clock), *videos]


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
    model: ModelChoice,
    seed: int = DEMO_SEED,
    closed_loop: bool = True,
    tour: bool = False,
    feedback: FeedbackConfig = DEMO_FEEDBACK,
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
        died = subject.poll() is not None
        said = _end(subject)
        raise RunError(f"the demo did not begin: {said if died and said else error}") from error
    running, view = _live("Phosphene demo", Mode.DEMO, pipeline, clock)
    running.tour = tour
    if closed_loop:
        close_loop(running, feedback, clock, feedback_id, film.set_dim)
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
