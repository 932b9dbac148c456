"""Two machines in one: network namespaces with a cable between them that can be cut."""

from __future__ import annotations

import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_CONFIG = """\
[ports]
IPv6 = disable
[multicast]
ResolveScope = machine
[lab]
KnownPeers = {{10.219.7.1, 10.219.7.2}}
SessionID = {session}
[log]
level = -3
"""


class Cable:
    """A cable between two network namespaces.

    Attributes
    ----------
    ends : (list of str, list of str)
        What a command is to begin with to run at either end.
    addresses : (str, str)
        Of either end.
    environment : dict
        With it LSL finds the streams of the other end.
    """

    def __init__(self, folder: Path):
        short = uuid.uuid4().hex[:6]
        self._names = (f"phos-a-{short}", f"phos-b-{short}")
        self._cards = (f"pa{short}", f"pb{short}")
        self.addresses = ("10.219.7.1", "10.219.7.2")
        self.ends = tuple(["ip", "netns", "exec", name] for name in self._names)
        config = folder / "lsl_api.cfg"
        config.write_text(_CONFIG.format(session=short), encoding="utf-8")
        self.environment = os.environ | {"LSLAPICFG": str(config)}

    def plug(self) -> None:
        """Make both namespaces and the cable."""
        for name in self._names:
            run_ip("netns", "add", name)
        run_ip("link", "add", self._cards[0], "type", "veth", "peer", "name", self._cards[1])
        for k, (name, card) in enumerate(zip(self._names, self._cards, strict=True)):
            run_ip("link", "set", card, "netns", name)
            run_ip("-n", name, "address", "add", f"{self.addresses[k]}/24", "dev", card)
            run_ip("-n", name, "link", "set", card, "up")
            run_ip("-n", name, "link", "set", "lo", "up")

    def cut(self, *, joined: bool) -> None:
        """Cut the cable at the first end, or join it again."""
        run_ip("-n", self._names[0], "link", "set", self._cards[0], "up" if joined else "down")

    def remove(self) -> None:
        """Remove both namespaces, and the cable with them."""
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@contextmanager
def cable(folder: Path) -> Iterator[Cable]:
    """A cable that is there for a test; the test is skipped where the system allows no namespaces."""
    made = Cable(folder)
    with laid(made):
        yield made


@contextmanager
def laid(made: Cable) -> Iterator[None]:
    """Plug it, and remove it afterwards."""
    if shutil.which("ip") is None:
        pytest.skip("needs the command ip")
    try:
        made.plug()
    except (subprocess.CalledProcessError, OSError) as error:
        made.remove()
        said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        pytest.skip(f"network namespaces are not allowed here: {said.strip()}")
    try:
        yield
    finally:
        made.remove()


def run_ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
