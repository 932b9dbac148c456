"""A whole session on the grid, cut by the code that cuts live: for training, evaluation and export."""

from __future__ import annotations

import numpy as np

from realtime.align import Aligner, FrameHistory
from realtime.clock import ManualClock
from realtime.config import ConditioningConfig, GridConfig
from realtime.intake import EegIntake
from realtime.types import IndexArray, Interval
from recordings.replay import ReplayEeg
from recordings.session import Session

_NO_IMAGE = np.zeros((0, 0, 3), np.uint8)


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
        seconds = session.duration + 10.0
        intake = EegIntake(source, info, conditioning, self.grid, seconds, scales_kept=round(seconds) + 10)
        while intake.pump() or not source.finished:
            pass
        intake.pump()
        return intake

    @property
    def labels(self) -> tuple[str, ...]:
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
        """The interval that ends at slot `index`, and for each of its slots the position of its frame.

        Returns
        -------
        interval : Interval
        position : array of shape (n_slots,), int64
            Into `frame_stamps`; -1 where no frame was on show.
        """
        return self._aligner.interval(index)
