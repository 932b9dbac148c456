"""What the index of an XDF file knows of each stream: its header, where its chunks lie, its clock offsets."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np

from realtime.types import IndexArray, TimeArray
from recordings.xdf.format import DTYPES, MAX_CHANNELS, parse_xml
from recordings.xdf.samples import Layout


@dataclass(frozen=True)
class StreamInfo:
    """A stream header. `xml` is the whole of it as it stands in the file, `root` the same parsed."""

    stream_id: int
    name: str
    type: str
    n_channels: int
    rate_nominal: float
    format: str
    source_id: str
    host: str
    xml: str = field(repr=False)
    root: ElementTree.Element = field(repr=False, compare=False)

    @property
    def layout(self) -> Layout:
        """How the stream's samples lie in the file."""
        return Layout(self.n_channels, self.format, 1.0 / self.rate_nominal if self.rate_nominal > 0 else 0.0)

    def text(self, path: str) -> str:
        """Text of an element such as `desc/video/file`; empty where there is none."""
        return (self.root.findtext(path) or "").strip()

    @classmethod
    def parse(cls, stream_id: int, content: bytes) -> StreamInfo:
        """Read a header's XML.

        Raises
        ------
        ValueError
            Malformed, or without the three entries no sample can be read without.
        """
        root = parse_xml(content)

        def text(name: str) -> str:
            return (root.findtext(name) or "").strip()

        try:
            n_channels, rate = int(text("channel_count")), float(text("nominal_srate"))
        except ValueError:
            raise ValueError(
                f"channel_count is {text('channel_count')!r} and nominal_srate {text('nominal_srate')!r}"
            ) from None
        if not 1 <= n_channels <= MAX_CHANNELS:
            raise ValueError(f"{n_channels} channels where 1 to {MAX_CHANNELS} are allowed")
        if not (math.isfinite(rate) and rate >= 0):
            raise ValueError(f"a nominal rate of {rate} Hz")
        if text("channel_format") not in {*DTYPES, "string"}:
            raise ValueError(f"unknown channel_format {text('channel_format')!r}")
        return cls(
            stream_id, text("name"), text("type"), n_channels, rate, text("channel_format"),
            text("source_id"), text("hostname"), content.decode("utf-8", "replace"), root,
        )  # fmt: skip


@dataclass
class XdfStream:
    """What the index knows of a stream.

    Attributes
    ----------
    content, stop : array of shape (n_chunks,), int64
        First byte of each samples chunk's content, and the byte after it.
    n_in_chunk : array of shape (n_chunks,), int64
    first_stamp : array of shape (n_chunks,), float64 s
        Stamp of each chunk's first sample on the sender's clock; nan where the file leaves it out.
    last_stamp : array of shape (n_chunks,), float64 s
        Stamp of each chunk's last sample; nan until the chunk was parsed once.
    offset_times, offset_values : array of shape (n_offsets,), float64 s
        Clock offsets as they stand in the file: at `time` on the sender's clock, the recorder's clock was
        ahead by `value`.
    footer : Element or None
    """

    info: StreamInfo
    content: IndexArray
    stop: IndexArray
    n_in_chunk: IndexArray
    first_stamp: TimeArray
    last_stamp: TimeArray
    offset_times: TimeArray
    offset_values: TimeArray
    footer: ElementTree.Element | None

    @property
    def n_chunks(self) -> int:
        """Number of samples chunks."""
        return len(self.content)

    @property
    def n_samples(self) -> int:
        """Number of samples in all chunks."""
        return int(self.n_in_chunk.sum())

    @property
    def footer_count(self) -> int | None:
        """The number of samples the footer claims; None where it says nothing that can be read."""
        text = (self.footer.findtext("sample_count") or "") if self.footer is not None else ""
        return int(text) if text.strip().isdigit() else None


class StreamIndex:
    """The index of one stream while the file is walked."""

    def __init__(self, info: StreamInfo):
        self.info, self.layout = info, info.layout
        self.footer: ElementTree.Element | None = None
        self._content, self._stop, self._n = array("q"), array("q"), array("q")
        self._first = array("d")
        self._offset_times, self._offset_values = array("d"), array("d")

    def add_samples(self, content: int, stop: int, n: int, first_stamp: float) -> None:
        """Enter a samples chunk."""
        self._content.append(content)
        self._stop.append(stop)
        self._n.append(n)
        self._first.append(first_stamp)

    def add_offset(self, time: float, value: float) -> None:
        """Enter a clock offset."""
        self._offset_times.append(time)
        self._offset_values.append(value)

    def finished(self) -> XdfStream:
        """Return what was entered, as arrays."""
        return XdfStream(
            info=self.info,
            content=np.array(self._content, np.int64),
            stop=np.array(self._stop, np.int64),
            n_in_chunk=np.array(self._n, np.int64),
            first_stamp=np.array(self._first, np.float64),
            last_stamp=np.full(len(self._first), np.nan),
            offset_times=np.array(self._offset_times, np.float64),
            offset_values=np.array(self._offset_values, np.float64),
            footer=self.footer,
        )
