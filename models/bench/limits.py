"""How far a live session goes on this machine: one thing grows at a time, until something breaks."""

from __future__ import annotations

import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.bench.program import film_file, finish, running
from models.bench.setting import Section, Setting
from models.bench.timing import rounded
from realtime.errors import RunError
from realtime.lsl.isolation import isolate

_SENDER = (sys.executable, "-m", "models.bench.sender")
_NOTHING = "holds"
_LOADS_S = 10  # how much longer the film is than the session: it plays while the network is loaded


@dataclass(frozen=True)
class Load:
    """What a session is given: what is usual, but for the axis that grows."""

    channels: int = 32
    rate: int = 500
    size: tuple[int, int] = (640, 360)
    videos: int = 1


AXES: dict[str, tuple[Callable[[Any], Load], tuple[Any, ...]]] = {
    "channels": (lambda n: Load(channels=n), (8, 32, 64, 128, 256)),
    "rate": (lambda hz: Load(rate=hz), (250, 1000, 5000, 10_000, 20_000)),
    "size": (lambda size: Load(size=size), ((640, 360), (1280, 720), (1920, 1080), (3840, 2160))),
    "videos": (lambda n: Load(videos=n), (1, 2, 3, 4)),
}


def limits(setting: Setting) -> Section:
    """Live sessions along each axis, up to the first that breaks: tick, memory, start, and what is said then.

    The network is the demo's, untrained and eager.

    `start_s` is what the command took beside the session's own seconds: to begin, and to end.
    """
    seconds = 6 if setting.quick else 10
    numbers: dict[str, Any] = {}
    for axis, (load_of, places) in AXES.items():
        numbers[axis] = {}
        for place in places[:1] if setting.quick else places:
            setting.progress(f"measuring {axis} {_word(place)} …")
            row = numbers[axis][_word(place)] = _row(load_of(place), seconds)
            if row["says"] != _NOTHING:
                break
    return Section(numbers)


def _word(place: Any) -> str:
    return "×".join(map(str, place)) if isinstance(place, tuple) else str(place)


def _row(load: Load, seconds: float) -> dict[str, Any]:
    try:
        summary, took = _session(load, seconds)
    except RunError as error:
        return {"says": str(error)}
    return {
        "tick_ms": sum(summary["stage_ms"].get(part, 0.0) for part in ("look", "score")) or None,
        "p95_ms": summary["latency_ms"].get("p95"),
        "rss_mb": summary["rss_mb"]["end"],
        "start_s": rounded(took - seconds),
        "says": broken(summary) or _NOTHING,
    }


def broken(summary: dict[str, Any]) -> str:
    """Say in the program's own words what a session lost; empty where it lost nothing."""
    videos = [summary["video"], *summary["other_videos"]]
    counted = {
        "samples lost": summary["eeg"]["lost_samples"],
        "frames lost": sum(video["dropped"] for video in videos),
        "frames thinned": sum(video["thinned"] for video in videos),
        "ticks skipped": summary["skipped_ticks"],
        "intervals masked": summary["masked_intervals"],
    }
    if summary["readings"] and not any(counted.values()):
        return ""
    said = [text for text in summary["warnings"] if "is null" not in text]
    counts = ", ".join(f"{n} {name}" for name, n in counted.items() if n) or "no reading"
    return " · ".join([counts, *said])


def _session(load: Load, seconds: float) -> tuple[dict[str, Any], float]:
    """Give the summary of a live session under this load, and how long the command took."""
    source_id = f"phosphene-bench-{uuid.uuid4().hex[:8]}"
    isolate()
    with tempfile.TemporaryDirectory(prefix="phosphene-bench-") as folder:
        film = film_file(Path(folder), load.size, 30, seconds + _LOADS_S)
        sender = [*_SENDER, source_id, str(load.channels), str(load.rate)]
        command = [
            "live",
            "--eeg",
            f"source_id={source_id}",
            "--seconds",
            f"{seconds}",
            "--headless",
            "--json",
        ]
        command += ["--backend", "eager", *["--video", str(film)] * load.videos]
        with running(sender, whole=True):
            begin = time.perf_counter()
            with running(command) as program:
                return finish(program), time.perf_counter() - begin
