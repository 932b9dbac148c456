"""The part of a film's pictures that is meant to be seen, where its file states one.

MP4 and QuickTime call it clean aperture (ISO/IEC 14496-12, 12.1.4), Matroska PixelCrop (RFC 9559, 5.1.4.1).
FFmpeg reads both and leaves it to its callers to obey, and PyAV does not hand them on.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

from realtime.video.containers.parts import Atom, boxes, elements, inside, kind

_TABLE = kind("mdia"), kind("minf"), kind("stbl"), kind("stsd")
_TABLE_HEAD, _ENTRY_HEAD = 8, 78  # bytes before the entries of a table, and before the boxes of an entry
_SEGMENT, _TRACKS, _TRACK, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_LEFT, _TOP, _RIGHT, _BOTTOM = 0x54CC, 0x54BB, 0x54DD, 0x54AA
_EBML = b"\x1a\x45\xdf\xa3"


class Aperture(NamedTuple):
    """How much of each side is not shown, as a share of the whole width or height."""

    left: float = 0.0
    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0


WHOLE = Aperture()


def stated_aperture(path: Path, track: int, width: int, height: int) -> Aperture:
    """Return what a file states of a track; the whole picture where it states nothing that can be.

    Parameters
    ----------
    track : int
        Number of the track in the file, from 0.
    width, height : int
        Of the pictures as they are coded.
    """
    try:
        with open(path, "rb") as file:
            whole = Atom(0, 0, os.fstat(file.fileno()).st_size)
            stated = _of_matroska if file.read(4) == _EBML else _of_mp4
            found = next(stated(file, whole, track, (width, height)), WHOLE)
    except (OSError, ValueError, ZeroDivisionError):
        return WHOLE
    fits = min(found) >= 0 and found.left + found.right < 1 and found.top + found.bottom < 1
    return found if fits else WHOLE


def _of_mp4(file: BinaryIO, whole: Atom, number: int, size: tuple[int, int]) -> Iterator[Aperture]:
    tracks = inside(boxes, file, whole, kind("moov"), kind("trak"))
    for track in itertools.islice(tracks, number, number + 1):
        for table in inside(boxes, file, track, *_TABLE):
            for entry in boxes(file, table._replace(start=table.start + _TABLE_HEAD)):
                for box in inside(boxes, file, entry._replace(start=entry.start + _ENTRY_HEAD), kind("clap")):
                    file.seek(box.start)
                    yield _clean(file.read(32), *size)


def _clean(content: bytes, width: int, height: int) -> Aperture:
    """Eight numbers: width, height, how far right and below of the middle they lie; each as a fraction."""
    numbers = [int.from_bytes(content[4 * k : 4 * k + 4], "big", signed=True) for k in range(8)]
    wide, high, right, down = (Fraction(a, b) for a, b in zip(numbers[::2], numbers[1::2], strict=True))
    left, top = (width - wide) / 2 + right, (height - high) / 2 + down
    sides = left / width, top / height, (width - wide - left) / width, (height - high - top) / height
    return Aperture(*map(float, sides))


def _of_matroska(file: BinaryIO, whole: Atom, number: int, size: tuple[int, int]) -> Iterator[Aperture]:
    tracks = inside(elements, file, whole, _SEGMENT, _TRACKS, _TRACK)
    for track in itertools.islice(tracks, number, number + 1):
        for video in inside(elements, file, track, _VIDEO):
            pixels = {}
            for entry in elements(file, video):
                file.seek(entry.start)
                pixels[entry.kind] = int.from_bytes(file.read(min(8, entry.stop - entry.start)), "big")
            sides = zip((_LEFT, _TOP, _RIGHT, _BOTTOM), (*size, *size), strict=True)
            yield Aperture(*(pixels.get(side, 0) / length for side, length in sides))
