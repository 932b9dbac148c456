"""Which LSL stream is meant: what a user writes, what is there, and what to say if they do not agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from realtime.errors import ConfigError, StreamNotFound

if TYPE_CHECKING:
    import pylsl

_FORMATS = ("undefined", "float32", "double64", "string", "int32", "int16", "int8", "int64")


@dataclass(frozen=True)
class StreamSummary:
    """What the network tells of a stream before anyone connects to it. `rate_nominal` 0: irregular."""

    name: str
    type: str
    n_channels: int
    rate_nominal: float
    format: str
    host: str
    source_id: str
    uid: str

    @classmethod
    def of(cls, info: pylsl.StreamInfo) -> StreamSummary:
        """Summarise a stream that was resolved."""
        return cls(
            info.name(), info.type(), info.channel_count(), info.nominal_srate(),
            _FORMATS[info.channel_format()], info.hostname(), info.source_id(), info.uid(),
        )  # fmt: skip

    def __str__(self) -> str:
        """As a user would write it."""
        rate = f"{self.rate_nominal:g} Hz" if self.rate_nominal else "irregular"
        return (
            f"{self.name} ({self.type or 'no type'}, {self.n_channels} ch, {rate}, {self.format}, "
            f"host={self.host}, source_id={self.source_id or 'none'})"
        )


@dataclass(frozen=True)
class StreamSelector:
    """Properties a stream must have; None does not care."""

    name: str | None = None
    type: str | None = None
    source_id: str | None = None
    host: str | None = None
    uid: str | None = None

    @classmethod
    def parse(cls, text: str) -> StreamSelector:
        """From `name=Muse`, `type=EEG`, `source_id=…`, `host=…`, several with commas, or a bare name.

        Nothing at all means the EEG stream, where there is but one.

        Raises
        ------
        ConfigError
        """
        wanted: dict[str, str] = {}
        for part in filter(None, (part.strip() for part in text.split(","))):
            key, _, value = (
                piece.strip() for piece in (part if "=" in part else f"name={part}").partition("=")
            )
            if key not in cls.__dataclass_fields__ or not value:
                raise ConfigError(
                    f"'{part}' does not say which stream: write name=…, type=…, source_id=… or host=…, "
                    "several with commas between them"
                )
            if key in wanted:
                raise ConfigError(f"'{text}' gives {key} twice")
            wanted[key] = value
        return cls(**wanted or {"type": "EEG"})

    def __str__(self) -> str:
        """As a user would write it."""
        given = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return ",".join(f"{key}={value}" for key, value in given.items() if value is not None)

    @property
    def predicate(self) -> str:
        """The same as a condition for liblsl's resolver (XPath 1.0)."""
        names = {"name": "name", "type": "type", "source_id": "source_id", "host": "hostname", "uid": "uid"}
        given = {names[key]: getattr(self, key) for key in names}
        return " and ".join(f"{key}={_quoted(value)}" for key, value in given.items() if value is not None)

    def matches(self, stream: StreamSummary) -> bool:
        """Say whether a stream has all these properties."""
        given = {key: getattr(self, key) for key in self.__dataclass_fields__}
        return all(value is None or getattr(stream, key) == value for key, value in given.items())

    def choose(self, streams: Sequence[StreamSummary], present: Sequence[StreamSummary] = ()) -> int:
        """Which of the `streams` that match is meant; a device's EEG is preferred to its other streams.

        `present` is all there is, for the message.

        Raises
        ------
        StreamNotFound
            None, or more than one.
        """
        if not streams:
            there = "; ".join(map(str, present)) if present else "none at all"
            hint = (
                "choose one with --eeg name=…"
                if present
                else "start the headset's LSL sender, or `phosphene headset`"
            )
            raise StreamNotFound(f"no LSL stream fits '{self}'. There is: {there}. Next: {hint}")
        if len(streams) == 1:
            return 0
        if self.type is None:
            eeg = [i for i, stream in enumerate(streams) if stream.type.upper() == "EEG"]
            if len(eeg) == 1:
                return eeg[0]
        raise StreamNotFound(
            f"{len(streams)} LSL streams fit '{self}': {'; '.join(map(str, streams))}. "
            f"Next: choose one, for example --eeg {_narrower(streams)}"
        )


def _narrower(streams: Sequence[StreamSummary]) -> str:
    """Return the property by which the first of the streams differs from all others."""
    for key in ("source_id", "name", "type", "host"):
        values = [getattr(stream, key) for stream in streams]
        if values[0] and values.count(values[0]) == 1:
            return f"{key}={values[0]}"
    return f"uid={streams[0].uid}"


def _quoted(value: str) -> str:
    """Return a string of XPath 1.0, which knows no escapes."""
    if "'" not in value:
        return f"'{value}'"
    if '"' not in value:
        return f'"{value}"'
    return "concat(" + ', "\'", '.join(f"'{part}'" for part in value.split("'")) + ")"
