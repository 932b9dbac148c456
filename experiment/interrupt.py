"""Ctrl-C and requests to end, as an event: what is open is closed in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")  # the last is Windows' own


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """Turn Ctrl-C, or the system's request to end, into an event while the body runs.

    Outside the main thread, where Python allows no handlers, the event is never set.
    """
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    kept = {number: signal.signal(number, lambda *_: event.set()) for number in numbers}
    try:
        yield event
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
