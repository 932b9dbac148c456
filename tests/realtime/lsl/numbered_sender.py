"""A sender of numbered samples in a process of its own: channel 0 of each sample is its number.

    python -m tests.realtime.lsl.numbered_sender '{"name": "amp", "source_id": "amp-1", "jump_s": 20}'

Ends with its standard input.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import dataclass, field

import numpy as np
import pylsl

LABELS = ("Fz", "Cz", "Pz", "Oz")


@dataclass(frozen=True)
class Sending:
    """What is sent.

    Attributes
    ----------
    jump_at, jump_s : float
        Seconds after the start at which the stamps leap, and by how much.
    nan_at : int
        Number of the sample whose stamp is no number.
    """

    name: str
    source_id: str = ""
    type: str = "EEG"
    rate: int = 250
    format: str = "float32"
    labels: tuple[str, ...] = LABELS
    jump_at: float = 2.0
    jump_s: float = 0.0
    nan_at: int = -1
    rows: tuple[dict[str, str], ...] = field(default=())


def outlet_of(sending: Sending) -> pylsl.StreamOutlet:
    """Open the outlet, with a description that holds more than labels."""
    n = len(sending.labels)
    info = pylsl.StreamInfo(sending.name, sending.type, n, sending.rate, sending.format, sending.source_id)
    info.desc().append_child_value("manufacturer", "Ünit & Söhne")
    channels = info.desc().append_child("channels")
    for k, label in enumerate(sending.labels):
        channel = channels.append_child("channel")
        row = {"label": label, "unit": "microvolts", "type": "EEG"}
        for key, value in (row | (sending.rows[k] if sending.rows else {})).items():
            channel.append_child_value(key, value)
    return pylsl.StreamOutlet(info, max_buffered=360)


def send(sending: Sending, ended: threading.Event) -> None:
    """Push every sample that is due, until `ended`."""
    outlet, begun, n = outlet_of(sending), pylsl.local_clock(), 0
    print("ready", flush=True)
    while not ended.wait(0.02):
        due = int((pylsl.local_clock() - begun) * sending.rate)
        for k in range(n, due):
            stamp = begun + k / sending.rate
            if sending.jump_s and stamp - begun > sending.jump_at:
                stamp += sending.jump_s
            values = np.concatenate([[k], np.sin(k / 5 + np.arange(len(sending.labels) - 1)) * 20])
            if sending.format.startswith("int"):
                values = np.round(values)
            outlet.push_sample(values.tolist(), float("nan") if k == sending.nan_at else stamp)
        n = max(n, due)


def main() -> None:
    """Send until standard input closes."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    send(Sending(**json.loads(sys.argv[1])), ended)
    time.sleep(0.05)


if __name__ == "__main__":
    main()
