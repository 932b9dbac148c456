"""The other process: compiles a network's stages into the folder of compiled files, on idle time.

    python -m models.inference.beside.build NETWORK FOLDER N_VIDEOS

It tells what came of it as one line of JSON, and ends when its standard input does: its parent has gone.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from functools import partial
from pathlib import Path

import psutil
import torch

from models.inference.machine import share_cores
from models.inference.stages import compile_stages


def build(network: Path, folder: Path, n_videos: int) -> None:
    """Compile what `auto` compiles, and print how it went."""
    _stand_back()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    share_cores()
    module = torch.load(network, weights_only=False)  # of the parent's own writing, in a folder of its own
    compiled = compile_stages(
        module, "auto", folder=folder, progress=partial(print, file=sys.stderr), n_videos=n_videos
    )
    print(json.dumps({"label": compiled.label, "notes": compiled.notes}), flush=True)


def _stand_back() -> None:
    """Run only while a core has nothing else to do, or as near to that as the system knows."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    elif sys.platform == "win32":
        psutil.Process().nice(psutil.IDLE_PRIORITY_CLASS)
    else:
        os.nice(19)


def _end_with_parent() -> None:
    while os.read(0, 1024):  # not sys.stdin: a thread that waits in it keeps the interpreter from ending
        pass
    os._exit(1)


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
