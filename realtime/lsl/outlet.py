"""The program's own outlets: heard on this machine alone, unless the user wants the network to hear them."""

from __future__ import annotations

import ipaddress
import os
import socket
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pylsl

_heard: dict[str, bool] = {"by the network": False}


def let_the_network_hear() -> None:
    """Have the outlets that are opened from now on answer other machines too."""
    _heard["by the network"] = True


def open_outlet(info: pylsl.StreamInfo, max_buffered: int = 360) -> pylsl.StreamOutlet:
    """Open an outlet; `max_buffered` seconds are kept for a reader that is slow.

    liblsl has every outlet listen on all networks and knows no setting against it. Linux (5.7 and later) lets
    a process tie its sockets to the loopback interface afterwards. Elsewhere nothing can be done from within,
    and a firewall has to (docs/trust.md).
    """
    import pylsl

    before = _sockets()
    outlet = pylsl.StreamOutlet(info, max_buffered=max_buffered)
    if sys.platform == "linux" and not _heard["by the network"]:
        # no others: those of an inlet wait for the answers of a headset, which may be on the network
        for number, descriptor in _sockets().items():
            if number not in before:
                _tie_to_loopback(descriptor)
    return outlet


def _sockets() -> dict[int, int]:
    """Return this process's open sockets: the descriptor of each by the number the system has for it."""
    found = {}
    for entry in os.listdir("/proc/self/fd") if sys.platform == "linux" else ():
        try:
            facts = os.fstat(int(entry))
        except OSError:  # it was closed meanwhile
            continue
        if stat.S_ISSOCK(facts.st_mode):
            found[facts.st_ino] = int(entry)
    return found


def _tie_to_loopback(descriptor: int) -> None:
    """Tie a socket that waits for anybody to loopback; leave everything else alone."""
    try:
        with socket.socket(fileno=os.dup(descriptor)) as ours:
            if ours.family in (socket.AF_INET, socket.AF_INET6) and not _has_a_peer(ours):
                address = ipaddress.ip_address(ours.getsockname()[0])
                if address.is_unspecified or address.is_multicast:
                    ours.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")
    except OSError:  # it was closed meanwhile
        pass


def _has_a_peer(ours: socket.socket) -> bool:
    try:
        return bool(ours.getpeername())
    except OSError:
        return False
