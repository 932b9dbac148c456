"""How the streams of a session are doing. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class StreamState(Enum):
    """Where a stream stands.

    SEARCHING ──found──▶ LIVE ──no sample for stall_s──▶ STALLED ──no sample for lost_s──▶ LOST
                          ▲───────── a sample ───────────┘                                  │
                          └──────────── found again by source_id ───────────────────────────┘
    any ──end of a recorded session──▶ FINISHED
    """

    SEARCHING = "SEARCHING"
    LIVE = "LIVE"
    STALLED = "STALLED"
    LOST = "LOST"
    FINISHED = "FINISHED"


@dataclass(frozen=True)
class EegHealth:
    """Counts since the start; rates and drift are estimates over what has been seen.

    `clock_steps` counts how often the clock of the stamps was set; `warnings` are sentences about what went
    wrong so far without ending the session.
    """

    name: str = ""
    state: StreamState = StreamState.SEARCHING
    n_channels: int = 0
    rate_nominal: float = 0.0
    rate_effective: float = 0.0
    drift_ppm: float = 0.0
    gaps: int = 0
    lost_samples: int = 0
    samples: int = 0
    age_s: float = float("inf")
    note: str = ""
    clock_steps: int = 0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class VideoHealth:
    """`dropped` counts frames that nobody could take, and numbers missing between frames.

    `thinned` counts those that were due and not embedded, for want of time.
    """

    name: str = ""
    state: StreamState = StreamState.SEARCHING
    width: int = 0
    height: int = 0
    fps_nominal: float = 0.0
    fps_effective: float = 0.0
    frames: int = 0
    dropped: int = 0
    age_s: float = float("inf")
    stamp_source: str = ""
    note: str = ""
    thinned: int = 0
