"""A sender of EEG for the bench: any number of channels at any rate, without making the machine work for it.

    python -m models.bench.sender SOURCE_ID CHANNELS RATE

It sends the same second of noise again and again, thirty-two chunks a second, until it is ended.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pylsl

from realtime.lsl.outlet import open_outlet

_CHUNKS_HZ = 32


def send(source_id: str, n_channels: int, rate: int) -> None:
    """Send until the process is ended, each sample at its time."""
    info = pylsl.StreamInfo("Bench", "EEG", n_channels, rate, "float32", source_id)
    channels = info.desc().append_child("channels")
    for number in range(n_channels):
        channel = channels.append_child("channel")
        for key, value in (("label", f"E{number + 1}"), ("unit", "microvolts"), ("type", "EEG")):
            channel.append_child_value(key, value)
    outlet = open_outlet(info, max_buffered=10)
    noise = np.random.default_rng(0).normal(0, 20, (rate, n_channels)).astype(np.float32)
    noise = np.concatenate([noise, noise])
    start, sent = pylsl.local_clock(), 0
    while True:
        due = int((pylsl.local_clock() - start) * rate)
        if due > sent:
            first = sent % rate
            n = min(due - sent, rate)
            outlet.push_chunk(noise[first : first + n], start + (sent + n) / rate)
            sent += n
        time.sleep(1 / _CHUNKS_HZ)


if __name__ == "__main__":
    send(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
