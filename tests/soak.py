"""Eight hours of stream time under an injected clock: memory, handles, threads, ticks stay flat.

    python -m tests.soak [HOURS]

64 channels at 1000 Hz and 30 frames a second go through the whole pipeline, interval by interval, as fast as
this machine can, with arithmetic in the network's place (its hour is in tests/realtime/test_endurance.py).
Writes docs/soak.json, and ends with 1 where something grows.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
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

DOCS = Path(__file__).resolve().parents[1] / "docs"
_STEP_S = 1 / 30
_EVERY_S = 60.0  # between two looks
_WARM_S = 900.0
LIMITS = {"memory_mb": 30.0, "handles": 2, "threads": 1, "tick_ms": 1.0}
"""How much each may differ, as a median, between the first hour after warming up and the last."""


def film(path: Path) -> Path:
    """Two seconds of 320 × 240 at 30 frames a second."""
    with VideoWriter(path, (320, 240), 30) as writer:
        for n in range(60):
            writer.write(np.full((240, 320, 3), n * 4, np.uint8), n / 30)
    return path


def soak(hours: float, folder: Path) -> dict[str, list[float]]:
    """Run it; returns what was seen each minute of stream time, by name."""
    clock = ManualClock(0.0)
    camera = FileCamera(film(folder / "film.mkv"), loop=True, clock=clock)
    pipeline = Pipeline(EndlessEeg(clock), camera, lambda labels: ForgetfulModel())
    seen: dict[str, list[float]] = {name: [] for name in ("hours", *LIMITS)}
    ticks: list[float] = []
    for step in range(1, round(hours * 3600 / _STEP_S) + 1):
        clock.set(step * _STEP_S)
        begun = time.perf_counter()
        if pipeline.advance(clock.now()):
            ticks.append((time.perf_counter() - begun) * 1e3)
        if step % round(_EVERY_S / _STEP_S) == 0:
            handles = len(os.listdir("/proc/self/fd"))
            now = (
                step * _STEP_S / 3600,
                rss_mb(),
                handles,
                threading.active_count(),
                float(np.median(ticks)),
            )
            for name, value in zip(seen, now, strict=True):
                seen[name].append(value)
            ticks.clear()
            print(*(f"{name} {values[-1]:.2f}" for name, values in seen.items()), flush=True)
    health = pipeline.eeg.health()
    assert (health.gaps, pipeline.skipped_ticks) == (0, 0)
    pipeline.close()
    return seen


def grown(seen: dict[str, list[float]]) -> dict[str, float]:
    """By how much each differs between the first hour after warming up and the last, as medians."""
    hours = np.array(seen["hours"])
    width = min(1.0, (hours[-1] - _WARM_S / 3600) / 2)
    first = (hours > _WARM_S / 3600) & (hours <= _WARM_S / 3600 + width)
    last = hours > hours[-1] - width
    return {
        name: float(np.median(np.array(seen[name])[last]) - np.median(np.array(seen[name])[first]))
        for name in LIMITS
    }


def main(hours: float = 8.0) -> int:
    """Run, write down what was seen, and say whether anything grew."""
    with tempfile.TemporaryDirectory() as folder:
        seen = soak(hours, Path(folder))
    more = grown(seen)
    found = {"hours": hours, "grown": more, "limits": LIMITS, "seen": seen}
    (DOCS / "soak.json").write_text(json.dumps(found), encoding="utf-8")
    print(json.dumps(more))
    return int(any(more[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
