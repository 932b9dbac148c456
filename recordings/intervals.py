"""A whole session on the grid, cut by the code that cuts live: for training, evaluation and export."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from realtime.align import Aligner, FrameHistory, frames_at, frames_on_show
from realtime.config import ConditioningConfig, GridConfig
from realtime.eeg.intake import EegIntake
from realtime.time.clock import ManualClock
from realtime.types import BoolArray, FloatArray, IndexArray, Interval
from recordings.replay import ReplayEeg
from recordings.session.session import Session

_NO_IMAGE = np.zeros((0, 0, 3), np.uint8)


class Table(NamedTuple):
    """A session on its grids, one row a slot or a point: every interval is a stretch of it.

    Attributes
    ----------
    first : int
        The slot of the first row, counted from time 0 of the session's clock.
    eeg : array of shape (n_slots · points a slot, n_channels), float32 µV, 0 where invalid
    eeg_valid : array of shape (n_slots · points a slot, n_channels), bool
    eeg_scale : array of shape (n_slots, n_channels), float32 µV
        As known at each slot's time.
    position : array of shape (n_slots,), int64
        Of the frame on show in `SessionIntervals.frame_stamps`; -1 where none.
    shown : array of shape (n_slots,), bool
    at_points : array of shape (n_slots · points a slot,), int64
        As `position`, at each point.
    """

    first: int
    eeg: FloatArray
    eeg_valid: BoolArray
    eeg_scale: FloatArray
    position: IndexArray
    shown: BoolArray
    at_points: IndexArray


class SessionIntervals:
    """Any interval of a session, at any slot.

    The EEG goes through stamps, conditioning and interpolation exactly as in a replay, once, when this is
    made. Live intervals end on multiples of the hop; here they may end on any slot, so that training can
    begin at random offsets: an interval that ends on a hop is the live one, bit for bit.

    Parameters
    ----------
    session : Session
    conditioning : ConditioningConfig
        With the band the encoder asks for.
    grid : GridConfig
    eeg, video : str
        Which streams, where there are several.

    Attributes
    ----------
    frame_stamps : array of shape (n_frames,), float64 s
    frame_seq : array of shape (n_frames,), int64
        Numbers in the video file.
    """

    def __init__(
        self,
        session: Session,
        conditioning: ConditioningConfig,
        grid: GridConfig | None = None,
        eeg: str = "",
        video: str = "",
    ):
        live = grid or GridConfig()
        self.grid = live.model_copy(update={"hop_s": 1 / live.slots_hz})
        self._intake = self._read_eeg(session, conditioning, eeg)
        track = session.video(video)
        self.frame_stamps, self.frame_seq = track.times, track.frame_index.astype(np.int64)
        frames = FrameHistory(len(self.frame_stamps) + 1)
        for stamp, seq in zip(self.frame_stamps, self.frame_seq, strict=True):
            frames.append(_NO_IMAGE, float(stamp), int(seq))
        self._aligner = Aligner(self.grid, self._intake.ring, self._intake.scale, frames)

    def _read_eeg(self, session: Session, conditioning: ConditioningConfig, selector: str) -> EegIntake:
        source = ReplayEeg(session, ManualClock(np.inf), selector)
        info = source.open()
        start, end = session.eeg(selector).span
        seconds = end - start + 10.0
        intake = EegIntake(source, info, conditioning, self.grid, seconds, scales_kept=round(seconds) + 10)
        while intake.pump() or not source.finished:
            pass
        intake.pump()
        return intake

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the channels, in the order of the intervals' rows."""
        return self._intake.conditioner.labels

    @property
    def first(self) -> int:
        """The first interval both streams can fill, numbered in slots (its end is `first / slots_hz`)."""
        index = self._aligner.first_index()
        return 0 if index is None else index

    @property
    def last(self) -> int:
        """The last interval both streams can fill."""
        by_eeg = self._intake.ring.head // self.grid.hop_points
        lag_slots = round(self.grid.lag_s * self.grid.slots_hz)
        by_video = int(self.frame_stamps[-1] * self.grid.slots_hz) + 1 + lag_slots
        return min(by_eeg, by_video)

    def interval(self, index: int) -> tuple[Interval, IndexArray]:
        """Cut the interval that ends at slot `index`, and find the frame of each of its slots.

        Returns
        -------
        interval : Interval
        position : array of shape (n_slots,), int64
            Into `frame_stamps`; -1 where no frame was on show.
        """
        return self._aligner.interval(index)

    def table(self) -> Table:
        """All that intervals `first` to `last` are cut from, to be kept and cut without this object.

        Interval `index` ends at slot `index`: its EEG is the `n_times` points before that, its frames are
        the `n_slots` slots that end `lag_s` before it, its scale is that of slot `index`.
        """
        grid = self.grid
        start = grid.slot_range(self.first)[0]
        stop = max(self.last + 1, start)
        per_slot = grid.hop_points
        eeg, eeg_valid = self._intake.ring.read(start * per_slot, stop * per_slot)
        times = np.arange(start, stop) / grid.slots_hz
        scale = self._intake.scale.at_many(times)
        position, shown = frames_on_show(self.frame_stamps, times, grid.max_hold_s)
        at_points = frames_at(self.frame_stamps, np.arange(start * per_slot, stop * per_slot) / grid.eeg_hz)
        return Table(start, eeg, eeg_valid, scale, position, shown, at_points)
