"""The content of one samples chunk, both ways: bytes to arrays and arrays to bytes."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from realtime.types import TimeArray
from recordings.xdf.format import DTYPES, Values, read_varint, varint
from recordings.xdf.markup import decoded


class Layout:
    """How a stream's samples lie in the file.

    Attributes
    ----------
    step_s : float
        What a left-out stamp adds to the one before.
    sample_bytes : int
        Of one sample's values; the least there can be for strings (an empty one takes 2).
    """

    __slots__ = ("format", "n_channels", "sample_bytes", "step_s")

    def __init__(self, n_channels: int, format: str, step_s: float):
        self.n_channels, self.format, self.step_s = n_channels, format, step_s
        self.sample_bytes = n_channels * (2 if format == "string" else DTYPES[format].itemsize)


def first_of(layout: Layout, buffer: bytes, at: int, length: int) -> tuple[int, float]:
    """Read number of samples and first stamp (nan where left out) of a chunk of `length` bytes at `at`.

    Looks only at the first bytes; that so many samples fit into the chunk is checked here, before anybody
    takes memory for them.

    Raises
    ------
    ValueError
    """
    n, place = read_varint(buffer, at)
    room = length - (place - at)
    if room < 0 or n * (1 + layout.sample_bytes) > room:
        raise ValueError(f"{n} samples of {layout.n_channels} channels ({layout.format}) in {room} bytes")
    left = room - n * (1 + layout.sample_bytes)  # for numbers: 8 bytes for each stamp that is not left out
    if layout.format != "string" and (left % 8 or left > 8 * n):
        raise ValueError(f"{left} bytes beside {n} samples of {layout.n_channels} channels")
    flag = buffer[place] if n else 0
    if flag == 0:
        return n, math.nan
    if flag != 8 or room < 9:
        raise ValueError(f"a time stamp of {flag} bytes where 0 or 8 are allowed")
    return n, struct.unpack_from("<d", buffer, place + 1)[0]


def parse(layout: Layout, content: bytes, last_stamp: float) -> tuple[TimeArray, Values]:
    """Stamps and values of a whole chunk.

    Parameters
    ----------
    last_stamp : float
        Stamp of the stream's sample before this chunk, from which left-out stamps count on.

    Returns
    -------
    stamps : array of shape (n_samples,), float64 s, as the sender gave them
    values : array of shape (n_samples, n_channels) in the stream's format, or a list of lists of str

    Raises
    ------
    ValueError
        The content is not exactly the samples it claims.
    """
    n, _ = first_of(layout, content, 0, len(content))
    _, at = read_varint(content, 0)
    if layout.format == "string":
        stamps, stamped, values = _parse_strings(layout, content, at, n)
    else:
        stamps, stamped, values = _parse_numbers(layout, content, at, n)
    _deduce(stamps, stamped, last_stamp, layout.step_s)
    return stamps, values


def nothing(layout: Layout) -> tuple[TimeArray, Values]:
    """Return no sample in a stream's format: stamps of shape (0,), values (0, n_channels) or no text."""
    if layout.format == "string":
        return np.zeros(0), []
    return np.zeros(0), np.zeros((0, layout.n_channels), DTYPES[layout.format].newbyteorder("="))


def _parse_numbers(
    layout: Layout, content: bytes, at: int, n: int
) -> tuple[TimeArray, NDArray[np.bool_], Values]:
    dtype, width = DTYPES[layout.format], layout.sample_bytes
    extra = len(content) - at - n * (1 + width)  # what the stamps take: 8 bytes each
    if extra == 8 * n:  # every sample has its own
        rows = np.frombuffer(content, _row(dtype, layout.n_channels, stamped=True), n, at)
        if not (rows["flag"] == 8).all():
            raise ValueError("time stamps do not fit the chunk's length")
        return (
            rows["stamp"].astype(np.float64),
            np.ones(n, bool),
            rows["values"].astype(dtype.newbyteorder("=")),
        )
    if extra == 0:  # none has
        rows = np.frombuffer(content, _row(dtype, layout.n_channels, stamped=False), n, at)
        if rows["flag"].any():
            raise ValueError("time stamps do not fit the chunk's length")
        return np.zeros(n), np.zeros(n, bool), rows["values"].astype(dtype.newbyteorder("="))
    stamps, stamped = np.zeros(n), np.zeros(n, bool)
    values = np.empty((n, layout.n_channels), dtype.newbyteorder("="))
    for k in range(n):
        at = _parse_stamp(content, at, k, stamps, stamped)
        if at + width > len(content):
            raise ValueError(f"sample {k} of {n} is cut off")
        values[k] = np.frombuffer(content, dtype, layout.n_channels, at)
        at += width
    _check_end(content, at)
    return stamps, stamped, values


