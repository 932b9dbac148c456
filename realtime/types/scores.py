"""What the network is given, and what it says of it. All are frozen."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.types.arrays import BoolArray, FloatArray, IndexArray


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
