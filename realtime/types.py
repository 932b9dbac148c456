"""The values that are handed from room to room. All are frozen; arrays are never written to after."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
TimeArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IndexArray = NDArray[np.int64]


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
class EegInfo:
    """What is known of an EEG stream before its first sample.

    Attributes
    ----------
    labels : tuple of str
        Channel names in the stream's order; `ch1`, `ch2` … where the stream names none.
    unit : str
        As the stream says it ("microvolts", "uV", "V", …); empty where it says nothing.
        Of most EEG channels, where they differ.
    rate_nominal : float
        Samples a second the sender claims.
    units : tuple of str
        Of each channel, empty where one says nothing; () where all have `unit`.
    kinds : tuple of str
        Of each channel, as mne calls them ("eeg", "eog", "stim", "misc", …); () where all are EEG.
    scales : tuple of float
        What the values of each channel are multiplied with to be in their unit; () where that is 1 for all.
    header : str
        The stream's own XML, as its sender gave it; empty where it has none.
    named_by : str
        Where names or a unit come from that the stream does not state itself, in words; else empty.
    """

    name: str
    labels: tuple[str, ...]
    unit: str
    rate_nominal: float
    source_id: str = ""
    host: str = ""
    type: str = "EEG"
    units: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    scales: tuple[float, ...] = ()
    header: str = field(default="", compare=False)
    named_by: str = field(default="", compare=False)

    @property
    def n_channels(self) -> int:
        """Channels of the stream."""
        return len(self.labels)


@dataclass(frozen=True)
class ClockOffset:
    """One measurement of a sender's clock against ours: LSL time = sender's stamp + `value`.

    `collected` is when it was measured, on our clock. Seconds.
    """

    collected: float
    value: float


@dataclass(frozen=True)
class RawChunk:
    """Samples as a sender gave them.

    Attributes
    ----------
    samples : array of shape (n_samples, n_channels), float32, in the stream's unit
    stamps : array of shape (n_samples,), float64 s, on the sender's clock, unchanged
    offsets : tuple of ClockOffset
        Measured since the last chunk; they take effect by their time, see `realtime.time.stamps`.
    reconnected : bool
        The first chunk after the stream was lost and found again.
    raw : array of shape (n_samples, n_channels), or None
        The samples in the format in which they came, for the recording; None where that is float32.
    """

    samples: FloatArray
    stamps: TimeArray
    offsets: tuple[ClockOffset, ...] = ()
    reconnected: bool = False
    raw: NDArray[Any] | None = None


@dataclass(frozen=True)
class EegChunk:
    """Samples at regular times on our clock.

    Attributes
    ----------
    samples : array of shape (n_samples, n_channels), float32, µV once conditioned
    stamps : array of shape (n_samples,), float64 s on the LSL clock, strictly rising
    gap_before : bool
        A new segment begins with the first sample: what came before does not join on.
    bad : array of shape (n_samples, n_channels), bool, or None
        Values that are missing on their channel alone, see `realtime.eeg.bad_values`; None where none is.
    """

    samples: FloatArray
    stamps: TimeArray
    gap_before: bool = False
    bad: BoolArray | None = None


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    stamp : float
        When it was captured (or shown), seconds on the LSL clock.
    seq : int
        Its number in its source; a step of more than one tells how many were lost.
    """

    image: NDArray[np.uint8]
    stamp: float
    seq: int


class Rectangle(NamedTuple):
    """A part of a picture; x runs from 0 (left) to 1 (right), y from 0 (top) to 1 (bottom)."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video source before its first frame.

    Attributes
    ----------
    stamp_source : str
        Where the frames' times come from.
    offset_s, offset_spread_s : float
        How much later than the light the source stamps its frames, and the standard deviation of that, as
        calibrated; 0 where nobody measured it. Frames carry the source's own stamps; whoever puts them on
        the grid subtracts the offset, live (`realtime.video.intake`) as from a recording
        (`recordings.session.tracks`).
    """

    name: str
    width: int
    height: int
    fps_nominal: float
    stamp_source: str
    offset_s: float = 0.0
    offset_spread_s: float = 0.0


@dataclass(frozen=True)
class Interval:
    """What the network is given: a pure function of the samples and frames, whoever asks and whenever.

    Attributes
    ----------
    index : int
        `end` in hops: the interval ends at `index * hop_s` on the LSL clock.
    end : float
        Seconds on the LSL clock. EEG reaches up to it, video up to `lag_s` before it.
    eeg : array of shape (n_channels, n_times), float32 µV
        On the model's grid (200 Hz); 0 where `eeg_valid` is False.
    eeg_valid : array of shape (n_channels, n_times), bool
    eeg_scale : array of shape (n_channels,), float32 µV
        Running robust standard deviation of each channel over the last 20 s, at `end`.
    frame_seq : array of shape (n_slots,), int64
        The frame on show at each slot; -1 where none is known.
    frame_valid : array of shape (n_slots,), bool
    """

    index: int
    end: float
    eeg: FloatArray
    eeg_valid: BoolArray
    eeg_scale: FloatArray
    frame_seq: IndexArray
    frame_valid: BoolArray


@dataclass(frozen=True)
class Attention:
    """Where the EEG looked, each array summing to 1 over what it is about (or all 0 where nothing was there).

    Attributes
    ----------
    matrix : array of shape (n_queries, n_slots), float32
        Each EEG token (row, in time order) over the frames on show at each slot.
    frames : array of shape (n_slots,), float32
    places : array of shape (rows, columns), float32
        Each place of the frame, a rectangle in the frame's own geometry. Sums to 1 with `whole`.
    channels : array of shape (n_channels,), float32
        Share of each electrode in what the EEG side passed on.
    whole : float
        What went to the frame as a whole.
    agreement : array of shape (rows, columns), float32, or None
        How well the EEG of the interval agrees with what happened at each place, -1 to 1; None for a model
        without places.
    certainty : float or None
        How surely the place that agrees best stands out from the others, 0 to 1: the share of past video that
        was not being watched in which the best place leads by less. None while there is none.
    """

    matrix: FloatArray
    frames: FloatArray
    places: FloatArray
    channels: FloatArray
    whole: float = 0.0
    agreement: FloatArray | None = None
    certainty: float | None = None


@dataclass(frozen=True)
class OtherScores:
    """What the model says of a further video, by itself beside the main one.

    Attributes
    ----------
    similarity, match, attention
        As in `Scores`, of this video alone.
    share : float
        Its share of the attention where the EEG reads all videos at once, 0 to 1; 0 for a model without.
    """

    similarity: float
    match: float
    attention: Attention
    share: float


@dataclass(frozen=True)
class Scores:
    """What the model says of one interval.

    Attributes
    ----------
    similarity : float
        Mean over the time grid of the cosine between the un-fused EEG and video towers, -1 to 1.
    match : float
        Probability from the fused tokens that this EEG belongs to this video, 0 to 1.
    impostors : array of shape (n,), float32
        Similarity of this EEG to past video of the session, each at least one interval away.
    gate : float
        tanh of the gate that what was read goes through, mean over layers: 0 means the video is not heard.
    share : float
        The main video's share of the attention where the EEG reads all videos at once; 1 where it is alone.
    others : tuple of OtherScores
        Of the further videos, in their order.
    """

    similarity: float
    match: float
    impostors: FloatArray
    attention: Attention
    gate: float
    share: float = 1.0
    others: tuple[OtherScores, ...] = ()


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
