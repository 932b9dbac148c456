"""What is there to connect to: LSL streams and cameras. Nothing is opened to find out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from realtime.lsl.selector import StreamSummary

_V4L = Path("/sys/class/video4linux")


@dataclass(frozen=True)
class CameraSummary:
    """A camera by the number it is opened with. `name` is the driver's."""

    index: int
    name: str
    path: str


def list_all_streams(wait_s: float = 1.0) -> list[StreamSummary]:
    """Every LSL stream that answers within `wait_s` seconds, by name."""
    import pylsl

    found = [StreamSummary.of(info) for info in pylsl.resolve_streams(wait_s)]
    return sorted(found, key=lambda stream: (stream.name, stream.type, stream.host, stream.source_id))


def list_eeg_streams(wait_s: float = 1.0) -> list[StreamSummary]:
    """Those that say they are EEG and send samples at a regular rate."""
    return [
        stream
        for stream in list_all_streams(wait_s)
        if stream.type.upper() == "EEG" and stream.rate_nominal > 0 and stream.format != "string"
    ]


def list_cameras(folder: Path = _V4L) -> list[CameraSummary]:
    """Cameras that Linux knows of (V4L2), by number; empty on other systems.

    A device may have several nodes, of which those with an `index` above 0 carry meta-data, not pictures.
    """
    cameras = []
    for node in folder.glob("video*"):
        number = re.fullmatch(r"video(\d+)", node.name)
        if number is None or _read(node / "index") not in ("", "0"):
            continue
        index = int(number[1])
        cameras.append(CameraSummary(index, _read(node / "name") or node.name, f"/dev/{node.name}"))
    return sorted(cameras, key=lambda camera: camera.index)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
