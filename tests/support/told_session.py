"""A recorded session whose readings are known: written by the recorder, as a live run feeds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realtime.chance import ChanceTracker
from realtime.feedback.controller import BASELINE_OVER, OFF, ON
from realtime.types import Attention, EegInfo, Frame, RawChunk, Reading, VideoInfo
from realtime.virtual.film.film import Film
from recordings.recorder import Recorder
from recordings.session.options import RecordingOptions

RATE, FPS, HOP_S = 250.0, 15.0, 0.25
CAP = EegInfo("Cap", ("Fz", "Cz", "Pz", "Oz"), "uV", RATE, "cap")
CAMERA = VideoInfo("film", 160, 90, FPS, "film clock")
START = 100.0
_NO_ATTENTION = Attention(*(np.zeros(0, np.float32),) * 4)


def write_told(
    folder: Path,
    seconds: float = 40.0,
    latency_ms: float = 30.0,
    feedback: tuple[tuple[float, float], ...] = ((15.0, 18.5), (24.0, 25.5)),
    gap: tuple[float, float] | None = None,
    gain: float = 0.22,
) -> Path:
    """Similarity is higher by `gain` but for 10 s of every 30; feedback and events are given in seconds."""
    random = np.random.default_rng(4)
    with Recorder(folder, {"eeg": CAP}, {"video": CAMERA}, options=_OPTIONS) as recorder:
        stamps = START + np.arange(round(seconds * RATE)) / RATE
        samples = random.normal(0, 12, (len(stamps), 4)).astype(np.float32)
        samples[:, 3] *= 90
        there = np.ones(len(stamps), bool)
        if gap is not None:
            there = (stamps < START + gap[0]) | (stamps >= START + gap[0] + gap[1])
        for part in np.array_split(np.flatnonzero(there), round(seconds * 4)):
            recorder.eeg("eeg", RawChunk(samples[part], stamps[part]))
        film = Film(3, FPS, (160, 90))
        for number in range(round(seconds * FPS)):
            recorder.frame("video", Frame(film.frame(number), START + number / FPS, number))
        for reading in _readings(seconds, latency_ms, random, gain):
            recorder.reading(reading)
        recorder.marker(START + 5, BASELINE_OVER)
        for start, stop in feedback:
            recorder.marker(START + start, ON)
            recorder.marker(START + stop, OFF)
        for at in np.arange(2.0, seconds, 30.0):
            recorder.marker(START + at, "engaged")
            recorder.marker(START + at + 20, "drifting <away>")
    return folder


_OPTIONS = RecordingOptions(pictures_mb=100_000, entities={"sub": "07", "task": "watch"})


def _readings(seconds: float, latency_ms: float, random: np.random.Generator, gain: float) -> list[Reading]:
    chance, readings, wander = ChanceTracker(8), [], 0.0
    for seq, end in enumerate(np.arange(3.0, seconds, HOP_S)):
        wander = 0.8 * wander + random.normal(0, 0.03)
        similarity = (0.05 if gain else 0.0) + wander + gain * ((end - 2.0) % 30 < 20)
        impostors = random.normal(0.02, 0.09, 8).astype(np.float32)
        late = latency_ms * random.gamma(9.0, 1 / 9)
        readings.append(
            Reading(
                seq, round((START + end) / HOP_S), START + end, START + end + late / 1e3, similarity,
                float(1 / (1 + np.exp(-12 * (similarity - 0.12)))),
                chance.update(seq, similarity, impostors),
                _NO_ATTENTION, 0.1, np.zeros(0, np.int64), 1.0, 1.0,
            )
        )  # fmt: skip
    return readings
