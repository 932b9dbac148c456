"""EEG files of other programs (BrainVision, EEGLAB, FIF, whatever mne reads), block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from realtime.errors import SessionError
from realtime.types import BoolArray, IndexArray
from recordings.exchange.extras import need
from recordings.exchange.foreign.pauses import Pause, boundary_pauses, brainvision_pauses, time_of
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

_VOLT = 107  # FIFF_UNIT_V
_UV_PER_V = 1e6


class MneFile:
    """A `SourceFile` that mne can read.

    Parameters
    ----------
    path : str or Path
    unit : str, optional
        Of the EEG channels' values as they stand in the file, where that states none or a wrong one.

    Raises
    ------
    ConfigError
        mne is not installed.
    SessionError
        The file is missing, mne cannot read it, or it holds no EEG.
    """

    def __init__(self, path: str | Path, unit: str | None = None):
        self.path, self.notes = Path(path), []  # type: tuple[Path, list[str]]
        self._mne = need("mne", "mne", f"reading {self.path.name}")
        if not self.path.exists():
            raise SessionError(f"there is no file {self.path}: check the path")
        self._raw = self._open()
        self._rate, self._n_samples = float(self._raw.info["sfreq"]), int(self._raw.n_times)
        channels = self._channels(unit)
        self.groups = grouped(channels, [self._rate] * len(channels))
        if not any(group.type == "EEG" for group in self.groups):
            kinds = ", ".join(sorted({channel.kind for channel in channels}))
            raise SessionError(
                f"{path} holds no EEG channel, only {kinds}: set the channels' types in it first"
            )
        spans = self._annotations()
        self._pauses = self._find_pauses()
        self._skipped = [(start, stop) for start, stop, text in spans if text == SKIPPED]
        noted = [Marker(self._time(start), text) for start, _, text in spans if text != SKIPPED]
        self.markers = sorted(noted + self._triggers(channels))
        self.end = self._time((self._n_samples - 1) / self._rate)

    def blocks(self, group: ChannelGroup) -> Iterator[SampleBlock]:
        """Read all samples of a group, about 10 s at a time: voltages in µV, everything else as it is."""
        gain = self._gains[list(group.numbers)]
        step = max(1, round(BLOCK_S * self._rate))
        for start in range(0, self._n_samples, step):
            number = np.arange(start, min(start + step, self._n_samples))
            values = self._raw.get_data(list(group.numbers), start, int(number[-1]) + 1).T * gain
            kept = self._recorded(number)
            seconds = time_of(number[kept], self._rate, self._pauses)
            yield SampleBlock(seconds, values[kept].astype(np.float32))

    def _open(self) -> Any:
        try:
            return self._mne.io.read_raw(self.path, preload=False, verbose="ERROR")
        except Exception as error:  # whatever its many readers raise
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise SessionError(f"mne cannot read {self.path}: {reason}") from error

    def _channels(self, unit: str | None) -> list[Channel]:
        kinds = self._raw.get_channel_types()
        codes = [int(channel["unit"]) for channel in self._raw.info["chs"]]
        # mne calls the codes of a trigger channel volts too
        volts = np.array([code == _VOLT and kind != "stim" for code, kind in zip(codes, kinds, strict=True)])
        self._gains = np.where(volts, _UV_PER_V, 1.0)
        units = ["microvolts" if is_volt else "" for is_volt in volts]
        stated = getattr(self._raw, "_orig_units", None) or {}
        for i, (label, kind) in enumerate(zip(self._raw.ch_names, kinds, strict=True)):
            if not volts[i] and kind != "stim" and stated.get(label) not in (None, "n/a"):
                units[i] = str(stated[label])
            if unit and kind == "eeg":
                units[i] = unit
                if self.path.name.endswith((".fif", ".fif.gz")):
                    self._gains[i] = 1.0  # a FIF holds mne's own numbers
        return [Channel(*facts) for facts in zip(self._raw.ch_names, kinds, units, strict=True)]

    def _annotations(self) -> list[tuple[float, float, str]]:
        """Start and stop in seconds of samples since the first, and text."""
        notes = self._raw.annotations
        starts = notes.onset - self._raw.first_time  # mne counts from the amplifier's start
        return [
            (float(start), float(start + length), str(text))
            for start, length, text in zip(starts, notes.duration, notes.description, strict=True)
        ]

    def _find_pauses(self) -> list[Pause]:
        if self.path.suffix.lower() in (".vhdr", ".ahdr"):
            return brainvision_pauses(self.path, self._rate)
        if self.path.suffix.lower() == ".set":
            notes = self._mne.read_annotations(self.path)  # a Raw cuts their durations at its own end
            return boundary_pauses(
                zip(notes.onset, notes.duration, notes.description, strict=True), self._rate
            )
        return []

    def _time(self, seconds: float) -> float:
        """Seconds since the first sample, of a moment given in seconds of samples."""
        return float(time_of(np.array([seconds * self._rate]), self._rate, self._pauses)[0])

    def _triggers(self, channels: Sequence[Channel]) -> list[Marker]:
        found = []
        for i, channel in enumerate(channels):
            if channel.kind == "stim":
                codes = np.rint(self._raw.get_data([i])[0]).astype(np.int64)
                found += codes_to_markers(codes, time_of(np.arange(len(codes)), self._rate, self._pauses))
        return found

    def _recorded(self, number: IndexArray) -> BoolArray:
        kept = np.ones(len(number), bool)
        for start, stop in self._skipped:
            first, last = round(start * self._rate), round(stop * self._rate)
            kept &= (number < first) | (number >= last)
        return kept
