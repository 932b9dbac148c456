"""What is published of an interval: the scores, and what chance gives. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass, field

from realtime.types.arrays import IndexArray
from realtime.types.scores import Attention, OtherScores


@dataclass(frozen=True)
class Chance:
    """What chance gives in this session so far; `band` is None until enough of it has passed.

    Attributes
    ----------
    band : (float, float) or None
        5 % and 95 % quantile of the similarity to video this brain was not watching.
    percentile : float or None
        Share of those similarities that the current one exceeds, 0 to 1.
    two_way : float or None
        Running 2-way accuracy, with `two_way_ci` (95 %, Wilson) over `n` windows that do not overlap.
    """

    band: tuple[float, float] | None = None
    percentile: float | None = None
    two_way: float | None = None
    two_way_ci: tuple[float, float] | None = None
    n: int = 0


@dataclass(frozen=True)
class OtherReading(OtherScores):
    """A further video's part of a reading.

    Attributes
    ----------
    frame_seq : array of shape (n_slots,), int64
    video_valid_share : float
        Share of its slots with a frame.
    enough : bool
        Whether that is the least that a reading needs (`GridConfig.min_valid`); if not, similarity and match
        say nothing.
    """

    frame_seq: IndexArray
    video_valid_share: float
    enough: bool


@dataclass(frozen=True)
class Reading:
    """One published result. Times in seconds on the LSL clock, stage latencies in milliseconds.

    `others` are the further videos, in their order; all else is about the EEG and the main video.

    Attributes
    ----------
    eeg_valid_share : float
        Share of the interval at which at least half of the channels were there.
    channel_valid : tuple of float
        Share of the interval at which each channel was there.
    """

    seq: int
    index: int
    end: float
    emitted: float
    similarity: float
    match: float
    chance: Chance
    attention: Attention
    gate: float
    frame_seq: IndexArray
    eeg_valid_share: float
    video_valid_share: float
    stage_ms: dict[str, float] = field(default_factory=dict)
    share: float = 1.0
    others: tuple[OtherReading, ...] = ()
    channel_valid: tuple[float, ...] = ()

    @property
    def latency_ms(self) -> float:
        """From the interval's end to the moment the reading could be seen."""
        return (self.emitted - self.end) * 1e3
