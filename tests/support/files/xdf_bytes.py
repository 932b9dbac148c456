"""XDF files put together chunk by chunk, so that each can have its own oddity."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recordings.xdf.format import BOUNDARY, MAGIC, Tag
from recordings.xdf.samples import Layout, pack
from recordings.xdf.writer import StreamHeader, footer_xml, pack_chunk

LABELS = ("Fz", "Cz", "Pz", "Oz")
RATE = 250


def eeg_header(
    name: str = "Amp",
    labels: Sequence[str] = LABELS,
    units: str | Sequence[str] = "microvolts",
    types: str | Sequence[str] = "EEG",
    rate: float = RATE,
    format: str = "float32",
    scales: Sequence[str] | None = None,
) -> StreamHeader:
    """An EEG stream's header, each channel with its own unit and type."""
    n = len(labels)
    units = [units] * n if isinstance(units, str) else units
    types = [types] * n if isinstance(types, str) else types
    channels = [
        {"label": a, "unit": b, "type": c, **({"scaling_factor": scales[i]} if scales else {})}
        for i, (a, b, c) in enumerate(zip(labels, units, types, strict=True))
    ]
    return StreamHeader(
        name, "EEG", n, rate, format, f"{name}-1", description={"channels": {"channel": channels}}
    )


def header_chunk(header: StreamHeader | str, stream: int = 1) -> bytes:
    text = header if isinstance(header, str) else header.xml()
    return pack_chunk(Tag.STREAM_HEADER, text.encode(), stream)


def wave(n: int, n_channels: int = 4, rate: float = RATE) -> np.ndarray:
    """Noise and a sine of its own on each channel, tens of microvolts; shape (n, n_channels), float32."""
    t = np.arange(n) / rate
    noise = np.random.default_rng(0).standard_normal((n, n_channels)) * 10
    return (noise + 20 * np.sin(2 * np.pi * np.outer(t, 8 + np.arange(n_channels)))).astype(np.float32)


def sample_chunks(
    stamps: np.ndarray, values: np.ndarray, stream: int = 1, per: int = 25, format: str = "float32"
) -> list[bytes]:
    layout = Layout(values.shape[1], format, 0.0)
    return [
        pack_chunk(Tag.SAMPLES, pack(layout, stamps[a : a + per], values[a : a + per]), stream)
        for a in range(0, len(stamps), per)
    ]


def offset_chunk(collected: float, value: float, stream: int = 1) -> bytes:
    return pack_chunk(Tag.CLOCK_OFFSET, struct.pack("<dd", collected - value, value), stream)


def footer_chunk(n: int, stream: int = 1) -> bytes:
    return pack_chunk(Tag.STREAM_FOOTER, footer_xml(n, 0.0, 0.0, []).encode(), stream)


def boundary_chunk() -> bytes:
    return pack_chunk(Tag.BOUNDARY, BOUNDARY)


def write_chunks(path: Path, *chunks: bytes) -> Path:
    """A file of these chunks after the usual file header."""
    head = pack_chunk(Tag.FILE_HEADER, b"<info><version>1.0</version></info>")
    path.write_bytes(MAGIC + head + b"".join(chunks))
    return path


def eeg_file(
    path: Path,
    stamps: np.ndarray,
    header: StreamHeader | str | None = None,
    extra: Sequence[bytes] = (),
    values: np.ndarray | None = None,
) -> Path:
    """One EEG stream of the samples `wave` gives; `extra` chunks lie in its middle."""
    values = wave(len(stamps)) if values is None else values
    chunks = sample_chunks(stamps, values)
    middle = len(chunks) // 2
    return write_chunks(
        path,
        header_chunk(header or eeg_header()),
        boundary_chunk(),
        *chunks[:middle],
        *extra,
        *chunks[middle:],
        footer_chunk(len(stamps)),
    )
