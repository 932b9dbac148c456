"""Hours of stream time under an injected clock, through the whole pipeline, as fast as this machine can.

64 channels at 1000 Hz and 30 frames a second go interval by interval, with arithmetic in the network's place
(its hour is in tests/realtime/test_endurance.py).
"""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np

from realtime.memory import rss_mb
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.video.file import FileCamera
from recordings.video.files import VideoWriter
from tests.realtime.test_endurance import EndlessEeg, ForgetfulModel
from tests.soak.picture import Kind, Seen, note

KIND = Kind(
    name="soak",
    of="stream",
    curves={
        "memory_mb": ("memory, MB", 30.0),
        "handles": ("open handles", 2),
        "threads": ("threads", 1),
        "tick_ms": ("processor time of a tick, ms (median of a minute)", 1.0),
    },
    warm_s=900.0,
    stretch_s=3600.0,
)
_STEP_S = 1 / 30
_PAST_S = 0.01  # looked at so long after a frame is due, to its nearest millisecond: none is missed
_CHUNK = 100  # samples
_EVERY_S = 60.0  # between two looks


def soak(hours: float, folder: Path) -> Seen:
    """Run it; returns what was seen each minute of stream time, by name."""
    clock = ManualClock(0.0)
    camera = FileCamera(_film(folder / "film.mkv"), loop=True, clock=clock)
    pipeline = Pipeline(EndlessEeg(clock, chunk=_CHUNK), camera, lambda labels: ForgetfulModel())
    seen: Seen = {}
    ticks: list[float] = []
    stopped = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: stopped.set())
    for step in range(1, round(hours * 3600 / _STEP_S) + 1):
        if stopped.is_set():
            break
        clock.set(step * _STEP_S + (_PAST_S if step > 1 else 0.0))
        begun = time.thread_time()  # what else runs on the machine does not count
        if pipeline.advance(clock.now()):
            ticks.append((time.thread_time() - begun) * 1e3)
        if step % round(_EVERY_S / _STEP_S) == 0:
            note(
                seen,
                {
                    "hours": step * _STEP_S / 3600,
                    "memory_mb": rss_mb(),
                    "handles": len(os.listdir("/proc/self/fd")),
                    "threads": threading.active_count(),
                    "tick_ms": float(np.median(ticks)),
                },
            )
            ticks.clear()
    health = pipeline.eeg.health()
    assert (health.gaps, pipeline.skipped_ticks) == (0, 0)
    assert abs(pipeline.video.n_frames - clock.now() * 30) < 60
    pipeline.close()
    return seen


def _film(path: Path) -> Path:
    """Ten seconds of 64 × 48 at 30 frames a second: what is asked is how many, not how large."""
    with VideoWriter(path, (64, 48), 30) as writer:
        for n in range(300):
            writer.write(np.full((48, 64, 3), n * 0.8, np.uint8), n / 30)
    return path
