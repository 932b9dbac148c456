"""EDF, EDF+ and BDF files, record by record: each channel at its own rate, each record at its own time.

Source of the format: https://www.edfplus.info/specs/ and https://www.biosemi.com/faq/file_format.htm
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.eeg.channels import kind_of, voltage
from realtime.errors import SessionError
from realtime.types import IndexArray, TimeArray
from recordings.exchange.foreign.source_file import (
    BLOCK_S,
    SKIPPED,
    Channel,
    ChannelGroup,
    SampleBlock,
    codes_to_markers,
    grouped,
)
from recordings.session.session import Marker

_ANNOTATIONS = ("EDF Annotations", "BDF Annotations")
_WIDTHS = (16, 80, 8, 8, 8, 8, 8, 80, 8, 32)  # of what each signal's part of the header says
_VOLT_MOST = 0.5  # a physical range beyond this is not meant in volts
_TRIGGERS = 0xFFFF  # the bits of a BDF status word that are triggers; above them is the amplifier's state
_CODES = 0xFF  # of these, the byte that holds codes: a bit of the other that is always set is no trigger's
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14")


class _Signal(NamedTuple):
    """One signal of the header: `offset` is its first byte in a record."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[float, float]
    n: int
    offset: int

    @property
    def gain(self) -> float:
        """Physical units a step; 1 where the header gives no range."""
        steps, size = self.digital[1] - self.digital[0], self.physical[1] - self.physical[0]
        gain = size / steps if steps and size else 1.0
        return gain if math.isfinite(gain) else 1.0

    def physically(self, steps: np.ndarray) -> TimeArray:
        """Convert steps (…) to the signal's unit."""
        values: TimeArray = (steps - self.digital[0]) * self.gain + self.physical[0]
        return values


