"""Sources that read arrays by an injected clock, and a model that does arithmetic."""

from __future__ import annotations

import hashlib

import numpy as np

from realtime.config import GridConfig
from realtime.model import ModelCard, OtherVideo
from realtime.types import (
    Attention,
    ClockOffset,
    EegHealth,
    EegInfo,
    Frame,
    Interval,
    OtherScores,
    RawChunk,
    Scores,
    StreamState,
    VideoHealth,
    VideoInfo,
)


def _level(embeddings) -> float:
    return float(np.mean(embeddings["fast"])) if "fast" in embeddings else 0.0


class ArrayEeg:
    """Hands out samples whose stamp has passed on the clock, in chunks of a given size.

    `delay_s` is how long after its stamp a sample arrives.
    """

    def __init__(
        self, clock, samples, stamps, rate, labels=None, chunk=16, delay_s=0.0, unit="uV", ends=True
    ):
        self.clock, self.samples, self.stamps = clock, np.asarray(samples, np.float32), np.asarray(stamps)
        self.rate, self.chunk, self.delay_s, self.unit, self.ends = rate, chunk, delay_s, unit, ends
        self.labels = tuple(labels or (f"ch{i + 1}" for i in range(self.samples.shape[1])))
        self.position = 0

    def open(self) -> EegInfo:
        return EegInfo("array", self.labels, self.unit, self.rate, "array")

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        there = int(np.searchsorted(self.stamps + self.delay_s, self.clock.now(), side="right"))
        stop = min(there, self.position + self.chunk)
        if stop <= self.position:
            return None
        part = slice(self.position, stop)
        offsets = (ClockOffset(float(self.stamps[0]), 0.0),) if self.position == 0 else ()
        self.position = stop
        return RawChunk(self.samples[part], self.stamps[part], offsets)

    @property
    def finished(self) -> bool:
        return self.ends and self.position >= len(self.stamps)

    def health(self) -> EegHealth:
        return EegHealth("array", StreamState.FINISHED if self.finished else StreamState.LIVE)

    def close(self) -> None:
        pass


class ArrayVideo:
    """Hands out frames whose stamp has passed; each picture is filled with its own number."""

    def __init__(self, clock, stamps, size=(8, 8), ends=True, seqs=None):
        self.clock, self.stamps, self.size, self.ends = clock, np.asarray(stamps), size, ends
        self.seqs = np.arange(len(self.stamps)) if seqs is None else seqs
        self.position = 0

    def open(self) -> VideoInfo:
        return VideoInfo("array", self.size[1], self.size[0], 30.0, "array")

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        if self.position >= len(self.stamps) or self.stamps[self.position] > self.clock.now():
            return None
        n = self.position
        self.position += 1
        seq = int(self.seqs[n])
        return Frame(np.full((*self.size, 3), seq % 251, np.uint8), float(self.stamps[n]), seq)

    @property
    def finished(self) -> bool:
        return self.ends and self.position >= len(self.stamps)

    def health(self) -> VideoHealth:
        state = StreamState.FINISHED if self.finished else StreamState.LIVE
        return VideoHealth("array", state, self.size[1], self.size[0])

    def close(self) -> None:
        pass


class ArithmeticModel:
    """Similarity is the mean of the EEG, match that of the embeddings; an embedding is the picture's level.

    It keeps every interval it was given and how often each picture was encoded, and of which video.
    """

    def __init__(self, labels=(), grid: GridConfig | None = None, paths=None, **asked):
        self.card = ModelCard(
            "arithmetic", "untrained", "numpy", grid or GridConfig(), paths=paths or {"fast": 1}, **asked
        )
        self.intervals: list[Interval] = []
        self.seen: list[dict[str, np.ndarray]] = []
        self.encoded: dict[str, list[int]] = {path: [] for path in self.card.paths}
        self.encoded_of: dict[int, list[int]] = {}
        self.others: list[tuple[OtherVideo, ...]] = []
        self.resets = 0

    def encode(self, images, path, video=0):
        levels = [int(image[0, 0, 0]) for image in images]
        self.encoded[path] += levels
        self.encoded_of.setdefault(video, []).extend(levels)
        return np.array(levels, np.float32)[:, None, None]

    def score(self, interval, embeddings, others=()):
        self.intervals.append(interval)
        self.seen.append(embeddings)
        self.others.append(tuple(others))
        n_slots = self.card.grid.n_slots
        attention = Attention(
            np.full((4, n_slots), 1 / n_slots, np.float32),
            np.full(n_slots, 1 / n_slots, np.float32),
            np.ones((1, 1), np.float32),
            np.full(len(interval.eeg), 1 / len(interval.eeg), np.float32),
        )
        level = _level(embeddings)
        told = tuple(OtherScores(0.0, _level(video.embeddings) / 251, attention, 0.5) for video in others)
        return Scores(
            float(interval.eeg.mean()), level / 251, np.zeros(0, np.float32), attention, 0.0, others=told
        )

    def reset(self):
        self.resets += 1

    def fingerprint(self) -> str:
        digest = hashlib.sha256()
        for interval, seen in zip(self.intervals, self.seen, strict=True):
            digest.update(interval.eeg.tobytes() + interval.frame_seq.tobytes() + seen["fast"].tobytes())
        return digest.hexdigest()
