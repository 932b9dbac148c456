"""A sender that does as it is told: `python -m tests.faults.sender NAME SOURCE_ID [LABEL …]`.

The last channel carries each sample's number. Lines of JSON on standard input say what to do next:
{"do": "spoil", "channel": 0, "with": "nan", "s": 1}, {"do": "jump", "s": 20}, {"do": "skip", "s": 1},
{"do": "pause", "s": 0.5}, {"do": "nan_stamp"}. Ends with its standard input.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
import pylsl

RATE = 250
SPOILS = {"nan": float("nan"), "inf": float("inf"), "1e9": 1e9, "constant": 7.0, "rail": 187_500.0}


def row_of(number: int | np.ndarray, n_eeg: int) -> np.ndarray:
    """Values of the electrodes at a sample, or at several (n,) as rows (n, n_eeg); µV."""
    n, channel = np.asarray(number)[..., None], np.arange(n_eeg)
    return 20 * np.sin(2 * np.pi * (10 * n / RATE + channel / 8)) + np.cos(n * (channel + 1))


class Sender:
    """Pushes every sample that is due."""

    def __init__(self, name: str, source_id: str, labels: list[str]):
        info = pylsl.StreamInfo(name, "EEG", len(labels) + 1, RATE, "float32", source_id)
        channels = info.desc().append_child("channels")
        for label, type in (*((label, "EEG") for label in labels), ("Number", "MISC")):
            channel = channels.append_child("channel")
            for key, value in (("label", label), ("unit", "microvolts"), ("type", type)):
                channel.append_child_value(key, value)
        self.outlet = pylsl.StreamOutlet(info, max_buffered=360)
        self.n_eeg, self.begun, self.number = len(labels), pylsl.local_clock(), 0
        self.shift, self.quiet_until, self.nan_stamp = 0.0, 0.0, False
        self.spoils: list[tuple[int, int, float]] = []  # up to which sample, where, what

    def obey(self, order: dict[str, Any]) -> None:
        now = pylsl.local_clock()
        match order["do"]:
            case "spoil":
                until = self.number + round(order["s"] * RATE)
                self.spoils.append((until, order["channel"], SPOILS[order["with"]]))
            case "jump":
                self.shift += order["s"]
            case "skip":
                self.number += round(order["s"] * RATE)
                self.quiet_until = now + order["s"]
            case "pause":
                self.quiet_until = now + order["s"]
            case "nan_stamp":
                self.nan_stamp = True

    def push(self) -> None:
        now = pylsl.local_clock()
        if now < self.quiet_until:
            return
        while self.number < (now - self.begun) * RATE:
            n = self.number
            row = row_of(n, self.n_eeg)
            for until, channel, value in self.spoils:
                row[channel] = value if n < until else row[channel]
            stamp = float("nan") if self.nan_stamp else self.begun + n / RATE + self.shift
            self.nan_stamp = False
            self.outlet.push_sample([*row.tolist(), float(n)], stamp)
            self.number += 1


def main(name: str, source_id: str, *labels: str) -> None:
    sender = Sender(name, source_id, list(labels) or ["Fz", "Cz", "Pz", "Oz"])
    orders: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            orders.put(line)
        orders.put("")

    threading.Thread(target=listen, daemon=True).start()
    print("ready", flush=True)
    while True:
        try:
            line = orders.get_nowait()
            if not line:
                return
            sender.obey(json.loads(line))
        except Empty:
            pass
        sender.push()
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
