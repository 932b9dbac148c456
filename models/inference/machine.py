"""What this machine is, and how many of its cores the network may have."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import psutil
import torch
from threadpoolctl import threadpool_limits

_LEFT_FOR_OTHERS = 2  # the window draws on one core, streams and scoring's Python share another


def n_threads() -> int:
    """Threads one operation may use while the program is live.

    Threads that wait for each other at every small operation lose more than they win as soon as the window
    or another program takes a core from one of them (docs/performance.md), so two cores are left alone.
    """
    return max(1, n_cores() - _LEFT_FOR_OTHERS)


def n_cores() -> int:
    """Return how many cores this process may run on: all of them where the system cannot say which."""
    process = psutil.Process()
    if hasattr(process, "cpu_affinity"):  # not on macOS
        return len(process.cpu_affinity()) or 1
    return psutil.cpu_count() or 1


def share_cores() -> int:
    """Hold torch and BLAS to `n_threads` in this process, from here on; gives the number."""
    torch.set_num_threads(n_threads())
    threadpool_limits(limits=n_threads(), user_api="blas")
    return n_threads()


class Spent(NamedTuple):
    """Readings of clocks, s: the wall's, the work of all cores this process may use, and its own of that."""

    wall: float
    cores: float
    own: float


def spent() -> Spent:
    """Read them."""
    process = psutil.Process()
    here = set(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else None  # not on macOS
    cores = [t for k, t in enumerate(psutil.cpu_times(percpu=True)) if here is None or k in here]
    idle = ("idle", "iowait", "guest", "guest_nice")  # guests are counted among user's work already
    at_work = sum(sum(t) - sum(getattr(t, kind, 0.0) for kind in idle) for t in cores)
    own = process.cpu_times()
    return Spent(time.monotonic(), at_work, own.user + own.system)


class FreeCores:
    """Has torch use no more threads than others leave cores, while something long is computed.

    Threads of an operation wait for each other without sleeping. Where another program takes the core of one
    of two, a step of a training takes ten times as long as alone, and on a single thread not twice as long
    (docs/performance.md).

    Parameters
    ----------
    most : int, optional
        Threads at most; as many as torch has now by default.
    read : callable
        Reads the clocks.
    """

    FIRST_S, EVERY_S = 0.2, 1.0

    def __init__(self, most: int | None = None, read: Callable[[], Spent] = spent) -> None:
        self.most = most or torch.get_num_threads()
        self._read, self._before, self._wait_s = read, read(), self.FIRST_S

    def share(self) -> None:
        """Look how much others have taken since the last look, at most once in `EVERY_S`, and adapt.

        The first look comes after `FIRST_S`.
        """
        now, before = self._read(), self._before
        wall = now.wall - before.wall
        if wall < self._wait_s:
            return
        self._before, self._wait_s = now, self.EVERY_S
        others = (now.cores - before.cores - (now.own - before.own)) / wall
        threads = min(self.most, max(1, round(n_cores() - others)))
        if threads != torch.get_num_threads():
            torch.set_num_threads(threads)

    def end(self) -> None:
        """Give torch its threads back."""
        torch.set_num_threads(self.most)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold numpy's and scipy's algebra to one thread meanwhile, in the whole process.

    Several wait for each other at every small decomposition: beside another program that is busy two took 25
    times as long on two cores (docs/performance.md).
    """
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@cache
def processor() -> str:
    """Give the CPU's name, as the system tells it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


@cache
def accelerator() -> str:
    """Give the first NVIDIA GPU's name; empty where torch sees none."""
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""


@cache
def machine() -> str:
    """One line that names what a compiled file, or a time, belongs to."""
    capability = torch.backends.cpu.get_cpu_capability()
    parts = [processor(), f"{os.cpu_count()} cores", capability, accelerator()]
    return ", ".join(part for part in parts if part)
