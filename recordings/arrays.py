"""A recording as plain arrays: what was measured, or the intervals that a network would be given."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from realtime.config import ConditioningConfig, GridConfig
from realtime.eeg.channels import own_gains
from realtime.errors import SessionError
from realtime.types import BoolArray, FloatArray, IndexArray, TimeArray
from recordings.intervals import SessionIntervals
from recordings.session.outcome import Readings, all_readings
from recordings.session.session import Marker, Session


@dataclass(frozen=True)
class RecordedArrays:
    """What was measured in a session. All times are seconds since the session began.

    Attributes
    ----------
    name : str
        Of the session.
    start : float
        When it began, seconds on the recorder's LSL clock.
    labels : tuple of str
        Channel names, in the order of the columns of `eeg`.
    rate : float
        Samples a second that the headset stated.
    eeg : array of shape (n_samples, n_channels), float32 µV
        As it was recorded: no filter, no reference, no interpolation.
    eeg_times : array of shape (n_samples,), float64 s
        Of each sample, corrected by the measured clock offsets.
    video : Path or None
        The video file; None for a session without one.
    frame_index : array of shape (n_frames,), int64
        Number of each shown frame in the video file.
    frame_times : array of shape (n_frames,), float64 s
        When it was shown.
    markers : tuple of Marker
        Events, each with its `stamp` (s) and `text`.
    readings : tuple of Readings
        What the program said during the recording; empty where nothing was said.
    """

    name: str
    start: float
    labels: tuple[str, ...]
    rate: float
    eeg: FloatArray
    eeg_times: TimeArray
    video: Path | None
    frame_index: IndexArray
    frame_times: TimeArray
    markers: tuple[Marker, ...]
    readings: tuple[Readings, ...]


def read_recording(
    path: str | Path, eeg: str = "", video: str = "", unit: str | None = None
) -> RecordedArrays:
    """Read a recorded session, or any XDF file with EEG, into memory.

    Parameters
    ----------
    path : str or Path
        The session's folder, or the XDF file itself.
    eeg, video : str
        Which stream, where there are several: its name, or `id=…`.
    unit : str, optional
        Of the samples, where the file states none or a wrong one: uV, mV, V.

    Returns
    -------
    RecordedArrays

    Raises
    ------
    SessionError
        There is no such recording, it is damaged, or several streams fit.
    StreamFormatError
        The unit that the file states is no voltage.
    """
    with Session(path) as session:
        track, start = session.eeg(eeg), session.start
        times, samples = track.read()
        gains, _ = own_gains(track.info, unit)
        shown = session.video(video) if session.video_streams else None
        return RecordedArrays(
            name=session.name,
            start=start,
            labels=track.info.labels,
            rate=track.info.rate_nominal,
            eeg=(samples * gains).astype(np.float32),
            eeg_times=times - start,
            video=None if shown is None else shown.path,
            frame_index=np.zeros(0, np.int64) if shown is None else shown.frame_index,
            frame_times=np.zeros(0) if shown is None else shown.times - start,
            markers=tuple(Marker(event.stamp - start, event.text) for event in session.markers()),
            readings=tuple(all_readings(session)),
        )


class IntervalArrays(NamedTuple):
    """Every interval of a session as the network would be given it, live, in the order of their ends.

    Attributes
    ----------
    labels : tuple of str
        The electrodes, in the order of the channels.
    end : array of shape (n,), float64 s on the session's clock
    eeg : array of shape (n, n_channels, n_times), float32 µV, 0 where not valid
    eeg_valid : array of shape (n, n_channels, n_times), bool
    eeg_scale : array of shape (n, n_channels), float32 µV
        Running robust standard deviation of each channel.
    frame : array of shape (n, n_slots), int64
        Number in the video file of the frame on show at each slot, -1 where none.
    frame_valid : array of shape (n, n_slots), bool
    frame_at_point : array of shape (n, n_slots · points a slot), int64
        Number of the frame at each point of the EEG's grid, from the first slot's beginning to the last one's
        end.
    """

    labels: tuple[str, ...]
    end: TimeArray
    eeg: FloatArray
    eeg_valid: BoolArray
    eeg_scale: FloatArray
    frame: IndexArray
    frame_valid: BoolArray
    frame_at_point: IndexArray


def read_intervals(
    path: str | Path,
    conditioning: ConditioningConfig | None = None,
    grid: GridConfig | None = None,
    eeg: str = "",
    video: str = "",
) -> IntervalArrays:
    """Cut a session into intervals and hold them in memory: what `export_intervals` writes to a file.

    Parameters
    ----------
    path : str or Path
        The session's folder.
    grid : GridConfig
        Its hop is the distance of two intervals; those of the default (0.25 s) overlap.
    eeg, video : str
        Which streams, where there are several.

    Raises
    ------
    SessionError
        EEG or video is not there, or too short for an interval.
    """
    grid = grid or GridConfig()
    with Session(path) as session:
        intervals = SessionIntervals(session, conditioning or ConditioningConfig(), grid, eeg, video)
        chosen = interval_ends(session, intervals, grid)
        columns = IntervalCut(intervals, grid).columns()
        arrays = {
            column.name: np.stack([np.asarray(column.of(index), column.dtype) for index in chosen])
            for column in columns
        }
        return IntervalArrays(intervals.labels, **arrays)


def interval_ends(session: Session, intervals: SessionIntervals, grid: GridConfig) -> range:
    """Return the slots at which intervals end.

    Raises
    ------
    SessionError
        EEG and video share too little time for an interval.
    """
    first = math.ceil(intervals.first / grid.hop_slots) * grid.hop_slots
    chosen = range(first, intervals.last + 1, grid.hop_slots)
    if not chosen:
        raise SessionError(
            f"{session.path}: EEG and video share less than the {grid.interval_s + grid.lag_s:g} s that an "
            "interval needs"
        )
    return chosen


class IntervalColumn(NamedTuple):
    """One array: its name, shape and type of a row, and what gives the row of the interval at a slot."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    of: Callable[[int], Any]


