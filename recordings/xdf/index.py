"""What the index of an XDF file knows of each stream: its header, where its chunks lie, its clock offsets."""

from __future__ import annotations

import contextlib
import math
import re
from array import array
from dataclasses import dataclass, field
from xml.etree import ElementTree

import numpy as np

from realtime.types import IndexArray, TimeArray
from recordings.xdf.format import DTYPES, MAX_CHANNELS
from recordings.xdf.markup import MAX_XML_BYTES, parse_xml, salvage_header
from recordings.xdf.samples import Layout

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")
_RATES = 1e-6, 1e8  # samples a second; nothing that is recorded comes more rarely or more often


@dataclass(frozen=True)
class StreamInfo:
    """A stream header.

    `xml` is the whole of it as it stands in the file, `root` the same parsed. Where it could not be read as
    it stood, `mended` is True and `xml` is what was made of it.
    """

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
    mended: bool = False

    @property
    def layout(self) -> Layout:
        """How the stream's samples lie in the file."""
        return Layout(self.n_channels, self.format, 1.0 / self.rate_nominal if self.rate_nominal > 0 else 0.0)

    def text(self, path: str) -> str:
        """Text of an element such as `desc/video/file`; empty where there is none."""
        return text_of(self.root, path)

    @classmethod
    def parse(cls, stream_id: int, content: bytes) -> StreamInfo:
        """Read a header's XML, and what can be read of one that is broken.

        Raises
        ------
        ValueError
            Without the entries no sample can be read without: the number of channels and their format.
        """
        try:
            root, mended = parse_xml(content)
        except ValueError:
            if b"<!DOCTYPE" in content or b"<!ENTITY" in content or len(content) > MAX_XML_BYTES:
                raise
            root, mended = salvage_header(content), True
        mended = mended or not _is_utf8(content)  # what is copied of it is, and says so
        n_channels, format = _n_channels(root), _format(root)
        rate = _rate(root)
        written = {"channel_count": str(n_channels), "channel_format": format}
        if not _is_number(root):
            written["nominal_srate"] = repr(rate)
        for name, text in written.items():
            if text_of(root, name) != text:
                mended = True
                _set(root, name, text)
        xml = ElementTree.tostring(root, encoding="unicode") if mended else content.decode("utf-8")
        return cls(
            stream_id, text_of(root, "name"), text_of(root, "type"), n_channels, rate, format,
            text_of(root, "source_id"), text_of(root, "hostname"), xml, root, mended,
        )  # fmt: skip


def _is_utf8(content: bytes) -> bool:
    declared = _ENCODING.match(content)
    with contextlib.suppress(UnicodeDecodeError):
        content.decode("utf-8")
        return declared is None or declared[1].lower() in (b"utf-8", b"ascii", b"us-ascii")
    return False


def text_of(root: ElementTree.Element, path: str) -> str:
    """Return the text of an element below `root`; empty where there is none."""
    return (root.findtext(path) or "").strip()


def _n_channels(root: ElementTree.Element) -> int:
    stated = text_of(root, "channel_count")
    try:
        n_channels = int(stated.removesuffix(".0"))
    except ValueError:
        raise ValueError(f"a header whose channel_count is {stated!r}") from None
    if not 0 <= n_channels <= MAX_CHANNELS:
        raise ValueError(f"{n_channels} channels where up to {MAX_CHANNELS} are allowed")
    return n_channels


def _format(root: ElementTree.Element) -> str:
    stated = text_of(root, "channel_format")
    plain = stated.lower().removeprefix("cf_")
    format = {"float": "float32", "double": "double64", "float64": "double64"}.get(plain, plain)
    if format not in {*DTYPES, "string"}:
        raise ValueError(f"a header with the unknown channel_format {stated!r}")
    return format


def _rate(root: ElementTree.Element) -> float:
    """Give samples a second, also with a decimal comma or a unit; 0 (irregular) where nothing of use is."""
    found = _NUMBER.match(text_of(root, "nominal_srate").replace(",", "."))
    rate = float(found[0]) if found else 0.0
    return rate if _RATES[0] <= rate <= _RATES[1] else 0.0


def _is_number(root: ElementTree.Element) -> bool:
    try:
        rate = float(text_of(root, "nominal_srate"))
    except ValueError:
        return False
    return rate == 0 or _RATES[0] <= rate <= _RATES[1]


def _set(root: ElementTree.Element, name: str, text: str) -> None:
    entry = root.find(name)
    (ElementTree.SubElement(root, name) if entry is None else entry).text = text


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

    def last_if_regular(self, k: int, before: float) -> float:
        """Return the last stamp of the k-th chunk were it regular, after a sample stamped `before`."""
        step = self.info.layout.step_s
        first = float(self.first_stamp[k]) if math.isfinite(self.first_stamp[k]) else before + step
        return first + step * (int(self.n_in_chunk[k]) - 1)

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
        self._chained = True
        self._content, self._stop, self._n = array("q"), array("q"), array("q")
        self._first = array("d")
        self._offset_times, self._offset_values = array("d"), array("d")

    def break_off(self) -> None:
        """Give Samples were left out: stamps that count on from them are not known."""
        self._chained = False

    def add_samples(self, content: int, stop: int, n: int, first_stamp: float) -> None:
        """Enter a samples chunk.

        Raises
        ------
        ValueError
            Its first stamp counts on from samples that were left out.
        """
        if n and not self._chained and math.isnan(first_stamp):
            raise ValueError("samples without a stamp of their own after ones that were left out")
        self._chained = self._chained or n > 0
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
