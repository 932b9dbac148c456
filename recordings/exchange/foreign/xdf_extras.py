"""What an XDF file by another recorder needs beside being copied: units, names, and times of its frames."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

from realtime.errors import ConfigError, SessionError
from realtime.types import IndexArray, TimeArray
from recordings.session.session import Session
from recordings.session.tracks import stamps_on_session_clock
from recordings.xdf.index import StreamInfo


def redescribed(info: StreamInfo, unit: str | None, montage: Sequence[str]) -> str:
    """Return the header of a stream that is EEG, with another unit, or other names of its electrodes.

    Raises
    ------
    ConfigError
        The montage names more or fewer electrodes than the stream has channels.
    """
    if not unit and not montage and info.type.upper() == "EEG":
        return info.xml
    if montage and len(montage) != info.n_channels:
        raise ConfigError(
            f"the montage names {len(montage)} electrodes and stream {info.name!r} has {info.n_channels} "
            "channels: name each of them, in this order"
        )
    root = copy.deepcopy(info.root)
    _child(root, "type").text = "EEG"
    described = _child(_child(root, "desc"), "channels")
    channels = described.findall("channel")
    channels += [ElementTree.SubElement(described, "channel") for _ in range(info.n_channels - len(channels))]
    for i, channel in enumerate(channels[: info.n_channels]):
        if unit and (channel.findtext("type") or "EEG").strip().upper() in ("", "EEG"):
            _child(channel, "unit").text = unit
        if montage:
            _child(channel, "label").text = montage[i]
    return ElementTree.tostring(root, encoding="unicode")


def numbering_streams(session: Session) -> list[str]:
    """Name the streams that seem to number the frames of a video: whole numbers that never fall."""
    found = []
    for stream in session.reader.streams.values():
        info = stream.info
        kind = info.type.lower()
        if info.format == "string" or info.n_channels != 1 or not ("video" in kind or "frame" in kind):
            continue
        values = np.asarray(session.reader.read(info.stream_id)[1], np.float64)[:, 0]
        if len(values) > 1 and (np.diff(values) >= 0).all() and (values == np.rint(values)).all():
            found.append(f"id={info.stream_id} ({info.name}, {info.type})")
    return found


def frame_numbers(session: Session, selector: str, n_frames: int) -> tuple[IndexArray, TimeArray]:
    """Read which frame of the film was shown when: numbers (n,), and times (n,) on the session's clock.

    Raises
    ------
    SessionError
        No stream fits, or its numbers are not those of the film's frames.
    """
    info = session.stream(selector, "--frames")
    stamps, values = session.reader.read(info.stream_id)
    if info.format == "string" or not len(stamps) or not info.n_channels:
        raise SessionError(
            f"{session.path}: stream {info.name!r} holds no numbers of frames. Choose another."
        )
    numbers = np.rint(np.asarray(values, np.float64)[:, 0])
    times = stamps_on_session_clock(session.reader.streams[info.stream_id], stamps)
    whole = np.isfinite(numbers) & np.isfinite(times)
    numbers, times = numbers[whole].astype(np.int64), times[whole]
    if len(numbers) and numbers.min() == 1 and numbers.max() == n_frames:
        numbers = numbers - 1  # counted from 1
    if not len(numbers) or numbers.min() < 0 or numbers.max() >= n_frames:
        span = f"{numbers.min()} to {numbers.max()}" if len(numbers) else "none"
        raise SessionError(
            f"{session.path}: stream {info.name!r} numbers frames {span}, and the film has {n_frames}: is it "
            "the film of this recording?"
        )
    return numbers, times


def _child(element: ElementTree.Element, tag: str) -> ElementTree.Element:
    found = element.find(tag)
    return ElementTree.SubElement(element, tag) if found is None else found
