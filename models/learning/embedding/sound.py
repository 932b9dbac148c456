"""The sound of a film, one channel, at the rate a model wants."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from realtime.errors import VideoError


def read_sound(path: Path, rate: int) -> NDArray[np.float32]:
    """Give the sound of a file (n,) from its beginning, -1 to 1, `rate` a second; silence where it has a gap.

    Raises
    ------
    VideoError
        It cannot be opened, or has no sound.
    """
    try:
        with av.open(str(path)) as file:
            if not file.streams.audio:
                raise VideoError(f"{path} has no sound: name the film itself, or a sound file")
            resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
            pieces: list[NDArray[np.float32]] = []
            first: float | None = None
            for frame in file.decode(audio=0):
                first = frame.time if first is None else first
                pieces += [part.to_ndarray()[0] for part in resampler.resample(frame)]
            pieces += [part.to_ndarray()[0] for part in resampler.resample(None)]
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{path}: its sound cannot be read ({error})") from error
    late = np.zeros(max(0, round((first or 0.0) * rate)), np.float32)
    return np.concatenate((late, *pieces)).astype(np.float32)