class IntervalCut:
    """Intervals as stretches of a session's table; each is named by the slot it ends at."""

    def __init__(self, intervals: SessionIntervals, grid: GridConfig):
        self._table, self._grid = intervals.table(), grid
        self._frame_seq = np.append(intervals.frame_seq, -1)  # position -1: no frame was on show

    def columns(self) -> list[IntervalColumn]:
        """List the arrays of a session, each with the shape of a row."""
        n_channels, n_times, n_slots = self._table.eeg.shape[1], self._grid.n_times, self._grid.n_slots
        return [
            IntervalColumn("end", (), "f8", lambda index: index // self._grid.hop_slots * self._grid.hop_s),
            IntervalColumn(
                "eeg", (n_channels, n_times), "f4", lambda index: self._table.eeg[self._points(index)].T
            ),
            IntervalColumn("eeg_valid", (n_channels, n_times), "?", self._eeg_valid),
            IntervalColumn("eeg_scale", (n_channels,), "f4", self._scale),
            IntervalColumn("frame", (n_slots,), "i8", self.frame),
            IntervalColumn("frame_valid", (n_slots,), "?", self.frame_valid),
            IntervalColumn("frame_at_point", (n_slots * self._grid.per_slot,), "i8", self._frame_at_point),
        ]

    def frame(self, index: int) -> IndexArray:
        """Return the number in the video file of the frame at each slot (n_slots,), -1 where none."""
        return self._frame_seq[self._table.position[self._slots(index)]]

    def frame_valid(self, index: int) -> BoolArray:
        """Return whether a frame was on show at each slot (n_slots,)."""
        return self._table.shown[self._slots(index)]

    def _frame_at_point(self, index: int) -> IndexArray:
        slots = self._slots(index)
        points = slice(slots.start * self._grid.per_slot, slots.stop * self._grid.per_slot)
        return self._frame_seq[self._table.at_points[points]]

    def _eeg_valid(self, index: int) -> BoolArray:
        valid: BoolArray = self._table.eeg_valid[self._points(index)].T
        return valid

    def _scale(self, index: int) -> FloatArray:
        scale: FloatArray = self._table.eeg_scale[index - self._table.first]
        return scale

    def _points(self, index: int) -> slice:
        stop = (index - self._table.first) * self._grid.per_slot
        return slice(stop - self._grid.n_times, stop)

    def _slots(self, index: int) -> slice:
        stop = index - self._table.first - round(self._grid.lag_s * self._grid.slots_hz)
        return slice(stop - self._grid.n_slots, stop)
