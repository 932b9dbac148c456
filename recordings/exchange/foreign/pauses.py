"""Where a file says that its recording was paused: what of the time is missing between two samples."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from realtime.types import IndexArray, TimeArray


class Pause(NamedTuple):
    """`seconds` are missing before sample number `sample`."""

    sample: int
    seconds: float


def time_of(samples: IndexArray | TimeArray, rate: float, pauses: Sequence[Pause]) -> TimeArray:
    """Return when samples (n,) were taken (n,), seconds since the first, pauses included."""
    missing = np.concatenate(([0.0], np.cumsum([pause.seconds for pause in pauses])))
    number = np.searchsorted([pause.sample for pause in pauses], samples, side="right")
    seconds: TimeArray = np.asarray(samples, np.float64) / rate + missing[number]
    return seconds


def brainvision_pauses(header: Path, rate: float) -> list[Pause]:
    """Find the pauses that the dates of a BrainVision file's `New Segment` markers tell."""
    try:
        named = re.search(r"^MarkerFile\s*=\s*(.+?)\s*$", _text(header), re.MULTILINE)
        name = (named[1] if named else "$b.vmrk").replace("$b", header.stem)
        markers = (
            header.parent / name.replace("\\", "/").rpartition("/")[2]
        )  # a folder in it is the its writer's
        lines = re.findall(r"^Mk\d+=New Segment,([^\r\n]*)$", _text(markers), re.MULTILINE)
    except OSError:
        return []
    segments = []
    for line in lines:
        fields = line.split(",")
        if len(fields) >= 5 and (date := _date(fields[4])) is not None and fields[1].strip().isdigit():
            segments.append((int(fields[1]) - 1, date))
    found = []
    for (first, begun), (sample, resumed) in itertools.pairwise(segments):
        missing = (resumed - begun).total_seconds() - (sample - first) / rate
        if missing > 1.5 / rate:
            found.append(Pause(sample, missing))
    return found


def boundary_pauses(annotations: Iterable[tuple[float, float, str]], rate: float) -> list[Pause]:
    """Find the pauses that EEGLAB's `boundary` events tell: (onset, duration, text) in seconds of samples.

    A boundary without a length (two files joined) says nothing of the time between them, and one before the
    first sample (the beginning was cut off) lies in no recording.
    """
    found = [
        Pause(math.ceil(onset * rate - 1e-6), duration)
        for onset, duration, text in annotations
        if text.lower() == "boundary" and math.isfinite(duration) and duration * rate >= 1.0 - 1e-6
    ]
    return sorted(pause for pause in found if pause.sample > 0)


def _date(field: str) -> datetime | None:
    try:
        return datetime.strptime(field.strip()[:20], "%Y%m%d%H%M%S%f")
    except ValueError:
        return None


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
