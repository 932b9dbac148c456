"""torch-tensorrt on a machine without a GPU: TensorRT's names, and a card that is never used.

torch-tensorrt's lowering, its converters' validators and its partitioner are Python: they only need the
names of the module `tensorrt`, whose libraries come from NVIDIA's index, and a card whose number they can
write down. Both are stood in for here, so that `dynamo.compile(…, dryrun=True)` decides on a CPU what it
would on a card. Nothing is built and nothing runs: a converter that would fail while building does not show.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
import torch

NEEDED = "pip install --no-deps 'torch-tensorrt>=2.13,<2.14' dllist"
VERSION = "11.0.0"  # of TensorRT: what torch-tensorrt 2.13 asks for
_CARD: dict[str, Any] = {  # what a GPU of today answers
    "current_device": 0,
    "get_device_capability": (9, 0),
    "empty_cache": None,
    "mem_get_info": (1 << 36, 1 << 36),
}


class Member:
    """A value of one of TensorRT's classes; every attribute of it is another."""

    def __init__(self, *given: Any, **more: Any) -> None:
        del given, more

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = Member()
        object.__setattr__(self, name, value)
        return value


class Kind(type):
    """A class whose attributes are members of it: an enumeration that knows any word."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = cls()
        setattr(cls, name, value)
        return value


class TensorRtNames(ModuleType):
    """The module `tensorrt`: whatever is asked for is a class."""

    __version__ = VERSION

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "tensorrt_rtx":  # which would be another product
            raise AttributeError(name)
        value = Kind(name, (Member,), {})
        setattr(self, name, value)
        return value


@contextmanager
def a_card() -> Iterator[None]:
    """Let torch say that there is a GPU number 0, as far as torch-tensorrt asks without using it."""
    with ExitStack() as stack:
        for name, answer in _CARD.items():
            stack.enter_context(patch.object(torch.cuda, name, return_value=answer))
        yield


def torch_tensorrt() -> Any:
    """torch-tensorrt, over the stand-in; skips the test where its wheel is not installed."""
    if "torch_tensorrt" not in sys.modules:
        if find_spec("torch_tensorrt") is None:
            pytest.skip(f"torch-tensorrt is not installed, so nothing can be partitioned: {NEEDED}")
        names = TensorRtNames("tensorrt")
        names.__spec__ = ModuleSpec("tensorrt", None, is_package=True)
        names.__path__, names.__file__ = [], __file__
        names.__dict__["tensorrt"] = names
        sys.modules |= {"tensorrt": names, "tensorrt.tensorrt": names}
        named = patch.object(torch._C, "_CudaDeviceProperties", object, create=True)  # in an annotation
        with a_card(), named, patch("os.path.isfile", _no_runtime):
            import torch_tensorrt as imported  # noqa: F401
    return sys.modules["torch_tensorrt"]


def _no_runtime(path: Any, isfile: Any = os.path.isfile) -> bool:
    """Whether there is such a file, but for the C++ that runs engines: it needs CUDA's and TensorRT's own."""
    return "torchtrt" not in os.path.basename(path) and isfile(path)


class Partition(NamedTuple):
    """What the partitioner made of a program.

    Attributes
    ----------
    n_operations, n_subgraphs : int
        Of the lowered graph, and those that would be TensorRT engines.
    in_torch : tuple of str
        Operations that would stay in PyTorch.
    """

    n_operations: int
    n_subgraphs: int
    in_torch: tuple[str, ...]


def partition(program: torch.export.ExportedProgram, inputs: Any, **settings: Any) -> Partition:
    """Run torch-tensorrt's lowering, validators and partitioner over a program that lives on the CPU."""
    library, seen = torch_tensorrt(), []
    compiler = sys.modules["torch_tensorrt.dynamo._compiler"]
    tell = patch.object(compiler, "dryrun_stats_display", lambda told, _: seen.append(told))
    here = patch.object(library.Device, "to", lambda *_: torch.device("cpu"))  # where constants are put
    with a_card(), tell, here:
        library.dynamo.compile(
            program, arg_inputs=inputs, dryrun=True, offload_module_to_cpu=True, **settings
        )
    (told,) = seen
    left = {*told.to_run_in_torch, *map(str, told.unsupported_ops)}
    return Partition(told.total_ops_in_graph, told.tensorrt_graph_count, tuple(sorted(left)))
