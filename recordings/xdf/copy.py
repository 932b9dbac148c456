"""Copies streams from one XDF file into another, chunk by chunk, as they are or moved in time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from recordings.xdf.format import Values
from recordings.xdf.index import XdfStream
from recordings.xdf.reader import XdfReader
from recordings.xdf.sync import trusted
from recordings.xdf.writer import XdfWriter


class Change(NamedTuple):
    """What becomes of a stream on its way.

    Attributes
    ----------
    stamps_s : float
        Added to every stamp of the sender's clock.
    session_s : float
        Added to the time on the session's clock that a stamp and its clock offset make together.
    text : callable, optional
        Given each text of a stream of texts, returns what is written in its place.
    """

    stamps_s: float = 0.0
    session_s: float = 0.0
    text: Callable[[str], str] | None = None


def copy_streams(reader: XdfReader, writer: XdfWriter, changes: Mapping[int, Change]) -> None:
    """Append the clock offsets and samples of the streams in `changes`, which keep their numbers.

    Samples come in the order of the file they are read from. What a recorder is known to have written in
    error (`xdf_sync.trusted`) stays behind, because new footers could no longer tell it apart.

    Raises
    ------
    SessionError
        A chunk is damaged.
    OSError
        The disk does not take it.
    """
    for stream_id, change in changes.items():
        _, times, values = trusted(reader.streams[stream_id])
        for time, value in zip(times.tolist(), values.tolist(), strict=True):
            moved = value + (change.session_s - change.stamps_s)
            writer.clock_offset_as_filed(stream_id, time + change.stamps_s, moved)
    for chunk in heapq.merge(*(_chunks(reader.streams[stream_id]) for stream_id in changes)):
        change = changes[chunk.stream_id]
        stamps, samples = reader.read_chunk(chunk.stream_id, chunk.k)
        part = slice(chunk.n_trusted)
        writer.samples(
            chunk.stream_id, stamps[part] + change.stamps_s, _rewritten(samples[part], change.text)
        )


class _Chunk(NamedTuple):
    """Sorted by where it lies in the file."""

    place: int
    stream_id: int
    k: int
    n_trusted: int


def _chunks(stream: XdfStream) -> Iterator[_Chunk]:
    left = trusted(stream)[0]
    for k, (place, n) in enumerate(zip(stream.content.tolist(), stream.n_in_chunk.tolist(), strict=True)):
        yield _Chunk(place, stream.info.stream_id, k, min(n, left))
        left -= min(n, left)


def _rewritten(samples: Values, text: Callable[[str], str] | None) -> Values:
    if text is None or not isinstance(samples, list):
        return samples
    return [[text(one) for one in sample] for sample in samples]
