"""A film whose frames prove by their numbers which they are, at uneven times."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.support.pictures.numbered import numbered_frame

UNEVEN_MS = np.cumsum([0, 33, 34, 16, 120, 8, 300, 33, 41, 33, 250, 17, 33, 90, 33])


def write_film(path: Path, stamps_ms=UNEVEN_MS, rotation: int = 0) -> Path:
    """Write a Matroska file whose frame k carries the number k and stands at `stamps_ms[k]`."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=1000, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number, stamp in enumerate(stamps_ms):
            frame = av.VideoFrame.from_ndarray(numbered_frame(number), format="rgb24")
            frame.pts = int(stamp)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path
