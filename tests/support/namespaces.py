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
    environment : dict
        With it LSL finds the streams of the other end.
    """

    def __init__(self, folder: Path):
        short = uuid.uuid4().hex[:6]
        self._names = (f"phos-a-{short}", f"phos-b-{short}")
        self._cards = (f"pa{short}", f"pb{short}")
        self.ends = tuple(["ip", "netns", "exec", name] for name in self._names)
        config = folder / "lsl_api.cfg"
        config.write_text(_CONFIG.format(session=short), encoding="utf-8")
        self.environment = os.environ | {"LSLAPICFG": str(config)}

    def plug(self) -> None:
        """Make both namespaces and the cable."""
        for name in self._names:
            _ip("netns", "add", name)
        _ip("link", "add", self._cards[0], "type", "veth", "peer", "name", self._cards[1])
        for k, (name, card) in enumerate(zip(self._names, self._cards, strict=True)):
            _ip("link", "set", card, "netns", name)
            _ip("-n", name, "address", "add", f"10.219.7.{k + 1}/24", "dev", card)
            _ip("-n", name, "link", "set", card, "up")
            _ip("-n", name, "link", "set", "lo", "up")

    def cut(self, *, joined: bool) -> None:
        """Cut the cable at the first end, or join it again."""
        _ip("-n", self._names[0], "link", "set", self._cards[0], "up" if joined else "down")

    def remove(self) -> None:
        """Remove both namespaces, and the cable with them."""
        for name in self._names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@contextmanager
def cable(folder: Path) -> Iterator[Cable]:
    """A cable that is there for a test; the test is skipped where the system allows no namespaces."""
    if shutil.which("ip") is None:
        pytest.skip("needs the command ip")
    made = Cable(folder)
    try:
        made.plug()
    except subprocess.CalledProcessError as error:
        made.remove()
        pytest.skip(f"network namespaces are not allowed here: {error.stderr.strip()}")
    try:
        yield made
    finally:
        made.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], capture_output=True, text=True, check=True)
