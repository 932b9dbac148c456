"""Frames into a Matroska file at their own times; cut off by a crash, it plays to its last cluster."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

_TICK = Fraction(1, 1000)  # what Matroska keeps of a time


class FrameWriter:
    """A video with a variable frame rate; frames are numbered 0, 1, 2 … in the order they are written."""

    def __init__(self, path: Path, width: int, height: int, codec: str = "libx264"):
        self._container = av.open(str(path), "w", format="matroska")
        self._stream = cast(VideoStream, self._container.add_stream(codec, rate=30))
        self._stream.width, self._stream.height = width, height
        self._stream.pix_fmt = "yuv420p"
        self._stream.time_base = self._stream.codec_context.time_base = _TICK
        self._first: float | None = None
        self._pts = -1
        self.n_frames = 0

    def write(self, image: NDArray[np.uint8], stamp: float) -> int:
        """Append a picture (height, width, 3) uint8 RGB shown at `stamp` seconds; returns its number."""
        if self._first is None:
            self._first = stamp
        self._pts = max(self._pts + 1, round((stamp - self._first) / _TICK))
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = self._pts, _TICK
        self._container.mux(self._stream.encode(frame))
        self.n_frames += 1
        return self.n_frames - 1

    def close(self) -> None:
        self._container.mux(self._stream.encode(None))
        self._container.close()
