"""The nested parts of MP4 and Matroska files, by their headers alone.

Sources: ISO/IEC 14496-12, 4.2 (boxes); RFC 8794, 4 to 6 (EBML elements).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple


class Atom(NamedTuple):
    """A box or an element: its kind, the first byte of its content and the byte after it."""

    kind: int
    start: int
    stop: int


Walk = Callable[[BinaryIO, Atom], Iterator[Atom]]


def boxes(file: BinaryIO, parent: Atom) -> Iterator[Atom]:
    """Yield the boxes of an MP4 within a part, up to the first that is none; kinds are their four letters."""
    at = parent.start
    while at + 8 <= parent.stop:
        file.seek(at)
        head = file.read(16)
        length, content = int.from_bytes(head[:4], "big"), at + 8
        if length == 1:
            length, content = int.from_bytes(head[8:16], "big"), at + 16
        elif length == 0:
            length = parent.stop - at
        if length < content - at:
            return
        yield Atom(int.from_bytes(head[4:8], "big"), content, min(at + length, parent.stop))
        at += length


def elements(file: BinaryIO, parent: Atom) -> Iterator[Atom]:
    """Yield the EBML elements within a part, up to the first that is none or whose length is not known."""
    at = parent.start
    while at < parent.stop:
        file.seek(at)
        head = file.read(16)
        n_kind, n_length = _width(head[:1]), _width(head[_width(head[:1]) :][:1])
        if not 1 <= n_kind <= 4 or not n_length or len(head) < n_kind + n_length:
            return
        stated = head[n_kind : n_kind + n_length]
        length = int.from_bytes(stated, "big") & ((1 << 7 * n_length) - 1)
        content = at + n_kind + n_length
        unknown = length == (1 << 7 * n_length) - 1
        stop = parent.stop if unknown else min(content + length, parent.stop)
        yield Atom(int.from_bytes(head[:n_kind], "big"), content, stop)
        at = stop


def inside(walk: Walk, file: BinaryIO, parent: Atom, *kinds: int) -> Iterator[Atom]:
    """Yield every part that is reached from `parent` through parts of these kinds, one below the other."""
    if not kinds:
        yield parent
        return
    for part in walk(file, parent):
        if part.kind == kinds[0]:
            yield from inside(walk, file, part, *kinds[1:])


def kind(letters: str) -> int:
    """Give a box's kind as a number."""
    return int.from_bytes(letters.encode("ascii"), "big")


def _width(first: bytes) -> int:
    """Bytes of an EBML number, by its first one; 0 where that is none."""
    return 9 - first[0].bit_length() if first and first[0] else 0
