"""Ten senders, one of each format and some more: what each sample holds follows from its number.

    python -m tests.support.outlets.format_senders PREFIX

Prints what it began at (its clock, `repr`), and ends with its standard input.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np
import pylsl

RATE = 100.0
FORMATS = ("float32", "double64", "int8", "int16", "int32", "int64", "string", "float32", "int16", "double64")
DTYPES = {"float32": "f4", "double64": "f8", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8"}
N_CHANNELS = 3


def values(format: str, numbers: np.ndarray) -> Any:
    """Return samples (n, N_CHANNELS) of these numbers, up to the ends of the format's range."""
    if format == "string":
        return [[f"{n}", "Größe ☃ <&>\n", f"{'x' * (n % 300)}"] for n in numbers]
    dtype = np.dtype(DTYPES[format])
    if dtype.kind == "i":
        ends = np.iinfo(dtype)
        whole = map(int, numbers)
        return np.array(
            [[n % (int(ends.max) + 1), ends.max - n % 100, ends.min + n % 100] for n in whole], dtype
        )
    tiny, odd = np.finfo(dtype).smallest_subnormal, np.array([np.nan, np.inf, -0.0, 1e-3])
    columns = np.sin(numbers) * 30, numbers * tiny, odd[numbers % 4]
    return np.stack(columns, axis=1).astype(dtype)


def described(prefix: str, number: int) -> pylsl.StreamInfo:
    """Return the description of a sender, with more in it than anybody reads."""
    format = FORMATS[number]
    type = "EEG" if number in (0, 8) else "Markers" if format == "string" else ""
    rate = 0.0 if number in (6, 9) else RATE
    info = pylsl.StreamInfo(f"{prefix}-{number}", type, N_CHANNELS, rate, format, f"{prefix}-{number}")
    channels = info.desc().append_child("channels")
    for name in ("Fz", "Cz", "Pz"):
        channel = channels.append_child("channel")
        channel.append_child_value("label", name)
        channel.append_child_value("unit", "µV" if number < 5 else "microvolts")
        channel.append_child_value("impedance_kΩ", "4 < 5 & more")
    info.desc().append_child("cap").append_child_value("size", '58 "large"')
    info.desc().append_child_value("empty", "")
    return info


def main(prefix: str) -> None:
    outlets = [pylsl.StreamOutlet(described(prefix, number)) for number in range(len(FORMATS))]
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    begun, sent = pylsl.local_clock(), 0
    print(repr(begun), flush=True)
    while not closed.wait(0.03):
        due = int((pylsl.local_clock() - begun) * RATE)
        for n in range(sent, due):
            for format, outlet in zip(FORMATS, outlets, strict=True):
                (sample,) = values(format, np.array([n]))
                outlet.push_sample(sample if format == "string" else sample.tolist(), begun + n / RATE)
        sent = due


if __name__ == "__main__":
    main(sys.argv[1])
