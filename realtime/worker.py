"""A thread that calls one step again and again and leaves the exception that ends it as data."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from realtime.errors import WorkerFailed

_log = logging.getLogger(__name__)


class Worker:
    """Runs `step` in a daemon thread until it returns False, raises, or `stop` is called.

    Parameters
    ----------
    name : str
        Names the thread and stands in the error a failure becomes.
    step : callable
        Called in the worker's thread without pause, so it must block for a while when there is nothing
        to do. Returning False ends the worker; any other value goes on.
    on_exit : callable, optional
        Called once in the worker's thread when it ends, however it ends: the place to close what the
        thread owns (an LSL inlet belongs to one thread).
    """

    def __init__(self, name: str, step: Callable[[], bool | None], on_exit: Callable[[], None] | None = None):
        self.name = name
        self.failure: BaseException | None = None
        self._step = step
        self._on_exit = on_exit
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Worker:
        """Start the thread."""
        self._thread.start()
        return self

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Ask the thread to end and wait for it; False where it did not within `timeout_s`."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        """Rest inside a step for so long, or until `stop` is called."""
        self._stopping.wait(seconds)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def raise_failure(self) -> None:
        """Raise `WorkerFailed` from the exception that ended the worker, if one did."""
        if self.failure is not None:
            raise WorkerFailed(f"{self.name} stopped: {self.failure}") from self.failure

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._step() is False:
                    break
        except BaseException as failure:
            self.failure = failure
            _log.debug("worker %s failed", self.name, exc_info=True)
        finally:
            if self._on_exit is not None:
                try:
                    self._on_exit()
                except Exception as failure:
                    self.failure = self.failure or failure
