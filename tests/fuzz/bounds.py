"""What reading one input may take: five seconds, ten times its size in memory, its own folder on the disk."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HANG_S = 5
MEMORY_TIMES = 10
BASE_BYTES = 32 << 20  # what Python and numpy take at once, however small the input
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_PAGE = resource.getpagesize()
_OTHER_EVENTS = {"os.mkdir", "os.remove", "os.rmdir", "os.rename", "os.truncate", "shutil.rmtree"}


class Writes:
    """Gathers what is written, made or removed outside a folder, by Python's own audit events."""

    def __init__(self, inside: Path):
        self.outside: list[str] = []
        self.watching = False
        self._inside = str(inside.resolve()) + os.sep
        sys.addaudithook(self._seen)

    def _seen(self, event: str, given: tuple[Any, ...]) -> None:
        if not self.watching:
            return
        if event == "open" and (not isinstance(given[2], int) or not given[2] & _WRITES):
            return
        if event != "open" and event not in _OTHER_EVENTS:
            return
        path = given[0]
        if isinstance(path, str | bytes | os.PathLike):
            full = os.path.abspath(os.fsdecode(path))
            if not (full + os.sep).startswith(self._inside) and full != os.devnull:
                self.outside.append(f"{event} {full}")


@contextmanager
def bounded(n_bytes: int, writes: Writes | None = None, *, memory: bool = True) -> Iterator[None]:
    """Let the block run within the bounds: TimeoutError or MemoryError where it does not.

    The address space that is there when it begins may grow by ten times `n_bytes` and 32 MB.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    if memory:
        here = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE
        resource.setrlimit(resource.RLIMIT_AS, (here + MEMORY_TIMES * n_bytes + BASE_BYTES, hard))
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(HANG_S)
    if writes is not None:
        writes.watching = True
    try:
        yield
    finally:
        signal.alarm(0)
        if writes is not None:
            writes.watching = False
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def _late(*_: object) -> None:
    raise TimeoutError
