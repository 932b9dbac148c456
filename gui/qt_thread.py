"""Runs something in Qt's own thread, whichever thread asks: windows may be made nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QObject, Qt, QThread, QTimer, Signal, Slot

T = TypeVar("T")
_LOOK_MS = 20


class _Caller(QObject):
    """Lives in Qt's thread and calls what it is sent."""

    called = Signal(object)

    def __init__(self, app: QCoreApplication):
        super().__init__()
        self.moveToThread(app.thread())
        self.called.connect(self._call, Qt.ConnectionType.QueuedConnection)

    @Slot(object)
    def _call(self, job: tuple[Callable[[], Any], Future[Any]]) -> None:
        action, result = job
        try:
            result.set_result(action())
        except BaseException as failure:
            result.set_exception(failure)


def in_qt_thread(action: Callable[[], T]) -> T:
    """Return what `action` returns, called in Qt's thread, which has to run its event loop meanwhile.

    Raises
    ------
    BaseException
        Whatever `action` raised.
    """
    app = QCoreApplication.instance()
    if app is None or QThread.currentThread() is app.thread():
        return action()
    caller, result = _Caller(app), Future[T]()
    caller.called.emit((action, result))
    return result.result()


def beside(job: Callable[[], T], done: Callable[[Future[T]], object], parent: QObject) -> None:
    """Do a job in a thread of its own, and call `done` with its result in Qt's thread.

    `parent` is what the result is for: where that goes first, nothing is called.
    """
    pool = ThreadPoolExecutor(1)
    result = pool.submit(job)
    pool.shutdown(wait=False)
    timer = QTimer(parent, interval=_LOOK_MS)

    def look() -> None:
        if result.done():
            timer.stop()
            timer.deleteLater()
            done(result)

    timer.timeout.connect(look)
    timer.start()
