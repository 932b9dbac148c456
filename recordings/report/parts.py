"""Parts of a session's report: sections, tables, and pictures of its videos."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.errors import PhospheneError
from realtime.video.frames import shrink
from realtime.video.opencv import cv2
from recordings.report.svg import clock_words
from recordings.session.session import Session
from recordings.video.files import VideoReader

_STILLS, _STILL_PX = 12, 96
_BAD = "flat", "railing", "noisy"


def section(title: str, *parts: object) -> str:
    """Write a section of the page."""
    return f"<section><h2>{escape(title)}</h2>{''.join(map(str, parts))}</section>"


def card(value: str, words: str, kind: str = "") -> str:
    """One figure with what it is."""
    return f'<div class="figure-card {kind}"><b>{escape(value)}</b><span>{escape(words)}</span></div>'


def folded(summary: str, *parts: object) -> str:
    """Write what is shown only on request."""
    return f"<details><summary>{escape(summary)}</summary>{''.join(map(str, parts))}</details>"


def table(names: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of words; a name that begins with `n ` is of a column of figures."""
    kinds = [(name.removeprefix("n "), ' class="n"' if name.startswith("n ") else "") for name in names]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in kinds)
    body = "".join(
        "<tr>" + "".join(f"<td{k}>{escape(v)}</td>" for v, (_, k) in zip(row, kinds, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="scroll"><table><tr>{head}</tr>{body}</table></div>'


def eeg_table(eeg: dict[str, Any]) -> str:
    """Write an EEG stream as the audit (`recordings.session.info`) describes it."""
    names = ("n channels", "n samples", "n rate", "n drift", "n jitter", "n gaps", "n lost")
    timing = ("–",) * 5
    if "rate_effective" in eeg:
        rate, drift = f"{eeg['rate_effective']:.3f} Hz", f"{round(eeg['drift_ppm']):+d} ppm"
        timing = (rate, drift, f"{eeg['jitter_ms']:.2f} ms", str(eeg["gaps"]), str(eeg["lost_samples"]))
    return table(names, [(str(len(eeg["labels"])), str(eeg["samples"]), *timing)])


def channel_table(channels: list[dict[str, Any]]) -> str:
    """Its channels: how large they are, and in what share of the time they were bad."""
    if not channels:
        return ""
    rows = [(c["label"], _amplitude(c), *(f"{c[word]:.0%}" for word in _BAD)) for c in channels]
    bad = sum(max(c[word] for word in _BAD) > 0.5 for c in channels)
    state = f"{bad} of {len(channels)} bad most of the time" if bad else f"all {len(channels)} good"
    names = ("channel", "n amplitude", *(f"n {word}" for word in _BAD))
    return folded(f"Channels: {state}", table(names, rows))


def video_table(video: dict[str, Any]) -> str:
    """Write a video as the audit describes it."""
    if "frames_stamped" not in video:
        return table(("file",), [(str(video["file"]),)])
    names = ("file", "size", "n frames", "n a second", "n dropped", "n missing", "n longest pause")
    pause = video["longest_pause_ms"]
    row = (
        str(video["file"]), f"{video['width']} × {video['height']}, {video['codec']}",
        str(video["frames_stamped"]), f"{video['fps']:.2f}", str(video["frames_dropped"]),
        str(video["frames_missing"]), "–" if pause is None else f"{pause:.0f} ms",
    )  # fmt: skip
    return table(names, [row])


def film_strips(session: Session) -> str:
    """Pictures of each video in the order of time, evenly apart."""
    times = session.start + (np.arange(_STILLS) + 0.5) / _STILLS * session.duration
    strips = []
    for info in session.video_streams:
        try:
            track = session.video(f"id={info.stream_id}")
            at = np.clip(np.searchsorted(track.times, times, side="right") - 1, 0, None)
            with VideoReader(track.path) as reader:
                images = [reader.frame(int(k)) for k in track.frame_index[at]]
        except PhospheneError:
            continue  # the audit has said so
        shown = [
            _picture(image, clock_words(round(when - session.start)))
            for image, when in zip(images, times, strict=True)
            if image is not None
        ]
        strips.append(f'<div class="strip">{"".join(shown)}</div>')
    return "".join(strips)


def _picture(image: NDArray[np.uint8], when: str) -> str:
    small = cv2.cvtColor(shrink(image, _STILL_PX), cv2.COLOR_RGB2BGR)
    jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes()
    data = base64.b64encode(jpeg).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="on show at {when}" title="{when}">'


def _amplitude(channel: dict[str, Any]) -> str:
    if channel["amplitude_uv"] is not None:
        return f"{channel['amplitude_uv']:.1f} µV"
    return "–" if channel["amplitude"] is None else f"{channel['amplitude']:.3g} {channel['unit']}".strip()
