"""A session made of formulas: everything it shows follows from its clock, which the test moves.

Channel k carries a sine of 20 µV at 3 + k/4 Hz; the film is a disc that goes round once in 4 s with the
frame's number in its seq; the similarity of an interval is a slow sine of its end.
"""

from __future__ import annotations

from collections import deque
from functools import cache

import numpy as np

from realtime.config import GridConfig
from realtime.latest import Latest
from realtime.model import ModelCard
from realtime.types import (
    Attention,
    Chance,
    EegHealth,
    Frame,
    OtherReading,
    Reading,
    StreamState,
    VideoHealth,
)

MUSE = ("TP9", "AF7", "AF8", "TP10")
TEN_TEN = (
    *("Fp1", "Fpz", "Fp2", "AF7", "AF3", "AFz", "AF4", "AF8"),
    *("F7", "F5", "F3", "F1", "Fz", "F2", "F4", "F6", "F8"),
    *("FT7", "FC5", "FC3", "FC1", "FCz", "FC2", "FC4", "FC6", "FT8"),
    *("T7", "C5", "C3", "C1", "Cz", "C2", "C4", "C6", "T8"),
    *("TP7", "CP5", "CP3", "CP1", "CPz", "CP2", "CP4", "CP6", "TP8"),
    *("P7", "P5", "P3", "P1", "Pz", "P2", "P4", "P6", "P8"),
    *("PO7", "PO3", "POz", "PO4", "PO8", "O1", "Oz", "O2", "F9", "F10", "Iz"),
)
FPS = 30.0


def similarity_at(end: float) -> float:
    return 0.12 + 0.14 * np.sin(end / 7) + 0.03 * np.sin(end * 2.3)


