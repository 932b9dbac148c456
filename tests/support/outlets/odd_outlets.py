"""Senders as they occur in the field: `python -m tests.support.outlets.odd_outlets PREFIX [RATE]`.

Source ids are PREFIX-kind. Channel 0 carries the sample's number where the format can. Prints `ready` once
all can be found, and ends when its standard input is closed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import pylsl

RATE, CHUNK = float((*sys.argv[2:], 250)[0]), 10


def outlet(
    prefix: str, kind: str, format: str, name: str = "", type: str = "EEG", rate: float = RATE
) -> pylsl.StreamOutlet:
    info = pylsl.StreamInfo(name or f"{prefix}-{kind}", type, 3, rate, format, f"{prefix}-{kind}")
    if kind in ("unix", "double"):
        info.set_channel_labels(["Fz", "Cz", "Fz"])
        info.set_channel_units("microvolts")
        info.set_channel_types("EEG")
    return pylsl.StreamOutlet(info)


def main(prefix: str) -> None:
    device = f"{prefix}-device"
    senders: list[tuple[pylsl.StreamOutlet, float, Callable[[np.ndarray], object]]] = []
    unix = time.time() - time.monotonic()

    def add(
        kind: str, format: str, values: Callable[[np.ndarray], object], shift: float = 0.0, **more: object
    ) -> None:
        senders.append((outlet(prefix, kind, format, **more), shift, values))  # type: ignore[arg-type]

    def numbers(number: np.ndarray) -> np.ndarray:
        return np.stack([number, number * 0 + 1, number * 0 - 1], axis=1)

    add("unix", "float32", numbers, shift=unix)
    add("double", "double64", lambda n: numbers(n) + 1e-7)
    add("count", "int32", numbers)
    add("string", "string", lambda n: [[str(k)] * 3 for k in n])
    add("irregular", "float32", numbers, rate=0.0)
    add("twin-a", "float32", numbers, name=f"{prefix}-twin")
    add("twin-b", "float32", numbers, name=f"{prefix}-twin")
    add("device-eeg", "float32", numbers, name=device)
    add("device-acc", "float32", numbers, name=device, type="ACC")

    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    print("ready", flush=True)
    start, first = time.monotonic(), 0
    while not closed.wait(max(0.0, start + (first + CHUNK) / RATE - time.monotonic())):
        number = np.arange(first, first + CHUNK)
        for sender, shift, values in senders:
            sender.push_chunk(values(number), (start + shift + number / RATE).tolist())
        first += CHUNK


if __name__ == "__main__":
    main(sys.argv[1])
