"""torch's own compiler, ahead of time: C++ that is built once and loaded without Python (AOTInductor)."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from models.inference.backends import Run, Tensors, quiet


class Inductor:
    """See `backends.Backend`."""

    suffix = ".pt2"
    packages: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ("fp32",)
    device, batch = "cpu", 1

    def missing(self) -> str:
        """Say what is lacking on this machine; empty where it can be used."""
        if any(shutil.which(name) for name in ("g++", "clang++", "c++")):
            return ""
        return "it needs a C++ compiler: install g++ (Debian, Ubuntu: `sudo apt install g++`)"

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        """Build the part."""
        from torch._inductor import aoti_compile_and_package

        with torch.no_grad(), quiet():
            exported = torch.export.export(module, inputs)
            aoti_compile_and_package(exported, package_path=str(path), inductor_configs={"freezing": True})

    def load(self, path: Path) -> Run:
        """Load a file that `build` wrote as a callable."""
        from torch._inductor import aoti_load_package

        package = aoti_load_package(str(path))
        return lambda *inputs: tuple(package(*inputs))