class EdfFile:
    """A `SourceFile`.

    Parameters
    ----------
    path : str or Path
    unit : str, optional
        Of the EEG channels, where the file states none or a wrong one.
    trigger_bits : int, optional
        How many low bits of a BDF's status channel are triggers: 8 or 16. By default 16, without those of
        the upper byte that are set all the time, as a cable of eight lines leaves them.

    Raises
    ------
    SessionError
        No EDF or BDF, without signals, or with EEG whose unit cannot be told.
    """

    def __init__(self, path: str | Path, unit: str | None = None, trigger_bits: int | None = None):
        self.path, self.notes = Path(path), []  # type: tuple[Path, list[str]]
        self._unit, self._trigger_bits = unit, trigger_bits
        self._read_header()
        data = [s for s in self._signals if s.label not in _ANNOTATIONS and s.n]
        if not data or not self._n_records:
            raise SessionError(f"{self.path} holds no signal, only annotations: name the recording beside it")
        self._data = data
        self._onsets, notes = self._annotations()
        rates = [s.n / self._record_s for s in data]
        self.groups = grouped([self._channel(s) for s in data], rates)
        if not any(group.type == "EEG" for group in self.groups):
            labels = ", ".join(s.label for s in data[:8])
            raise SessionError(f"{self.path} holds no EEG channel, only {labels}: nothing could be compared")
        self.end = float(self._onsets[-1] - self._onsets[0] + self._record_s - 1 / max(rates))
        self.markers = sorted(notes + self._triggers())

    def blocks(self, group: ChannelGroup) -> Iterator[SampleBlock]:
        """Read all samples of a group in their own units, about 10 s at a time."""
        signals = [self._data[i] for i in group.numbers]
        step = max(1, round(BLOCK_S / self._record_s))
        for first in range(0, self._n_records, step):
            records = slice(first, min(first + step, self._n_records))
            values = np.stack([s.physically(self._steps(s, records)).ravel() for s in signals], axis=1)
            seconds = self._seconds(signals[0], records)
            kept = np.ones(len(seconds), bool)
            for start, stop in self._skipped:
                early = seconds + 0.5 / group.rate
                kept &= (early < start) | (early >= stop)
            yield SampleBlock(seconds[kept], values[kept].astype(np.float32))

    def _read_header(self) -> None:
        if not self.path.is_file():
            raise SessionError(f"there is no file {self.path}: check the path")
        try:
            head = self.path.open("rb").read(256)
            self._bdf = head[:1] == b"\xff"
            if not self._bdf and _text(head[:8]) not in ("0", ""):
                raise ValueError(f"it begins with {head[:8]!r}")
            n_signals = int(_text(head[252:256]))
            self._header_bytes = 256 * (n_signals + 1)
            rows = self.path.open("rb").read(self._header_bytes)[256:]
            if n_signals < 1 or len(rows) < 256 * n_signals:
                raise ValueError(f"{n_signals} signals in a header of {len(rows)} bytes")
            self._record_s = _number(head[244:252]) or 1.0
            if not 0 < self._record_s < math.inf:
                raise ValueError(f"records of {self._record_s} s")
            self._discontinuous = _text(head[192:236]).startswith(("EDF+D", "BDF+D"))
            self._signals = self._read_signals(rows, n_signals)
            self._record_bytes = sum(s.n for s in self._signals) * self._width
            present = (self.path.stat().st_size - self._header_bytes) // max(1, self._record_bytes)
            claimed = int(_text(head[236:244]))
        except (OSError, ValueError) as error:
            raise SessionError(
                f"{self.path} is no whole EDF or BDF file: {error}. Export it again."
            ) from None
        self._n_records = present if claimed < 0 else min(claimed, present)
        if claimed >= 0 and self._n_records < claimed:
            self.notes.append(f"{self._n_records} of {claimed} records are there: the file is cut off")
        self._bytes = np.memmap(self.path, np.uint8, "r")

    @property
    def _width(self) -> int:
        return 3 if self._bdf else 2

    def _read_signals(self, rows: bytes, n: int) -> list[_Signal]:
        columns, at = [], 0
        for width in _WIDTHS:
            columns.append([rows[at + i * width : at + (i + 1) * width] for i in range(n)])
            at += width * n
        found, offset = [], 0
        for label, _, unit, low, high, least, most, _, count, _ in zip(*columns, strict=True):
            size = int(_text(count))
            if size < 0:
                raise ValueError(f"{size} samples a record")
            found.append(
                _Signal(
                    _text(label), _text(unit),
                    (_number(low), _number(high)), (_number(least), _number(most)), size, offset,
                )
            )  # fmt: skip
            offset += size * self._width
        return found

    def _channel(self, signal: _Signal) -> Channel:
        unit = _micro(signal.unit)
        kind = kind_of("", signal.label, unit)
        if kind == "eeg":
            unit = self._unit or self._eeg_unit(signal, unit)
        return Channel(signal.label, kind, unit)

    def _eeg_unit(self, signal: _Signal, unit: str) -> str:
        if unit:
            if voltage(unit) is None:
                raise SessionError(
                    f"{self.path}: channel {signal.label!r} is in {unit!r}, which is no voltage: "
                    "give --unit, for example uV, mV or V"
                )
            return unit
        if max(map(abs, signal.physical)) <= _VOLT_MOST:
            raise SessionError(
                f"{self.path}: channel {signal.label!r} states no unit: give --unit uV, mV or V"
            )
        note = "channels without a unit are taken to be in microvolts: if not, give --unit"
        if note not in self.notes:
            self.notes.append(note)
        return "uV"

    def _records(self, records: slice) -> np.ndarray:
        start = self._header_bytes + records.start * self._record_bytes
        stop = self._header_bytes + records.stop * self._record_bytes
        return self._bytes[start:stop].reshape(-1, self._record_bytes)

    def _steps(self, signal: _Signal, records: slice) -> IndexArray:
        """Return the digital values (n_records, n) of a signal."""
        part = self._records(records)[:, signal.offset : signal.offset + signal.n * self._width]
        raw = np.ascontiguousarray(part).reshape(len(part), signal.n, self._width)
        if not self._bdf:
            return raw.view("<i2")[:, :, 0].astype(np.int64)
        wide = raw.astype(np.int64)
        value = wide[..., 0] | wide[..., 1] << 8 | wide[..., 2] << 16
        return value - ((value & 0x800000) << 1)

    def _seconds(self, signal: _Signal, records: slice) -> TimeArray:
        within = np.arange(signal.n) * (self._record_s / signal.n)
        seconds: TimeArray = (self._onsets[records, None] - self._onsets[0] + within).ravel()
        return seconds

    def _annotations(self) -> tuple[TimeArray, list[Marker]]:
        """Return when each record begins (n_records,), s, and the texts; both from the annotation signals."""
        onsets: TimeArray = np.arange(self._n_records, dtype=np.float64) * self._record_s
        found: list[tuple[float, float, str]] = []
        signals = [s for s in self._signals if s.label in _ANNOTATIONS]
        for number, signal in itertools.product(range(self._n_records), signals):
            part = self._records(slice(number, number + 1))[
                0, signal.offset : signal.offset + signal.n * self._width
            ]
            for k, entry in enumerate(part.tobytes().split(b"\0")):
                if (match := _ONSET.match(entry)) is None:
                    continue
                at, texts = float(match[1]), entry[match.end() :].split(b"\x14")
                if k == 0 and signal is signals[0] and self._discontinuous:
                    onsets[number] = at
                elif number == 0 and k == 0 and signal is signals[0]:
                    onsets += at
                length = float(match[2] or 0.0)
                found += [(at, length, text.decode("utf-8", "replace")) for text in texts if text]
        first = float(onsets[0])
        self._skipped = [(at - first, at - first + n) for at, n, text in found if text == SKIPPED]
        return onsets, [Marker(at - first, text) for at, _, text in found if text != SKIPPED]

    def _triggers(self) -> list[Marker]:
        found = []
        everything = slice(0, self._n_records)
        for group in self.groups:
            for number, channel in zip(group.numbers, group.channels, strict=True):
                if channel.kind == "stim":
                    signal = self._data[number]
                    codes = self._codes(self._steps(signal, everything).ravel(), signal)
                    found += codes_to_markers(codes, self._seconds(signal, everything))
        return found

    def _codes(self, steps: IndexArray, signal: _Signal) -> IndexArray:
        if not self._bdf or signal.label.lower() != "status":
            return np.rint(signal.physically(steps)).astype(np.int64)
        if self._trigger_bits is not None:
            return steps & ((1 << self._trigger_bits) - 1)
        codes = steps & _TRIGGERS
        idle = int(np.bitwise_and.reduce(codes)) & ~_CODES if len(codes) else 0
        return codes & ~idle


def _number(field: bytes) -> float:
    """Give a number of the header; some programs write a decimal comma."""
    return float(_text(field).replace(",", ".") or 0)


def _text(field: bytes) -> str:
    """Give a text of the header; some programs fill up with zeros in place of spaces."""
    return field.decode("latin-1").strip(" \0\t\r\n")


def _micro(unit: str) -> str:
    """Give a unit whose micro sign was lost on the way (".V", "?V") as microvolts."""
    return "uV" if re.fullmatch(r"[^A-Za-z0-9\s]+V", unit) else unit
