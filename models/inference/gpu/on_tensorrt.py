"""TensorRT through torch-tensorrt 2.13, on an NVIDIA GPU: the graphs of `half.py`, each in one engine.

Written against that version's source (`torch_tensorrt/dynamo/_compiler.py`, `runtime/_cudagraphs.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models.inference.backends import Run, Tensors, quiet
from models.inference.gpu.card import NEEDS_TENSORRT, lacking
from models.inference.gpu.half import export_for_gpu

# A mask of square attention is not taken for a causal one, as torch-tensorrt does by itself
# (`lowering/passes/force_causal_efficient_attention.py`): whole graphs or an error, one engine for each.
SETTINGS: dict[str, Any] = {
    "require_full_compilation": True,
    "min_block_size": 1,
    "immutable_weights": True,
    "truncate_double": True,
    "use_fp32_acc": True,
    "attn_bias_is_causal": False,
    "cache_built_engines": False,
    "reuse_cached_engines": False,
}


class TensorRt:
    """See `backends.Backend`. Static shapes, the whole module in one engine or an error."""

    suffix = ".trt.pt2"
    packages: tuple[str, ...] = ("torch_tensorrt", "tensorrt")
    precisions: tuple[str, ...] = ("fp16", "fp32")
    device = "cuda"
    batch = 8

    def missing(self) -> str:
        """Say what is lacking on this machine; empty where it can be used."""
        return lacking(*NEEDS_TENSORRT)

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        """Build the part."""
        import torch_tensorrt
        from torch.export.passes import move_to_device_pass

        with torch.no_grad(), quiet():
            exported = export_for_gpu(module, inputs, precision)
            on_gpu = tuple(part.cuda() for part in inputs)
            moved = move_to_device_pass(exported, "cuda")
            engine = torch_tensorrt.dynamo.compile(moved, arg_inputs=on_gpu, **SETTINGS)
            torch_tensorrt.save(engine, str(path), output_format="exported_program", arg_inputs=on_gpu)

    def load(self, path: Path) -> Run:
        """Load a file that `build` wrote as a callable, on a card at both ends.

        Each engine replays its own CUDA graph, over buffers it keeps, and lays out the next call's results
        while this one's are computed.
        """
        import torch_tensorrt

        program = torch_tensorrt.load(str(path))
        for constant in program.constants.values():
            if hasattr(constant, "use_pre_allocated_outputs"):
                constant.use_pre_allocated_outputs = True
        torch_tensorrt.runtime.set_cudagraphs_mode(True)
        engine = program.module()
        return lambda *inputs: tuple(engine(*(part.cuda(non_blocking=True) for part in inputs)))
