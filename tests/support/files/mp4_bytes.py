"""Films in another container, and MP4 files with something added to the description of their pictures."""

from __future__ import annotations

import struct
from pathlib import Path

import av

FORMATS = {".ts": "mpegts"}
_CHAIN = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1")
_INNER = {b"stsd": 16, b"avc1": 86}  # bytes of a box before those within it


def with_clean_aperture(path: Path, target: Path, *numbers: int) -> Path:
    """Copy a film whose index comes last, with a `clap` box of eight numbers."""
    data = bytearray(path.read_bytes())
    box = struct.pack(">I4s8i", 40, b"clap", *numbers)
    places, at, stop = [], 0, len(data)
    for name in _CHAIN:
        while data[at + 4 : at + 8] != name:
            at += int.from_bytes(data[at : at + 4], "big")
            assert at < stop, f"no {name!r}"
        places.append(at)
        stop = at + int.from_bytes(data[at : at + 4], "big")
        at += _INNER.get(name, 8)
    assert data.find(b"mdat") < places[0]  # else the pictures' places in the file would have to be moved
    data[stop:stop] = box
    for place in places:
        length = int.from_bytes(data[place : place + 4], "big") + len(box)
        data[place : place + 4] = length.to_bytes(4, "big")
    target.write_bytes(data)
    return target


def remuxed(source: Path, target: Path) -> Path:
    """Copy a film's pictures as they are coded; the target's ending chooses the container."""
    with av.open(str(source)) as given, av.open(str(target), "w", format=FORMATS.get(target.suffix)) as out:
        stream = given.streams.video[0]
        copy = out.add_stream_from_template(stream, opaque=True)
        for packet in given.demux(stream):
            if packet.size:
                packet.stream = copy
                out.mux(packet)
    return target
