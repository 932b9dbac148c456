"""A file that is written for hours, and put back to its place where somebody takes it away."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path

_BLOCK = 1 << 20


class Whereabouts(Enum):
    """Where the file is that is being written."""

    THERE = "there"
    MOVED = "moved"
    DELETED = "deleted"


class HeldFile:
    """A new file, open for writing: each `write` has reached the operating system when it returns.

    Libraries that write to a file of Python's can write to it.

    Parameters
    ----------
    path : Path
        Must not exist yet.

    Raises
    ------
    OSError
        It exists already, or cannot be made.
    """

    def __init__(self, path: Path):
        self.path = path
        self.name = str(path)  # PyAV asks for it
        self._fd = _make(path)

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data` where the file stands; returns how many bytes that were.

        Raises
        ------
        OSError
            The disk does not take it; part of it may be there.
        """
        left = memoryview(data)
        while left:  # one call unless the disk is full or a signal comes between
            left = left[os.write(self._fd, left) :]
        return len(data)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Stand elsewhere; returns the place."""
        return os.lseek(self._fd, offset, whence)

    def tell(self) -> int:
        """Return the place where the file stands."""
        return os.lseek(self._fd, 0, os.SEEK_CUR)

    def cut(self, n_bytes: int) -> None:
        """Leave the first bytes alone, and stand at their end."""
        os.ftruncate(self._fd, n_bytes)
        self.seek(n_bytes)

    def flush(self) -> None:
        """Have the disk take everything now."""
        os.fsync(self._fd)

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._fd < 0

    def close(self) -> None:
        """Close it; a second call does nothing."""
        if not self.closed:
            os.close(self._fd)
            self._fd = -1

    @property
    def whereabouts(self) -> Whereabouts:
        """Whether the file is still where it was made."""
        try:
            there = os.path.samestat(os.stat(self.path), os.fstat(self._fd))
        except OSError:
            there = False
        if there:
            return Whereabouts.THERE
        return Whereabouts.MOVED if os.fstat(self._fd).st_nlink else Whereabouts.DELETED

    @property
    def place(self) -> Path:
        """Where the file is now, if this system can tell; else where it was made."""
        if self.closed or self.whereabouts is not Whereabouts.MOVED:
            return self.path
        try:
            return Path(os.readlink(f"/proc/self/fd/{self._fd}"))
        except OSError:
            return self.path

    def write_again(self) -> None:
        """Put a copy of the whole file to where it was made, and go on there.

        Another file that stands there by now is kept beside it, as NAME.other.

        Raises
        ------
        OSError
            The disk does not take it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            self.path.rename(f"{self.path}.other")
        place, new = self.tell(), _make(self.path)
        at = 0
        while block := os.pread(self._fd, _BLOCK, at):
            at += os.write(new, block)
        os.fsync(new)
        os.lseek(new, place, os.SEEK_SET)
        os.close(self._fd)
        self._fd = new


def _make(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o644)
