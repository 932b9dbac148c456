"""Electrode names for a headset whose stream names none, or the wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from realtime.eeg.channels import kinds_of
from realtime.errors import ConfigError, StreamFormatError
from realtime.sources import EegSource
from realtime.types import EegHealth, EegInfo, RawChunk


def read_montage(text: str) -> tuple[str, ...]:
    """Return the entries of a montage as a user gives it, for `rename`.

    Parameters
    ----------
    text : str
        Names in the channels' order (`Fz,Cz,Pz`), names by channel number (`1=Fz,2=C3`), or the path of a
        file with either, one or several on a line.

    Raises
    ------
    ConfigError
        There are no names in it.
    """
    given = text
    if Path(text).is_file():
        given = Path(text).read_text(encoding="utf-8-sig", errors="replace")
    lines = [line.partition("#")[0] for line in given.splitlines()]
    names = tuple(name.strip() for line in lines for name in re.split(r"[,;\t]", line) if name.strip())
    if not names:
        raise ConfigError(
            f"the montage {text!r} names no electrode: write Fz,Cz,Pz or 1=Fz,2=C3, or a file of them"
        )
    return names


def rename(info: EegInfo, labels: Sequence[str]) -> EegInfo:
    """Return a stream whose channels are called otherwise than its sender calls them.

    Parameters
    ----------
    info : EegInfo
    labels : sequence of str
        A 10-20 name for each channel of the stream, in its order; or `2=Cz` for those that are meant, by
        number from 1: then the others are no EEG.

    Raises
    ------
    StreamFormatError
        They are not as many as the channels, or a number is none of a channel.
    """
    if all("=" in label for label in labels):
        return _by_number(info, labels)
    if len(labels) != info.n_channels:
        named, there = ", ".join(labels), ", ".join(info.labels)
        raise StreamFormatError(
            f"the montage names {len(labels)} electrodes ({named}), but the stream has "
            f"{info.n_channels} channels ({there}): name each of them, in this order, or some: 1=Fz"
        )
    return replace(info, labels=tuple(labels))


def _by_number(info: EegInfo, entries: Sequence[str]) -> EegInfo:
    labels = list(info.labels)
    kinds = ["misc" if kind == "eeg" else kind for kind in kinds_of(info)]
    for entry in entries:
        number, _, name = (part.strip() for part in entry.partition("="))
        if not (number.isdecimal() and 1 <= int(number) <= info.n_channels and name):
            raise StreamFormatError(
                f"the montage's {entry!r} names no channel: there are channels 1 to {info.n_channels} "
                f"({', '.join(info.labels)}); write for example 1=Fz"
            )
        labels[int(number) - 1], kinds[int(number) - 1] = name, "eeg"
    return replace(info, labels=tuple(labels), kinds=tuple(kinds))


class Renamed:
    """An `EegSource` whose channels are named by the user.

    Parameters
    ----------
    source : EegSource
    naming : callable
        Given what the stream says of itself, returns it with the names that are used.
    """

    def __init__(self, source: EegSource, naming: Callable[[EegInfo], EegInfo]):
        self._source, self._naming = source, naming

    def open(self) -> EegInfo:
        """Connect, and name the channels.

        Raises
        ------
        StreamNotFound, StreamFormatError, SessionError
        """
        return self._naming(self._source.open())

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        """Return what the wrapped source has."""
        return self._source.read(timeout_s)

    def health(self) -> EegHealth:
        """Return the health of the wrapped source."""
        return self._source.health()

    @property
    def finished(self) -> bool:
        """Whether the wrapped source has ended."""
        return self._source.finished

    def close(self) -> None:
        """Close the wrapped source."""
        self._source.close()
