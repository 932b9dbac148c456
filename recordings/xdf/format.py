"""What an XDF file is made of: tags, lengths, sample layouts and the error every damage ends in.

A file is `XDF:` followed by chunks `[length of length u8: 1|4|8][length][tag u16][content]`, little-endian;
the length counts tag and content. Source: https://github.com/sccn/xdf/wiki/Specifications
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.errors import SessionError

MAGIC = b"XDF:"
BOUNDARY = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
DTYPES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype("<f4"),
    "double64": np.dtype("<f8"),
    "int8": np.dtype("<i1"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
}
MAX_CHANNELS = 1 << 24
_UNKNOWN_TAGS = 256  # a kind of chunk that comes to be has a small number

Values = NDArray[np.generic] | list[list[str]]


class Tag(IntEnum):
    """Kinds of chunks, as the specification numbers them."""

    FILE_HEADER = 1
    STREAM_HEADER = 2
    SAMPLES = 3
    CLOCK_OFFSET = 4
    BOUNDARY = 5
    STREAM_FOOTER = 6


WITH_STREAM_ID = frozenset({Tag.STREAM_HEADER, Tag.SAMPLES, Tag.CLOCK_OFFSET, Tag.STREAM_FOOTER})


class Damage(Exception):
    """Bytes at `offset` of a file are not what XDF asks for; `what` says why, in a half-sentence."""

    def __init__(self, offset: int, what: str):
        super().__init__(what)
        self.offset = offset
        self.what = what

    def as_error(self, path: Path) -> SessionError:
        """Return the error a user is shown."""
        return SessionError(
            f"{path}: damaged at byte {self.offset}: {self.what}. "
            f"Run `phosphene repair {path}` to save what is whole."
        )


class Chunk(NamedTuple):
    """Where a chunk lies in its file.

    `start` is its first byte, `content` the first after tag and stream id, `stop` the first of the next
    chunk. `stream_id` is -1 for chunks that belong to no stream.
    """

    start: int
    tag: int
    stream_id: int
    content: int
    stop: int


class ChunkFile:
    """Random reads from a file whose size is fixed when it is opened; never reads past it."""

    _BLOCK = 4096  # headers of small neighbouring chunks come in one read, sample bodies are stepped over

    def __init__(self, path: Path):
        self.path = path
        self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        self.size = os.fstat(self._fd).st_size
        self._block = b""
        self._block_at = 0
        if hasattr(
            os, "posix_fadvise"
        ):  # an index steps over the samples: reading ahead would fetch them all
            os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_RANDOM)

    def peek(self, at: int, n: int) -> tuple[bytes, int]:
        """Return a buffer, and the place of byte `at` in it, with `n` bytes to follow (or the end)."""
        place = at - self._block_at
        if place < 0 or place + n > len(self._block):
            self._block = os.pread(self._fd, max(self._BLOCK, n), at)
            self._block_at = at
            place = 0
        return self._block, place

    def read(self, at: int, n: int) -> bytes:
        """Exactly `n` bytes at `at`.

        Raises
        ------
        Damage
            The file has become shorter since it was opened.
        """
        parts, left = [], n
        while left:
            part = os.pread(self._fd, min(left, 1 << 30), at + n - left)
            if not part:
                raise Damage(at, f"{left} of {n} bytes are gone: the file became shorter while it was read")
            parts.append(part)
            left -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def varint(value: int) -> bytes:
    """Write a length as XDF does: one byte with the number of bytes, then the value."""
    if value < 1 << 8:
        return struct.pack("<BB", 1, value)
    if value < 1 << 32:
        return struct.pack("<BI", 4, value)
    return struct.pack("<BQ", 8, value)


def read_varint(buffer: bytes, at: int) -> tuple[int, int]:
    """Read the variable-length integer at `at`; returns it and the place after it.

    Raises
    ------
    ValueError
        Its first byte is none of 1, 4 and 8, or the buffer ends within it.
    """
    n = buffer[at] if at < len(buffer) else 0
    stop = at + 1 + n
    if stop > len(buffer):
        raise ValueError("a length is cut off")
    if n == 1:
        return buffer[at + 1], stop
    if n != 4 and n != 8:
        raise ValueError(f"a length of {n} bytes where 1, 4 or 8 are allowed")
    return int.from_bytes(buffer[at + 1 : stop], "little"), stop


def walk(file: ChunkFile, start: int = len(MAGIC)) -> Iterator[Chunk]:
    """Walk over the chunks from byte `start` to the end of the file, by their headers alone.

    A chunk of an unknown kind comes too, for the caller to step over (`check_kind`).

    Raises
    ------
    Damage
        At the first byte of a chunk whose header is impossible or which reaches past the end of the file.
    """
    at, size = start, file.size
    while at < size:
        buffer, place = file.peek(at, 15)
        try:
            length, body = read_varint(buffer, place)
        except ValueError as error:
            raise Damage(at, f"a chunk begins with {error}") from None
        head = body - place
        stop = at + head + length
        if stop > size:
            raise Damage(at, f"a chunk of {head + length} bytes is cut off after {size - at}")
        tag, stream_id, content = 0, -1, min(at + head + 2, stop)
        if length >= 2:
            tag = buffer[body] | buffer[body + 1] << 8
        if tag in WITH_STREAM_ID and length >= 6:
            stream_id = int.from_bytes(buffer[body + 2 : body + 6], "little")
            content += 4
        yield Chunk(at, tag, stream_id, content, stop)
        at = stop


def check_kind(chunk: Chunk) -> None:
    """Raise `ValueError` where a chunk is of no known kind, or has no room for what its kind begins with."""
    if not Tag.FILE_HEADER <= chunk.tag <= Tag.STREAM_FOOTER:
        raise ValueError(f"no kind of chunk has tag {chunk.tag}")
    if chunk.tag in WITH_STREAM_ID and chunk.stream_id < 0:
        raise ValueError("a chunk that has no room for its stream's number")


def goes_on(file: ChunkFile, at: int) -> bool:
    """Whether the file ends at byte `at`, or another chunk can begin there.

    So a chunk whose content is no use is told from one whose length is wrong: after that, nothing fits.
    """
    if at == file.size:
        return True
    buffer, place = file.peek(at, 15)
    try:
        length, body = read_varint(buffer, place)
    except ValueError:
        return False
    tag = int.from_bytes(buffer[body : body + 2], "little")
    known = Tag.FILE_HEADER <= tag <= Tag.STREAM_FOOTER
    return 2 <= length <= file.size - (at + body - place) and (known or tag < _UNKNOWN_TAGS)


def check_magic(file: ChunkFile) -> None:
    """Raise `SessionError` unless the file begins as an XDF file does."""
    magic = file.peek(0, 4)[0][:4]
    if magic == MAGIC:
        return
    if magic[:2] in (b"\x1f\x8b", b"\x78\x9c"):
        raise SessionError(
            f"{file.path} is compressed: unpack it to a plain .xdf first (for example with gunzip)"
        )
    if file.size < len(MAGIC):
        raise SessionError(
            f"{file.path} has {file.size} bytes: nothing was recorded, or it was lost in a crash"
        )
    raise SessionError(f"{file.path} is no XDF file: it begins with {magic!r} instead of {MAGIC!r}")
