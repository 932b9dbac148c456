"""The cameras of this machine. None is opened to find out."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

_V4L = Path("/sys/class/video4linux")


@dataclass(frozen=True)
class CameraSummary:
    """A camera by the number it is opened with. `name` is the driver's."""

    index: int
    name: str
    path: str


def list_cameras(folder: Path | None = None) -> list[CameraSummary]:
    """List the cameras, by number.

    On Linux they are read from `folder` (/sys/class/video4linux); elsewhere the package
    cv2-enumerate-cameras asks the backend that opens them, so that the numbers are the same.
    """
    if folder is not None or sys.platform == "linux":
        cameras = _of_linux(folder or _V4L)
    else:
        cameras = _of_backend()
    return sorted(cameras, key=lambda camera: camera.index)


def camera_backend() -> int:
    """OpenCV's number of the backend that cameras are listed and opened with on this system."""
    from realtime.video.opencv import cv2  # only whoever opens a camera needs it

    backends = {"linux": cv2.CAP_V4L2, "win32": cv2.CAP_MSMF, "darwin": cv2.CAP_AVFOUNDATION}
    return int(backends.get(sys.platform, cv2.CAP_ANY))


def _of_backend() -> list[CameraSummary]:
    try:
        from cv2_enumerate_cameras import enumerate_cameras
    except ImportError:  # a system for which the package is not installed: cameras go by number
        return []
    return [
        CameraSummary(one.index, one.name or f"camera {one.index}", one.path or "")
        for one in enumerate_cameras(camera_backend())
    ]


def _of_linux(folder: Path) -> list[CameraSummary]:
    """List V4L2 nodes; of a device's several nodes, those with an `index` above 0 carry no pictures."""
    cameras = []
    for node in folder.glob("video*"):
        number = re.fullmatch(r"video(\d+)", node.name)
        if number is None or _read(node / "index") not in ("", "0"):
            continue
        index = int(number[1])
        cameras.append(CameraSummary(index, _read(node / "name") or node.name, f"/dev/{node.name}"))
    return cameras


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
