"""The program itself, started as a user starts it: how soon, how late, how smooth, how much it takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from models.bench.setting import Section, Setting
from models.bench.timing import Goal, middle, rounded, told
from models.inference.cache import COMPILED_HOME
from realtime.errors import RunError
from realtime.lsl.isolation import isolate

_COMMAND = (sys.executable, "-c", "import phosphene; phosphene.main()")
_MEDIAN_GOAL_MS, _LATENCY_GOAL_MS, _FPS_GOAL, _GAP_GOAL_MS = 25.0, 45.0, 28.0, 80.0
_WAIT_S = 120.0
_SESSIONS = 3  # whose readings are timed together
_SWAP_S = 75  # a demo that goes over to a faster backend
_RESTLESS = (
    "baseline_s=3", "smoothing_s=0", "hold_s=0", "refractory_s=0", "hysteresis=0", "percentile=50",
    "longest_s=0.5",
)  # fmt: skip
# Channels × samples a second, and frames a second, each from what is usual to what few have.
_EEG_LOADS = ((32, 250), (64, 500), (64, 1000), (64, 2000), (64, 4000), (64, 8000))
_VIDEO_LOADS = (30, 60, 120, 240)


def start(setting: Setting) -> Section:
    """`phosphene --help`; and the demo with `--backend auto`: its first reading, and the faster backend.

    First readings are timed from the command on a later start of the program, before and after there are
    compiled files; between them one demo runs until it has gone over to what was built beside it.
    """
    n = 1 if setting.quick else 3
    helps = [_seconds(["--help"]) for _ in range(2 if setting.quick else 7)][1:]
    with tempfile.TemporaryDirectory(prefix="phosphene-bench-") as folder:
        nothing = [_first_reading({COMPILED_HOME: f"{folder}/{i}"}) for i in range(n)]
        built = {COMPILED_HOME: f"{folder}/0"}
        isolate()
        swap = ["demo", "--headless", "--json", "--backend", "auto", "--seconds", str(_SWAP_S)]
        with running(swap, more=built) as program:
            ran_on = finish(program)["backends"]
        known = [_first_reading(built) for _ in range(n)]
    nothing, known = nothing[1:] or nothing, known[1:] or known
    last = ran_on[-1]
    numbers = told("help_s", helps) | told("first_reading_s", nothing) | told("first_reading_cached_s", known)
    numbers |= {"swap": {key: last[key] for key in ("backend", "since_s", "tick_ms")}}
    goals = [
        Goal("start: phosphene --help", middle(helps), 0.4, "s", most=True),
        Goal("start: demo to its first reading, nothing built", middle(nothing), 5.5, "s", most=True),
        Goal("start: demo to its first reading, built before", middle(known), 4.5, "s", most=True),
    ]
    if len(ran_on) > 1:
        numbers["swap"] |= {"eager_tick_ms": ran_on[0]["tick_ms"], "times_faster": last["times_faster"]}
        goals += [
            Goal("start: demo goes over to a faster backend after", last["since_s"], 60.0, "s", most=True),
            Goal("start: ticks then, against eager", last["times_faster"], 1.4),
        ]
    return Section(numbers, tuple(goals))


def loopback(setting: Setting) -> Section:
    """Time the demo with its window: from the end of an interval to its reading on our outlet.

    A sender in a process of its own stamps each sample; the reading leaves as an LSL sample that is stamped
    with its interval's end, and a listener in a third process looks at the clock when it arrives. The 2 s of
    video and 0.5 s of lag that an interval spans are not in it. Feedback's events on the marker stream are
    timed in the same way; the controller is set to change its mind as often as it can.

    Where in the headset's chunks of 20 ms an interval ends is chance, and stays so for a session: readings of
    several are taken together. Of stages and drawings the session in the middle is told, of gaps the longest.
    """
    runs = [_timed_demo(setting) for _ in range(1 if setting.quick else _SESSIONS)]
    late_ms, marked_ms = (np.concatenate([run[k] for run in runs]) * 1e3 for k in (0, 1))
    summaries = [run[2] for run in runs]
    p50, p95, p99 = (rounded(value) for value in np.percentile(late_ms, [50, 95, 99]))
    marker_p95 = rounded(np.percentile(marked_ms, 95)) if len(marked_ms) else None
    drawn = _medians([one["window"] for one in summaries])
    drawn["longest_gap_ms"] = max(one["window"]["longest_gap_ms"] for one in summaries)
    numbers = {
        "backend": setting.replayed_with,
        "sessions": len(runs),
        "readings": len(late_ms),
        "p50_ms": p50,
        "p50_ms_spread": [rounded(end(np.median(run[0]) for run in runs) * 1e3) for end in (min, max)],
        "p95_ms": p95,
        "p99_ms": p99,
        "max_ms": rounded(late_ms.max()),
        "markers": len(marked_ms),
        "marker_p95_ms": marker_p95,
        "interval_s": 2.0,
        "lag_s": 0.5,
        "stage_ms": _medians([one["stage_ms"] for one in summaries]),
        "skipped_ticks": sum(one["skipped_ticks"] for one in summaries),
        "window": drawn,
    }
    goals = [
        Goal("loopback: p50", p50, _MEDIAN_GOAL_MS, "ms", most=True),
        Goal("loopback: p95", p95, _LATENCY_GOAL_MS, "ms", most=True),
        Goal("loopback: drawings a second", drawn["fps"], _FPS_GOAL, "/s"),
    ]
    if marker_p95 is not None:
        goals.append(Goal("loopback: p95 of markers", marker_p95, _LATENCY_GOAL_MS, "ms", most=True))
    return Section(numbers, tuple(goals))


def _medians(parts: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Give the median of each value over several of the same names."""
    return {name: rounded(np.median([part[name] for part in parts])) for name in parts[0]}


