"""Parts of a session's report: sections, cards and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

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
    n = max((c.get("seconds", 0) for c in channels), default=0)
    return folded(
        f"Channels: {state} (n = {n} seconds looked at, spread over the session)", table(names, rows)
    )


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


def _amplitude(channel: dict[str, Any]) -> str:
    if channel["amplitude_uv"] is not None:
        return f"{channel['amplitude_uv']:.1f} µV"
    return "–" if channel["amplitude"] is None else f"{channel['amplitude']:.3g} {channel['unit']}".strip()
