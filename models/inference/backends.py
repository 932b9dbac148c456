"""What can run a module. Each backend builds a file from it, and loads a callable from that file.

What runs is always what was loaded from the file, so the first start and the second run the same thing.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol
from zipfile import ZipFile

import numpy as np
import torch
from torch import Tensor, nn

from models.inference.machine import accelerator, n_threads
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
    """

    suffix: str
    packages: tuple[str, ...]
    precisions: tuple[str, ...]

    def missing(self) -> str:
        """What it lacks on this machine and how to get it; empty where it can be used."""
        ...

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        """Write the compiled module to `path`; whatever it raises is told as the reason of a fall-back."""
        ...

    def load(self, path: Path) -> Run:
        """A callable with the arguments and results of the module, tensors on the CPU at both ends."""
        ...


class Inductor:
    """torch's own compiler, ahead of time: C++ that is built once and loaded without Python (AOTInductor)."""

    suffix = ".pt2"
    packages: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ("fp32",)

    def missing(self) -> str:
        if any(shutil.which(name) for name in ("g++", "clang++", "c++")):
            return ""
        return "it needs a C++ compiler: install g++ (Debian, Ubuntu: `sudo apt install g++`)"

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        from torch._inductor import aoti_compile_and_package

        with torch.no_grad(), quiet():
            exported = torch.export.export(module, inputs)
            aoti_compile_and_package(exported, package_path=str(path), inductor_configs={"freezing": True})

    def load(self, path: Path) -> Run:
        from torch._inductor import aoti_load_package

        package = aoti_load_package(str(path))
        return lambda *inputs: tuple(package(*inputs))


class OpenVino:
    """OpenVINO on the CPU, fp32 as torch computes it or int8 calibrated by NNCF.

    What is kept is the converted network, compiled at each start: OpenVINO's own export of the compiled one
    (`export_model`, and `CACHE_DIR` with it) gave other attention weights when it was read back (2026.4.1).
    """

    suffix = ".ov"
    packages: tuple[str, ...] = ("openvino", "nncf")
    precisions: tuple[str, ...] = ("fp32", "int8")

    def missing(self) -> str:
        return "" if _installed("openvino") else "run `pip install 'phosphene[openvino]'`"

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        import openvino

        with torch.no_grad(), quiet():
            exported = torch.export.export(module, inputs)
            model = openvino.convert_model(exported, example_input=inputs)
        model.reshape({i: list(part.shape) for i, part in enumerate(inputs)})
        if precision == "int8":
            model = _quantized(model, calibration)
        with TemporaryDirectory() as folder:
            parts = Path(folder) / "model.xml", Path(folder) / "model.bin"
            openvino.save_model(model, parts[0], compress_to_fp16=False)
            with ZipFile(path, "w") as file:
                for part in parts:
                    file.write(part, part.name)

    def load(self, path: Path) -> Run:
        import openvino

        with ZipFile(path) as file:
            model, weights = file.read("model.xml"), file.read("model.bin")
        core = openvino.Core()
        network = core.read_model(model, openvino.Tensor(np.frombuffer(weights, np.uint8)))
        compiled = core.compile_model(network, "CPU", self._options())
        request, n_outputs = compiled.create_infer_request(), len(compiled.outputs)

        def run(*inputs: Tensor) -> Tensors:
            given = [part.numpy() for part in inputs]
            results = request.infer(given, share_inputs=True, share_outputs=False)
            return tuple(torch.from_numpy(results[i]) for i in range(n_outputs))

        return run

    def _options(self) -> dict[str, Any]:
        """One stream on our share of the cores. Without the hint, a processor with AMX computes in bf16."""
        return {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": n_threads(),
            "INFERENCE_PRECISION_HINT": "f32",
        }


def _quantized(model: Any, calibration: Sequence[Tensors]) -> Any:
    if not calibration:
        raise ConfigError("int8 needs calibration frames: give a session's, or the film's")
    if not _installed("nncf"):
        raise ConfigError("int8 needs nncf: run `pip install 'phosphene[openvino]'`")
    import nncf

    data = nncf.Dataset([[part.numpy() for part in sample] for sample in calibration])
    with quiet():
        return nncf.quantize(model, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(calibration))


BACKENDS: dict[str, Backend] = {"inductor": Inductor(), "openvino": OpenVino()}


def get_backend(name: str) -> Backend:
    """The backend of this name.

    Raises
    ------
    ConfigError
        It is unknown.
    """
    if name == "tensorrt":
        from models.inference.tensorrt import TensorRt

        return TensorRt()
    if name not in BACKENDS:
        raise ConfigError(
            f"backend {name!r} is unknown: legal are eager, inductor, openvino, tensorrt and auto"
        )
    return BACKENDS[name]


def versions(backend: Backend) -> dict[str, str]:
    return {package: version(package) for package in backend.packages if _installed(package)}


def available() -> list[str]:
    """Backends that can be used here, those that are likely to be fastest first."""
    names = [*(["tensorrt"] if accelerator() else []), "openvino", "inductor"]
    return [name for name in names if not get_backend(name).missing()]


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


@contextmanager
def quiet() -> Iterator[None]:
    """Compilers warn of their own inner workings; what concerns a user is an error, or seen in the parity."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
