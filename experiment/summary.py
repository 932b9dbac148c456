"""What a run came to: the JSON that `demo`, `live`, `record` and `replay` print."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from realtime.memory import rss_mb
from realtime.model import Model
from realtime.pipeline import Pipeline
from realtime.types import EegHealth, Reading, VideoHealth

_KEPT = 4096  # values of each stage: the newest of a quarter of an hour


class StageTimes:
    """Milliseconds by stage over the newest readings of a run."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def take(self, reading: Reading) -> None:
        """Add a reading. Called in the scoring thread."""
        for stage, ms in reading.stage_ms.items():
            values = self._values.setdefault(stage, [])
            if len(values) < _KEPT:
                values.append(ms)
            else:
                values[reading.seq % _KEPT] = ms

    def medians(self) -> dict[str, float]:
        """Return the median of each stage, milliseconds."""
        return {stage: round(float(np.median(values)), 3) for stage, values in self._values.items()}


class Similarities:
    """Mean similarity of each video over the readings of a run."""

    def __init__(self, n_videos: int) -> None:
        self._sums, self._counts = np.zeros(n_videos), np.zeros(n_videos, np.int64)

    def take(self, reading: Reading) -> None:
        """Add a reading. Called in the scoring thread."""
        self._add(0, reading.similarity)
        for number, video in enumerate(reading.others, 1):
            if video.enough:
                self._add(number, video.similarity)

    def _add(self, number: int, similarity: float) -> None:
        self._sums[number] += similarity
        self._counts[number] += 1

    def means(self) -> list[float | None]:
        """Return the mean of each video, the main one first; None for one that was never whole."""
        pairs = zip(self._sums, self._counts, strict=True)
        return [round(float(total / n), 4) if n else None for total, n in pairs]


