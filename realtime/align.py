"""Aligned intervals: the EEG on its grid and the frame on show at each slot, cut at absolute times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from realtime.config import GridConfig
from realtime.eeg.conditioning import RunningScale
from realtime.ring import GridRing, SequenceRing
from realtime.types import BoolArray, FloatArray, IndexArray, Interval


def frames_on_show(
    stamps: np.ndarray, slot_times: np.ndarray, max_hold_s: float
) -> tuple[IndexArray, BoolArray, FloatArray]:
    """Sample-and-hold: for each slot, which frame was the last to appear at or before it.

    Parameters
    ----------
    stamps : array of shape (n_frames,), float64 s, rising
    slot_times : array of shape (n_slots,), float64 s
    max_hold_s : float
        A frame is taken to be on show no longer than this.

    Returns
    -------
    position : array of shape (n_slots,), int64
        Index into `stamps`, -1 where no frame had appeared yet.
    valid : array of shape (n_slots,), bool
    age : array of shape (n_slots,), float32 s
        How long that frame had been on show; `max_hold_s` where it is not valid.
    """
    position = np.searchsorted(stamps, slot_times, side="right").astype(np.int64) - 1
    age = slot_times - np.concatenate([stamps, [-np.inf]])[position]  # position -1 finds the -inf
    return position, age <= max_hold_s, np.minimum(age, max_hold_s).astype(np.float32)


class OnShow(NamedTuple):
    """What a video shows during an interval.

    Attributes
    ----------
    seq : array of shape (n_slots,), int64
        The frame at each slot, -1 where none is known.
    valid : array of shape (n_slots,), bool
    number : array of shape (n_slots,), int64
        Its order of arrival, -1 where none: the key of its embedding.
    age : array of shape (n_slots,), float32 s
        How long it had been on show.
    """

    seq: IndexArray
    valid: BoolArray
    number: IndexArray
    age: FloatArray


class FrameHistory:
    """Stamps, numbers and small pictures of the newest frames, by order of arrival."""

    def __init__(self, capacity: int = 512):
        self.times = SequenceRing(capacity, {"stamp": ((), np.float64), "seq": ((), np.int64)})
        self._images: list[np.ndarray | None] = [None] * capacity
        self.first_stamp = float("nan")  # of the first frame ever; NaN before it
        self.newest_stamp = float("-inf")

    def append(self, image: np.ndarray, stamp: float, seq: int) -> int:
        """Keep a frame; returns its number in order of arrival."""
        if self.times.count == 0:
            self.first_stamp = stamp
        self._images[self.times.count % self.times.capacity] = image
        self.newest_stamp = stamp
        return self.times.append(stamp=stamp, seq=seq)

    def image(self, number: int) -> np.ndarray | None:
        """Return the picture of frame `number` (order of arrival), or None where it was overwritten."""
        image = self._images[number % self.times.capacity]
        return image if self.times.count - self.times.capacity < number < self.times.count else None

    def images_of(self, seqs: IndexArray) -> list[np.ndarray | None]:
        """Return the pictures (height, width, 3) of the frames with these sequence numbers."""
        first, held = self.times.tail("seq")
        number = {int(seq): first + i for i, seq in enumerate(held)}
        return [self.image(number[int(seq)]) if int(seq) in number else None for seq in seqs]


class Aligner:
    """Cuts intervals out of the rings.

    Parameters
    ----------
    grid : GridConfig
    eeg : GridRing
        Conditioned EEG on the grid, rows of n_channels.
    scale : RunningScale
    frames : FrameHistory
        Of the main video: it and the EEG say which interval is the first.
    """

    def __init__(self, grid: GridConfig, eeg: GridRing, scale: RunningScale, frames: FrameHistory):
        self.grid = grid
        self._eeg = eeg
        self._scale = scale
        self._frames = frames

    def first_index(self) -> int | None:
        """Return the first interval that both streams can fill, or None while one of them has not begun."""
        if self._eeg.first is None or np.isnan(self._frames.first_stamp):
            return None
        grid = self.grid
        by_eeg = -(-(self._eeg.first + grid.n_times) // grid.hop_points)
        slot = int(np.ceil(self._frames.first_stamp * grid.slots_hz))
        lag_slots = round(grid.lag_s * grid.slots_hz)
        by_video = -(-(slot + grid.n_slots + lag_slots) // grid.hop_slots)
        return max(by_eeg, by_video)

    def slot_times(self, index: int) -> np.ndarray:
        """Return times (n_slots,) of an interval's slots, seconds."""
        start, stop = self.grid.slot_range(index)
        return np.arange(start, stop) / self.grid.slots_hz

    def interval(self, index: int) -> tuple[Interval, IndexArray]:
        """Cut interval `index` out of what is there now.

        Returns
        -------
        interval : Interval
        number : array of shape (n_slots,), int64
            Order of arrival of the frame at each slot, -1 where none: the key of its embedding.
        """
        rows, valid = self._eeg.read(*self.grid.point_range(index))
        seen = self.on_show(index, self._frames)
        end = index * self.grid.hop_s
        scale = self._scale.at(end)
        interval = Interval(
            index=index,
            end=end,
            eeg=np.ascontiguousarray(rows.T),
            eeg_valid=np.ascontiguousarray(valid.T),
            eeg_scale=np.ones(rows.shape[1], np.float32) if scale is None else scale,
            frame_seq=seen.seq,
            frame_valid=seen.valid,
            frame_age=seen.age,
        )
        return interval, seen.number

    def on_show(self, index: int, frames: FrameHistory) -> OnShow:
        """Return what a video shows during interval `index`, the main one or a further one."""
        first, stamps = frames.times.tail("stamp")
        first_seq, seqs = frames.times.tail("seq")
        # The writer may have gone on between the two copies; keep what both hold.
        skip = max(first, first_seq)
        stamps, seqs = stamps[skip - first :], seqs[skip - first_seq :]
        held = min(len(stamps), len(seqs))
        stamps, seqs = stamps[:held], seqs[:held]
        position, shown, age = frames_on_show(stamps, self.slot_times(index), self.grid.max_hold_s)
        known = position >= 0
        seq = np.where(known, seqs[np.maximum(position, 0)] if held else -1, -1)
        return OnShow(seq.astype(np.int64), shown & known, np.where(known, position + skip, -1), age)


def without_electrodes(interval: Interval, labels: Sequence[str], left_out: frozenset[str]) -> Interval:
    """Mask these electrodes of an interval, as if they had given nothing; all of them cannot be."""
    kept = np.array([label not in left_out for label in labels])
    if kept.all() or not kept.any():
        return interval
    return replace(
        interval,
        eeg=np.where(kept[:, None], interval.eeg, np.float32(0)),
        eeg_valid=interval.eeg_valid & kept[:, None],
    )


def without_slots(interval: Interval, slots: BoolArray) -> Interval:
    """Return the interval with these slots (n_slots,) masked."""
    return replace(interval, frame_valid=interval.frame_valid & ~slots) if slots.any() else interval
