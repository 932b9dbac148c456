"""Writes XDF so that a crash loses nothing but what had not been handed over yet.

Each chunk is one `write` that the operating system has before the call returns; every few seconds the disk
has it too. Headers come first and footers last; between them a boundary every second lets a reader that met
damage find its feet again.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from xml.etree import ElementTree

import numpy as np
from numpy.typing import ArrayLike

from realtime.errors import SessionError
from recordings.held_file import HeldFile
from recordings.xdf import samples as xdf_samples
from recordings.xdf.format import BOUNDARY, DTYPES, MAGIC, WITH_STREAM_ID, Tag, varint
from recordings.xdf.samples import Layout

BOUNDARY_S = 1.0
FSYNC_S = 2.0

Description = Mapping[str, "str | Description | Sequence[Description]"]


@dataclass(frozen=True)
class StreamHeader:
    """What a stream says of itself.

    Attributes
    ----------
    rate_nominal : float
        Samples a second, 0 for irregular ones.
    format : str
        float32, double64, int8, int16, int32, int64 or string.
    description : mapping
        Becomes the `desc` element: texts, mappings, or sequences of mappings (one element each).
    extra : mapping of str to str
        Further entries beside name and type (uid, session_id, created_at …).
    """

    name: str
    type: str
    n_channels: int
    rate_nominal: float
    format: str
    source_id: str = ""
    host: str = ""
    description: Description = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)

    @property
    def layout(self) -> Layout:
        """How the stream's samples lie in the file."""
        return Layout(self.n_channels, self.format, 0.0)

    def xml(self) -> str:
        """Return the header as it stands in the file."""
        info = ElementTree.Element("info")
        entries = {
            "name": self.name or "unnamed",  # pyxdf reads no stream without a name
            "type": self.type,
            "channel_count": str(self.n_channels),
            "nominal_srate": repr(float(self.rate_nominal)),
            "channel_format": self.format,
            "source_id": self.source_id,
            "hostname": self.host,
            **self.extra,
        }
        _fill(info, entries)
        _fill(ElementTree.SubElement(info, "desc"), self.description)
        return _document(info)


@dataclass
class _Tally:
    """What the footer will say of a stream."""

    layout: Layout
    n_samples: int = 0
    first_stamp: float = 0.0
    last_stamp: float = 0.0
    offsets: list[tuple[float, float]] = field(default_factory=list)


