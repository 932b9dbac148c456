"""What can run a module. Each backend builds a file from it, and loads a callable from that file.

What runs is always what was loaded from the file, so the first start and the second run the same thing.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from torch import Tensor, nn

from realtime.errors import ConfigError

Tensors = tuple[Tensor, ...]
Run = Callable[..., Tensors]


class Backend(Protocol):
    """One way to run a module of fixed shapes.

    Attributes
    ----------
    suffix : str
        Of its files.
    packages : tuple of str
        Their versions belong to the name of a file.
    precisions : tuple of str
        What it can compute in.
    device : str
        Where its results are: `cpu` or `cuda`.
    batch : int
        How many waiting frames it embeds at once.
    """

    suffix: str
    packages: tuple[str, ...]
    precisions: tuple[str, ...]
    device: str
    batch: int

    def missing(self) -> str:
        """Say what it lacks on this machine and how to get it; empty where it can be used."""
        ...

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        """Write the compiled module to `path`; whatever it raises is told as the reason of a fall-back."""
        ...

    def load(self, path: Path) -> Run:
        """Give a callable with the arguments of the module, on any device, giving results on its own."""
        ...


BACKENDS = {  # those that are likely to be fastest first
    "tensorrt": "models.inference.gpu.on_tensorrt:TensorRt",
    "cuda": "models.inference.gpu.on_cuda:Cuda",
    "openvino": "models.inference.on_openvino:OpenVino",
    "inductor": "models.inference.on_inductor:Inductor",
}


def get_backend(name: str) -> Backend:
    """Give the backend of this name.

    Raises
    ------
    ConfigError
        It is unknown.
    """
    if name not in BACKENDS:
        raise ConfigError(f"backend {name!r} is unknown: legal are eager, auto, {', '.join(BACKENDS)}")
    module, _, kind = BACKENDS[name].partition(":")
    backend: Backend = getattr(import_module(module), kind)()
    return backend


def versions(backend: Backend) -> dict[str, str]:
    """Give the versions a compiled file depends on."""
    return {package: version(package) for package in backend.packages if installed(package)}


def available() -> list[str]:
    """Backends that can be used on this machine."""
    return [name for name in BACKENDS if not get_backend(name).missing()]


def installed(package: str) -> bool:
    """Whether a package is there; it is not imported."""
    return importlib.util.find_spec(package) is not None


@contextmanager
def quiet() -> Iterator[None]:
    """Compilers warn of their own inner workings; what concerns a user is an error, or seen in the parity.

    Their bars go to standard error: standard output is for a command's JSON.
    """
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
