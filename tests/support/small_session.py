"""A small session that carries its own answers: channel 0 is the sample number, frames say their number."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from realtime.types import ClockOffset, EegInfo, Frame
from recordings.session.writer import write_session
from tests.support.pictures.numbered import numbered_frame

RATE, FPS = 250.0, 30.0
INFO = EegInfo("Cap", ("C3", "C4", "Cz"), "uV", RATE, "cap-1", "lab")


def write_small(
    folder: Path,
    seconds: float = 6.0,
    start: float = 100.0,
    frames: bool = True,
    ahead_s: float = 0.0,
    info: EegInfo = INFO,
    stamps: np.ndarray | None = None,
) -> Path:
    """Write it; `ahead_s` is how far our clock is ahead of the sender's. Returns the folder."""
    if stamps is None:
        stamps = start - ahead_s + np.arange(round(seconds * info.rate_nominal)) / info.rate_nominal
    k = np.arange(len(stamps), dtype=np.float32)
    samples = np.stack([k, -k, np.sin(k)], 1)
    write_session(
        folder,
        info,
        stamps,
        samples,
        (Frame(numbered_frame(n, 64, 64), start + n / FPS, n) for n in range(round(seconds * FPS) * frames)),
        markers=[(start + 1.0, "cat"), (start + 2.5, "dog")],
        offsets=[ClockOffset(start, ahead_s)] if ahead_s else [],
    )
    return folder
