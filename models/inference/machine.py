"""What this machine is, and how many of its cores the network may have."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

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


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold numpy's and scipy's algebra to one thread meanwhile, in the whole process.

    Several wait for each other at every small decomposition: beside one other busy process two threads took
    200 times as long as one (132 columns, two cores).
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
