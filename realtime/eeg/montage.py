"""Electrode names for a headset whose stream names none, or the wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from realtime.errors import StreamFormatError
from realtime.sources import EegSource
from realtime.types import EegHealth, EegInfo, RawChunk


class Renamed:
    """An `EegSource` whose channels are called otherwise than its stream calls them.

    Parameters
    ----------
    source : EegSource
    labels : sequence of str
        A 10-20 name for each channel of the stream, in its order.
    """

    def __init__(self, source: EegSource, labels: Sequence[str]):
        self._source, self._labels = source, tuple(labels)

    def open(self) -> EegInfo:
        """Connect; the names must be as many as the stream's channels.

        Raises
        ------
        StreamNotFound, StreamFormatError, SessionError
        """
        info = self._source.open()
        if len(self._labels) != info.n_channels:
            named, there = ", ".join(self._labels), ", ".join(info.labels)
            raise StreamFormatError(
                f"the montage names {len(self._labels)} electrodes ({named}), but the stream has "
                f"{info.n_channels} channels ({there}): name each of them, in this order"
            )
        return replace(info, labels=self._labels)

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
