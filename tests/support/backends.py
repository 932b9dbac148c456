"""A backend that compiles nothing: what is chosen, kept and swapped, without waiting for a compiler."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from torch import nn

from models.inference import compile as compiling
from models.inference.backends import BACKENDS, Run, Tensors
from models.inference.cache import COMPILED_HOME


class Kept:
    """Keeps the module as it is, in memory."""

    suffix, device, batch = ".kept", "cpu", 1
    packages: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ("fp32",)
    modules: dict[str, nn.Module] = {}  # noqa: RUF012  (by the file's text)

    def missing(self) -> str:
        return ""

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        self.modules[f"{id(module)}"] = module
        path.write_text(f"{id(module)}")

    def load(self, path: Path) -> Run:
        return lambda *given: tuple(self.modules[path.read_text()](*given))


def only_swift(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have `Kept` be the one backend, three times as fast in races; compiled files go to `folder`."""
    monkeypatch.setenv(COMPILED_HOME, str(folder))
    for name in list(BACKENDS):
        monkeypatch.delitem(BACKENDS, name)
    monkeypatch.setitem(BACKENDS, "swift", f"{__name__}:Kept")
    monkeypatch.setattr(compiling, "race", lambda runs, inputs: [6.0, *[2.0 for _ in runs[1:]]])
