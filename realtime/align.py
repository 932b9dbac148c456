"""Aligned intervals: the EEG on its grid and the frame on show at each slot, cut at absolute times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.config import GridConfig
from realtime.eeg.conditioning import RunningScale
from realtime.ring import GridRing, SequenceRing
from realtime.types import BoolArray, FloatArray, IndexArray, Interval

Read = Callable[[IndexArray], tuple[NDArray[Any], BoolArray]]
"""Give the rows (n, ...) of frames by their numbers (n,), and which of them are there (n,)."""


def frames_at(stamps: np.ndarray, times: np.ndarray) -> IndexArray:
    """Find which frame was the last to appear at or before each time: its index in `stamps`, -1 for none.

    Parameters
    ----------
    stamps : array of shape (n_frames,), float64 s, rising
    times : array of shape (n,), float64 s
    """
    return np.searchsorted(stamps, times, side="right").astype(np.int64) - 1


def frames_on_show(
    stamps: np.ndarray, slot_times: np.ndarray, max_hold_s: float
) -> tuple[IndexArray, BoolArray]:
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
    """
    position = frames_at(stamps, slot_times)
    appeared = np.concatenate([stamps, [-np.inf]])[position]  # position -1 finds the -inf
    return position, (slot_times - appeared) <= max_hold_s


def slot_means(at_points: IndexArray, n_slots: int, read: Read) -> FloatArray:
    """Mean, over the points of each slot, of the rows of the frames on show there.

    A brain answers to the moment a picture comes on. Of the frame at a slot's beginning alone that moment is
    known to a slot; how much of each slot a frame takes up says it to a point.

    Parameters
    ----------
    at_points : array of shape (n_slots · points a slot,), int64
        Number of the frame on show at each point, -1 where none.
    n_slots : int
    read : callable

    Returns
    -------
    array of shape (n_slots, ...), float32
        Of a slot without any frame that is there: 0.
    """
    known = np.flatnonzero(at_points >= 0)
    first = int(at_points[known].min()) if len(known) else 0
    last = int(at_points[known].max()) if len(known) else 0
    rows, there = read(np.arange(first, last + 1))
    cell = known // (len(at_points) // n_slots) * len(rows) + at_points[known] - first
    share = np.bincount(cell, minlength=n_slots * len(rows)).reshape(n_slots, -1).astype(np.float32)
    share *= there
    share /= np.maximum(share.sum(axis=1, keepdims=True), 1)
    means: FloatArray = share @ rows.reshape(len(rows), -1).astype(np.float32, copy=False)
    return means.reshape(n_slots, *rows.shape[1:])


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

    def at_points(self, index: int, frames: FrameHistory) -> IndexArray:
        """Return which frame a video shows at each EEG point of an interval's slots.

        Returns
        -------
        array of shape (n_slots · per_slot,), int64
            Order of arrival, -1 where none had appeared yet.
        """
        start, stop = (slot * self.grid.per_slot for slot in self.grid.slot_range(index))
        first, stamps = frames.times.tail("stamp")
        position = frames_at(stamps, np.arange(start, stop) / self.grid.eeg_hz)
        return np.where(position >= 0, position + first, -1)

    def interval(self, index: int) -> tuple[Interval, IndexArray]:
        """Cut interval `index` out of what is there now.

        Returns
        -------
        interval : Interval
        number : array of shape (n_slots,), int64
            Order of arrival of the frame at each slot, -1 where none: the key of its embedding.
        """
        rows, valid = self._eeg.read(*self.grid.point_range(index))
        seq, shown, number = self.on_show(index, self._frames)
        end = index * self.grid.hop_s
        scale = self._scale.at(end)
        interval = Interval(
            index=index,
            end=end,
            eeg=np.ascontiguousarray(rows.T),
            eeg_valid=np.ascontiguousarray(valid.T),
            eeg_scale=np.ones(rows.shape[1], np.float32) if scale is None else scale,
            frame_seq=seq,
            frame_valid=shown,
        )
        return interval, number

    def on_show(self, index: int, frames: FrameHistory) -> tuple[IndexArray, BoolArray, IndexArray]:
        """Return what a video shows during interval `index`, the main one or a further one.

        Returns
        -------
        seq : array of shape (n_slots,), int64
            The frame at each slot, -1 where none is known.
        valid : array of shape (n_slots,), bool
        number : array of shape (n_slots,), int64
            Its order of arrival, -1 where none.
        """
        first, stamps = frames.times.tail("stamp")
        first_seq, seqs = frames.times.tail("seq")
        # The writer may have gone on between the two copies; keep what both hold.
        skip = max(first, first_seq)
        stamps, seqs = stamps[skip - first :], seqs[skip - first_seq :]
        held = min(len(stamps), len(seqs))
        stamps, seqs = stamps[:held], seqs[:held]
        position, shown = frames_on_show(stamps, self.slot_times(index), self.grid.max_hold_s)
        known = position >= 0
        seq = np.where(known, seqs[np.maximum(position, 0)] if held else -1, -1)
        return seq.astype(np.int64), shown & known, np.where(known, position + skip, -1)


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
