"""A session's film is read once for all that is kept of it: embeddings, features, light by place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from threading import Event, Lock
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.inference.machine import n_cores
from realtime.time.clock import ManualClock
from realtime.video.frames import shrink
from recordings.replay import ReplayVideo
from recordings.session.session import Session

_TOGETHER = 64  # frames a table is given at a time
_AT_ONCE = 4  # recordings that are read side by side; more wait for Python's one lock, and take memory

Made = TypeVar("Made")
Picture = NDArray[np.uint8]
Share = Callable[[float], None]
"""Is told what share of some work is done, 0 to 1."""
Take = Callable[[NDArray[np.int64], Sequence[Picture]], None]
"""Is given frames, each (height, width, 3) uint8 RGB, and their places (n,) among the stamps.

A picture that stays on show is one and the same object, so that nothing need be computed for it again.
"""


class FilmTable(Protocol):
    """Rows that are made of a film's frames, one a stamp, and kept on disk.

    Attributes
    ----------
    path : Path
        Where; its name says all that the content depends on.
    short_side : int
        Pixels to which the shorter side of a frame is reduced for it.
    """

    @property
    def path(self) -> Path:
        """Its file."""
        ...

    @property
    def short_side(self) -> int:
        """Pixels."""
        ...

    def making(self, n_frames: int) -> AbstractContextManager[Take]:
        """Give what takes the frames that there are, in order; the table is written when the block ends."""
        ...


def make_missing(
    session: Session,
    tables: Sequence[FilmTable],
    video: str = "",
    stop: Event | None = None,
    tell: Share | None = None,
) -> None:
    """Make those tables of a session's film that are not there yet, in one reading of it.

    Parameters
    ----------
    tell : callable, optional
        Told how much of the film is read; not called where nothing is missing.

    Raises
    ------
    CancelledError
        `stop` was set; nothing is written.
    """
    missing = [table for table in tables if not table.path.is_file()]
    if not missing:
        return
    times = session.video(video or None).times
    sides = sorted({table.short_side for table in missing})
    with ExitStack() as stack:
        takes = [(table.short_side, stack.enter_context(table.making(len(times)))) for table in missing]
        for stamps, pictures in _some_at_a_time(session, sides, video):
            if stop is not None and stop.is_set():
                raise CancelledError
            numbers = np.searchsorted(times, stamps)
            for side, take in takes:
                take(numbers, pictures[side])
            if tell is not None:
                tell(float(numbers[-1] + 1) / len(times))


def of_each(
    sources: Sequence[Path], make: Callable[[Path, Event, Share], Made], tell: Share | None = None
) -> list[Made]:
    """Collect what `make` gives for each recording, as many at once as there are cores, few at most.

    An error in one, or Ctrl-C, sets the event that all are given, and is raised when they have ended.

    Parameters
    ----------
    make : callable
        Given a recording, the event, and what it may tell of its share.
    tell : callable, optional
        Told the share of all recordings, one call at a time.
    """
    stop, lock, shares = Event(), Lock(), [0.0] * len(sources)

    def of_one(number: int) -> Made:
        def so_far(share: float) -> None:
            with lock:
                shares[number] = share
                if tell is not None:
                    tell(sum(shares) / len(shares))

        made = make(sources[number], stop, so_far)
        shares[number] = 1.0  # also where there was nothing to tell
        return made

    with ThreadPoolExecutor(min(n_cores(), _AT_ONCE), "film") as pool:
        coming = [pool.submit(of_one, number) for number in range(len(sources))]
        try:
            return [each.result() for each in coming]
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def shown_frames(
    session: Session, sides: Sequence[int], video: str = ""
) -> Iterator[tuple[float, list[Picture]]]:
    """Every frame that can be read: its stamp, and itself reduced to each of some shorter sides (pixels)."""
    source = ReplayVideo(session, ManualClock(np.inf), video or None)
    source.open()
    try:
        while not source.finished:
            frame = source.read()
            if frame is not None:
                yield frame.stamp, [shrink(frame.image, side) for side in sides]
    finally:
        source.close()


def _some_at_a_time(
    session: Session, sides: Sequence[int], video: str
) -> Iterator[tuple[list[float], dict[int, list[Picture]]]]:
    stamps: list[float] = []
    pictures: dict[int, list[Picture]] = {side: [] for side in sides}
    before: dict[int, Picture] = {}
    for stamp, reduced in shown_frames(session, sides, video):
        stamps.append(stamp)
        for side, picture in zip(sides, reduced, strict=True):
            stays = side in before and np.array_equal(picture, before[side])
            before[side] = before[side] if stays else picture
            pictures[side].append(before[side])
        if len(stamps) == _TOGETHER:
            yield stamps, pictures
            stamps, pictures = [], {side: [] for side in sides}
    if stamps:
        yield stamps, pictures


def held(there: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Find the row that stands at each frame (n,): its own, else the last one before that is there, or -1."""
    return np.maximum.accumulate(np.where(there, np.arange(len(there)), -1))
