"""Puts live and replayed sessions together, each from sources, a model and what drives them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from experiment.closed_loop import give_feedback
from experiment.feedback_options import FeedbackChoice
from experiment.model_choice import ModelChoice, importing_beside
from experiment.pictures import pictures_of
from experiment.run import Running, opening
from experiment.state import Mode, Newcomer
from realtime.config import ConditioningConfig
from realtime.eeg.device_names import DeviceNames
from realtime.eeg.montage import Renamed
from realtime.errors import ConfigError
from realtime.live import LiveRunner
from realtime.pipeline import Pipeline
from realtime.sources import EegSource, VideoSource
from realtime.time.clock import Clock, LslClock, ManualClock, check_lsl_clock
from realtime.view import PipelineView

if TYPE_CHECKING:
    from realtime.lsl.newcomers import Newcomers
    from realtime.lsl.selector import StreamSelector


@dataclass(frozen=True)
class LiveChoice:
    """What a live session is made of; of several videos, the first is what is shown.

    `stimulus`, given the session's clock, returns the player of a film that the participant sees; it becomes
    the first video of the session, which sees what it shows.
    """

    eeg: str
    video: str | tuple[str, ...]
    model: ModelChoice = field(default_factory=ModelChoice)
    conditioning: ConditioningConfig | None = None
    clock: str = "check"
    montage: tuple[str, ...] | None = None
    stimulus: Callable[[Clock], VideoSource] | None = None
    feedback: FeedbackChoice | None = None


def open_live(choice: LiveChoice) -> Running:
    """Connect to the streams of a live session.

    Raises
    ------
    StreamNotFound, StreamFormatError, VideoError, WeightsError, ConfigError
    """
    from realtime.lsl.eeg import LslEeg, StreamSelector
    from realtime.lsl.isolation import hush

    hush()
    clock = LslClock()
    stream = LslEeg(StreamSelector.parse(choice.eeg), clock=choice.clock)
    eeg: EegSource = Renamed(stream, DeviceNames(choice.montage))
    videos = _videos(choice, clock)
    build = partial(choice.model.build, n_videos=len(videos), pictures=partial(pictures_of, videos[0]))
    try:
        with importing_beside():
            pipeline = Pipeline(eeg, videos[0], build, choice.conditioning, videos[1:])
    except BaseException:
        for video in videos:
            video.close()
        raise
    running, view = live_session(f"Phosphene live · {pipeline.eeg_info.name}", Mode.LIVE, pipeline, clock)
    running.ask_of_newcomers = stream.newcomers.ask
    running.actions = replace(running.actions, newcomer=partial(_offered, stream.newcomers))
    with opening(running):
        go_faster(running, choice.model)
        if choice.stimulus is not None:
            running.closing.callback(videos[0].close)  # in its window's thread, so that it goes at once
        if choice.feedback is not None:
            view.blind = choice.feedback.blind
            running.feedback = give_feedback(running, choice.feedback, clock)
        show_markers(running, view, StreamSelector(type="Markers"))
        show_gaze(running, view)
    return running


def _offered(newcomers: Newcomers) -> Newcomer | None:
    """Return the stream that waits for a user's word."""
    stream = newcomers.offered
    if stream is None:
        return None
    words = f"{stream.name} · {stream.n_channels} ch · {stream.rate_nominal:g} Hz · on {stream.host}"
    return Newcomer(words, lambda take: newcomers.answer(stream.uid, take=take))


def _videos(choice: LiveChoice, clock: LslClock) -> list[VideoSource]:
    from realtime.video.camera import open_video
    from realtime.video.early import EarlyVideo
    from realtime.video.file import FileCamera

    names = (choice.video,) if isinstance(choice.video, str) else choice.video
    opened = [open_video(name, clock) for name in names]
    videos: list[VideoSource] = [v if isinstance(v, FileCamera) else EarlyVideo(v) for v in opened]
    return videos if choice.stimulus is None else [choice.stimulus(clock), *videos]


