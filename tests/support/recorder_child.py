"""A recording in a process of its own, to be killed: `python -m tests.support.recorder_child FOLDER`.

Feeds at real time what carries its own answer (channel 0 is the sample number, frames show theirs) and says
after each chunk how many samples it has handed over.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from realtime.types import ClockOffset, EegInfo, Frame, RawChunk, VideoInfo
from recordings.recorder import Recorder
from tests.support.pictures.numbered import numbered_frame

RATE, FPS, CHUNK = 1000.0, 30.0, 20
N_CHANNELS = 8


def samples_from(first: int, n: int) -> np.ndarray:
    """Samples `first` to `first + n`, shape (n, N_CHANNELS): its number, half of it, and its sines."""
    number = np.arange(first, first + n, dtype=np.float32)
    return np.stack([number, number / 2, *(np.sin(number * k) for k in range(1, N_CHANNELS - 1))], 1)


def main(folder: str) -> None:
    info = EegInfo("Cap", tuple(f"C{i}" for i in range(N_CHANNELS)), "uV", RATE, "cap")
    recorder = Recorder(folder, {"cap": info}, {"camera": VideoInfo("camera", 64, 64, FPS, "driver")}).start()
    begin = time.monotonic()
    n_fed = n_frames = 0
    while True:
        now = time.monotonic() - begin
        while n_fed / RATE < now:
            stamps = 100.0 + np.arange(n_fed, n_fed + CHUNK) / RATE
            offsets = (ClockOffset(100.0 + n_fed / RATE, 0.0),) if n_fed % 1000 == 0 else ()
            recorder.eeg("cap", RawChunk(samples_from(n_fed, CHUNK), stamps, offsets))
            n_fed += CHUNK
            if n_fed % 500 == 0:
                recorder.marker(100.0 + n_fed / RATE, f"sample {n_fed}")
        while n_frames / FPS < now:
            recorder.frame(
                "camera", Frame(numbered_frame(n_frames, 64, 64), 100.0 + n_frames / FPS, n_frames)
            )
            n_frames += 1
        sys.stdout.write(f"{n_fed}\n")
        sys.stdout.flush()
        time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1])
