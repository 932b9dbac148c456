"""Writes a whole session at once, from arrays and frames: for generated data and for import."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.types import ClockOffset, EegInfo, FloatArray, Frame, TimeArray
from recordings.headers import eeg_header, marker_header, video_header
from recordings.session import XDF_NAME
from recordings.video import VideoWriter
from recordings.xdf_writer import XdfWriter

VIDEO_NAME = "stimulus.mkv"
_EEG, _MARKERS, _VIDEO = 1, 2, 3
_CHUNK_S = 0.25


class _Event(NamedTuple):
    """Something to be written when its time has come; ordered by time, then stream."""

    time: float
    stream: int
    start: int
    stop: int


def write_session(
    folder: str | Path,
    info: EegInfo,
    stamps: TimeArray,
    samples: FloatArray,
    frames: Iterable[Frame] = (),
    markers: Sequence[tuple[float, str]] = (),
    offsets: Sequence[ClockOffset] = (),
    codec: str = "libx264",
    chunk_s: float = _CHUNK_S,
) -> Path:
    """Write `session.xdf` and, where there are frames, `stimulus.mkv` into a folder.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there.
    stamps : array of shape (n_samples,), float64 s, on the sender's clock
    samples : array of shape (n_samples, n_channels), float32, in `info.unit`
    frames : iterable of Frame
        In the order of their stamps; written one by one, never held together.
    markers : sequence of (stamp, text)
    offsets : sequence of ClockOffset
        Of the EEG's sender against the clock of frames and markers.
    codec : str
        FFmpeg's name of the video encoder.

    Returns
    -------
    Path
        The XDF file.

    Raises
    ------
    SessionError
        There is a session in the folder already.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = iter(frames)
    first = next(pictures, None)
    headers = {_EEG: eeg_header(info), _MARKERS: marker_header()}
    if first is not None:
        height, width = first.image.shape[:2]
        headers[_VIDEO] = video_header("Stimulus", VIDEO_NAME, codec, width, height, "generated")
    path = folder / XDF_NAME
    with XdfWriter(path, headers) as writer:
        for offset in offsets:
            writer.clock_offset(_EEG, offset.collected, offset.value)
        shown = (
            _write_video(folder / VIDEO_NAME, first, pictures, codec) if first is not None else np.zeros(0)
        )
        for event in heapq.merge(
            _chunks(stamps, _EEG, chunk_s),
            _chunks(shown, _VIDEO, chunk_s),
            _chunks(np.array([stamp for stamp, _ in markers]), _MARKERS, 0.0),
        ):
            part = slice(event.start, event.stop)
            if event.stream == _EEG:
                writer.samples(_EEG, stamps[part], samples[part])
            elif event.stream == _VIDEO:
                writer.samples(
                    _VIDEO, shown[part], np.arange(event.start, event.stop, dtype=np.int32)[:, None]
                )
            else:
                writer.samples(_MARKERS, *zip(*[(at, [text]) for at, text in markers[part]], strict=True))
    return path


def _write_video(path: Path, first: Frame, others: Iterator[Frame], codec: str) -> TimeArray:
    """Write all frames; returns their stamps, by number."""
    height, width = first.image.shape[:2]
    shown = []
    with VideoWriter(path, (width, height), codec=codec) as writer:
        for frame in itertools.chain([first], others):
            writer.write(frame.image, frame.stamp - first.stamp)
            shown.append(frame.stamp)
    return np.array(shown)


def _chunks(stamps: TimeArray, stream: int, seconds: float) -> Iterator[_Event]:
    """Runs of samples that last no longer than `seconds`, each due when its last sample is."""
    start = 0
    while start < len(stamps):
        stop = max(int(np.searchsorted(stamps, stamps[start] + seconds, side="left")), start + 1)
        yield _Event(float(stamps[stop - 1]), stream, start, stop)
        start = stop
