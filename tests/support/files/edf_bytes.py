"""EDF and BDF files written byte by byte, so that each can have its own oddity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np


class Signal(NamedTuple):
    """A signal: `steps` gives the digital values of a record."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[int, int]
    n: int
    steps: Callable[[int], np.ndarray | int]


def wave(n: int, hz: float = 10.0, step: float = 0.1) -> Callable[[int], np.ndarray]:
    """Noise and a sine of 20 units, in steps of `step`."""

    def steps(record: int) -> np.ndarray:
        t = record + np.arange(n) / n
        noise = np.random.default_rng(record).standard_normal(n)
        return np.round((20 * np.sin(2 * np.pi * hz * t) + 5 * noise) / step)

    return steps


def eeg(label: str, n: int = 256, unit: str = "uV", hz: float = 10.0) -> Signal:
    return Signal(label, unit, (-3276.7, 3276.7), (-32767, 32767), n, wave(n, hz))


def write_edf(
    path: Path,
    signals: Sequence[Signal],
    n_records: int = 10,
    kind: str = "",
    notes: Callable[[int], bytes] | None = None,
    record_s: float = 1,
    claimed: int | None = None,
) -> Path:
    """`notes` gives the annotations of a record; `claimed` is the number of records in the header."""
    bdf = path.suffix == ".bdf"
    size = 3 if bdf else 2
    signals = list(signals)
    if notes:
        signals.append(Signal("EDF Annotations", "", (-1, 1), (-32768, 32767), 60, lambda record: 0))
    parts = [b"\xffBIOSEMI" if bdf else _field("0", 8), _field("X X X X", 80)]
    parts += [_field("Startdate 01-JAN-2024 X X X", 80), _field("01.01.24", 8), _field("12.00.00", 8)]
    parts += [_field(256 * (len(signals) + 1), 8), _field(kind or ("24BIT" if bdf else ""), 44)]
    parts += [
        _field(n_records if claimed is None else claimed, 8),
        _field(record_s, 8),
        _field(len(signals), 4),
    ]
    columns = [
        (16, [s.label for s in signals]), (80, [""] * len(signals)), (8, [s.unit for s in signals]),
        (8, [s.physical[0] for s in signals]), (8, [s.physical[1] for s in signals]),
        (8, [s.digital[0] for s in signals]), (8, [s.digital[1] for s in signals]),
        (80, [""] * len(signals)), (8, [s.n for s in signals]), (32, [""] * len(signals)),
    ]  # fmt: skip
    parts += [_field(entry, width) for width, entries in columns for entry in entries]
    for record in range(n_records):
        for signal in signals:
            if signal.label == "EDF Annotations" and notes:
                parts.append(notes(record).ljust(signal.n * size, b"\0"))
                continue
            steps = np.broadcast_to(signal.steps(record), (signal.n,)).astype("<i4")
            raw = steps.view(np.uint8).reshape(-1, 4)[:, :size]
            parts.append(raw.tobytes())
    path.write_bytes(b"".join(parts))
    return path


def _field(text: object, width: int) -> bytes:
    return str(text).encode("latin-1")[:width].ljust(width)
