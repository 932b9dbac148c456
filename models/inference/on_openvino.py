"""OpenVINO on the CPU, fp32 as torch computes it or int8 calibrated by NNCF."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch
from torch import Tensor, nn

from models.inference.backends import Run, Tensors, installed, quiet
from models.inference.machine import n_threads
from models.inference.signal_stack import own_signal_stack
from realtime.errors import ConfigError


class OpenVino:
    """See `backends.Backend`.

    What is kept is the converted network, compiled at each start: OpenVINO's own export of the compiled one
    (`export_model`, and `CACHE_DIR` with it) gave other attention weights when it was read back (2026.4.1).
    """

    suffix = ".ov"
    packages: tuple[str, ...] = ("openvino", "nncf")
    precisions: tuple[str, ...] = ("fp32", "int8")
    device, batch = "cpu", 1

    def missing(self) -> str:
        """Say what is lacking on this machine; empty where it can be used."""
        return "" if installed("openvino") else "run `pip install openvino`"

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        """Build the part."""
        openvino = _openvino()
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
        """Load a file that `build` wrote as a callable."""
        openvino = _openvino()
        with ZipFile(path) as file:
            model, weights = file.read("model.xml"), file.read("model.bin")
        core = openvino.Core()
        network = core.read_model(model, openvino.Tensor(np.frombuffer(weights, np.uint8)))
        with own_signal_stack():
            compiled = core.compile_model(network, "CPU", _options(network))
        return _bound(openvino, compiled)


def _options(network: Any) -> dict[str, Any]:
    """Set one stream on our share of the cores, and fp32 where the network is not quantized.

    By default it would be tied to one core, and compute in bf16 on processors that can. That is less than
    what fp32 promises; of a quantized network it is the more exact part, and faster by a tenth.
    """
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": n_threads(),
        "ENABLE_CPU_PINNING": False,
    }
    if not any(part.get_type_name() == "FakeQuantize" for part in network.get_ops()):
        options["INFERENCE_PRECISION_HINT"] = "f32"
    return options


def _bound(openvino: Any, compiled: Any) -> Run:
    """Return what runs a network over buffers of its own, bound once: OpenVINO sorts nothing at each call."""
    request = compiled.create_infer_request()
    buffers = [np.empty(part.shape, part.get_element_type().to_dtype()) for part in compiled.inputs]
    for number, buffer in enumerate(buffers):
        request.set_input_tensor(number, openvino.Tensor(buffer, shared_memory=True))
    bound = [torch.from_numpy(buffer) for buffer in buffers]
    n_outputs = len(compiled.outputs)

    def run(*inputs: Tensor) -> Tensors:
        for buffer, given in zip(bound, inputs, strict=True):
            if buffer.shape != given.shape:
                raise ValueError(
                    f"built for an input of shape {tuple(buffer.shape)}, not {tuple(given.shape)}"
                )
            buffer.copy_(given)
        request.infer()
        return tuple(torch.from_numpy(request.get_output_tensor(i).data.copy()) for i in range(n_outputs))

    return run


def _openvino() -> Any:
    """OpenVINO without its telemetry, which would tell Google Analytics of every import and conversion."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # as if not installed
    return import_module("openvino")


def _quantized(model: Any, calibration: Sequence[Tensors]) -> Any:
    if not calibration:
        raise ConfigError("int8 needs calibration frames: give a session's, or the film's")
    if not installed("nncf"):
        raise ConfigError("int8 needs nncf: run `pip install 'phosphene[openvino]'`")
    import nncf

    data = nncf.Dataset([[part.numpy() for part in sample] for sample in calibration])
    with quiet():
        return nncf.quantize(
            model,
            data,
            model_type=nncf.ModelType.TRANSFORMER,
            subset_size=len(calibration),
            advanced_parameters=nncf.AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.ENABLE),
        )