def _timed_demo(setting: Setting) -> tuple[list[float], list[float], dict[str, Any]]:
    """How late a demo's readings and its feedback's events arrive, seconds, and its own summary."""
    seconds = 8 if setting.quick else 30
    isolate()
    command = ["demo", "--seconds", f"{seconds}", "--json", "--closed-loop"]
    command += ["--backend", setting.replayed_with]
    for option in _RESTLESS:
        command += ["--feedback-set", option]
    with running(command) as program, ThreadPoolExecutor(1) as beside:
        events = beside.submit(_listen, program, seconds + _WAIT_S, None, "name", "Phosphene feedback events")
        arrived = _listen(program, seconds + _WAIT_S)
        return arrived, events.result(), finish(program)


def window(setting: Setting) -> Section:
    """Drawings a second and the longest wait for one, while inference runs, with 32 and 64 channels."""
    numbers: dict[str, Any] = {}
    goals: list[Goal] = []
    for n_channels in (32, 64):
        drawn = _live(setting, n_channels, 250, 30)["window"]
        numbers[f"channels_{n_channels}"] = drawn
        goals += (
            Goal(f"window: drawings a second, {n_channels} channels", drawn["fps"], _FPS_GOAL, "/s"),
            Goal(
                f"window: longest gap, {n_channels} channels",
                drawn["longest_gap_ms"],
                _GAP_GOAL_MS,
                "ms",
                most=True,
            ),
        )
    return Section(numbers, tuple(goals))


def sustained(setting: Setting) -> Section:
    """Find the largest rates that are held without a skipped tick, a lost sample or a masked interval."""
    eeg = _EEG_LOADS[:1] if setting.quick else _EEG_LOADS
    video = _VIDEO_LOADS[:1] if setting.quick else _VIDEO_LOADS
    held: dict[str, Any] = {"eeg": None, "video": None}
    for n_channels, rate in eeg:
        if not _held(_live(setting, n_channels, rate, 30, "--headless")):
            break
        held["eeg"] = {"channels": n_channels, "rate": rate, "values_per_s": n_channels * rate}
    for fps in video:
        if not _held(_live(setting, 32, 250, fps, "--headless")):
            break
        held["video"] = {"fps": fps, "width": 640, "height": 360}
    return Section(held)


