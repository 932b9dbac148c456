"""A copy of a session that says nothing of who was recorded, when, where and with which device.

What may stay is listed, everything else goes: of a header the type, rate, format, channels, reference and
synchronization. A stream's name becomes its type. Video is left out, because it may show a face; where it is
kept, its pictures are copied without their file's texts, dates, places and sound.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av

from realtime.errors import PhospheneError, SessionError
from realtime.video.demux import open_container, packets
from recordings.session.session import XDF_NAME, Session
from recordings.video.files import VideoReader
from recordings.xdf.copy import Change, copy_streams
from recordings.xdf.index import StreamInfo, XdfStream
from recordings.xdf.sync import trusted
from recordings.xdf.writer import StreamHeader, XdfWriter

REMOVED = "***"
_PLACE: dict[str, Any] = {"X": {}, "Y": {}, "Z": {}}
_KEPT: dict[str, Any] = {
    "channels": {"channel": {"label": {}, "unit": {}, "type": {}, "scaling_factor": {}, "location": _PLACE}},
    "reference": {"label": {}, "subtracted": {}, "common_average": {}},
    "synchronization": {"can_drop_samples": {}, "offset_mean": {}, "offset_spread": {}, "offset_rms": {}},
    "video": {"codec": {}, "width": {}, "height": {}},
}
_YEAR, _MONTH, _DAY = r"(?:19|20)\d\d", r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATES = (
    rf"(?<!\d){_YEAR}[-/.]\d\d?[-/.]\d\d?(?!\d)",
    rf"(?<!\d)\d\d?[-/.]\d\d?[-/.]{_YEAR}(?!\d)",
    rf"(?<!\d){_YEAR}{_MONTH}{_DAY}(?!\d)",
)
_TIME = r"(?:[T _,]+\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
_CALENDAR_S = 1e8  # no machine has been running for three years: such a clock tells the date
_SHORTEST_WORD = 4  # a host called "lab" may not take the word out of every marker


def anonymize(
    session: Session, folder: str | Path, keep_video: bool = False, words: Iterable[str] = ()
) -> Path:
    """Write a session without names, dates, hosts, source ids and faces.

    Samples, their timing and the clock offsets stay what they are; only clocks that tell the date are moved,
    by whole seconds. Texts of markers are kept, but for dates, this session's hosts and serial numbers, and
    `words`. Manifests and other files of the folder are not copied.

    Parameters
    ----------
    session : Session
    folder : str or Path
        Made if it is not there; must not hold a session yet.
    keep_video : bool
        Keep the pictures (a film that was shown, say), without their sound.
    words : iterable of str
        Further words that must not be left in any text, such as a participant's name; in any case of letters.

    Returns
    -------
    Path
        The new XDF file.

    Raises
    ------
    SessionError
        The folder holds a session, the video is to be kept and is not there or cannot be copied, or a chunk
        is damaged.
    """
    clean = _Cleaner([*words, *_telling(s.info for s in session.reader.streams.values())])
    videos = {info.stream_id for info in session.video_streams}
    kept = {i: s for i, s in session.reader.streams.items() if keep_video or i not in videos}
    names = _neutral({i: clean(s.info.type) for i, s in kept.items()})
    files = {i: f"{names[i].lower()}.mkv".replace(" ", "-") for i in kept if i in videos}
    headers = {i: _header(s.info, names[i], files.get(i), clean) for i, s in kept.items()}
    folder = Path(folder)
    made: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with XdfWriter(folder / XDF_NAME, headers, dated=False) as writer:
            made.append(writer.path)
            copy_streams(session.reader, writer, _changes(session, kept, clean))
        for stream_id, file in files.items():
            if (folder / file).exists():
                raise SessionError(f"{folder / file} exists already and is never overwritten: move it away")
            made.append(_copy_pictures(session.video(f"id={stream_id}").path, folder / file))
    except BaseException as failure:
        for path in made:
            path.unlink(missing_ok=True)
        if isinstance(failure, OSError):
            raise SessionError(f"{folder} cannot be written ({failure}): check folder and disk") from failure
        raise
    return folder / XDF_NAME


class _Cleaner:
    """Takes words and dates out of a text."""

    def __init__(self, words: Iterable[str]):
        alternatives = sorted({re.escape(word) for word in words if word}, key=len, reverse=True)
        dates = [date + _TIME for date in _DATES]
        self._pattern = re.compile("|".join([*dates, *alternatives]), re.IGNORECASE)

    def __call__(self, text: str) -> str:
        return self._pattern.sub(REMOVED, text)


def _telling(streams: Iterable[StreamInfo]) -> set[str]:
    """Hosts and serial numbers, which a program may have put into a text. An id without digits is a word."""
    found = set()
    for info in streams:
        found |= {info.host, info.source_id if re.search(r"\d", info.source_id) else "", info.text("uid")}
    return {word for word in found if len(word) >= _SHORTEST_WORD}


def _neutral(types: Mapping[int, str]) -> dict[int, str]:
    """Name each stream by its type, numbered from the second on."""
    names: dict[int, str] = {}
    for stream_id, type in types.items():
        plain = "Video" if type.lower() == "videoexternal" else type or "Stream"
        numbered = (plain if n == 1 else f"{plain} {n}" for n in count(1))
        names[stream_id] = next(name for name in numbered if name not in names.values())
    return names


def _header(info: StreamInfo, name: str, file: str | None, clean: Callable[[str], str]) -> StreamHeader:
    described = info.root.find("desc")
    kept = _filtered(described, _KEPT, clean) if described is not None else {}
    if file is not None:
        kept["video"] = {**kept.get("video", [{}])[0], "file": file}
    return StreamHeader(
        name, clean(info.type), info.n_channels, info.rate_nominal, info.format, description=kept
    )


def _filtered(
    element: ElementTree.Element, allowed: Mapping[str, Any], clean: Callable[[str], str]
) -> dict[str, Any]:
    """Keep the children whose names are allowed, as `StreamHeader.description` takes them."""
    found: dict[str, Any] = {}
    for child in element:
        if child.tag in allowed:
            below = allowed[child.tag]
            value = _filtered(child, below, clean) if below else clean((child.text or "").strip())
            found.setdefault(child.tag, []).append(value)
    return found


def _changes(
    session: Session, streams: Mapping[int, XdfStream], clean: Callable[[str], str]
) -> dict[int, Change]:
    """Move each stream off a clock that tells the date, by whole seconds.

    It goes onto the session's clock, and that itself to where it begins.
    """
    ahead = {i: float(round(_first_offset(s))) for i, s in streams.items()}
    firsts = [s.first_stamp[0] + ahead[i] for i, s in streams.items() if s.n_chunks]
    earliest = min((at for at in firsts if math.isfinite(at)), default=0.0)
    begin = float(math.floor(earliest)) if abs(earliest) > _CALENDAR_S else 0.0
    return {i: Change(ahead[i] - begin, -begin, clean) for i in streams}


def _first_offset(stream: XdfStream) -> float:
    values = trusted(stream)[2]
    return float(values[0]) if len(values) else 0.0


def _copy_pictures(source: Path, target: Path) -> Path:
    """Copy a video's pictures as they are coded, and nothing else of its file.

    Raises
    ------
    SessionError
        What comes out has other frames or another size, or Matroska does not take the codec.
    """
    container, stream = open_container(source)
    try:
        with container, av.open(str(target), "w", format="matroska", options={"fflags": "+bitexact"}) as out:
            copy = out.add_stream_from_template(stream, opaque=True)  # no encoder needed
            for packet in packets(container, stream):
                if packet.size:  # the end of the stream is an empty packet
                    packet.stream = copy
                    out.mux(packet)
        with VideoReader(source) as before, VideoReader(target) as after:
            shapes = [(len(video), video.width, video.height) for video in (before, after)]
        if shapes[0] != shapes[1]:  # a picture that lay on its side, say
            raise ValueError(f"{shapes[1]} frames, width and height of {shapes[0]}")
    except (av.error.FFmpegError, PhospheneError, ValueError) as failure:
        target.unlink(missing_ok=True)
        raise SessionError(
            f"{source} cannot be copied without its texts and dates ({failure}): convert it first, for "
            f"example with `ffmpeg -i {source.name} -map_metadata -1 -an film.mkv`"
        ) from failure
    return target
