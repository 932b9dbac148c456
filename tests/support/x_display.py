"""A virtual X display of the tests' own."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator

import pytest


@contextlib.contextmanager
def x_display(size: str = "640x480") -> Iterator[str]:
    """Start Xvfb and give its name (`:1`); skips where there is none. It ends with the `with` block."""
    if not shutil.which("Xvfb"):
        pytest.skip("Xvfb is not installed: it is the screen that this test looks at")
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", "1", "-noreset", "-screen", "0", f"{size}x24"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        yield f":{server.stdout.readline().strip()}"
    finally:
        server.terminate()
        server.wait()
