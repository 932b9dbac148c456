"""What an EEG file of another program gives: groups of channels with one rate each, times, and events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np

from realtime.types import FloatArray, TimeArray
from recordings.session.session import Marker

SKIPPED = "BAD_ACQ_SKIP"  # mne's name for stretches in which nothing was recorded
BLOCK_S = 10.0  # so much is read at a time


class Channel(NamedTuple):
    """A channel's name, its kind as mne calls it ("eeg", "eog", "stim", …) and its unit, empty if unknown."""

    label: str
    kind: str
    unit: str


class ChannelGroup(NamedTuple):
    """Channels of one rate, which become one stream.

    Attributes
    ----------
    numbers : tuple of int
        Of the channels in the file.
    """

    type: str
    rate: float
    channels: tuple[Channel, ...]
    numbers: tuple[int, ...]


class SampleBlock(NamedTuple):
    """Samples of a group that follow one another in the file.

    Attributes
    ----------
    seconds : array of shape (n,), float64
        Since the file's first sample; stretches in which nothing was recorded are left out.
    samples : array of shape (n, n_channels), float32
        In the channels' units.
    """

    seconds: TimeArray
    samples: FloatArray


class SourceFile(Protocol):
    """A file that is imported.

    Attributes
    ----------
    markers : list of Marker
        Annotations, and the codes of trigger channels as text; stamps in seconds since the first sample.
    end : float
        Time of the last sample, seconds since the first.
    notes : list of str
        What had to be concluded, for the user to check.
    """

    groups: list[ChannelGroup]
    markers: list[Marker]
    end: float
    notes: list[str]

    def blocks(self, group: ChannelGroup) -> Iterator[SampleBlock]:
        """Read all samples of a group, about 10 s at a time."""
        ...


def grouped(channels: list[Channel], rates: list[float]) -> list[ChannelGroup]:
    """Put channels of one rate together: EEG as a stream of its own, everything else of that rate as AUX."""
    keys = [(c.kind != "eeg", -rate) for c, rate in zip(channels, rates, strict=True)]
    groups = []
    for key in sorted(set(keys)):
        numbers = tuple(i for i, own in enumerate(keys) if own == key)
        name = "AUX" if key[0] else "EEG"
        groups.append(ChannelGroup(name, -key[1], tuple(channels[i] for i in numbers), numbers))
    return groups


def codes_to_markers(codes: np.ndarray, seconds: TimeArray) -> list[Marker]:
    """Turn a trigger channel's codes (n,) at `seconds` (n,) into events: each change to one that is not 0."""
    changed = np.flatnonzero((codes[1:] != codes[:-1]) & (codes[1:] != 0)) + 1
    return [Marker(float(seconds[i]), str(int(codes[i]))) for i in changed]
