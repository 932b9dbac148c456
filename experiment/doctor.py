"""Can this machine run the program? What it needs is tried, with a word on what to do where it fails."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import importlib.util
import os
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from realtime.errors import RunError
from realtime.time.clock import check_lsl_clock
from realtime.video.listing import list_cameras

_LEAST_LIBLSL = 116
_RESOLVE_S = 3.0
_GROUP = "239.255.172.215"  # LSL's own site-wide group (liblsl, api_config.cpp)
_LEAST_FREE_GB = 5.0  # an hour of film at 10 Mbit/s, and room to spare
_ROOMS = ("realtime", "recordings", "models", "experiment", "gui", "commands")
_QT_LIBRARIES = {                          # what Qt's xcb plug-in needs, and Debian's packages with it
    "libEGL.so.1": "libegl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xinerama.so.0": "libxcb-xinerama0",
}  # fmt: skip


class Finding(NamedTuple):
    """What one check saw. `advice` is empty where there is nothing to do."""

    name: str
    seen: str
    advice: str = ""

    @property
    def ok(self) -> bool:
        """There is nothing to do."""
        return not self.advice

    def as_dict(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {"name": self.name, "ok": self.ok, "seen": self.seen, "advice": self.advice}


def examine(folder: Path | None = None) -> list[Finding]:
    """Try all that the program needs; some seconds long.

    Parameters
    ----------
    folder : Path, optional
        Where sessions will be recorded; the current folder by default.
    """
    checks: list[Callable[[], Finding]] = [
        _lsl_library,
        _lsl_clock,
        _lsl_loopback,
        _multicast,
        _cameras,
        _display,
        _qt,
        _packages,
    ]
    disk = _guarded(lambda: _disk(folder or Path.cwd()))
    return [*(_guarded(check) for check in checks), *_gpu(), disk]


def _guarded(check: Callable[[], Finding]) -> Finding:
    """Run a check; one that breaks is itself a finding."""
    try:
        return check()
    except Exception as error:
        name = check.__name__.strip("_").replace("_", " ")
        return Finding(name, f"{type(error).__name__}: {error}", "reinstall: pip install --force-reinstall .")


def _lsl_library() -> Finding:
    import pylsl

    version = pylsl.library_version()
    seen = f"pylsl {importlib.metadata.version('pylsl')}, liblsl {version // 100}.{version % 100}"
    return Finding(
        "LSL library",
        seen,
        "" if version >= _LEAST_LIBLSL else "pip install -U pylsl",
    )


def _lsl_clock() -> Finding:
    try:
        apart = check_lsl_clock()
    except RunError as error:
        return Finding("LSL clock", str(error), "report this system")
    return Finding("LSL clock", f"{apart * 1e3:.3f} ms from the system's monotonic clock")


def _lsl_loopback() -> Finding:
    import pylsl

    source_id = f"phosphene-doctor-{uuid.uuid4().hex}"
    outlet = pylsl.StreamOutlet(pylsl.StreamInfo("Phosphene doctor", "Test", 1, 10, "float32", source_id))
    start = time.monotonic()
    found = pylsl.resolve_byprop("source_id", source_id, 1, _RESOLVE_S)
    waited = time.monotonic() - start
    del outlet
    if found:
        return Finding("LSL streams", f"a stream of our own was found in {waited:.1f} s")
    return Finding(
        "LSL streams", f"a stream of our own was not found in {waited:.0f} s",
        "a firewall or a missing network interface hides LSL: open UDP 16571-16604 and TCP 16572-16604, or "
        "set KnownPeers = {127.0.0.1} in lsl_api.cfg",
    )  # fmt: skip


def _multicast() -> Finding:
    word = uuid.uuid4().bytes
    with contextlib.ExitStack() as stack:
        receiver, sender = (
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2)
        )
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            receiver.bind(("", 0))
            membership = socket.inet_aton(_GROUP) + socket.inet_aton("0.0.0.0")
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
            receiver.settimeout(1.0)
            sender.sendto(word, (_GROUP, receiver.getsockname()[1]))
            arrived = receiver.recv(64) == word
            seen = f"a packet to {_GROUP} came back"
        except OSError as error:
            arrived, seen = False, f"a packet to {_GROUP} did not come back: {error}"
    advice = (
        "headsets on other computers will not be found by themselves: allow multicast, or name them in "
        "lsl_api.cfg as KnownPeers. Streams of this machine are not affected."
    )
    return Finding("multicast", seen, "" if arrived else advice)


def _cameras() -> Finding:
    cameras = list_cameras()
    devices = [camera.path for camera in cameras if camera.path.startswith("/dev/")]
    shut = [path for path in devices if not os.access(path, os.R_OK | os.W_OK)]
    if shut:
        return Finding(
            "cameras",
            f"no access to {', '.join(shut)}",
            "sudo usermod -aG video $USER, and log in again",
        )
    seen = ", ".join(f"{camera.index}: {camera.name}" for camera in cameras)
    return Finding(
        "cameras",
        seen or "none",
        "" if cameras else "plug one in, or use a video file or a URL",
    )


def _display() -> Finding:
    if not sys.platform.startswith("linux"):
        return Finding("display", sys.platform)
    found = [f"{name}={os.environ[name]}" for name in ("WAYLAND_DISPLAY", "DISPLAY") if os.environ.get(name)]
    advice = (
        ""
        if found
        else "the window needs one: log in at the screen, ssh -X, or xvfb-run. Text views work without."
    )
    return Finding("display", ", ".join(found) or "none", advice)


def _qt() -> Finding:
    if importlib.util.find_spec("PySide6") is None:
        return Finding("Qt", "PySide6 is not installed", "pip install 'PySide6-Essentials>=6.9,<6.12'")
    version = next(_versions("PySide6-Essentials", "PySide6"), "of unknown version")
    missing = list(_missing_libraries()) if sys.platform.startswith("linux") else []
    if missing:
        return Finding("Qt", f"PySide6 {version}; missing {', '.join(missing)}",
                       f"sudo apt install {' '.join(_QT_LIBRARIES[name] for name in missing)}")  # fmt: skip
    return Finding("Qt", f"PySide6 {version}, all libraries of its window system")


def _versions(*packages: str) -> Iterator[str]:
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            yield importlib.metadata.version(package)


def _missing_libraries() -> Iterator[str]:
    for name in _QT_LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            yield name


def _disk(folder: Path) -> Finding:
    free_gb = shutil.disk_usage(folder).free / 1e9
    good = free_gb >= _LEAST_FREE_GB
    advice = "" if good else f"recordings want {_LEAST_FREE_GB:g} GB: make room, or record elsewhere"
    return Finding("disk", f"{free_gb:.1f} GB free in {folder}", advice)


def _gpu() -> list[Finding]:
    """Say what the network on an NVIDIA GPU needs, the first to do first; nothing where there is no GPU."""
    from models.inference.gpu.card import this_machine

    return [Finding(*step) for step in this_machine()]


def _packages() -> Finding:
    """Look for other programs with packages of our names: the last installed has overwritten some."""
    owners = importlib.metadata.packages_distributions()
    others = {
        f"{room} of {owner}" for room in _ROOMS for owner in owners.get(room, ()) if owner != "phosphene"
    }
    return Finding(
        "packages",
        f"also installed: {', '.join(sorted(others))}" if others else "no other program has one of our names",
        "install phosphene in an environment of its own: pipx install, uv tool install" if others else "",
    )
