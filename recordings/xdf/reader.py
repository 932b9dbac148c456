"""Reads XDF files of any size: an index of the chunks first, samples when they are asked for."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from xml.etree import ElementTree

import numpy as np

from realtime.errors import SessionError
from realtime.types import IndexArray, TimeArray
from recordings.xdf import samples as xdf_samples
from recordings.xdf.format import (
    Chunk,
    ChunkFile,
    Damage,
    Tag,
    Values,
    check_kind,
    check_magic,
    goes_on,
    walk,
)
from recordings.xdf.index import StreamIndex, StreamInfo, XdfStream
from recordings.xdf.left_out import LeftOut
from recordings.xdf.markup import parse_xml


class XdfReader:
    """An XDF file, indexed when it is opened; samples stay on the disk until they are asked for.

    Any thread may read. Close it, or use it in a `with` statement.

    Parameters
    ----------
    path : str or Path
    tolerate_truncation : bool
        Index up to the first damaged byte, which `damage` then names, instead of refusing the file.

    Attributes
    ----------
    left_out : LeftOut
        Chunks that could not be used and were stepped over; more may come while samples are read.

    Raises
    ------
    SessionError
        No such file, not XDF, or damaged (the message gives the byte and the way to repair it).
    """

    def __init__(self, path: str | Path, tolerate_truncation: bool = False):
        self.path = Path(path)
        try:
            self._file = ChunkFile(self.path)
        except OSError as error:
            raise SessionError(f"{self.path} cannot be opened: {error.strerror}. Check the path.") from error
        self.damage: Damage | None = None
        self.left_out = LeftOut()
        self._unreadable: set[int] = set()
        self.header: ElementTree.Element | None = None
        self._gathering: dict[int, StreamIndex] = {}
        try:
            check_magic(self._file)
            self._index(tolerate_truncation)
        except BaseException:
            self._file.close()
            raise
        self.streams: dict[int, XdfStream] = {i: g.finished() for i, g in self._gathering.items()}
        del self._gathering

    @property
    def complete(self) -> bool:
        """Every stream has its footer: the recording was closed, not cut off."""
        return self.damage is None and all(s.footer is not None for s in self.streams.values())

    def read_chunk(self, stream_id: int, k: int) -> tuple[TimeArray, Values]:
        """Read stamps (n,) on the sender's clock and values (n, n_channels) of the k-th chunk.

        A chunk whose content is not what its length promises gives no sample, and is noted in `left_out`.

        Raises
        ------
        SessionError
            The file became shorter while it was read.
        """
        stream = self.streams[stream_id]
        if math.isnan(stream.first_stamp[k]):
            self._deduce_before(stream, k)
        return self._parse(stream, k)

    def iter_chunks(self, stream_id: int, first: int = 0) -> Iterator[tuple[TimeArray, Values]]:
        """Yield stamps (n,) and values (n, n_channels) of each chunk in file order, from the `first` on."""
        for k in range(first, self.streams[stream_id].n_chunks):
            yield self.read_chunk(stream_id, k)

    def read(
        self, stream_id: int, start: float = -math.inf, stop: float = math.inf
    ) -> tuple[TimeArray, Values]:
        """Read stamps (n,) and values (n, n_channels) with `start` <= stamp < `stop` (s, sender's clock)."""
        stream = self.streams[stream_id]
        layout = stream.info.layout
        stamps, values = [np.zeros(0)], []
        for k in self._chunks_between(stream, start, stop):
            at, sample = self.read_chunk(stream_id, k)
            keep = ~(at < start) & ~(at >= stop)  # a stamp that is no number belongs to no time: kept
            stamps.append(at[keep])
            values.append(
                [s for s, k in zip(sample, keep, strict=True) if k]
                if isinstance(sample, list)
                else sample[keep]
            )
        joined = np.concatenate(stamps)
        if layout.format == "string":
            return joined, [sample for part in values for sample in part]
        return joined, np.concatenate([xdf_samples.nothing(layout)[1], *values])

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> XdfReader:
        """Return the reader."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _index(self, tolerate_truncation: bool) -> None:
        try:
            for chunk in walk(self._file):
                try:
                    check_kind(chunk)
                    self._take(chunk)
                except ValueError as error:
                    if not goes_on(self._file, chunk.stop):
                        raise Damage(chunk.start, str(error)) from None
                    self.left_out.add(chunk.start, str(error))
        except Damage as damage:
            if not tolerate_truncation:
                raise damage.as_error(self.path) from None
            self.damage = damage
        if not self._gathering and self.left_out:
            reasons = "; ".join(self.left_out.sentences()[:3])
            raise SessionError(f"{self.path} holds no stream that can be read ({reasons}): record it again")

    def _take(self, chunk: Chunk) -> None:
        """Enter one chunk into the index; ValueError where it makes no sense."""
        length = chunk.stop - chunk.content
        if chunk.tag == Tag.SAMPLES and (stream := self._gathering.get(chunk.stream_id)) is not None:
            buffer, place = self._file.peek(chunk.content, min(length, 18))  # count 9, flag 1, stamp 8
            try:
                n, first = xdf_samples.first_of(stream.layout, buffer, place, length)
                stream.add_samples(chunk.content, chunk.stop, n, first)
            except ValueError:
                stream.break_off()
                raise
            return
        if chunk.tag == Tag.BOUNDARY:
            return
        if chunk.tag == Tag.FILE_HEADER:
            self.header = parse_xml(self._file.read(chunk.content, length))[0]
        elif chunk.tag == Tag.STREAM_HEADER:
            self._take_header(chunk)
        else:
            self._take_of_stream(chunk)

    def _take_header(self, chunk: Chunk) -> None:
        info = StreamInfo.parse(chunk.stream_id, self._file.read(chunk.content, chunk.stop - chunk.content))
        known = self._gathering.get(chunk.stream_id)
        if known is None:
            self._gathering[chunk.stream_id] = StreamIndex(info)
            if info.mended:
                self.left_out.add(chunk.start, f"the header of stream {chunk.stream_id} had to be mended")
        elif known.info.xml != info.xml:
            raise ValueError(
                f"a second header for stream {chunk.stream_id} that differs: the first one holds"
            )

    def _take_of_stream(self, chunk: Chunk) -> None:
        length = chunk.stop - chunk.content
        stream = self._gathering.get(chunk.stream_id)
        if stream is None:
            raise ValueError(f"a chunk of stream {chunk.stream_id}, which has no header that can be read")
        if chunk.tag == Tag.CLOCK_OFFSET:
            if length != 16:
                raise ValueError(f"a clock offset of {length} bytes where 16 are due")
            buffer, place = self._file.peek(chunk.content, 16)
            stream.add_offset(*struct.unpack_from("<dd", buffer, place))
        else:
            try:
                stream.footer = parse_xml(self._file.read(chunk.content, length))[0]
            except ValueError as error:
                raise ValueError(f"the footer of stream {chunk.stream_id}: {error}") from None

    def _parse(self, stream: XdfStream, k: int) -> tuple[TimeArray, Values]:
        before = 0.0
        if math.isnan(stream.first_stamp[k]) and k:
            before = stream.last_stamp[k - 1]
        at, stop = int(stream.content[k]), int(stream.stop[k])
        try:
            stamps, values = xdf_samples.parse(stream.info.layout, self._file.read(at, stop - at), before)
        except ValueError as error:
            self._note_unreadable(at, f"samples of stream {stream.info.stream_id}: {error}")
            stamps, values = xdf_samples.nothing(stream.info.layout)
        except Damage as damage:
            raise damage.as_error(self.path) from None
        known = len(stamps) and math.isfinite(stamps[-1])
        stream.last_stamp[k] = stamps[-1] if known else stream.last_if_regular(k, before)
        return stamps, values

    def _note_unreadable(self, at: int, reason: str) -> None:
        if at not in self._unreadable:  # a chunk may be read again
            self._unreadable.add(at)
            self.left_out.add(at, reason)

    def _deduce_before(self, stream: XdfStream, k: int) -> None:
        """Parse the chunks before `k` that its left-out first stamp counts on from."""
        known = k - 1
        while known >= 0 and math.isnan(stream.last_stamp[known]) and math.isnan(stream.first_stamp[known]):
            known -= 1
        for j in range(max(known, 0), k):
            if math.isnan(stream.last_stamp[j]):
                self._parse(stream, j)

    def _chunks_between(self, stream: XdfStream, start: float, stop: float) -> IndexArray:
        """Chunks that may hold a stamp in [start, stop).

        A chunk lies between its own first stamp and the next one's, give or take a second and its nominal
        length: senders jitter. A clock that is set back widens its chunk's range, so nothing is missed.
        """
        first = stream.first_stamp
        if np.isnan(first).any():
            return np.arange(stream.n_chunks)
        following = np.append(first[1:], math.inf)
        slack = 1.0 + stream.n_in_chunk * stream.info.layout.step_s
        low, high = np.minimum(first, following) - slack, np.maximum(first, following) + slack
        return np.flatnonzero((low < stop) & (high >= start))
