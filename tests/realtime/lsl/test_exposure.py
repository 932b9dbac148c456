"""Loopback means loopback: whatever this program sends out is heard on this machine alone."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pylsl
import pytest

from realtime.lsl.outlet import open_outlet
from tests.support.namespaces import cable

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


@contextmanager
def waiting_socket() -> Iterator[socket.socket]:
    """A socket like that by which an inlet asks a headset of another machine what time it is."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
        ours.bind(("0.0.0.0", 0))
        yield ours


def test_what_waits_for_a_headset_of_another_machine_is_not_tied_with_an_outlet():
    with waiting_socket() as ours:
        outlet = open_outlet(pylsl.StreamInfo("beside", "Misc", 1, 10.0, "float32", "beside-1"))
        assert not any(ours.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16).strip(b"\0"))
        assert listening(os.getpid())
        assert all("%lo" in a or a.endswith(f":{ours.getsockname()[1]}") for a in tcp_of(os.getpid()))
        del outlet


def tcp_of(pid: int) -> list[str]:
    asked = subprocess.run(["ss", "-Hlntp"], capture_output=True, text=True, check=True).stdout
    return [line.split()[3] for line in asked.splitlines() if f"pid={pid}," in line]


FILM = "recordings/examples/virtual-subject/stimulus.mkv"
EEG = ("--eeg", "name={eeg}", "--video", FILM, "--headless", "--json")
SENDS = {
    "headset": ("headset", "--name", "{eeg}-out", "--source-id", "{eeg}-out"),
    "subject": ("subject", "--source-id", "{eeg}-out"),
    "demo": ("demo", "--headless", "--seconds", 60, "--json"),
    "replay --lsl": ("replay", "recordings/examples/virtual-subject", "--lsl", "--loop"),
    "live --feedback": ("live", *EEG, "--feedback"),
    "record --feedback --remote": ("record", "{folder}", *EEG, "--feedback", "--remote", 0),
}
LISTENS = {
    "live": ("live", *EEG),
    "record": ("record", "{folder}", *EEG),
    "record --stream": ("record", "{folder}", "--stream", "name={eeg}", "--headless", "--json"),
}
ON_REQUEST = ("headset", "replay --lsl", "live --feedback")


@contextmanager
def running(words: Sequence[object], eeg: str, folder: Path, at: Sequence[str] = (), **more) -> Iterator[int]:
    """A verb, with a headset where it wants one; gives the number of the process that begins it."""
    python = [*at, sys.executable, "-m"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **more}
    command = [str(word).format(eeg=eeg, folder=folder / "out") for word in words]
    children = []
    try:
        if EEG[1] in words:
            sender = "tests.realtime.lsl.numbered_sender", json.dumps({"name": eeg, "source_id": eeg})
            children.append(subprocess.Popen([*python, *sender], stdin=subprocess.PIPE, **quiet))
        children.append(subprocess.Popen([*python, "phosphene", *command], **quiet))
        yield children[-1].pid
        assert children[-1].poll() is None
    finally:
        for child in children:
            child.kill()
            child.wait()


@pytest.mark.long
@pytest.mark.parametrize("verb", [*SENDS, *LISTENS])
def test_what_each_verb_waits_on_is_tied_to_this_machine(verb, source_id, tmp_path):
    """TCP: nothing but loopback. An inlet's UDP sockets wait for answers of those it asked."""
    sends = verb in SENDS
    with running((SENDS | LISTENS)[verb], source_id, tmp_path) as pid:
        until(lambda: any(a.startswith("tcp") for a in waits(pid)) if sends else len(waits(pid)) > 0, 120.0)
        until(lambda: all(is_loopback(a.split()[1]) for a in waits(pid) if a.startswith("tcp")))
        if not sends:
            assert not [a for a in waits(pid) if a.startswith("tcp")]


@pytest.mark.long
@pytest.mark.parametrize("verb", SENDS)
@pytest.mark.parametrize("network", [False, True])
def test_another_machine_reaches_a_verb_only_where_the_network_is_asked_for(
    verb, network, source_id, tmp_path
):
    """Two network namespaces: from the other one each port that is waited on is tried, and LSL is asked."""
    if network and verb not in ON_REQUEST:
        pytest.skip("it has no --network")
    with cable(tmp_path) as link:
        there, here = link.ends
        words = (*SENDS[verb], *(["--network"] if network else []))
        with running(words, source_id, tmp_path, there, env=link.environment) as pid:
            until(lambda: {a.split()[1].rpartition(":")[2] for a in waits(pid) if a.startswith("tcp")}, 120.0)
            ports = sorted({a.split()[1].rpartition(":")[2] for a in waits(pid) if a.startswith("tcp")})
            asked = subprocess.run(
                [*here, sys.executable, "-c", STRANGER, link.addresses[0], source_id, *ports],
                env=link.environment, capture_output=True, text=True, check=True, timeout=60,
            )  # fmt: skip
    found = json.loads(asked.stdout)
    assert bool(found["open"]) == network, (ports, found)
    assert bool(found["streams"]) == network, found


STRANGER = """
import json, socket, sys
import pylsl
address, headset, *ports = sys.argv[1:]
def is_open(port):
    with socket.socket() as tried:
        tried.settimeout(1.0)
        return tried.connect_ex((address, int(port))) == 0
streams = [info.name() for info in pylsl.resolve_streams(wait_time=3.0) if info.name() != headset]
print(json.dumps({"open": [port for port in ports if is_open(port)], "streams": streams}))
"""


def waits(pid: int) -> list[str]:
    """Protocol and local address of all that a process and those it started wait on, wherever they are."""
    family, asked = [pid], [pid]
    while asked:
        found = subprocess.run(["pgrep", "-P", str(asked.pop())], capture_output=True, text=True, check=False)
        more = [int(child) for child in found.stdout.split()]
        family, asked = family + more, asked + more
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", "ss", "-Hlntup"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours = [line for line in listed.splitlines() if any(f"pid={one}," in line for one in family)]
    return [f"{line.split()[0]} {line.split()[4]}" for line in ours]
