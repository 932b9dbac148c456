"""A headset that a user can switch off and on again."""

from __future__ import annotations

import os
import subprocess
import sys

import pylsl

_PATIENCE_S = 60.0


class SwitchedHeadset:
    """A virtual headset in a process of its own, which is on the network from the first moment on."""

    def __init__(self, source_id: str, name: str = "Cap"):
        self.source_id, self.name = source_id, name
        self.switch_on()
        key, value = ("source_id", source_id) if source_id else ("name", name)
        assert pylsl.resolve_byprop(key, value, 1, _PATIENCE_S)

    def switch_on(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "phosphene", "headset", "--source-id", self.source_id, "--name", self.name,
             "--rate", "250", "--channels", "4"],
            env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def switch_off(self) -> None:
        self._process.kill()
        self._process.wait()
