"""Loopback means loopback: whatever this program sends out is heard on this machine alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable

import pylsl
import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("ss") is None, reason="asks ss which sockets listen where"
)


def listening(pid: int) -> list[str]:
    """Local addresses on which a process waits for others."""
    asked = subprocess.run(["ss", "-Hlntup"], capture_output=True, text=True, check=True).stdout
    return [line.split()[4] for line in asked.splitlines() if f"pid={pid}," in line]


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def is_loopback(address: str) -> bool:
    return "%lo" in address or address.startswith("127.") or address.startswith("[::1]")


@pytest.mark.parametrize("network", [False, True])
def test_a_headset_is_heard_on_this_machine_alone_unless_the_network_is_asked_for(source_id, network):
    options = ["--network"] if network else []
    child = subprocess.Popen(
        [sys.executable, "-m", "phosphene", "headset", "--source-id", source_id, *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        found = pylsl.resolve_byprop("source_id", source_id, timeout=20.0)
        assert len(found) == 1
        until(lambda: listening(child.pid) and (network or all(map(is_loopback, listening(child.pid)))))
        assert any(not is_loopback(address) for address in listening(child.pid)) == network
        inlet = pylsl.StreamInlet(found[0], recover=False)
        assert inlet.pull_sample(timeout=10.0)[0] is not None
        del inlet
    finally:
        child.kill()
        child.wait()
