"""Frames of a video file by their number, read forward without decoding anything twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from realtime.errors import VideoError

_STEP_OVER = 250  # frames that are sooner decoded and dropped than sought
_DEEPEST = 64  # no codec moves a frame further than this in the order of decoding


class FrameReader:
    """Opens a video and gives its frames by number.

    Frames are numbered by their own time stamps, so one that is damaged leaves its number free instead of
    shifting all that follow.

    Parameters
    ----------
    path : Path
    n_expected : int
        Frames that were written. Where the file holds fewer its end was lost, and there the numbers of the
        last few are not certain if the encoder changed their order: those are left out.

    Raises
    ------
    VideoError
        The file cannot be read as a video.
    """

    def __init__(self, path: Path, n_expected: int = 0):
        self.path = path
        try:
            self._container = av.open(str(path))
            self._stream = self._container.streams.video[0]
            with av.open(str(path)) as scan:
                stamps = [p.pts for p in _whole_packets(scan) if p.pts is not None]
        except (av.error.FFmpegError, OSError, IndexError) as error:
            raise VideoError(
                f"{path} cannot be read as a video ({error}): check or copy the file again"
            ) from error
        if len(stamps) < n_expected:
            stamps = _certain(stamps)
        self._stamps = np.unique(np.array(stamps, np.int64))
        self.width, self.height = self._stream.width, self._stream.height
        self._frames = self._decode()
        self._ahead: tuple[int, av.VideoFrame] | None = None
        self._passed = -1

    def __len__(self) -> int:
        return len(self._stamps)

    def read(self, index: int) -> NDArray[np.uint8] | None:
        """Frame `index`, of shape (height, width, 3), uint8 RGB; None where the file has no such frame."""
        if not 0 <= index < len(self._stamps):
            return None
        if not self._passed < index <= self._passed + _STEP_OVER:
            self._seek(index)
        while self._ahead is None or self._ahead[0] < index:
            frame = next(self._frames, None)
            if frame is None:
                return None
            self._ahead = int(np.searchsorted(self._stamps, frame.pts or 0)), frame
            self._passed = self._ahead[0] - 1
        if self._ahead[0] != index:
            return None
        return np.asarray(self._ahead[1].to_ndarray(format="rgb24"), np.uint8)

    def close(self) -> None:
        self._container.close()

    def _seek(self, index: int) -> None:
        self._container.seek(int(self._stamps[index]), stream=self._stream)
        self._frames, self._ahead = self._decode(), None

    def _decode(self) -> Iterator[av.VideoFrame]:
        for packet in _whole_packets(self._container):
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                continue  # a damaged frame; its number stays free
            yield from (frame for frame in frames if frame.pts is not None)


def _certain(stamps: list[int]) -> list[int]:
    """Of stamps in the order of decoding, those before which no frame can be missing that was to come."""
    in_order = np.array(stamps, np.int64)
    settled = np.minimum.accumulate(in_order[::-1])[::-1]  # the earliest that comes at or after each
    late = np.flatnonzero(in_order > settled)
    n_behind = [int(np.flatnonzero(in_order[k : k + _DEEPEST] < in_order[k])[-1]) for k in late]
    depth = max(n_behind, default=0)  # after so many packets, nothing comes that is shown earlier
    if depth == 0:
        return stamps
    border = in_order[-depth:].min()
    return [stamp for stamp in stamps if stamp < border]


def _whole_packets(container: av.container.InputContainer) -> Iterator[av.Packet]:
    packets = container.demux(container.streams.video[0])
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.FFmpegError):
            return  # the end, or where a crash cut the file off
