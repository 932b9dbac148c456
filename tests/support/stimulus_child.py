"""Plays a film and prints what it hands on: `python -m tests.support.stimulus_child FILM [SCREEN]`, one JSON.

`frames` are (number in the source, number on the picture, stamp).
"""

from __future__ import annotations

import json
import sys
import threading

from PySide6.QtCore import QTimer

from gui.app import application
from gui.stimulus.player import StimulusPlayer
from tests.support.pictures.numbered import read_number


def main(film: str, screen: str = "") -> None:
    app = application()
    player = StimulusPlayer(film, int(screen) if screen else None)
    info = player.open()
    frames = []

    def read() -> None:
        while not player.finished:
            if (frame := player.read(0.1)) is not None:
                frames.append((frame.seq, read_number(frame.image), frame.stamp))
        player.close()

    reader = threading.Thread(target=read)
    reader.start()
    timer = QTimer(interval=20)
    timer.timeout.connect(lambda: reader.is_alive() or app.quit())
    timer.start()
    app.exec()
    health = player.health()
    print(
        json.dumps(
            {
                "frames": frames,
                "stamp_source": info.stamp_source,
                "state": health.state.value,
                "dropped": health.dropped,
                "screen": player.screen_name,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
