"""Puts sessions together: live, replay and demo, each from sources, a model and what drives them."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gui.run import Running
from gui.state import Mode
from realtime.clock import LslClock, ManualClock
from realtime.config import ConditioningConfig
from realtime.live import LiveRunner
from realtime.model import Model
from realtime.pipeline import Pipeline
from realtime.view import PipelineView

DEMO_SEED = 7


@dataclass(frozen=True)
class ModelChoice:
    """Which network: a preset, or a folder with trained weights (which say their own preset)."""

    preset: str = "demo"
    weights: Path | None = None

    def build(self, labels: tuple[str, ...]) -> Model:
        """The engine for these electrodes; the shipped weights where they fit a preset."""
        from models.inference.engine import Engine

        if self.weights is not None:
            return Engine.from_checkpoint(self.weights)
        return Engine.from_preset(self.preset, labels)


@dataclass(frozen=True)
class LiveChoice:
    """What a live session is made of."""

    eeg: str
    video: str
    model: ModelChoice = field(default_factory=ModelChoice)
    conditioning: ConditioningConfig = field(default_factory=ConditioningConfig)
    clock: str = "check"


def open_live(choice: LiveChoice) -> Running:
    """Connect to the streams of a live session.

    Raises
    ------
    StreamNotFound, StreamFormatError, VideoError, WeightsError
    """
    from realtime.camera import open_video
    from realtime.lsl_eeg import LslEeg, StreamSelector

    clock = LslClock()
    eeg = LslEeg(StreamSelector.parse(choice.eeg), clock=choice.clock)
    pipeline = Pipeline(eeg, open_video(choice.video, clock), choice.model.build, choice.conditioning)
    return _live(f"Phosphene live · {pipeline.eeg_info.name}", Mode.LIVE, pipeline, clock)


def _live(title: str, mode: Mode, pipeline: Pipeline, clock: LslClock) -> Running:
    runner = LiveRunner(pipeline, clock)
    view = PipelineView(pipeline, clock, lambda: runner.failure)
    return Running(title, mode, pipeline, runner, view)


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
    from recordings.replay import ReplayEeg, ReplayVideo
    from recordings.session import Session

    session = Session(folder)
    clock = ManualClock(session.start)
    sources = ReplayEeg(session, clock, eeg or ""), ReplayVideo(session, clock)
    pipeline = Pipeline(*sources, model.build, conditioning)
    begin = session.start + start_s
    player = Player(pipeline, *sources, clock, begin, session.end, speed, loop)
    view = PipelineView(pipeline, clock, lambda: player.failure, player)
    for marker in session.markers():
        view.add_marker(marker.stamp, marker.text)
    return Running(f"Phosphene replay · {session.name}", Mode.REPLAY, pipeline, player, view)


def open_demo(model: ModelChoice, seed: int = DEMO_SEED) -> Running:
    """A virtual subject in a process of its own watches a film made from the clock; its EEG comes by LSL."""
    from realtime.lsl_eeg import LslEeg, StreamSelector
    from realtime.lsl_isolation import isolate
    from realtime.virtual.film import FilmSource

    config = isolate()
    source_id = f"phosphene-demo-{uuid.uuid4().hex[:12]}"
    subject = _spawn("realtime.virtual.subject", config, "--source-id", source_id, "--film-seed", str(seed))
    clock = LslClock()
    try:
        eeg = LslEeg(StreamSelector.parse(f"source_id={source_id}"), resolve_s=15.0)
        pipeline = Pipeline(eeg, FilmSource(clock, seed=seed), model.build)
    except BaseException:
        _end(subject)
        raise
    running = _live("Phosphene demo", Mode.DEMO, pipeline, clock)
    running.cleanups.append(lambda: _end(subject))
    return running


def _spawn(module: str, lsl_config: str | os.PathLike[str], *options: str) -> subprocess.Popen[bytes]:
    """Start one of our own modules as a process that sees the same LSL as we do."""
    environment = {**os.environ, "LSLAPICFG": str(lsl_config), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", module, *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