def _parse_strings(
    layout: Layout, content: bytes, at: int, n: int
) -> tuple[TimeArray, NDArray[np.bool_], Values]:
    stamps, stamped = np.zeros(n), np.zeros(n, bool)
    values: list[list[str]] = []
    for k in range(n):
        at = _parse_stamp(content, at, k, stamps, stamped)
        sample = []
        for _ in range(layout.n_channels):
            length, at = read_varint(content, at)
            if at + length > len(content):
                raise ValueError(f"a text of {length} bytes in sample {k} is cut off")
            sample.append(decoded(content[at : at + length]))
            at += length
        values.append(sample)
    _check_end(content, at)
    return stamps, stamped, values


def _parse_stamp(content: bytes, at: int, k: int, stamps: TimeArray, stamped: NDArray[np.bool_]) -> int:
    flag = content[at] if at < len(content) else -1
    if flag == 0:
        return at + 1
    if flag != 8 or at + 9 > len(content):
        raise ValueError(
            f"sample {k} is cut off or has a time stamp of {flag} bytes where 0 or 8 are allowed"
        )
    (stamps[k],) = struct.unpack_from("<d", content, at + 1)
    stamped[k] = True
    return at + 9


def _check_end(content: bytes, at: int) -> None:
    if at != len(content):
        raise ValueError(f"{len(content) - at} bytes are left over after the last sample")


def _deduce(stamps: TimeArray, stamped: NDArray[np.bool_], last_stamp: float, step_s: float) -> None:
    """Fill in left-out stamps: each is the one before plus the nominal sampling interval."""
    if stamped.all():
        return
    anchors = np.flatnonzero(stamped)
    starts = np.concatenate(([0], anchors)) if not stamped[0] else anchors
    for start, stop in zip(starts, [*starts[1:], len(stamps)], strict=True):
        run = np.full(stop - start, step_s)
        run[0] = stamps[start] if stamped[start] else last_stamp + step_s
        stamps[start:stop] = np.add.accumulate(run)  # one after the other, as every reader adds them up


def _row(dtype: np.dtype[Any], n_channels: int, *, stamped: bool) -> np.dtype[Any]:
    stamp = [("stamp", "<f8")] if stamped else []
    return np.dtype([("flag", "u1"), *stamp, ("values", dtype, (n_channels,))])


def pack(layout: Layout, stamps: TimeArray, values: ArrayLike | Sequence[Sequence[str | bytes]]) -> bytes:
    """Make a chunk's content from stamps (n,) and values (n, n_channels), each sample with its stamp.

    Texts may be bytes, which are written as they are.

    Raises
    ------
    ValueError
        The numbers of samples or channels disagree, or a number does not fit the stream's format.
    """
    stamps = np.asarray(stamps, np.float64)
    if stamps.ndim != 1:
        raise ValueError(f"stamps of shape {stamps.shape} where one dimension is due")
    if layout.format == "string":
        texts = cast(Sequence[Sequence[str | bytes]], values)
        return varint(len(stamps)) + b"".join(_pack_strings(layout, stamps, texts))
    dtype = DTYPES[layout.format]
    array = np.asarray(values)
    if array.shape != (len(stamps), layout.n_channels):
        raise ValueError(
            f"values of shape {array.shape} for {len(stamps)} samples of {layout.n_channels} channels"
        )
    if not np.can_cast(array.dtype, dtype, "same_kind") or not _in_range(array, dtype):
        raise ValueError(f"values of type {array.dtype} do not fit the stream's {layout.format}")
    rows = np.empty(len(stamps), _row(dtype, layout.n_channels, stamped=True))
    rows["flag"], rows["stamp"], rows["values"] = 8, stamps, array
    return varint(len(stamps)) + rows.tobytes()


def _in_range(array: NDArray[np.generic], dtype: np.dtype) -> bool:
    if dtype.kind != "i" or array.dtype == dtype or not array.size:
        return True
    limits = np.iinfo(dtype)
    return bool(limits.min <= array.min() and array.max() <= limits.max)


def _pack_strings(layout: Layout, stamps: TimeArray, values: Sequence[Sequence[str | bytes]]) -> list[bytes]:
    if len(values) != len(stamps):
        raise ValueError(f"{len(values)} samples with {len(stamps)} stamps")
    parts = []
    for stamp, sample in zip(stamps, values, strict=True):
        if isinstance(sample, str) or len(sample) != layout.n_channels:
            raise ValueError(f"a sample {sample!r} where {layout.n_channels} texts are due")
        parts.append(struct.pack("<Bd", 8, stamp))
        for text in sample:
            encoded = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
            parts += [varint(len(encoded)), encoded]
    return parts
