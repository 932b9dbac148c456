"""What linear models see of a film: a few numbers a frame that evoked responses are known to follow.

Luminance and contrast as in Lalor et al. 2006 (doi:10.1016/j.neuroimage.2006.05.054), change as in Dmochowski
et al. 2018 (doi:10.1016/j.neuroimage.2017.05.037); cuts are steps in change.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.learning.cache import cache_folder, digest, fingerprint, whole
from realtime.clock import ManualClock
from realtime.frames import shrink
from recordings.replay import ReplayVideo
from recordings.session import Session

FEATURES = ("luminance", "contrast", "difference", "edges", "cut")
CHANGES = ("difference", "cut")
"""Features of a change: they stand at the slot where a frame appears, and are 0 while it stays."""
SHORT_SIDE = 64  # pixels; nothing here needs more
CUT = 0.15
"""Mean change of luminance, of full scale, from which on a change is a cut."""
_VERSION = 1

Floats = NDArray[np.float32]


def frame_features(image: NDArray[np.uint8], before: NDArray[np.uint8] | None) -> list[float]:
    """The features of one frame, each 0 to 1.

    Parameters
    ----------
    image : array of shape (height, width, 3), uint8 RGB
    before : array of the same shape, or None for the first frame
    """
    grey = _luma(image)
    edges = np.hypot(*np.gradient(grey)) if min(grey.shape) > 1 else np.zeros_like(grey)
    change = 0.0 if before is None else float(np.abs(grey - _luma(before)).mean())
    return [float(grey.mean()), float(grey.std()), change, float(edges.mean()), float(change > CUT)]


def _luma(image: NDArray[np.uint8]) -> Floats:
    """Luminance of sRGB by Rec. 709's weights on the coded values, 0 to 1."""
    coded = image.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return coded / np.float32(255)


def session_features(session: Session, cache: Path | None = None, video: str = "") -> Floats:
    """Features (n_frames, n_features) of a session's stamped frames, computed now or before.

    Frames that the video file has lost repeat the one before, with no change.
    """
    track = session.video(video or None)
    key = digest(_VERSION, fingerprint(session.path), fingerprint(track.path), video, SHORT_SIDE, CUT)
    path = cache_folder(session.folder, cache) / f"features-{key}.npy"
    if not path.is_file():
        rows = np.full((track.n_samples, len(FEATURES)), np.nan, np.float32)
        before = None
        for stamp, image in _frames(session, video):
            rows[np.searchsorted(track.times, stamp)] = frame_features(image, before)
            before = image
        with whole(path) as work, work.open("wb") as file:
            np.save(file, _held(rows))
    return np.load(path)


def _frames(session: Session, video: str) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    source = ReplayVideo(session, ManualClock(np.inf), video or None)
    source.open()
    try:
        while not source.finished:
            frame = source.read()
            if frame is not None:
                yield frame.stamp, shrink(frame.image, SHORT_SIDE)
    finally:
        source.close()


def _held(rows: Floats) -> Floats:
    there = ~np.isnan(rows[:, 0])
    last = np.maximum.accumulate(np.where(there, np.arange(len(rows)), -1))
    held = np.where((last < 0)[:, None], 0.0, rows[np.maximum(last, 0)])
    for name in CHANGES:
        held[~there, FEATURES.index(name)] = 0.0
    return held.astype(np.float32)


def on_slots(rows: Floats, position: NDArray[np.int64], shown: NDArray[np.bool_]) -> Floats:
    """Features of frames brought to slots: states are held, a change stands where its frame appears.

    Where several frames appear between two slots, the largest change of them counts.

    Parameters
    ----------
    rows : array of shape (n_frames, n_features)
    position : array of shape (n_slots,), int64
        The frame on show at each slot, -1 where none.
    shown : array of shape (n_slots,), bool
    """
    values = rows[np.maximum(position, 0)]
    changes = [FEATURES.index(name) for name in CHANGES]
    values[:, changes] = 0.0
    for slot in range(1, len(position)):
        if position[slot] > position[slot - 1] >= 0:
            appeared = rows[position[slot - 1] + 1 : position[slot] + 1]
            values[slot, changes] = appeared[:, changes].max(axis=0)
    values[~shown | (position < 0)] = 0.0
    return values
