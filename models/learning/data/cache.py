"""What is computed once from a session and kept on disk: its table on the grids, its frames' embeddings.

    SESSION/.phosphene/table-<key>/{about.json, eeg.npy, eeg_valid.npy, eeg_scale.npy, …}
    SESSION/.phosphene/frames-<key>.npy, features-<key>.npy

A key is a hash of all that the content depends on, so nothing here can be stale: another band, another
encoder or a changed recording has another key. Where a session's folder cannot be written, the user's cache
folder takes its place. Files appear whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.config import ConditioningConfig, GridConfig
from recordings.intervals import SessionIntervals
from recordings.session.session import Session

_FORMAT = 3
_ARRAYS = ("eeg", "eeg_valid", "eeg_scale", "position", "shown", "at_points")


def digest(*parts: Any) -> str:
    """Return a short hash of things that can be written as JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def fingerprint(path: Path) -> list[Any]:
    """Say what tells a file from a later version of it."""
    stat = path.stat()
    return [path.name, stat.st_size, stat.st_mtime_ns]


def content_id(path: Path) -> str:
    """Say what tells a recording from another wherever it is copied: its length and its beginning."""
    with path.open("rb") as file:
        return digest(path.stat().st_size, hashlib.sha256(file.read(1 << 16)).hexdigest())


def cache_folder(session: Path, cache: Path | None = None) -> Path:
    """Where a session's cache lies: `cache` if given, else beside the session, else in the user's cache."""
    session = session.resolve()
    if cache is None and os.access(session, os.W_OK):
        return session / ".phosphene"
    root = cache or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "phosphene"
    return root / f"{session.name}-{digest(str(session))}"


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Return a temporary path beside `target` that takes its place when the block ends without an error."""
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    inner = work / target.name
    try:
        yield inner
        if target.is_dir():  # somebody else was faster: a key has but one content
            return
        os.replace(inner, target)
    finally:
        shutil.rmtree(work, ignore_errors=True)


class Rows:
    """The rows of a `.npy` file, read as they are asked for; nothing of it stays in memory unless it is held.

    Attributes
    ----------
    shape : tuple of int
        Of the whole array.
    n_bytes : int
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        array = np.load(path, mmap_mode="r")
        self.shape: tuple[int, ...] = array.shape
        self._dtype, self._offset = array.dtype, array.offset
        self._row, self.n_bytes = math.prod(self.shape[1:]), array.nbytes
        self._held: NDArray[Any] | None = None

    def hold(self) -> None:
        """Keep all of it in memory from now on."""
        self._held = np.load(self.path)
        self._held.setflags(write=False)

    def take(self, positions: NDArray[np.int64]) -> NDArray[Any]:
        """Copy of the rows at positions (n,), shape (n, ...)."""
        if self._held is not None:
            return self._held[positions]
        start = int(positions.min())
        return self.read(start, int(positions.max()) + 1)[positions - start]

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows [start, stop), shape (stop - start, ...), not to be changed."""
        if self._held is not None:
            return self._held[start:stop]
        offset = self._offset + start * self._row * self._dtype.itemsize
        flat = np.fromfile(self.path, self._dtype, (stop - start) * self._row, offset=offset)
        return flat.reshape(-1, *self.shape[1:])


@dataclass(frozen=True)
class TableFile:
    """A session's table on disk.

    Attributes
    ----------
    first : int
        Slot of the first row, counted from time 0 of the session's clock.
    n_slots : int
    labels : tuple of str
    n_frames : int
        Stamped frames; `position` counts in them.
    """

    folder: Path
    first: int
    n_slots: int
    labels: tuple[str, ...]
    n_frames: int
    arrays: Mapping[str, Rows]

    def read(self, name: str, start: int, stop: int) -> NDArray[Any]:
        """Rows [start, stop), shape (stop - start, ...), of the array of this name, not to be changed."""
        return self.arrays[name].read(start, stop)


class Holdable(Protocol):
    """What may be kept in memory: how many bytes it takes there, and a way to keep it."""

    n_bytes: int

    def hold(self) -> None:
        """Keep all of it in memory from now on."""
        ...


def hold_what_fits(rows: Sequence[Holdable], most: int) -> bool:
    """Keep these in memory if all of them together are of at most so many bytes; says whether they are."""
    fits: bool = sum(each.n_bytes for each in rows) <= most
    for each in rows if fits else ():
        each.hold()
    return fits


def session_table(
    session: Session,
    conditioning: ConditioningConfig,
    grid: GridConfig,
    cache: Path | None = None,
    eeg: str = "",
    video: str = "",
    making: Callable[[], None] | None = None,
) -> TableFile:
    """Return the session's table, computed now or before.

    Parameters
    ----------
    making : callable, optional
        Called where it has to be computed now.

    Raises
    ------
    SessionError, StreamFormatError
    """
    timing = grid.model_dump(include={"interval_s", "lag_s", "eeg_hz", "slots_hz", "max_hold_s"})
    key = digest(_FORMAT, fingerprint(session.path), conditioning.model_dump(), timing, eeg, video)
    folder = cache_folder(session.folder, cache) / f"table-{key}"
    if not folder.is_dir():
        if making is not None:
            making()
        intervals = SessionIntervals(session, conditioning, grid, eeg, video)
        table = intervals.table()
        with whole(folder) as work:
            work.mkdir()
            for name in _ARRAYS:
                np.save(work / f"{name}.npy", getattr(table, name))
            about = {
                "first": table.first,
                "n_slots": len(table.shown),
                "labels": list(intervals.labels),
                "n_frames": len(intervals.frame_stamps),
            }
            (work / "about.json").write_text(json.dumps(about))
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    arrays = {name: Rows(folder / f"{name}.npy") for name in _ARRAYS}
    return TableFile(
        folder, about["first"], about["n_slots"], tuple(about["labels"]), about["n_frames"], arrays
    )