class RanOn:
    """What ran the network in the course of a run, since when, and how fast.

    Parameters
    ----------
    pipeline : Pipeline
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline, self._first_end = pipeline, math.nan
        self._models: list[tuple[Model, float, deque[float]]] = []

    def take(self, reading: Reading) -> None:
        """Add a reading. Called in the scoring thread, in which models take over."""
        if not self._models:
            self._first_end = reading.end
        if not self._models or self._models[-1][0] is not self._pipeline.model:
            since = reading.end - self._first_end
            self._models.append((self._pipeline.model, since, deque(maxlen=_KEPT)))
        spent = reading.stage_ms
        self._models[-1][2].append(spent["look"] + spent["score"])  # before the interval's end, and after

    def rows(self) -> list[dict[str, Any]]:
        """Return each in turn: since when (seconds after the first reading), median milliseconds of a tick.

        `times_faster` holds that against the backend before, of the same network.
        """
        found: list[dict[str, Any]] = []
        before: tuple[str, float] | None = None
        for model, since, ticks in self._models:
            card, ms = model.card, float(np.median(ticks))
            row = {"backend": card.backend, "weights": card.weights, "since_s": round(since, 3)}
            row |= {"tick_ms": round(ms, 3), "ticks": len(ticks)}
            if before is not None and before[0] == card.weights:
                row["times_faster"] = round(before[1] / ms, 3)
            before = card.weights, ms
            found.append(row)
        return found


class Tally:
    """What is added up over the readings of a run.

    Parameters
    ----------
    pipeline : Pipeline
    hidden : bool
        The session is blind: mean similarities are not told.
    """

    def __init__(self, pipeline: Pipeline, hidden: bool = False) -> None:
        self.hidden = hidden
        self.rss_start_mb = rss_mb()
        self.stages, self.similarities = StageTimes(), Similarities(len(pipeline.videos))
        self.ran_on = RanOn(pipeline)
        pipeline.taps.attach(self.stages.take)
        pipeline.taps.attach(self.ran_on.take)
        if not hidden:
            pipeline.taps.attach(self.similarities.take)


@dataclass(frozen=True)
class Health:
    """How the streams of a pipeline are, the main video first."""

    eeg: EegHealth
    videos: tuple[VideoHealth, ...]

    @classmethod
    def of(cls, pipeline: Pipeline) -> Health:
        """Return it as it is now."""
        return cls(pipeline.eeg.health(), tuple(video.health() for video in pipeline.videos))


def summarise(
    pipeline: Pipeline,
    health: Health,
    tally: Tally,
    errors: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> dict[str, Any]:
    """Everything a run says of itself, ready for `json.dumps`: no number in it is infinite or NaN.

    Parameters
    ----------
    health : Health
        Taken before the sources were closed.
    errors : sequence of str
        What ended the run.
    warnings : sequence of str
        What went wrong without ending it; what the streams' health tells is added.
    """
    eeg, card = health.eeg, pipeline.model.card
    pairs = zip(health.videos, tally.similarities.means(), strict=True)
    video, *others = (_video(*pair) for pair in pairs)
    return {
        "readings": pipeline.published,
        "intervals": pipeline.intervals,
        "skipped_ticks": pipeline.skipped_ticks,
        "masked_intervals": pipeline.masked_intervals,
        "empty_intervals": pipeline.empty_intervals,
        "eeg": {
            "name": eeg.name,
            "channels": list(pipeline.labels),
            "unit": pipeline.eeg_info.unit,
            "named_by": pipeline.eeg_info.named_by,
            "rate_nominal": eeg.rate_nominal,
            "rate_effective": _rounded(eeg.rate_effective, 4),
            "drift_ppm": _rounded(eeg.drift_ppm, 1),
            "gaps": eeg.gaps,
            "lost_samples": eeg.lost_samples,
            "samples": eeg.samples,
            "state": eeg.state.value,
            "note": eeg.note,
            "channel_quality": pipeline.eeg.channels(),
        },
        "video": video,
        "other_videos": others,
        "latency_ms": {name: round(value, 3) for name, value in pipeline.latency_ms().items()},
        "stage_ms": tally.stages.medians(),
        "digest": pipeline.digest,
        "weights": card.weights,
        "backend": card.backend,
        "backends": tally.ran_on.rows(),
        "rss_mb": {"start": round(tally.rss_start_mb, 1), "end": round(rss_mb(), 1)},
        "errors": list(errors),
        "warnings": [*warnings, *_warnings(pipeline, health, hidden=tally.hidden)],
    }


def _video(health: VideoHealth, similarity: float | None) -> dict[str, Any]:
    return {
        "name": health.name,
        "frames": health.frames,
        "fps_effective": _rounded(health.fps_effective, 3),
        "dropped": health.dropped,
        "thinned": health.thinned,
        "stamp_source": health.stamp_source,
        "state": health.state.value,
        "similarity_mean": similarity,
    }


def _warnings(pipeline: Pipeline, health: Health, *, hidden: bool) -> list[str]:
    """Say what a careful experimenter wants to know of a run, with a reason for each number that is null."""
    eeg, found = health.eeg, []
    if eeg.gaps:
        found.append(f"EEG {eeg.name}: {eeg.gaps} gaps, {eeg.lost_samples} samples lost")
    said = dict.fromkeys(filter(None, [*eeg.warnings, eeg.note]))
    found += [f"EEG {eeg.name}: {sentence}" for sentence in said]
    if not math.isfinite(eeg.rate_effective):
        found.append(f"eeg.rate_effective is null: {eeg.samples} samples do not tell the rate")
    for number, video in enumerate(health.videos, 1):
        found += _video_warnings("video" if number == 1 else f"video {number}", video)
    if pipeline.skipped_ticks:
        found.append(f"{pipeline.skipped_ticks} ticks were skipped: this machine was too slow for them")
    if pipeline.frames_not_ready:
        found.append(f"{pipeline.frames_not_ready} slots were masked: their frame was not encoded in time")
    if pipeline.empty_intervals:
        found.append(f"{pipeline.empty_intervals} intervals held too little valid data for a reading")
    if hidden:
        found.append("similarity_mean is null: the session is blind")
    elif not pipeline.published:
        found.append("similarity_mean is null: there was no reading")
    return found


def _video_warnings(name: str, health: VideoHealth) -> list[str]:
    found = []
    if health.dropped:
        found.append(f"{name} {health.name}: {health.dropped} frames lost")
    if health.note:
        found.append(f"{name} {health.name}: {health.note}")
    if not math.isfinite(health.fps_effective):
        found.append(f"{name}.fps_effective is null: {health.frames} frames do not tell the rate")
    return found


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
