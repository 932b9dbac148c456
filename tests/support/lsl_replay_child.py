"""Streams a session over LSL: `python -m tests.support.lsl_replay_child FOLDER [SPEED [loop]]`.

Prints `ready` once its streams can be found, plays when a line comes on its standard input, then prints when
it began (seconds on the LSL clock) and, at the end, what it sent as JSON. Ends when its input is closed.
"""

from __future__ import annotations

import json
import sys
import threading

from realtime.time.clock import LslClock
from recordings.lsl_replay import LslReplay
from recordings.session.session import Session

LEAD_S = 0.2


def main(folder: str, speed: str = "1", loop: str = "") -> None:
    closed = threading.Event()
    with Session(folder) as session:
        replay = LslReplay(session, float(speed))
        print("ready", flush=True)
        sys.stdin.readline()
        threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
        clock = LslClock()
        print(clock.now() + LEAD_S, flush=True)
        print(json.dumps(replay.play(clock, closed.is_set, bool(loop), LEAD_S)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
