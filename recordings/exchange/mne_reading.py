"""EEG files of other programs (EDF, BDF, BrainVision, EEGLAB, FIF, whatever mne reads), block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from realtime.errors import SessionError
from realtime.types import BoolArray, FloatArray, IndexArray
from recordings.exchange.extras import need
from recordings.session.session import Marker

SKIPPED = "BAD_ACQ_SKIP"  # mne's name for stretches in which nothing was recorded
_BLOCK_S = 10.0
_VOLT = 107  # FIFF_UNIT_V
_UV_PER_V = 1e6


class Channel(NamedTuple):
    """A channel's name, its kind as mne calls it ("eeg", "eog", "stim", …) and its unit, empty if unknown."""

    label: str
    kind: str
    unit: str


class SampleBlock(NamedTuple):
    """Samples that follow one another.

    Attributes
    ----------
    number : array of shape (n,), int64
        Each sample's number since the file's first; stretches in which nothing was recorded are left out.
    samples : array of shape (n, n_channels), float32
        Voltages in µV, everything else as the file has it.
    """

    number: IndexArray
    samples: FloatArray


class MneFile:
    """A recording that mne can read.

    Attributes
    ----------
    rate : float
        Samples a second.
    n_samples : int
    channels : tuple of Channel
    markers : list of Marker
        Annotations, and the codes of trigger channels as text; stamps in seconds since the first sample.

    Raises
    ------
    ConfigError
        mne is not installed.
    SessionError
        The file is missing, or mne cannot read it.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._mne = need("mne", "mne", f"reading {self.path.name}")
        if not self.path.exists():
            raise SessionError(f"there is no file {self.path}: check the path")
        self._raw = self._open()
        self.rate, self.n_samples = float(self._raw.info["sfreq"]), int(self._raw.n_times)
        kinds = self._raw.get_channel_types()
        units = [int(channel["unit"]) for channel in self._raw.info["chs"]]
        # mne calls the codes of a trigger channel volts too
        self._volts = np.array([u == _VOLT and k != "stim" for u, k in zip(units, kinds, strict=True)])
        self.channels = tuple(
            Channel(label, kind, "microvolts" if volts else "")
            for label, kind, volts in zip(self._raw.ch_names, kinds, self._volts, strict=True)
        )
        spans = self._annotations()
        self._skipped = [(start, stop) for start, stop, text in spans if text == SKIPPED]
        noted = [Marker(start, text) for start, _, text in spans if text != SKIPPED]
        self.markers = sorted(noted + self._triggers(kinds))

    def blocks(self, chosen: Sequence[int]) -> Iterator[SampleBlock]:
        """All samples of the channels with these numbers, about 10 s at a time."""
        gain = np.where(self._volts[list(chosen)], _UV_PER_V, 1.0)
        step = max(1, round(_BLOCK_S * self.rate))
        for start in range(0, self.n_samples, step):
            number = np.arange(start, min(start + step, self.n_samples))
            values = self._raw.get_data(list(chosen), start, int(number[-1]) + 1).T * gain
            kept = self._recorded(number)
            yield SampleBlock(number[kept], values[kept].astype(np.float32))

    def _open(self) -> Any:
        try:
            return self._mne.io.read_raw(self.path, preload=False, verbose="ERROR")
        except Exception as error:  # whatever its many readers raise
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise SessionError(f"mne cannot read {self.path}: {reason}") from error

    def _annotations(self) -> list[tuple[float, float, str]]:
        """Start and stop in seconds since the first sample, and text."""
        notes = self._raw.annotations
        starts = notes.onset - self._raw.first_time  # mne counts from the amplifier's start
        return [
            (float(start), float(start + length), str(text))
            for start, length, text in zip(starts, notes.duration, notes.description, strict=True)
        ]

    def _triggers(self, kinds: Sequence[str]) -> list[Marker]:
        stims = [label for label, kind in zip(self._raw.ch_names, kinds, strict=True) if kind == "stim"]
        if not stims:
            return []
        events = self._mne.find_events(self._raw, stims, shortest_event=1, verbose="ERROR")
        return [Marker((at - self._raw.first_samp) / self.rate, str(code)) for at, _, code in events]

    def _recorded(self, number: IndexArray) -> BoolArray:
        kept = np.ones(len(number), bool)
        for start, stop in self._skipped:
            first, last = round(start * self.rate), round(stop * self.rate)
            kept &= (number < first) | (number >= last)
        return kept
