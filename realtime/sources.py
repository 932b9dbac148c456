"""What a source of EEG or video must offer.

The live ones, the virtual ones and the replay all do, and nothing downstream knows which it got.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from realtime.taps import Taps
from realtime.types import EegHealth, EegInfo, Frame, RawChunk, VideoHealth, VideoInfo


@runtime_checkable
class EegSource(Protocol):
    """A stream of EEG samples. All methods are called by one thread, the one that opened it, but `health`."""

    def open(self) -> EegInfo:
        """Connect and say what the stream is.

        Raises
        ------
        StreamNotFound, StreamFormatError, SessionError
        """
        ...

    def read(self, timeout_s: float = 0.0) -> RawChunk | None:
        """Return what came since the last call, waiting up to `timeout_s` for a sample; None if none."""
        ...

    def health(self) -> EegHealth:
        """State of the connection (name, state, age, note); any thread may ask."""
        ...

    @property
    def finished(self) -> bool:
        """No sample will come any more (the end of a recording)."""
        ...

    def close(self) -> None:
        """Let go of the device, stream or file."""
        ...


@runtime_checkable
class TellsEvents(Protocol):
    """A source at which things happen that belong into the recording: an item comes on, a key is pressed."""

    events: Taps[tuple[float, str]]


@runtime_checkable
class VideoSource(Protocol):
    """A stream of frames in the order of their stamps."""

    def open(self) -> VideoInfo:
        """Open the device, file or URL.

        Raises
        ------
        VideoError, SessionError
        """
        ...

    def read(self, timeout_s: float = 0.0) -> Frame | None:
        """Return the next frame worth having, waiting up to `timeout_s`; None if none.

        Live sources give the newest and drop what nobody took in time; the replay gives every frame.
        """
        ...

    def health(self) -> VideoHealth:
        """State of the source; any thread may ask."""
        ...

    @property
    def finished(self) -> bool:
        """No frame will come any more (the end of a file)."""
        ...

    def close(self) -> None:
        """Let go of the device, stream or file."""
        ...
