"""A backend that wins every race, in place of all others: what is chosen and swapped, without compiling."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from torch import nn

from models.inference import compile as compiling
from models.inference.backends import BACKENDS, Run, Tensors
from models.inference.cache import COMPILED_HOME


class Swift:
    """Runs the module as it is, and is timed as three times as fast."""

    suffix, device, batch = ".swift", "cpu", 1
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
        module = self.modules[path.read_text()]
        return lambda *given: tuple(module(*given))


def only_swift(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Have `Swift` be the machine's one backend, and compiled files be kept in `folder`."""
    monkeypatch.setenv(COMPILED_HOME, str(folder))
    for name in list(BACKENDS):
        monkeypatch.delitem(BACKENDS, name)
    monkeypatch.setitem(BACKENDS, "swift", f"{__name__}:Swift")
    monkeypatch.setattr(compiling, "race", lambda runs, inputs: [6.0, *[2.0 for _ in runs[1:]]])
