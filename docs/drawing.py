"""What the window takes, with every panel open and 64 channels: `python docs/drawing.py [SECONDS]`, one JSON.

A virtual headset streams from a process of its own; the session is a live one with its threads. `core_share`
is the share of one core that the window's thread has, with all that Qt paints; `load` is how busy the machine
was before it began.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

from PySide6.QtCore import QSettings, QTimer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiment.compose import LiveChoice, open_live
from gui.docks import ASIDE
from gui.program import Program
from realtime.lsl.discovery import list_all_streams
from realtime.lsl.isolation import isolate
from recordings.session.example import EXAMPLE

CHANNELS, RATE = 64, 250


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

            def open_all() -> None:
                for name in sorted(ASIDE):
                    program.window.page.docks.toggle(name)

            QTimer.singleShot(1000, open_all)
            summary = program.run(session, seconds, stay=False)
    finally:
        headset.kill()
        headset.wait()
    found = {
        "channels": CHANNELS,
        **summary["window"],
        "readings": summary["readings"],
        "load": round(load, 2),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
