"""A radio link between two network namespaces: late, unsteady, and with losses, as it is told.

The kernel's own netem is not everywhere, so packets go through two TUN devices and this process between them.
"""

from __future__ import annotations

import fcntl
import os
import selectors
import struct
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.support.namespaces import Cable, laid, run_ip

_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_LONGEST = 65536
_WAITING = 1000  # packets; a link's own memory is no larger


@dataclass(frozen=True)
class Air:
    """What happens to a packet: it is late by `delay_s` and up to `jitter_s` more, or lost with a chance."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0


class Radio(Cable):
    """A cable whose packets go through the air; one that is cut loses all."""

    def __init__(self, folder: Path, air: Air):
        super().__init__(folder)
        self._air, self._random = air, Random(0)
        self._joined, self._closing = True, threading.Event()
        self._threads: list[threading.Thread] = []
        self._descriptors: list[int] = []

    def plug(self) -> None:
        """Make both namespaces, a device in each, and carry packets between them."""
        for name in self._names:
            run_ip("netns", "add", name)
        for k, (name, card) in enumerate(zip(self._names, self._cards, strict=True)):
            self._descriptors.append(_tun(card))
            run_ip("link", "set", card, "netns", name)
            run_ip(
                "-n", name, "address", "add", self.addresses[k], "peer", self.addresses[1 - k], "dev", card
            )
            run_ip("-n", name, "link", "set", card, "up")
            run_ip("-n", name, "link", "set", "lo", "up")
        for way in (self._descriptors, self._descriptors[::-1]):
            thread = threading.Thread(target=self._carry, args=tuple(way), daemon=True)
            thread.start()
            self._threads.append(thread)

    def cut(self, *, joined: bool) -> None:
        """Let no packet through, or every one that the air lets."""
        self._joined = joined

    def remove(self) -> None:
        """Remove both namespaces, and the devices with them."""
        self._closing.set()
        for thread in self._threads:
            thread.join()
        for descriptor in self._descriptors:
            os.close(descriptor)
        super().remove()

    def _carry(self, here: int, there: int) -> None:
        """Carry what comes out of one device into the other, in order, each packet when it is due."""
        waiting: deque[tuple[float, bytes]] = deque()
        with selectors.DefaultSelector() as selector:
            selector.register(here, selectors.EVENT_READ)
            while not self._closing.is_set():
                rest = waiting[0][0] - time.monotonic() if waiting else 0.1
                if selector.select(max(0.0, min(rest, 0.1))):
                    packet = os.read(here, _LONGEST)
                    lost = not self._joined or self._random.random() < self._air.loss
                    if not lost and len(waiting) < _WAITING:
                        late = self._air.delay_s + self._air.jitter_s * self._random.random()
                        due = max(time.monotonic() + late, waiting[-1][0] if waiting else 0.0)
                        waiting.append((due, packet))
                while waiting and waiting[0][0] <= time.monotonic():
                    os.write(there, waiting.popleft()[1])


@contextmanager
def radio(folder: Path, air: Air) -> Iterator[Radio]:
    """A radio link that is there for a test; the test is skipped where the system allows none."""
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("needs /dev/net/tun")
    link = Radio(folder, air)
    with laid(link):
        yield link


def _tun(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack("16sH", name.encode(), _IFF_TUN | _IFF_NO_PI))
    return descriptor
