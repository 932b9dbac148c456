"""A decoded frame as it is meant to be seen: upright, with square pixels, in its own colours."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from realtime.video.containers.aperture import WHOLE, Aperture, stated_aperture

_UNTAGGED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_LINES = 720
_MATRIX_BYTES = 36
_ASPECT_MOST = 4.0  # a stated shape of pixels beyond this is a slip

# Its tables are made once for a size of picture, and it works in the thread that calls it. One made for each
# frame, with threads of its own, took three times as long (docs/performance.md).
_of_this_thread = threading.local()


def pixel_aspect(stream: VideoStream) -> float:
    """Return width over height of a stream's pixels; 1 where it states nothing, or nothing that can be."""
    stated = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    aspect = float(stated) if stated else 1.0
    return aspect if 1 / _ASPECT_MOST <= aspect <= _ASPECT_MOST else 1.0


class AsShown:
    """Makes pictures of a stream's decoded frames, as they are meant to be seen.

    The display matrix belongs to the stream and is read from its first frame alone: a frame whose side data
    was asked for is part of a reference cycle, and keeps its megabytes until the next collection of garbage.

    Parameters
    ----------
    stream : VideoStream
    path : Path, optional
        Of its file, which may state that the pictures' edges are not to be seen.
    """

    def __init__(self, stream: VideoStream, path: Path | None = None):
        self._aspect = pixel_aspect(stream)
        self._aperture = WHOLE
        if path is not None and stream.width and stream.height:
            self._aperture = stated_aperture(path, stream.index, stream.width, stream.height)
        self._matrix: NDArray[np.int32] | None = None
        self._begun = False

    def __call__(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """Return the picture, (height, width, 3) uint8 RGB; the shorter side of a pixel is stretched."""
        if not self._begun:
            self._matrix, self._begun = display_matrix(frame), True
        image = _square_rgb(frame, self._aspect)
        return upright(image if self._aperture is WHOLE else within(image, self._aperture), self._matrix)


def _square_rgb(frame: VideoFrame, aspect: float) -> NDArray[np.uint8]:
    """Square pixels, (height, width, 3): the shorter side is stretched, so that no detail is lost."""
    scaler = getattr(_of_this_thread, "scaler", None)
    if scaler is None:
        scaler = _of_this_thread.scaler = VideoReformatter()
    width, height = frame.width, frame.height
    if aspect > 1.0:
        width = round(width * aspect)
    elif aspect < 1.0:
        height = round(height / aspect)
    # HD video is BT.709 (ITU-R BT.709) also where the file does not say so; FFmpeg would take the BT.601 of
    # standard television, and green and red would come out too strong.
    untagged_hd = frame.colorspace == _UNTAGGED and frame.height >= _HD_LINES
    scaled = scaler.reformat(
        frame,
        width,
        height,
        format="rgb24",
        src_colorspace=Colorspace.ITU709 if untagged_hd else None,
        threads=1,
    )
    return np.asarray(scaled.to_ndarray(), dtype=np.uint8)


def within(image: NDArray[np.uint8], aperture: Aperture) -> NDArray[np.uint8]:
    """Return the part of a picture (height, width, 3) that is meant to be seen, in whole pixels."""
    height, width = image.shape[:2]
    left, right = round(width * aperture.left), width - round(width * aperture.right)
    top, bottom = round(height * aperture.top), height - round(height * aperture.bottom)
    return np.ascontiguousarray(image[top:bottom, left:right]) if left < right and top < bottom else image


def display_matrix(frame: VideoFrame) -> NDArray[np.int32] | None:
    """Return the upper left 2 × 2 entries of a frame's display matrix; None where it has none.

    A point (x, y) of the picture is shown at (a x + c y, b x + d y), for entries [[a, b], [c, d]].
    """
    data = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(data, SideData) or data.buffer_size != _MATRIX_BYTES:
        return None
    entries: NDArray[np.int32] = np.frombuffer(memoryview(data), np.int32).reshape(3, 3)[:2, :2]
    return entries


def upright(image: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """Turn and mirror a picture (height, width, 3) as its display matrix says, by whole quarters."""
    if matrix is None:
        return image
    (a, b), (c, d) = matrix.astype(np.int64).tolist()
    transposed = abs(b) + abs(c) > abs(a) + abs(d)
    across, down = (c, b) if transposed else (a, d)
    if transposed:
        image = image.transpose(1, 0, 2)
    if across < 0:
        image = image[:, ::-1]
    if down < 0:
        image = image[::-1]
    return np.ascontiguousarray(image)
