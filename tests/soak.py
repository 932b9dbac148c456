"""Eight hours of stream time under an injected clock: memory, handles, threads, ticks stay flat.

    python -m tests.soak [HOURS]

64 channels at 1000 Hz and 30 frames a second go through the whole pipeline, interval by interval, as fast as
this machine can, with arithmetic in the network's place (its hour is in tests/realtime/test_endurance.py).
Writes docs/soak.json and docs/soak.svg, and ends with 1 where something grows. Ctrl-C ends it early.
"""

from __future__ import annotations

import json
import os
import signal
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
_PAST_S = 0.01  # looked at so long after a frame is due, to its nearest millisecond: none is missed
_CHUNK = 100  # samples
_EVERY_S = 60.0  # between two looks
_WARM_S = 900.0
LIMITS = {"memory_mb": 30.0, "handles": 2, "threads": 1, "tick_ms": 1.0}
"""How much each may differ, as a median, between the first hour after warming up and the last."""


def film(path: Path) -> Path:
    """Ten seconds of 64 × 48 at 30 frames a second: what is asked is how many, not how large."""
    with VideoWriter(path, (64, 48), 30) as writer:
        for n in range(300):
            writer.write(np.full((48, 64, 3), n * 0.8, np.uint8), n / 30)
    return path


def soak(hours: float, folder: Path) -> dict[str, list[float]]:
    """Run it; returns what was seen each minute of stream time, by name."""
    clock = ManualClock(0.0)
    camera = FileCamera(film(folder / "film.mkv"), loop=True, clock=clock)
    pipeline = Pipeline(EndlessEeg(clock, chunk=_CHUNK), camera, lambda labels: ForgetfulModel())
    seen: dict[str, list[float]] = {name: [] for name in ("hours", *LIMITS)}
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
    assert abs(pipeline.video.n_frames - clock.now() * 30) < 60
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


def draw(seen: dict[str, list[float]], path: Path) -> None:
    """Draw each over the hours of stream time, as SVG: its values, from 0 on."""
    width, height, left, top = 720, 130, 60, 28
    hours, shapes = np.array(seen["hours"]), []
    words = ("memory, MB", "open handles", "threads", "processor time of a tick, ms (median of a minute)")
    for row, (name, title) in enumerate(zip(LIMITS, words, strict=True)):
        values, base = np.array(seen[name]), row * height + height
        most = float(values.max()) * 1.15
        x = left + (width - left - 12) * hours / hours[-1]
        y = base - (height - top) * values / most
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        shapes += [
            f'<text x="{left}" y="{base - height + 20}" font-weight="bold">{title}</text>',
            f'<path d="M{left} {base - height + top}V{base}H{width - 12}" stroke="#999" fill="none"/>',
            f'<text x="{left - 6}" y="{y[-1]:.0f}" text-anchor="end">{values[-1]:.3g}</text>',
            f'<polyline points="{line}" stroke="#2a6f97" fill="none" stroke-width="1.5"/>',
        ]
    foot = len(LIMITS) * height + 18
    shapes.append(f'<text x="{width - 12}" y="{foot}" text-anchor="end">{hours[-1]:.3g} h of stream</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {foot + 8}" role="img" '
    style = 'aria-label="a long session" font-family="system-ui, sans-serif" font-size="13">'
    white = f'<rect width="{width}" height="{foot + 8}" fill="#fff"/>'
    path.write_text("\n".join([head + style, white, *shapes, "</svg>"]) + "\n", encoding="utf-8")


def main(hours: float = 8.0) -> int:
    """Run, write down what was seen, and say whether anything grew."""
    with tempfile.TemporaryDirectory() as folder:
        seen = soak(hours, Path(folder))
    more = grown(seen)
    draw(seen, DOCS / "soak.svg")
    found = {"hours": seen["hours"][-1], "grown": more, "limits": LIMITS, "seen": seen}
    (DOCS / "soak.json").write_text(json.dumps(found), encoding="utf-8")
    print(json.dumps(more))
    return int(any(more[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