class XdfWriter:
    """An XDF file that grows until `close`. Owned by one thread; never overwrites.

    Parameters
    ----------
    path : str or Path
        Must not exist yet.
    streams : mapping of int to StreamHeader or str
        Header of each stream, by the number it has in the file; a `str` is a header's XML, kept as it is.
    boundary_s, fsync_s : float
        Seconds between two boundaries, and between two requests that the disk take everything.
    clock : callable
        Seconds, for the two above only.
    dated : bool
        Say in the file's header when it was begun.

    Raises
    ------
    SessionError
        The file exists already, or cannot be made.
    """

    def __init__(
        self,
        path: str | Path,
        streams: Mapping[int, StreamHeader | str],
        boundary_s: float = BOUNDARY_S,
        fsync_s: float = FSYNC_S,
        clock: Callable[[], float] = time.monotonic,
        dated: bool = True,
    ):
        self.path = Path(path)
        self.n_bytes = 0
        self._boundary_s, self._fsync_s, self._clock = boundary_s, fsync_s, clock
        self._last_boundary = self._last_fsync = clock()
        headers = {i: h if isinstance(h, str) else h.xml() for i, h in streams.items()}
        self._tally = {i: _Tally(_layout(h)) for i, h in streams.items()}
        try:
            self.file = HeldFile(self.path)
        except FileExistsError:
            raise SessionError(
                f"{self.path} exists already and is never overwritten: choose another name"
            ) from None
        except OSError as error:
            raise SessionError(
                f"{self.path} cannot be written: {error.strerror}. Check the folder."
            ) from error
        self._begin(headers, dated)

    def add_stream(self, stream_id: int, header: StreamHeader | str) -> None:
        """Let a further stream join, under a number that no other has."""
        self._tally[stream_id] = _Tally(_layout(header))
        text = header if isinstance(header, str) else header.xml()
        self._write(Tag.STREAM_HEADER, text.encode(), stream_id)

    def samples(self, stream_id: int, stamps: ArrayLike, values: ArrayLike | Sequence[Sequence[str]]) -> None:
        """Append samples as one chunk.

        Parameters
        ----------
        stamps : array of shape (n_samples,), float64 s
            On the sender's clock, as it gave them.
        values : array of shape (n_samples, n_channels), or a sequence of sequences of str

        Raises
        ------
        ValueError
            Shapes or types do not fit the stream's header; nothing is written.
        OSError
            The disk does not take it.
        """
        tally = self._tally[stream_id]
        at = np.asarray(stamps, np.float64)
        if not len(at):
            return
        self._write(Tag.SAMPLES, xdf_samples.pack(tally.layout, at, values), stream_id)
        if not tally.n_samples:
            tally.first_stamp = float(at[0])
        tally.n_samples += len(at)
        tally.last_stamp = float(at[-1])
        self._keep_safe()

    def clock_offset(self, stream_id: int, collected: float, value: float) -> None:
        """Append a measurement: at `collected` on our clock, it was ahead of the sender's by `value` seconds.

        The file takes the moment on the sender's clock, as LabRecorder writes it.
        """
        self.clock_offset_as_filed(stream_id, collected - value, value)

    def clock_offset_as_filed(self, stream_id: int, time: float, value: float) -> None:
        """Append a measurement as it stands in another file: `time` is on the sender's clock."""
        measured = (time, value)
        self._write(Tag.CLOCK_OFFSET, struct.pack("<dd", *measured), stream_id)
        self._tally[stream_id].offsets.append(measured)

    def n_samples(self, stream_id: int) -> int:
        """Return the number of samples written to a stream."""
        return self._tally[stream_id].n_samples

    def flush(self) -> None:
        """Have the disk take everything now."""
        self.file.flush()
        self._last_fsync = self._clock()

    def close(self) -> None:
        """Write the footers and close; a second call does nothing."""
        if self.file.closed:
            return
        try:
            self._write(Tag.BOUNDARY, BOUNDARY)
            for stream_id, tally in self._tally.items():
                self._write(Tag.STREAM_FOOTER, _footer(tally).encode(), stream_id)
            self.file.flush()
        finally:
            self.file.close()

    def __enter__(self) -> XdfWriter:
        """Return the writer."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the footers and close."""
        self.close()

    def _begin(self, headers: Mapping[int, str], dated: bool) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
        info = ElementTree.Element("info")
        _fill(info, {"version": "1.0", **({"datetime": now} if dated else {})})
        self._append(MAGIC)
        self._write(Tag.FILE_HEADER, _document(info).encode())
        for stream_id, header in headers.items():
            self._write(Tag.STREAM_HEADER, header.encode(), stream_id)
        self._write(Tag.BOUNDARY, BOUNDARY)
        self.flush()

    def _write(self, tag: Tag, content: bytes, stream_id: int = -1) -> None:
        self._append(pack_chunk(tag, content, stream_id))

    def _append(self, data: bytes) -> None:
        try:
            self.file.write(data)
        except OSError:
            self.file.cut(self.n_bytes)  # half a chunk would hide all that follows it
            raise
        self.n_bytes += len(data)

    def _keep_safe(self) -> None:
        now = self._clock()
        if now - self._last_boundary >= self._boundary_s:
            self._write(Tag.BOUNDARY, BOUNDARY)
            self._last_boundary = now
        if now - self._last_fsync >= self._fsync_s:
            self.flush()


def pack_chunk(tag: Tag, content: bytes, stream_id: int = -1) -> bytes:
    """Make a whole chunk as it stands in the file; `stream_id` is for chunks that belong to a stream."""
    head = struct.pack("<HI", tag, stream_id) if tag in WITH_STREAM_ID else struct.pack("<H", tag)
    return varint(len(head) + len(content)) + head + content


def _layout(header: StreamHeader | str) -> Layout:
    if isinstance(header, StreamHeader):
        if header.format not in {*DTYPES, "string"}:
            raise ValueError(f"unknown format {header.format!r}")
        return header.layout
    root = ElementTree.fromstring(header)
    return Layout(int(root.findtext("channel_count") or 0), root.findtext("channel_format") or "", 0.0)


def _fill(parent: ElementTree.Element, entries: Description) -> None:
    for name, value in entries.items():
        for one in [value] if isinstance(value, str | Mapping) else value:
            child = ElementTree.SubElement(parent, name)
            if isinstance(one, str):
                child.text = one
            else:
                _fill(child, one)


def _document(root: ElementTree.Element) -> str:
    return '<?xml version="1.0"?>' + ElementTree.tostring(root, encoding="unicode")


def footer_xml(
    n_samples: int, first_stamp: float, last_stamp: float, offsets: Sequence[tuple[float, float]]
) -> str:
    """Make a stream's footer; `offsets` are (time on the sender's clock, value) as in the file."""
    info = ElementTree.Element("info")
    _fill(
        info,
        {
            "first_timestamp": repr(first_stamp),
            "last_timestamp": repr(last_stamp),
            "sample_count": str(n_samples),
            "clock_offsets": {"offset": [{"time": repr(t), "value": repr(v)} for t, v in offsets]},
        },
    )
    return _document(info)


def _footer(tally: _Tally) -> str:
    return footer_xml(tally.n_samples, tally.first_stamp, tally.last_stamp, tally.offsets)
