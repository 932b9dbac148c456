"""Acquisition and history: our ring beside a buffer that is rolled, and beside mne-lsl where it is here."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from models.bench.setting import Section, Setting
from models.bench.timing import Goal, interleaved, middle, ratio, told
from models.inference.backends import installed
from realtime.ring import GridRing

_N_CHANNELS, _RATE, _KEPT_S, _CHUNK = 64, 1000, 60, 10
_WINDOW_S = 2.5
_AT_ONCE = 25  # writes that are timed together: one alone is as short as looking at the clock


def ring(setting: Setting) -> Section:
    """Write a chunk and read an interval of 64 channels at 1 kHz, 60 s kept.

    Beside it the buffer of most scripts: channels first, in numpy's float64, `np.roll` for each chunk.
    """
    chunk = np.random.default_rng(0).normal(0, 20, (_CHUNK, _N_CHANNELS)).astype(np.float32)
    kept = GridRing(_KEPT_S * _RATE, _N_CHANNELS)
    kept.write(0, np.zeros((_KEPT_S * _RATE, _N_CHANNELS), np.float32))
    rolled = {"buffer": np.zeros((_N_CHANNELS, _KEPT_S * _RATE))}
    n_window = round(_WINDOW_S * _RATE)

    def write() -> None:
        for _ in range(_AT_ONCE):
            kept.write(kept.head, chunk)

    def roll() -> None:
        buffer = np.roll(rolled["buffer"], -_CHUNK, axis=1)
        buffer[:, -_CHUNK:] = chunk.T
        rolled["buffer"] = buffer

    runs: dict[str, Callable[[], object]] = {
        "write": write,
        "roll": roll,
        "read": lambda: kept.read(kept.head - n_window, kept.head),
        "read_rolled": lambda: rolled["buffer"][:, -n_window:].copy(),
    }
    times = interleaved(runs, setting.seconds / 2)
    times["write"] = [ms / _AT_ONCE for ms in times["write"]]
    numbers: dict[str, Any] = {}
    for name, values in times.items():
        numbers |= told(f"{name}_us", [value * 1e3 for value in values])
    faster = ratio(times, "roll", "write")
    numbers |= told("write_ratio", faster)
    return Section(numbers, (Goal("ring: a write against rolling the buffer", middle(faster), 500.0),))


def peer(setting: Setting) -> Section:
    """Time a stream taken by ours and by mne-lsl's `StreamLSL` in one run; empty where that is not here.

    `acquire` is one look for samples and keeping them, `window` is reading the newest 2.5 s. Ours keeps them
    conditioned, on the model's grid and with what is missing marked; mne-lsl keeps them as they came.
    """
    if not installed("mne_lsl"):
        return Section({"skipped": "mne-lsl is not installed: pip install 'phosphene[bench]'"})
    from realtime.lsl.isolation import isolate

    isolate()
    source_id, over = f"phosphene-bench-{uuid.uuid4().hex[:8]}", threading.Event()
    sender = threading.Thread(target=_send, args=(source_id, over), daemon=True)
    sender.start()
    try:
        return Section(_side_by_side(source_id, 2.0 if setting.quick else setting.seconds))
    finally:
        over.set()
        sender.join()


def _send(source_id: str, over: threading.Event) -> None:
    import pylsl

    info = pylsl.StreamInfo("bench", "EEG", _N_CHANNELS, _RATE, "float32", source_id)
    channels = info.desc().append_child("channels")
    for i in range(_N_CHANNELS):
        channel = channels.append_child("channel")
        for key, value in (("label", f"E{i}"), ("unit", "microvolts"), ("type", "EEG")):
            channel.append_child_value(key, value)
    outlet = pylsl.StreamOutlet(info, _CHUNK)
    chunk = np.random.default_rng(0).normal(0, 20, (_CHUNK, _N_CHANNELS)).astype(np.float32)
    sent, begin = 0, time.perf_counter()
    while not over.is_set():
        outlet.push_chunk(chunk)
        sent += _CHUNK
        over.wait(max(0.0, begin + sent / _RATE - time.perf_counter()))


def _side_by_side(source_id: str, seconds: float) -> dict[str, Any]:
    import mne_lsl
    from mne_lsl.stream import StreamLSL

    from realtime.config import ConditioningConfig, GridConfig
    from realtime.eeg.intake import EegIntake
    from realtime.lsl.eeg import LslEeg, StreamSelector

    source, grid = LslEeg(StreamSelector(source_id=source_id)), GridConfig()
    intake = EegIntake(source, source.open(), ConditioningConfig(), grid, history_s=_KEPT_S)
    theirs = StreamLSL(bufsize=_KEPT_S, source_id=source_id)
    theirs.connect(acquisition_delay=None, timeout=10)
    times: dict[str, list[float]] = {
        name: [] for name in ("acquire", "acquire_peer", "window", "window_peer")
    }

    def timed(name: str, run: Callable[[], object]) -> None:
        begin = time.perf_counter()
        run()
        times[name].append((time.perf_counter() - begin) * 1e6)

    try:
        stop = time.perf_counter() + seconds
        while time.perf_counter() < stop:
            time.sleep(0.02)
            timed("acquire", intake.pump)
            timed("acquire_peer", theirs.acquire)
            head = intake.ring.head
            timed("window", lambda head=head: intake.ring.read(head - grid.n_times, head))  # type: ignore[misc]
            timed("window_peer", lambda: theirs.get_data(winsize=_WINDOW_S))
    finally:
        theirs.disconnect()
        source.close()
    numbers: dict[str, Any] = {"peer": f"mne-lsl {mne_lsl.__version__}", "gaps": intake.health().gaps}
    for name, values in times.items():
        numbers |= told(f"{name}_us", values)
    for name in ("acquire", "window"):
        pairs = zip(times[f"{name}_peer"], times[name], strict=True)
        numbers |= told(f"{name}_ratio", [other / ours for other, ours in pairs])
    return numbers
