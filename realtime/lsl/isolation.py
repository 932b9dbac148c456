"""An LSL that this program and its own processes share, and that nobody else on the network sees."""

from __future__ import annotations

import atexit
import os
import random
import shutil
import socket
import tempfile
import uuid
from pathlib import Path

_ours: list[Path] = []  # the config that `isolate` made for this process
_hushed = False
_SESSION = "phosphene-"
_PORTS = 64  # of a session; LSL's default of 32 is shared by every outlet of the machine
_CONFIG = """\
[ports]
IPv6 = disable
MulticastPort = {multicast}
BasePort = {base}
PortRange = {ports}
[multicast]
ResolveScope = machine
AddressesOverride = {{127.0.0.1}}
[lab]
KnownPeers = {{127.0.0.1}}
SessionID = {session}
[tuning]
MulticastMinRTT = 0.1
MulticastMaxRTT = 0.6
UnicastMinRTT = 0.1
UnicastMaxRTT = 0.9
ContinuousResolveInterval = 0.3
TimeProbeInterval = 0.02
[log]
level = -3
"""
"""LSL's own pauses are for a network: who looks asks again after 1.75 s, and a clock takes .64 s to measure.
Here it is .5 and .29 s. Each question holds a port of the session until its answers can come no more (the
largest RTT), so that is shorter by as much: asked more often alone, the ports were soon all taken."""


def isolate() -> Path:
    """Confine LSL to this machine and to a session of our own; returns the config's path.

    To be called before anything streams or looks for streams: liblsl reads its config once, on first use.
    The path is put in this process's environment (`LSLAPICFG`), so child processes inherit it. Where such a
    config is in force already (a parent isolated itself, or a test did), that one is kept. So is whatever
    `hush` found or made: what has looked for streams on the network cannot be confined any more.
    """
    given = Path(os.environ.get("LSLAPICFG", ""))
    if given.is_file() and f"SessionID = {_SESSION}" in given.read_text(encoding="utf-8"):
        return given
    if _hushed:
        return given
    folder = Path(tempfile.mkdtemp(prefix="phosphene-lsl-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "lsl_api.cfg"
    path.write_text(config_of(_SESSION + uuid.uuid4().hex[:12]), encoding="utf-8")
    os.environ["LSLAPICFG"] = str(path)
    _ours.append(path)
    return path


def config_of(session: str) -> str:
    """Write an LSL config that keeps to this machine, to the session of that id and to ports of its own.

    An id alone does not do: outlets of every session share LSL's 32 default ports, and one that finds them
    all taken falls back to a port where a query sent to known peers never comes by.
    """
    multicast = _free_block(1 + _PORTS)
    return _CONFIG.format(multicast=multicast, base=multicast + 1, ports=_PORTS, session=session)


def _free_block(count: int) -> int:
    """Find `count` ports in a row that nobody holds now, past LSL's own and below those lent at random."""
    for first in random.SystemRandom().sample(range(17_000, 32_000 - count, count), 20):
        if all(_free(port) for port in range(first, first + count)):
            break
    return first


def _free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def confined() -> bool:
    """Say whether `isolate` has cut this process off from the streams on the network."""
    return bool(_ours)


def hush() -> None:
    """Keep liblsl from telling every step on standard error, where nobody configured LSL otherwise.

    To be called before anything streams or looks for streams.
    """
    global _hushed
    _hushed = True
    usual = (Path("lsl_api.cfg"), Path.home() / "lsl_api" / "lsl_api.cfg", Path("/etc/lsl_api/lsl_api.cfg"))
    if "LSLAPICFG" in os.environ or any(path.is_file() for path in usual):
        return
    path = Path(tempfile.mkdtemp(prefix="phosphene-lsl-")) / "lsl_api.cfg"
    path.write_text("[log]\nlevel = -2\n", encoding="utf-8")
    os.environ["LSLAPICFG"] = str(path)
