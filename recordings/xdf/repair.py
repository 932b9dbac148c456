"""Saves what is whole of a damaged XDF file: every chunk that reads back in full, with footers that fit."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from realtime.errors import SessionError
from recordings.xdf import samples as xdf_samples
from recordings.xdf.format import (
    BOUNDARY,
    MAGIC,
    Chunk,
    ChunkFile,
    Damage,
    Tag,
    check_kind,
    check_magic,
    goes_on,
    walk,
)
from recordings.xdf.index import StreamInfo
from recordings.xdf.left_out import LeftOut
from recordings.xdf.markup import parse_xml
from recordings.xdf.writer import footer_xml, pack_chunk

_SCAN_BYTES = 1 << 20


@dataclass(frozen=True)
class Repair:
    """What a repair found and did.

    Attributes
    ----------
    path : Path
        The file that can be read now; the one given where nothing was wrong with it.
    backup : Path or None
        Where the damaged file is kept, if it was replaced.
    damages : tuple of str
        Each place that was left out, with its byte and the reason; empty where the file was whole.
    bytes_lost : int
        Bytes of the damaged file that are not in the repaired one, footers aside.
    samples : tuple of (str, int)
        Name of each stream and the samples saved of it.
    """

    path: Path
    backup: Path | None
    damages: tuple[str, ...]
    bytes_lost: int
    samples: tuple[tuple[str, int], ...]

    @property
    def was_whole(self) -> bool:
        """Whether nothing had to be left out or added."""
        return not self.damages


@dataclass
class _Stream:
    """A stream while its chunks are checked. `chained` is False once a chunk before the next one was lost."""

    info: StreamInfo
    n_samples: int = 0
    first_stamp: float = 0.0
    last_stamp: float = 0.0
    offsets: list[tuple[float, float]] = field(default_factory=list)
    chained: bool = True
    footer: bool = False


def repair(path: str | Path, in_place: bool = False) -> Repair:
    """Write a file that holds every whole chunk of `path`, as `NAME.repaired.xdf` beside it.

    Damage in the middle costs what lies between it and the next boundary (a second, in our recordings).
    A chunk that begins without a stamp of its own after such a hole is left out too: its time is not known.

    Parameters
    ----------
    in_place : bool
        Put the repaired file in the damaged one's place and keep that as `NAME.damaged.xdf`.

    Raises
    ------
    SessionError
        The file is missing or no XDF, no stream header can be saved, or a file by the new name exists.
    """
    source = Path(path)
    target = source.with_name(f"{source.stem}.repaired{source.suffix}")
    backup = source.with_name(f"{source.stem}.damaged{source.suffix}")
    try:
        file = ChunkFile(source)
    except OSError as error:
        raise SessionError(f"{source} cannot be opened: {error.strerror}. Check the path.") from error
    try:
        check_magic(file)
        survey = _Survey(file)
        for _ in survey.whole_chunks():
            pass
        if not survey.left_out and all(s.footer for s in survey.streams.values()):
            return Repair(source, None, (), 0, survey.samples)
        if not survey.streams:
            reasons = "; ".join(survey.left_out.sentences()[:3])
            raise SessionError(f"{source}: no stream header is whole, so nothing can be saved ({reasons})")
        _refuse_existing(target, *([backup] if in_place else []))
        kept = _write(file, target)
    finally:
        file.close()
    if in_place:
        os.rename(source, backup)
        os.rename(target, source)
    damages = tuple(kept.left_out.sentences()) or ("the footers were missing: the recording was not closed",)
    readable, aside = (source, backup) if in_place else (target, None)
    return Repair(readable, aside, damages, kept.bytes_lost, kept.samples)


def _refuse_existing(*paths: Path) -> None:
    for path in paths:
        if path.exists():
            raise SessionError(f"{path} exists already and is never overwritten: move it away first")


def _write(file: ChunkFile, target: Path) -> _Survey:
    survey = _Survey(file)
    with open(target, "xb") as out:
        out.write(MAGIC)
        for chunk in survey.whole_chunks():
            if chunk.tag == Tag.STREAM_HEADER and (info := survey.streams[chunk.stream_id].info).mended:
                out.write(pack_chunk(Tag.STREAM_HEADER, info.xml.encode(), chunk.stream_id))
            elif chunk.tag != Tag.STREAM_FOOTER:
                out.write(file.read(chunk.start, chunk.stop - chunk.start))
        _write_footers(out, survey)
        out.flush()
        os.fsync(out.fileno())
    return survey


def _write_footers(out: BinaryIO, survey: _Survey) -> None:
    out.write(pack_chunk(Tag.BOUNDARY, BOUNDARY))
    for stream_id, s in survey.streams.items():
        footer = footer_xml(s.n_samples, s.first_stamp, s.last_stamp, s.offsets)
        out.write(pack_chunk(Tag.STREAM_FOOTER, footer.encode(), stream_id))


class _Survey:
    """Walks a file from end to end and checks each chunk in full."""

    def __init__(self, file: ChunkFile):
        self._file = file
        self.streams: dict[int, _Stream] = {}
        self.left_out = LeftOut()
        self.bytes_lost = 0

    @property
    def samples(self) -> tuple[tuple[str, int], ...]:
        return tuple((s.info.name, s.n_samples) for s in self.streams.values())

    def whole_chunks(self) -> Iterator[Chunk]:
        """Yield every chunk that is of use; note what is stepped over."""
        at = len(MAGIC)
        while at < self._file.size:
            try:
                for chunk in walk(self._file, at):
                    at = chunk.stop
                    if self._usable(chunk):
                        yield chunk
                    else:
                        self.bytes_lost += chunk.stop - chunk.start
            except Damage as damage:
                at = self._skip(damage)

    def _usable(self, chunk: Chunk) -> bool:
        try:
            check_kind(chunk)
            return self._check(chunk)
        except ValueError as error:
            if not goes_on(self._file, chunk.stop):  # its length is wrong: look for a boundary inside it
                raise Damage(chunk.start, str(error)) from None
            self.left_out.add(chunk.start, str(error))
            if chunk.tag == Tag.SAMPLES and chunk.stream_id in self.streams:
                self.streams[chunk.stream_id].chained = False
            return False

    def _skip(self, damage: Damage) -> int:
        """Note a damage and go on after the next boundary; the end of the file where there is none."""
        self.left_out.add(damage.offset, damage.what)
        for stream in self.streams.values():
            stream.chained = False
        resume = _after_boundary(self._file, damage.offset + 1)
        self.bytes_lost += resume - damage.offset
        return resume

    def _check(self, chunk: Chunk) -> bool:
        """Read a chunk's content as a reader would; ValueError where it fails, False where it is no use."""
        content = self._file.read(chunk.content, chunk.stop - chunk.content)
        if chunk.tag == Tag.BOUNDARY:
            if content != BOUNDARY:
                raise ValueError("a boundary without its signature")
        elif chunk.tag == Tag.FILE_HEADER:
            parse_xml(content)
        elif chunk.tag == Tag.STREAM_HEADER:
            return self._check_header(chunk, StreamInfo.parse(chunk.stream_id, content))
        elif chunk.stream_id not in self.streams:
            raise ValueError(f"a chunk of stream {chunk.stream_id}, which has no header that can be read")
        elif chunk.tag == Tag.SAMPLES:
            return self._check_samples(self.streams[chunk.stream_id], content)
        elif chunk.tag == Tag.CLOCK_OFFSET:
            if len(content) != 16:
                raise ValueError(f"a clock offset of {len(content)} bytes where 16 are due")
            self.streams[chunk.stream_id].offsets.append(struct.unpack("<dd", content))
        else:
            parse_xml(content)
            self.streams[chunk.stream_id].footer = True
        return True

    def _check_header(self, chunk: Chunk, info: StreamInfo) -> bool:
        known = self.streams.get(chunk.stream_id)
        if known is not None:
            if known.info.xml != info.xml:
                raise ValueError(f"a second header for stream {chunk.stream_id} that differs")
            return False
        if info.mended:
            self.left_out.add(chunk.start, f"the header of stream {chunk.stream_id} had to be mended")
        self.streams[chunk.stream_id] = _Stream(info)
        return True

    def _check_samples(self, stream: _Stream, content: bytes) -> bool:
        layout = stream.info.layout
        stamps, _ = xdf_samples.parse(layout, content, stream.last_stamp)
        if not len(stamps):
            return True
        if not stream.chained and math.isnan(xdf_samples.first_of(layout, content, 0, len(content))[1]):
            raise ValueError("samples without a stamp of their own after ones that were left out")
        if not stream.n_samples:
            stream.first_stamp = float(stamps[0])
        stream.last_stamp = float(stamps[-1])
        stream.n_samples += len(stamps)
        stream.chained = True
        return True


def _after_boundary(file: ChunkFile, at: int) -> int:
    """Find the byte after the next boundary's signature at or after `at`; the file's size where none is."""
    overlap = len(BOUNDARY) - 1
    while at < file.size:
        block = file.read(at, min(_SCAN_BYTES, file.size - at))
        found = block.find(BOUNDARY)
        if found >= 0:
            return at + found + len(BOUNDARY)
        at += len(block) if at + len(block) >= file.size else len(block) - overlap
    return file.size
