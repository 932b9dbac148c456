"""What a run came to: the JSON that `demo`, `live` and `replay` print, and the window's health figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from realtime.memory import rss_mb
from realtime.pipeline import Pipeline
from realtime.types import EegHealth, Reading, VideoHealth


class StageTimes:
    """Milliseconds by stage over the readings of a run; attach `take` to a pipeline's taps."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def take(self, reading: Any) -> None:
        for stage, ms in reading.stage_ms.items():
            values = self._values.setdefault(stage, [])
            if len(values) < 4096:
                values.append(ms)
            else:
                values[reading.seq % 4096] = ms

    def medians(self) -> dict[str, float]:
        return {stage: round(float(np.median(values)), 3) for stage, values in self._values.items()}


class Similarities:
    """Mean similarity of each video over the readings of a run; attach `take` to a pipeline's taps."""

    def __init__(self, n_videos: int) -> None:
        self._sums, self._counts = np.zeros(n_videos), np.zeros(n_videos, np.int64)

    def take(self, reading: Reading) -> None:
        self._add(0, reading.similarity)
        for number, video in enumerate(reading.others, 1):
            if video.enough:
                self._add(number, video.similarity)

    def _add(self, number: int, similarity: float) -> None:
        self._sums[number] += similarity
        self._counts[number] += 1

    def means(self) -> list[float | None]:
        """Of each video, the main one first; None for one that was never there for a whole interval."""
        pairs = zip(self._sums, self._counts, strict=True)
        return [round(float(total / n), 4) if n else None for total, n in pairs]


def summarise(
    pipeline: Pipeline,
    eeg: EegHealth,
    videos: Sequence[VideoHealth],
    similarities: Similarities,
    stages: StageTimes,
    rss_start_mb: float,
    errors: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """Everything a run says of itself, ready for `json.dumps`.

    Parameters
    ----------
    eeg, videos
        Their health before the sources were closed, the main video first.
    more
        Further entries, such as `window` (frames a second and the longest gap) or `engagement_auc`.
    """
    video, *others = (_video(*each) for each in zip(videos, similarities.means(), strict=True))
    return {
        "readings": pipeline.published,
        "intervals": pipeline.intervals,
        "skipped_ticks": pipeline.skipped_ticks,
        "masked_intervals": pipeline.masked_intervals,
        "empty_intervals": pipeline.empty_intervals,
        "eeg": {
            "name": eeg.name,
            "channels": list(pipeline.labels),
            "rate_nominal": eeg.rate_nominal,
            "rate_effective": _rounded(eeg.rate_effective, 4),
            "drift_ppm": _rounded(eeg.drift_ppm, 1),
            "gaps": eeg.gaps,
            "lost_samples": eeg.lost_samples,
            "samples": eeg.samples,
            "state": eeg.state.value,
            "note": eeg.note,
        },
        "video": video,
        "other_videos": others,
        "latency_ms": {name: round(value, 3) for name, value in pipeline.latency_ms().items()},
        "stage_ms": stages.medians(),
        "digest": pipeline.digest,
        "weights": pipeline.model.card.weights,
        "backend": pipeline.model.card.backend,
        "rss_mb": {"start": round(rss_start_mb, 1), "end": round(rss_mb(), 1)},
        "errors": list(errors),
        **more,
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


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
