"""A recorded session: a folder with `session.xdf` and the videos its VideoExternal streams name."""

from __future__ import annotations

import contextlib
import math
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from realtime.errors import SessionError
from recordings.session.headers import video_stream
from recordings.session.manifest import as_recorded, is_recorded, recorded_eeg
from recordings.session.tracks import EegTrack, VideoTrack, stamps_on_session_clock
from recordings.xdf.index import StreamInfo
from recordings.xdf.reader import XdfReader

XDF_NAME = "session.xdf"
_SELECTABLE = ("name", "type", "source_id", "host", "id")


class Marker(NamedTuple):
    """An event: when (s on the session's clock) and what."""

    stamp: float
    text: str


class Session:
    """Reads a session by time; nothing is loaded before it is asked for.

    The session's clock is the recorder's: stamps of every stream are brought to it by the clock offsets in
    the file, each sample taking the last offset measured before it, as the live pipeline does.

    Parameters
    ----------
    path : str or Path
        The folder, or the XDF file itself.

    Raises
    ------
    SessionError
        No such folder, no XDF in it, or one that is damaged.
    """

    def __init__(self, path: str | Path):
        self.path = _find_xdf(Path(path))
        self.folder = self.path.parent
        self.reader = XdfReader(self.path)
        self._taken = recorded_eeg(self.folder) if self.path.name == XDF_NAME else []
        self._eeg: dict[int, EegTrack] = {}
        self._video: dict[int, VideoTrack] = {}

    @property
    def name(self) -> str:
        """What to call the session: the folder's name, or the file's where it has another than usual."""
        return self.folder.resolve().name if self.path.name == XDF_NAME else self.path.stem

    @property
    def eeg_streams(self) -> list[StreamInfo]:
        """Streams of type EEG, or taken for EEG when they were recorded, that have samples."""
        return [
            s.info
            for s in self.reader.streams.values()
            if (s.info.type.upper() == "EEG" or is_recorded(s.info, self._taken))
            and s.info.format != "string"
            and s.n_samples
            and s.info.n_channels
        ]

    @property
    def usable_videos(self) -> list[StreamInfo]:
        """Those of the `video_streams` whose file is there."""
        found = []
        for info in self.video_streams:
            with contextlib.suppress(SessionError):
                self.video(f"id={info.stream_id}")
                found.append(info)
        return found

    @property
    def video_streams(self) -> list[StreamInfo]:
        """Streams of frame numbers that should have a video file beside them."""
        return [s.info for s in self.reader.streams.values() if s.info.type.lower() == "videoexternal"]

    def eeg(self, selector: str | None = None) -> EegTrack:
        """Return the EEG stream that fits `selector`; without one, the only EEG stream there is.

        A selector is a bare name or `name=…`, `type=…`, `source_id=…`, `host=…` or `id=…` (the stream's
        number in the file), several with commas between them.

        Raises
        ------
        SessionError
            None fits, more than one does, or it has no samples or no numbers.
        """
        streams = self.eeg_streams
        main = [] if selector else [info for info in streams if is_recorded(info, self._taken)]
        info = self._choose("EEG", "--eeg", selector, main if len(main) == 1 else streams)
        if info.stream_id not in self._eeg:
            track = EegTrack(self.reader, info.stream_id)
            track.info = as_recorded(track.info, self._taken)
            self._eeg[info.stream_id] = track
        return self._eeg[info.stream_id]

    def video(self, selector: str | None = None) -> VideoTrack:
        """Return the video that fits `selector` (as for `eeg`).

        Without one: the only video there is, or the main one of a session that was recorded with several.

        Raises
        ------
        SessionError
            None or more than one, or its file is not in the folder.
        """
        streams = self.video_streams
        if len(streams) > 1 and not selector:
            streams = self.usable_videos or streams
        main = [] if selector else [info for info in streams if info.name == video_stream(0)]
        info = self._choose("video (VideoExternal)", "--video", selector, main or streams)
        if info.stream_id not in self._video:
            self._video[info.stream_id] = VideoTrack(self.reader, info.stream_id, self.folder)
        return self._video[info.stream_id]

    def stream(self, selector: str, option: str) -> StreamInfo:
        """Return the one stream of any kind that fits `selector` (as for `eeg`), which `option` was given.

        Raises
        ------
        SessionError
            None fits, or more than one does.
        """
        return self._choose("", option, selector, [])

    def markers(self) -> list[Marker]:
        """Events of all marker streams in the order of their stamps; channels are joined by commas."""
        found = []
        for stream in self.reader.streams.values():
            if not any(word in stream.info.type.lower() for word in ("marker", "event", "stimul")):
                continue
            stamps, values = self.reader.read(stream.info.stream_id)
            for stamp, sample in zip(stamps_on_session_clock(stream, stamps), values, strict=False):
                if math.isfinite(stamp):
                    found.append(Marker(float(stamp), ",".join(str(v) for v in sample)))
        return sorted(found, key=lambda marker: marker.stamp)

    @cached_property
    def span(self) -> tuple[float, float]:
        """First and last stamp of all EEG and video, seconds on the session's clock."""
        spans = []
        for eeg in self.eeg_streams:
            with contextlib.suppress(SessionError):  # none of its samples can be read: others have theirs
                spans.append(self.eeg(f"id={eeg.stream_id}").span)
        for video in self.video_streams:
            with contextlib.suppress(SessionError):  # its file is missing: the EEG still has its time
                spans.append(self.video(f"id={video.stream_id}").span)
        if not spans:
            raise SessionError(f"{self.path} has neither EEG nor video: {self._listing()}")
        return min(start for start, _ in spans), max(end for _, end in spans)

    @property
    def start(self) -> float:
        """First stamp, seconds on the session's clock."""
        return self.span[0]

    @property
    def end(self) -> float:
        """Last stamp, seconds on the session's clock."""
        return self.span[1]

    @property
    def duration(self) -> float:
        """Seconds from the first to the last sample or frame."""
        return self.end - self.start

    def close(self) -> None:
        """Close the file."""
        self.reader.close()

    def __enter__(self) -> Session:
        """Return the session."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def _choose(
        self, what: str, option: str, selector: str | None, candidates: list[StreamInfo]
    ) -> StreamInfo:
        if selector:
            wanted = _wanted(option, selector)
            fitting = [
                s.info
                for s in self.reader.streams.values()
                if all(_value(s.info, key) == value for key, value in wanted.items())
            ]
            # A device's streams may share a name; of several that fit, the kind that is looked for is meant.
            candidates = [s for s in fitting if s in candidates] or fitting
        if not candidates:
            asked = f" that fits {selector!r}" if selector else ""
            raise SessionError(f"{self.path} has no {what} stream{asked}: {self._listing()}")
        if len(candidates) > 1:
            ids = " or ".join(f"{option} id={s.stream_id}" for s in candidates)
            raise SessionError(
                f"{self.path} has {len(candidates)} {what} streams; choose one with {ids}: {self._listing()}"
            )
        return candidates[0]

    def _listing(self) -> str:
        """All streams of the file in one line."""
        streams = [
            f"id={s.info.stream_id} {s.info.name or '(no name)'} ({s.info.type or 'no type'}, "
            f"{s.info.n_channels} × {s.info.format}, {s.n_samples} samples)"
            for s in self.reader.streams.values()
        ]
        return "it holds " + ("; ".join(streams) if streams else "no stream at all")


def _wanted(option: str, selector: str) -> dict[str, str]:
    """Properties and their values from `name=Muse,type=EEG`, or a bare name."""
    wanted = {}
    for part in selector.split(","):
        key, _, value = part.rpartition("=")
        key = key.strip() or "name"
        if key not in _SELECTABLE:
            raise SessionError(f"{option} {selector}: choose by {', '.join(k + '=' for k in _SELECTABLE)}")
        wanted[key] = value.strip()
    return wanted


def _value(info: StreamInfo, key: str) -> str:
    return str(info.stream_id) if key == "id" else str(getattr(info, key))


def _find_xdf(path: Path) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise SessionError(f"{path} is not here: give a session's folder (or its .xdf file)")
    usual = path / XDF_NAME
    if usual.is_file():
        return usual
    others = sorted(path.glob("*.xdf"))
    if len(others) == 1:
        return others[0]
    if others:
        names = ", ".join(other.name for other in others)
        raise SessionError(f"{path} holds {len(others)} recordings ({names}): name one of the files")
    raise SessionError(f"{path} holds no {XDF_NAME}: give a folder that `phosphene record` wrote")
