"""Minutes of wall time with the real window: `phosphene record` as it is, its sender in another process.

64 channels at 1000 Hz and a film of 30 frames a second are recorded while they are shown; looked at from
inside, every ten seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import psutil
from PySide6.QtCore import QTimer

import phosphene
from gui.app import application
from gui.pages.session_page import SessionPage
from tests.soak.picture import Kind, Seen, note
from tests.support.window.film import small_film
from tests.support.window.user import shown
from tests.support.x_display import x_display

KIND = Kind(
    name="soak_window",
    of="a session in its window",
    curves={
        "memory_mb": ("memory, MB", 30.0),
        "handles": ("open handles", 2),
        "threads": ("threads", 1),
        "latency_ms": ("from an interval's end to its reading, ms (median of ten seconds)", 20.0),
    },
    warm_s=300.0,
    stretch_s=300.0,
)
_EVERY_S = 10.0
_CHANNELS, _RATE = 64, 1000


def soak(minutes: float, folder: Path) -> Seen:
    """Run it; returns what was seen every ten seconds, by name."""
    film = small_film(folder / "film.mkv", 60 * minutes + 60)
    source_id = f"phosphene-soak-{uuid.uuid4().hex[:8]}"
    words = [
        "record", str(folder / "out"), "--eeg", f"source_id={source_id}", "--video", str(film),
        "--seconds", str(60 * minutes), "--json",
    ]  # fmt: skip
    with x_display("1280x800") as display, _sender(source_id):
        os.environ |= {"DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
        application()
        looker = Looker()
        with mock.patch.object(sys, "argv", ["phosphene", *words]):
            try:
                phosphene.main()
            except SystemExit as end:
                if end.code:
                    raise RuntimeError(f"the session ended with {end.code}") from end
        looker.stop()
    return looker.seen


class Looker:
    """Looks at this process and at the window's session, in the window's own thread."""

    def __init__(self) -> None:
        self.seen: Seen = {}
        self._process = psutil.Process()
        self._begun = 0.0
        self._timer = QTimer(interval=round(1000 * _EVERY_S))
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def stop(self) -> None:
        """Look no more."""
        self._timer.stop()

    def _look(self) -> None:
        page = shown(SessionPage)
        if not isinstance(page, SessionPage) or not page.view.history(_EVERY_S):
            return
        now = page.view.now()
        self._begun = self._begun or now
        latencies = [reading.latency_ms for reading in page.view.history(_EVERY_S)]
        note(
            self.seen,
            {
                "hours": (now - self._begun) / 3600,
                "memory_mb": self._process.memory_info().rss / 2**20,
                "handles": self._process.num_fds(),
                "threads": self._process.num_threads(),
                "latency_ms": float(np.median(latencies)),
            },
        )


@contextmanager
def _sender(source_id: str) -> Iterator[None]:
    child = subprocess.Popen(
        [sys.executable, "-m", "models.bench.sender", source_id, str(_CHANNELS), str(_RATE)]
    )
    try:
        yield
    finally:
        child.kill()
        child.wait()
