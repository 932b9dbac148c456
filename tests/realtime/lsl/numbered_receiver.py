"""Receives numbered samples by this program and by a plain liblsl inlet beside it, in a process of its own.

    python -m tests.realtime.lsl.numbered_receiver NAME LOST_S

Prints "ready", then at the end of its standard input what both have received, as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import numpy as np
import pylsl

from realtime.lsl.eeg import LslEeg, StreamSelector
from realtime.types import StreamState

PATIENCE_S = 20.0


class Count:
    """First and last number that came, how many came, and how many are missing between."""

    def __init__(self) -> None:
        self.first = self.last = -1
        self.n = self.missing = 0

    def add(self, numbers: np.ndarray) -> None:
        if not len(numbers):
            return
        steps = np.diff(numbers, prepend=self.last) if self.n else np.diff(numbers)
        self.missing += int(np.sum(steps - 1))
        self.first = self.first if self.n else int(numbers[0])
        self.n, self.last = self.n + len(numbers), int(numbers[-1])


def receive(name: str, lost_s: float, ended: threading.Event) -> dict[str, Any]:
    """Read both until `ended`; what came to each."""
    source = LslEeg(StreamSelector(name=name), resolve_s=PATIENCE_S, lost_s=lost_s)
    source.open()
    (found,) = pylsl.resolve_byprop("name", name, timeout=PATIENCE_S)
    inlet = pylsl.StreamInlet(found, max_buflen=360, recover=True)
    inlet.open_stream(timeout=PATIENCE_S)
    ours, plain, was_lost = Count(), Count(), False
    print("ready", flush=True)
    while not ended.is_set():
        if (chunk := source.read(0.02)) is not None:
            ours.add(chunk.samples[:, 0].astype(int))
        if samples := inlet.pull_chunk(max_samples=4096)[0]:
            plain.add(np.array(samples)[:, 0].astype(int))
        was_lost = was_lost or source.health().state is StreamState.LOST
    health = source.health()
    source.close()
    return {
        "ours": vars(ours), "plain": vars(plain), "was_lost": was_lost, "state": health.state.name,
        "warnings": health.warnings,
    }  # fmt: skip


def main() -> None:
    """Receive until standard input closes."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print(json.dumps(receive(sys.argv[1], float(sys.argv[2]), ended)), flush=True)


if __name__ == "__main__":
    main()
