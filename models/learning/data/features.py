"""The features of a session's film, computed once and kept on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.film_features import CHANGES, CUT, FEATURES, SHORT_SIDE, Floats, frame_features
from models.learning.data.cache import cache_folder, digest, fingerprint, whole
from realtime.time.clock import ManualClock
from realtime.video.frames import shrink
from recordings.replay import ReplayVideo
from recordings.session.session import Session

_VERSION = 1


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
        for stamp, image in shown_frames(session, video):
            rows[np.searchsorted(track.times, stamp)] = frame_features(image, before)
            before = image
        with whole(path) as work, work.open("wb") as file:
            np.save(file, _held(rows))
    kept: NDArray[np.float32] = np.load(path)
    return kept


def shown_frames(
    session: Session, video: str = "", short_side: int = SHORT_SIDE
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Every frame (height, width, 3) with its stamp, its shorter side reduced to `short_side` pixels."""
    source = ReplayVideo(session, ManualClock(np.inf), video or None)
    source.open()
    try:
        while not source.finished:
            frame = source.read()
            if frame is not None:
                yield frame.stamp, shrink(frame.image, short_side)
    finally:
        source.close()


def _held(rows: Floats) -> Floats:
    there = ~np.isnan(rows[:, 0])
    last = np.maximum.accumulate(np.where(there, np.arange(len(rows)), -1))
    held = np.where((last < 0)[:, None], 0.0, rows[np.maximum(last, 0)])
    for name in CHANGES:
        held[~there, FEATURES.index(name)] = 0.0
    return held.astype(np.float32)