def chance_at(end: float, started: float) -> Chance:
    n = int((end - started) // 2.5)
    if n < 4:
        return Chance(n=n)
    half = 1.0 / np.sqrt(n)
    return Chance((-0.09, 0.1), float(np.clip(0.5 + 2 * similarity_at(end), 0, 1)), 0.87,
                  (max(0.5, 0.87 - half), min(1.0, 0.87 + 0.5 * half)), n)  # fmt: skip


@cache
def picture(seq: int, width: int = 160, height: int = 90) -> np.ndarray:
    """A disc on a sky that goes round once in 120 frames."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    sky = 40 + 90 * y / height
    image = np.stack((sky * 0.8, sky, sky * 1.3), axis=-1)
    angle = 2 * np.pi * seq / 120
    cx, cy = width * (0.5 + 0.3 * np.cos(angle)), height * (0.5 + 0.3 * np.sin(angle))
    image[np.hypot(x - cx, y - cy) < height / 9] = (240, 180, 90)
    return image.astype(np.uint8)


class FakeTransport:
    """A replay of `seconds` that the test moves by hand."""

    def __init__(self, start: float, seconds: float):
        self.start, self.end, self.position = start, start + seconds, start
        self.speed, self.loop, self.playing = 1.0, False, True
        self.steps = 0
        self.gaps = ((start + 0.4 * seconds, start + 0.5 * seconds),)
        self.recorded = tuple((start + t, 0.1 + 0.05 * (t % 3)) for t in range(int(seconds)))

    @property
    def at_end(self) -> bool:
        return self.position >= self.end

    def play(self) -> None:
        self.playing = True

    def pause(self) -> None:
        self.playing = False

    def step(self) -> None:
        self.steps += 1
        self.playing = False

    def seek(self, t: float) -> None:
        self.position = t


class FakeView:
    """Satisfies `experiment.state.View`. `advance(t)` moves its clock and publishes what came until then."""

    def __init__(
        self,
        labels=MUSE,
        weights="demo",
        start=1000.0,
        transport=None,
        bad=None,
        n_others=0,
        blind=False,
        side=(),
    ):
        self.labels = tuple(labels)
        self.blind = blind
        self.side_channels = tuple(side)
        self.left_out: frozenset[str] = frozenset()
        self.grid = GridConfig()
        self.at_work = False
        self.card = ModelCard(name="fake", weights=weights, backend="OpenVINO fp32", grid=self.grid)
        self.runs_on = "OpenVINO fp32 · 1.6 × eager · since 14:03:12"
        self.preview: Latest[Frame] = Latest()
        self._others: list[Latest[Frame]] = [Latest() for _ in range(n_others)]
        self.others_until = np.inf  # the further videos stand still from then on
        self.readings: Latest[Reading] = Latest()
        self.failure: BaseException | None = None
        self.transport = transport
        self.started = start
        self.certainty = 0.99
        self.eeg_from = start
        self.eeg_until = np.inf  # no sample after this: the stream stalls
        self.state = StreamState.LIVE
        self.bad = dict(bad or {})
        self.gaze_list = []
        self.marker_list: list[tuple[float, str]] = []
        self._now = start
        self._index = int(start / self.grid.hop_s) + 10
        self._history: deque[Reading] = deque(maxlen=1024)
        self._frame = -1
        slots = np.arange(self.grid.n_slots) / self.grid.slots_hz
        self._near = np.exp(-np.abs(slots[:, None] - slots) / 0.05)
        self.size = (160, 90)

    def advance(self, t: float) -> None:
        self._now = t
        if self.transport is not None and self.transport.playing:
            self.transport.position = min(t, self.transport.end)
        seq = int((t - self.started) * FPS)
        if seq > self._frame:
            self._frame = seq
            self.preview.put(Frame(picture(seq % 120, *self.size), self.started + seq / FPS, seq))
            for slot in self._others if t <= self.others_until else ():
                slot.put(Frame(picture(-seq % 120, *self.size), self.started + seq / FPS, seq))
        while self._index * self.grid.hop_s <= min(t, self.eeg_until):
            reading = self._reading(self._index)
            self._history.append(reading)
            self.readings.put(reading)
            self._index += 1

    def now(self) -> float:
        return self._now

    def eeg_window(self, seconds):
        rate = self.grid.eeg_hz
        newest = int(min(self._now, self.eeg_until) * rate)
        oldest = max(int((self._now - seconds) * rate) + 1, int(self.eeg_from * rate))
        index = np.arange(oldest, newest + 1)
        t = index / rate
        k = np.arange(len(self.labels))
        wave = 20 * np.sin(2 * np.pi * (3 + k / 4) * t[:, None] + k) + 6 * np.sin(
            2 * np.pi * 11 * t[:, None] + 2 * k
        )
        wave *= 1 + 0.5 * np.sin(2 * np.pi * 0.3 * t[:, None] + k)
        for name, why in self.bad.items():
            column = self.labels.index(name)
            noise = np.sin(index * 12.9898) * 43758.5453
            wave[:, column] = {"flat": 0 * t, "railing": 90 + 0 * t}.get(
                why, 160 * (noise - np.floor(noise) - 0.5)
            )
        return t, wave.astype(np.float32)

    def side_window(self, seconds):
        """Each further channel stands at 500 and swings by 100 once a second."""
        t, _ = self.eeg_window(seconds)
        wave = 500 + 100 * np.sin(2 * np.pi * t)
        return t, np.repeat(wave[:, None], len(self.side_channels), axis=1).astype(np.float32)

    def gaze(self, seconds):
        return [point for point in self.gaze_list if self._now - seconds < point.stamp <= self._now]

    def leave_out(self, labels):
        self.left_out = labels

    def channel_quality(self):
        return {name: self.bad.get(name, "") for name in self.labels}

    def thumbnails(self, seqs):
        return [None if seq < 0 else (seq, picture(seq % 120, 128, 72)) for seq in seqs]

    def history(self, seconds):
        return [reading for reading in self._history if reading.end > self._now - seconds]

    def eeg_health(self):
        return EegHealth("Muse", self.state, len(self.labels), 256.0, 255.98, 3.2, 0, 0, 1000,
                         max(0.0, self._now - self.eeg_until), "")  # fmt: skip

    def video_health(self):
        return VideoHealth(
            "film.mp4", StreamState.LIVE, *self.size, 30.0, 29.97, self._frame, 0, 0.02, "file"
        )

    @property
    def other_previews(self):
        return tuple(self._others)

    def other_video_health(self):
        age = max(0.02, self._now - self.others_until)
        state = StreamState.LIVE if age < 1 else StreamState.STALLED
        one = VideoHealth("face.mp4", state, *self.size, 30.0, 29.97, self._frame, 2, age, "file")
        return (one,) * len(self._others)

    def counters(self):
        return {"readings": len(self._history), "intervals": len(self._history), "skipped_ticks": 0,
                "late_intervals": 0, "latency_p95_ms": 31.4, "frames_dropped": 0}  # fmt: skip

    def markers(self, seconds):
        return [(stamp, text) for stamp, text in self.marker_list if self._now - seconds < stamp <= self._now]

    def _reading(self, index: int) -> Reading:
        end = index * self.grid.hop_s
        n = self.grid.n_slots
        slots = end - self.grid.lag_s - self.grid.interval_s + np.arange(n) / self.grid.slots_hz
        seqs = np.maximum(((slots - self.started) * FPS).astype(np.int64), -1)
        matrix = self._near * (1 + 0.5 * np.sin(np.arange(n) / 5 + end))
        matrix /= matrix.sum(1, keepdims=True)
        frames = matrix.mean(0)
        rows, columns = np.mgrid[:4, :4]
        angle = 2 * np.pi * (end - self.started) / 4
        at = 1.5 + 1.2 * np.sin(angle), 1.5 + 1.2 * np.cos(angle)
        patches = np.exp(-((rows - at[0]) ** 2 + (columns - at[1]) ** 2) / 1.2)
        channels = 1 + 0.8 * np.sin(np.arange(len(self.labels)) * 0.7 + end / 5)
        attention = Attention(
            matrix.astype(np.float32), (frames / frames.sum()).astype(np.float32),
            (patches / patches.sum()).astype(np.float32), (channels / channels.sum()).astype(np.float32),
            certainty=self.certainty,
        )  # fmt: skip
        similarity = float(similarity_at(end))
        there = end <= self.others_until
        other = OtherReading(similarity / 2, 0.5, attention, 0.3 * there, seqs, float(there), there)
        return Reading(
            seq=index, index=index, end=end, emitted=end + 0.03, similarity=similarity,
            match=float(1 / (1 + np.exp(-12 * (similarity - 0.1)))), chance=chance_at(end, self.started),
            attention=attention, gate=0.43, frame_seq=seqs, eeg_valid_share=1.0, video_valid_share=1.0,
            stage_ms={"encode": 4.0, "fuse": 9.0}, others=(other,) * len(self._others),
        )  # fmt: skip
