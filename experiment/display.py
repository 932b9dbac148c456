"""Is there a display to open a window on? Asked before Qt is loaded, since Qt aborts where there is none."""

from __future__ import annotations

import os
import subprocess
import sys

_PROBE = "from PySide6.QtGui import QGuiApplication; QGuiApplication([])"


def why_no_window(timeout_s: float = 20.0) -> str | None:
    """One line that says why no window can be shown, or None where one can.

    Qt is tried in a process of its own: a missing library or a dead display ends a Qt program with abort(),
    which nothing could catch here.
    """
    chosen = os.environ.get("QT_QPA_PLATFORM", "")
    if (
        sys.platform == "linux"
        and not chosen
        and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    ):
        return "no display: neither DISPLAY nor WAYLAND_DISPLAY is set"
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return f"no display: Qt did not start within {timeout_s:.0f} s"
    if probe.returncode == 0:
        return None
    words = [line.strip() for line in probe.stderr.splitlines() if line.strip()]
    return f"no display: {words[0] if words else f'Qt ended with code {probe.returncode}'}"
