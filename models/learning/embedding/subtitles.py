"""Subtitles as lines with times: SubRip (.srt) and WebVTT (.vtt)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from realtime.errors import SessionError

_TIMES = re.compile(r"((?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3})\s*-->\s*((?:\d+:)?\d{1,2}:\d{2}[.,]\d{1,3})")
_TAGS = re.compile(r"<[^>]*>|\{\\[^}]*\}")


class Subtitle(NamedTuple):
    """What is said, and when it begins, seconds."""

    begin: float
    text: str


def read_subtitles(path: Path) -> list[Subtitle]:
    """Read the lines of a file, in the order of their beginning; marks for style are left out.

    Raises
    ------
    SessionError
        The file is not there, or has no lines with times.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SessionError(
            f"{path}: cannot be read as subtitles ({error}): give an .srt or .vtt file"
        ) from error
    lines = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")):
        found = _TIMES.search(block)
        if found is None:
            continue
        said = " ".join(_TAGS.sub("", block[found.end() :].partition("\n")[2]).split())
        if said:
            lines.append(Subtitle(_seconds(found.group(1)), said))
    if not lines:
        raise SessionError(f"{path}: no line with times such as 00:00:01,000 --> 00:00:02,500")
    return sorted(lines)


def _seconds(clock: str) -> float:
    """Hours, minutes, seconds as one number."""
    total = 0.0
    for part in clock.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total
