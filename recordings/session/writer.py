"""Writes a whole session at once, from arrays and frames: for generated data and for import."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.types import ClockOffset, EegInfo, FloatArray, Frame, TimeArray, VideoInfo
from recordings.session.files import SessionFiles
from recordings.session.headers import MARKERS, eeg_header, marker_header
from recordings.session.options import RecordingOptions

VIDEO = "stimulus"
_CHUNK_S = 0.25


class _Scheduled(NamedTuple):
    """Something to be written when its time has come."""

    time: float
    write: Callable[[], None]


def write_session(
    folder: str | Path,
    info: EegInfo,
    stamps: TimeArray,
    samples: FloatArray,
    frames: Iterable[Frame] = (),
    markers: Sequence[tuple[float, str]] = (),
    offsets: Sequence[ClockOffset] = (),
) -> Path:
    """Write `session.xdf` and, where there are frames, `stimulus.mkv` into a folder.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.
    stamps : array of shape (n_samples,), float64 s, rising, on the sender's clock
    samples : array of shape (n_samples, n_channels), float32, in `info.unit`
    frames : iterable of Frame
        In the order of their stamps; written one by one, never held together.
    markers : sequence of (stamp, text)
    offsets : sequence of ClockOffset
        Of the EEG's sender against the clock of frames and markers.

    Returns
    -------
    Path
        The XDF file.

    Raises
    ------
    SessionError
        There is a session in the folder already.
    OSError, RunError
        The disk does not take it.
    """
    pictures = iter(frames)
    first = next(pictures, None)
    videos = {}
    if first is not None:
        height, width = first.image.shape[:2]
        videos[VIDEO] = VideoInfo(VIDEO, width, height, 30.0, "generated")
        pictures = itertools.chain([first], pictures)
    headers = {info.name: eeg_header(info), MARKERS: marker_header()}
    files = SessionFiles(Path(folder), headers, videos, RecordingOptions())
    try:
        files.write_samples(info.name, np.zeros(0), np.zeros((0, info.n_channels)), offsets)
        dues = (
            _eeg(files, info.name, stamps, samples),
            (_Scheduled(frame.stamp, partial(files.write_frame, VIDEO, frame)) for frame in pictures),
            (
                _Scheduled(at, partial(files.write_samples, MARKERS, np.array([at]), [[text]]))
                for at, text in markers
            ),
        )
        for due in heapq.merge(*dues, key=lambda due: due.time):
            due.write()
    finally:
        failures = files.close()
    if failures:
        raise failures[0]
    return files.xdf.path


def _eeg(files: SessionFiles, name: str, stamps: TimeArray, samples: FloatArray) -> Iterator[_Scheduled]:
    """Chunks of EEG, each due when its last sample is; with each, the frames since the last are numbered."""

    def write(part: slice) -> None:
        files.write_samples(name, stamps[part], samples[part])
        files.write_numbers()

    start = 0
    while start < len(stamps):
        stop = max(int(np.searchsorted(stamps, stamps[start] + _CHUNK_S, side="left")), start + 1)
        yield _Scheduled(float(stamps[stop - 1]), partial(write, slice(start, stop)))
        start = stop
