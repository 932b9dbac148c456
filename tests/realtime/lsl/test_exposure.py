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


FILM = "recordings/examples/virtual-subject/stimulus.mkv"
VERBS = {
    "demo": ("demo", "--headless", "--seconds", 60, "--json"),
    "replay --lsl": ("replay", "recordings/examples/virtual-subject", "--lsl", "--loop"),
    "feedback": ("live", "--eeg", "name={eeg}", "--video", FILM, "--headless", "--json", "--feedback"),
    "live": ("live", "--eeg", "name={eeg}", "--video", FILM, "--headless", "--json"),
}


@pytest.mark.long
@pytest.mark.parametrize("verb", VERBS)
def test_what_each_verb_waits_on_is_tied_to_this_machine(verb, source_id):
    """TCP: nothing but loopback. An inlet's UDP sockets wait for answers of those it asked."""
    headset = [sys.executable, "-m", "phosphene", "headset", "--source-id", source_id, "--name", source_id]
    command = [str(word).format(eeg=source_id) for word in VERBS[verb]]
    sends = verb in ("demo", "replay --lsl", "feedback")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    children = [subprocess.Popen(headset, **quiet)] if "{eeg}" in " ".join(map(str, VERBS[verb])) else []
    try:
        if children:
            assert pylsl.resolve_byprop("source_id", source_id, timeout=120.0)
        children.append(subprocess.Popen([sys.executable, "-m", "phosphene", *command], **quiet))
        pid = children[-1].pid
        until(lambda: any(a.startswith("tcp") for a in _waits(pid)) if sends else len(_waits(pid)) > 0, 120.0)
        until(lambda: all(is_loopback(a.split()[1]) for a in _waits(pid) if a.startswith("tcp")))
        assert children[-1].poll() is None
        if not sends:
            assert not [a for a in _waits(pid) if a.startswith("tcp")]
    finally:
        for child in children:
            child.kill()
            child.wait()


def _waits(pid: int) -> list[str]:
    """Protocol and local address of all that a process and those it started wait on."""
    family, asked = [pid], [pid]
    while asked:
        found = subprocess.run(["pgrep", "-P", str(asked.pop())], capture_output=True, text=True, check=False)
        more = [int(child) for child in found.stdout.split()]
        family, asked = family + more, asked + more
    listed = subprocess.run(["ss", "-Hlntup"], capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if any(f"pid={one}," in line for one in family)]
    return [f"{line.split()[0]} {line.split()[4]}" for line in ours]