def go_faster(running: Running, model: ModelChoice) -> None:
    """Have the session's network run on the fastest backend as soon as that can be, where `auto` was chosen.

    What goes as fast as it can (a replay with `--speed max`) takes what an earlier start has built, builds
    nothing, and keeps what it begins with: what it says does not hang on when a build was done.
    """
    if model.backend != "auto":
        return
    from models.inference.beside.faster import Faster

    faster = Faster(running.pipeline, running.warnings.append)
    transport = running.view.transport
    if transport is not None and math.isinf(transport.speed):
        faster.take_found()
        return
    running.closing.callback(faster.launch().stop)


def live_session(title: str, mode: Mode, pipeline: Pipeline, clock: LslClock) -> tuple[Running, PipelineView]:
    """Return a pipeline with what drives it by the wall clock, and what a window may ask of it.

    Raises
    ------
    RunError
        LSL's clock is not the one that sessions run on.
    """
    check_lsl_clock()
    runner = LiveRunner(pipeline, clock)
    view = PipelineView(pipeline, clock, lambda: runner.failure)
    return Running(title, mode, pipeline, runner, view), view


def show_markers(
    running: Running,
    view: PipelineView,
    selector: StreamSelector,
    *more: Callable[[float, str], None],
) -> None:
    """Show the events of these LSL streams in the session's window, and tell them to `more`."""
    from realtime.lsl.markers import MarkerListener

    def heard(stamp: float, text: str) -> None:
        for listener in (view.add_marker, *more):
            listener(stamp, text)

    listener = MarkerListener(selector, heard).launch()
    running.workers.append(listener)
    running.closing.callback(listener.stop)  # added after the outlets it reads, so it is closed before them


def show_gaze(running: Running, view: PipelineView) -> None:
    """Show where the participant looks, as the gaze streams of the network say it."""
    from realtime.lsl.gaze import GazeListener

    listener = GazeListener(view.add_gaze).launch()
    running.workers.append(listener)
    running.closing.callback(listener.stop)


def open_replay(
    folder: str | Path,
    model: ModelChoice,
    speed: float = 1.0,
    start_s: float = 0.0,
    *,
    loop: bool = False,
    eeg: str | None = None,
    conditioning: ConditioningConfig | None = None,
) -> Running:
    """Open a recorded session as if it were live.

    Parameters
    ----------
    folder : Path
        Of the session.
    model : ModelChoice
    speed : float
        Times real time; infinite for as fast as this machine can.
    start_s : float
        Where to begin, seconds after the session's start.
    loop : bool
        Begin again at the end.
    eeg : str, optional
        Which EEG stream, where the session has several.
    conditioning : ConditioningConfig, optional

    Raises
    ------
    ConfigError
        `start_s` lies past the session's end.
    SessionError, StreamNotFound, StreamFormatError, WeightsError
    """
    from models.inference.examples import video_pictures
    from recordings.player import Player
    from recordings.replay import ReplayEeg, replay_videos
    from recordings.session.gaze import all_gaze
    from recordings.session.naming import subject_of
    from recordings.session.session import Session
    from recordings.survey import Survey

    session = Session(folder)
    if start_s >= session.end - session.start:
        length = session.end - session.start
        raise ConfigError(
            f"--start {start_s:g} is past the end of {session.name}, which is {length:.1f} s long"
        )
    clock = ManualClock(session.start)
    source, (video, *more) = ReplayEeg(session, clock, eeg or ""), replay_videos(session, clock)
    shown = partial(video_pictures, session.video().path)
    chosen = replace(model, person=subject_of(session.folder)).for_eeg(session.eeg(eeg or "").info)
    build = partial(chosen.build, n_videos=1 + len(more), pictures=shown)
    pipeline = Pipeline(source, video, build, conditioning, more)
    survey = Survey(folder, eeg or "")
    span = session.start, session.end
    player = Player(pipeline, [source, video, *more], clock, span, speed, loop=loop, survey=survey)
    player.seek(session.start + start_s)
    view = PipelineView(pipeline, clock, lambda: player.failure, player)
    for marker in session.markers():
        view.add_marker(marker.stamp, marker.text)
    view.add_all_gaze(all_gaze(session))
    title, hold = f"Phosphene replay · {session.name}", player.hold_at_end
    running = Running(title, Mode.REPLAY, pipeline, player, view, hold_at_end=hold)
    go_faster(running, model)
    return running
