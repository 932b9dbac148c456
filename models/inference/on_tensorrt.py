"""TensorRT through torch-tensorrt 2.13, on an NVIDIA GPU.

Written against that version's source (`torch_tensorrt/dynamo/_compiler.py`). TensorRT 11 is strongly typed:
precision comes from the graph. torch-tensorrt's own autocast (`rule_based_autocast.py`) casts every tensor
argument of every operation, masks and indices with them, so the graph is cast here instead: products and
convolutions in fp16, everything else (norms, softmax, masks, sums) in fp32. What the GPU is given is thereby
an ordinary exported program, which the tests run and compare on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.inference.backends import Run, Tensors, installed, quiet
from models.inference.machine import accelerator

_ATEN: Any = torch.ops.aten
_TO_COPY: Any = torch.ops.aten._to_copy.default  # noqa: SLF001 the name torch gives the operation
PRODUCTS = (
    _ATEN.linear.default,
    _ATEN.matmul.default,
    _ATEN.einsum.default,
    _ATEN.conv1d.default,
    _ATEN.conv2d.default,
    _ATEN.scaled_dot_product_attention.default,
)


class TensorRt:
    """See `backends.Backend`. Static shapes, the whole module in one engine or an error."""

    suffix = ".trt.pt2"
    packages: tuple[str, ...] = ("torch_tensorrt", "tensorrt")
    precisions: tuple[str, ...] = ("fp16", "fp32")

    def missing(self) -> str:
        """Say what is lacking on this machine; empty where it can be used."""
        if not accelerator():
            return "it needs an NVIDIA GPU, and torch sees none"
        if not installed("torch_tensorrt"):
            return "run `pip install 'phosphene[tensorrt]' --extra-index-url https://pypi.nvidia.com`"
        return ""

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
            engine = torch_tensorrt.dynamo.compile(
                moved,
                arg_inputs=on_gpu,
                require_full_compilation=True,
                min_block_size=1,
                immutable_weights=True,
                truncate_double=True,
                use_fp32_acc=True,
                cache_built_engines=False,
                reuse_cached_engines=False,
            )
            torch_tensorrt.save(engine, str(path), output_format="exported_program", arg_inputs=on_gpu)

    def load(self, path: Path) -> Run:
        """Load a file that `build` wrote as a callable."""
        import torch_tensorrt

        engine = torch_tensorrt.load(str(path)).module()

        def run(*inputs: Tensor) -> Tensors:
            return tuple(part.cpu() for part in engine(*(part.cuda() for part in inputs)))

        return run


def export_for_gpu(module: nn.Module, inputs: Tensors, precision: str) -> torch.export.ExportedProgram:
    """Give the exported program that TensorRT is given, on the CPU: its products in fp16 where asked for."""
    exported = torch.export.export(module, inputs)
    if precision == "fp32":
        return exported
    graph_module = exported.module()
    halve_products(graph_module.graph)
    graph_module.recompile()
    return torch.export.export(graph_module, inputs)


def halve_products(graph: torch.fx.Graph) -> None:
    """Put the graph's products and convolutions into fp16: cast what goes in, cast back what comes out."""
    for node in [node for node in graph.nodes if node.target in PRODUCTS]:
        with graph.inserting_before(node):
            node.args = torch.fx.map_arg(node.args, lambda part: _cast(graph, part, torch.float16))
            node.kwargs = torch.fx.map_arg(node.kwargs, lambda part: _cast(graph, part, torch.float16))
        with graph.inserting_after(node):
            back = graph.call_function(_TO_COPY, (node,), {"dtype": torch.float32})
        node.replace_all_uses_with(back, delete_user_cb=lambda user, back=back: user is not back)


def _cast(graph: torch.fx.Graph, part: torch.fx.Node, dtype: torch.dtype) -> torch.fx.Node:
    return graph.call_function(_TO_COPY, (part,), {"dtype": dtype})
