"""What the window takes with every panel open and 64 channels: `python docs/drawing.py [SECONDS]`, one JSON.

A virtual headset streams from a process of its own; the session is a live one with its threads. `core_share`
is the share of one core that the window's thread has, with all that Qt paints; `load` is how busy the machine
was before it began. `grown` is by how much memory (MB), open files, threads and widgets differ between the
second and the last quarter of the time, as medians: 3600 for an hour.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import uuid
from pathlib import Path

import numpy as np
import psutil
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiment.compose import LiveChoice, open_live
from gui.docks import ASIDE
from gui.program import Program
from realtime.lsl.discovery import list_all_streams
from realtime.lsl.isolation import isolate
from recordings.session.example import EXAMPLE

CHANNELS, RATE = 64, 250
_LOOK_MS, _BEGIN_MS = 1000, 1000


class Growth:
    """Looks once a second at what must not grow."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._seen: dict[str, list[float]] = {"memory_mb": [], "files": [], "threads": [], "widgets": []}
        self._timer = QTimer(interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self) -> None:
        now = (
            self._process.memory_info().rss / 2**20,
            self._process.num_fds(),
            threading.active_count(),
            len(QApplication.allWidgets()),
        )
        for kept, value in zip(self._seen.values(), now, strict=True):
            kept.append(float(value))

    def found(self) -> dict[str, float]:
        """Return the last quarter less the second one."""
        quarter = max(len(self._seen["files"]) // 4, 1)
        return {
            name: round(float(np.median(seen[-quarter:]) - np.median(seen[quarter : 2 * quarter])), 2)
            for name, seen in self._seen.items()
        }


def open_all(program: Program) -> None:
    """Show what comes when it is asked for, each beside the others and none behind a tab."""
    page = program.window.page
    assert page is not None
    for number, name in enumerate(sorted(ASIDE)):
        page.docks.toggle(name)
        if number:
            page.docks.toggle_floating(name)


def main(seconds: float = 20.0) -> None:
    load = os.getloadavg()[0]
    isolate()
    source_id = f"phosphene-drawing-{uuid.uuid4().hex[:8]}"
    command = ["headset", "--channels", f"{CHANNELS}", "--rate", f"{RATE}", "--source-id", source_id]
    headset = subprocess.Popen([sys.executable, "-m", "phosphene", *command], stderr=subprocess.DEVNULL)
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings = QSettings(f"{folder}/layout.ini", QSettings.Format.IniFormat)
            while not any(stream.source_id == source_id for stream in list_all_streams()):
                pass
            program = Program(Path(folder), settings=settings)
            program.window.resize(1920, 1080)
            session = open_live(LiveChoice(f"source_id={source_id}", str(EXAMPLE / "stimulus.mkv")))
            growth = Growth()
            QTimer.singleShot(_BEGIN_MS, lambda: open_all(program))
            summary = program.run(session, seconds, stay=False)
            assert summary is not None
    finally:
        headset.kill()
        headset.wait()
    found = {
        "channels": CHANNELS,
        **summary["window"],
        "readings": summary["readings"],
        "grown": growth.found(),
        "load": round(load, 2),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