def _held(summary: dict[str, Any]) -> bool:
    lost = summary["eeg"]["lost_samples"] + summary["video"]["dropped"]
    return not (lost or summary["skipped_ticks"] or summary["masked_intervals"] or not summary["readings"])


def _live(setting: Setting, n_channels: int, rate: int, fps: int, *options: str) -> dict[str, Any]:
    """Give the summary of a live session on a virtual headset and a film file."""
    seconds, source_id = 6 if setting.quick else 12, f"phosphene-bench-{uuid.uuid4().hex[:8]}"
    isolate()
    with tempfile.TemporaryDirectory(prefix="phosphene-bench-") as folder:
        film = film_file(Path(folder), (640, 360), fps, seconds + 3)
        headset = ["headset", "--channels", f"{n_channels}", "--rate", f"{rate}", "--source-id", source_id]
        sources = ["--eeg", f"source_id={source_id}", "--video", str(film)]
        with (
            running([*headset, "--chunk", f"{max(1, rate // 32)}"]),
            running(["live", *sources, "--seconds", f"{seconds}", "--json", *options,
                      "--backend", setting.replayed_with]) as program,
        ):  # fmt: skip
            return finish(program)


def film_file(folder: Path, size: tuple[int, int], fps: int, seconds: float) -> Path:
    """Write a second of the virtual film, again and again; pictures are drawn small and enlarged."""
    from realtime.virtual.film.film import Film
    from recordings.video.files import VideoWriter

    film, path = Film(size=(640, 360)), folder / "film.mkv"
    pictures = [film.frame(number) for number in range(30)]
    with VideoWriter(path, size, fps, options={"preset": "ultrafast"}) as writer:
        for number in range(round(seconds * fps)):
            writer.write(pictures[number % len(pictures)], number / fps)
    return path


@contextmanager
def running(
    arguments: Sequence[str], *, whole: bool = False, more: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run one of our commands, or a `whole` command line, on the same LSL; it is ended with the block.

    `more` is added to its environment.
    """
    environment = {**os.environ, **(more or {})}
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    process = subprocess.Popen(
        [*arguments] if whole else [*_COMMAND, *arguments],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=_WAIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Read what the command printed as JSON when it ended by itself; RunError where it failed."""
    out, errors = process.communicate(timeout=_WAIT_S)
    if process.returncode != 0:
        raise RunError(f"a measured command failed: {(errors.strip().splitlines() or ['no word'])[-1]}")
    summary: dict[str, Any] = json.loads(out)
    return summary


def _seconds(arguments: Sequence[str]) -> float:
    begin = time.perf_counter()
    subprocess.run([*_COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _first_reading(more: Mapping[str, str]) -> float:
    """From the command to the first sample of the reading's outlet, with more in its environment."""
    isolate()
    begin = time.perf_counter()
    with running(["demo", "--closed-loop", "--backend", "auto"], more=more) as program:
        _listen(program, _WAIT_S, 1)
        return time.perf_counter() - begin


def _listen(
    program: subprocess.Popen[str],
    seconds: float,
    most: int | None = None,
    key: str = "type",
    value: str = "Feedback",
) -> list[float]:
    """How late a stream's samples arrive, seconds after their stamp, until the program ends or `most` came.

    Readings and events are both stamped with the end of their interval.
    """
    import pylsl

    late: list[float] = []
    stop = time.perf_counter() + seconds
    resolver = pylsl.ContinuousResolver(prop=key, value=value)  # it asks in waves; one may miss
    while not (found := resolver.results()) and program.poll() is None and time.perf_counter() < stop:
        time.sleep(0.02)
    if not found:
        raise RunError("the measured program sent no readings")
    inlet = pylsl.StreamInlet(found[0])
    while program.poll() is None and time.perf_counter() < stop and (most is None or len(late) < most):
        sample, end = inlet.pull_sample(timeout=0.2)
        if sample is not None:
            late.append(pylsl.local_clock() - end)
    return late
