"""What a run came to: the JSON that `demo`, `live` and `replay` print, and the window's health figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import psutil

from realtime.pipeline import Pipeline
from realtime.types import EegHealth, VideoHealth


def rss_mb() -> float:
    """Resident memory of this process in MiB."""
    return psutil.Process().memory_info().rss / 2**20


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


def summarise(
    pipeline: Pipeline,
    health: tuple[EegHealth, VideoHealth],
    stages: StageTimes,
    rss_start_mb: float,
    errors: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """Everything a run says of itself, ready for `json.dumps`.

    Parameters
    ----------
    health
        Of EEG and video, as they were before the sources were closed.
    more
        Further entries, such as `window` (frames a second and the longest gap) or `engagement_auc`.
    """
    eeg, video = health
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
        "video": {
            "name": video.name,
            "frames": video.frames,
            "fps_effective": _rounded(video.fps_effective, 3),
            "dropped": video.dropped,
            "stamp_source": video.stamp_source,
            "state": video.state.value,
        },
        "latency_ms": {name: round(value, 3) for name, value in pipeline.latency_ms().items()},
        "stage_ms": stages.medians(),
        "digest": pipeline.digest,
        "weights": pipeline.model.card.weights,
        "backend": pipeline.model.card.backend,
        "rss_mb": {"start": round(rss_start_mb, 1), "end": round(rss_mb(), 1)},
        "errors": list(errors),
        **more,
    }


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
