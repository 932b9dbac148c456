"""Keeps a library from leaving the stack on which signals are handled in memory that it will free."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """`stack_t` of sigaltstack(2) on Linux."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def own_signal_stack() -> Iterator[None]:
    """Give this thread back its alternate signal stack after the block. Linux only; elsewhere nothing.

    OpenVINO (2026.4.1) puts one of its own in place when it compiles a network. When the network goes it puts
    back what was there before, which may be that of a network that went earlier: the next Ctrl-C is then
    handled in memory that is gone, and the process dies.
    """
    if not sys.platform.startswith("linux"):
        yield
        return
    libc, before = ctypes.CDLL(None), _Stack()
    libc.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        libc.sigaltstack(ctypes.byref(before), None)
