"""The graph a GPU is given: the exported program, with its products in fp16.

TensorRT 11 is strongly typed: precision comes from the graph. torch-tensorrt's own autocast
(`rule_based_autocast.py`) casts every tensor argument of every operation, masks and indices with them, so
the graph is cast here instead: products and convolutions in fp16, their weights once and for all, everything
else (norms, softmax, masks, sums) in fp32. What the GPU is given is thereby an ordinary exported program,
which the tests run and compare on a CPU.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from models.inference.backends import Tensors

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


def export_for_gpu(module: nn.Module, inputs: Tensors, precision: str) -> torch.export.ExportedProgram:
    """Give the exported program a GPU is given, on the CPU: its products in fp16 where asked for."""
    exported = torch.export.export(module, inputs)
    if precision == "fp32":
        return exported
    graph_module = exported.module()
    halve_products(graph_module)
    graph_module.recompile()
    return torch.export.export(graph_module, inputs)


def halve_products(module: torch.fx.GraphModule) -> None:
    """Put a graph's products and convolutions into fp16: cast what goes in, cast back what comes out."""
    graph, weights = module.graph, {node.target for node in module.graph.nodes if node.op == "get_attr"}
    for node in [node for node in graph.nodes if node.target in PRODUCTS]:
        with graph.inserting_before(node):
            node.args = torch.fx.map_arg(node.args, lambda part: _halved(module, part))
            node.kwargs = torch.fx.map_arg(node.kwargs, lambda part: _halved(module, part))
        with graph.inserting_after(node):
            back = graph.call_function(_TO_COPY, (node,), {"dtype": torch.float32})
        node.replace_all_uses_with(back, delete_user_cb=lambda user, back=back: user is not back)
    graph.eliminate_dead_code()
    _forget(module, weights)


def _halved(module: torch.fx.GraphModule, part: torch.fx.Node) -> torch.fx.Node:
    """Give what goes into a product in fp16: a weight is kept so, all else is cast when it is there."""
    if part.op != "get_attr":
        return module.graph.call_function(_TO_COPY, (part,), {"dtype": torch.float16})
    name = f"{part.target}_half".replace(".", "_")
    if not hasattr(module, name):
        owner, _, attribute = str(part.target).rpartition(".")
        weight: torch.Tensor = getattr(module.get_submodule(owner), attribute)
        module.register_buffer(name, weight.detach().half())
    return module.graph.get_attr(name)


def _forget(module: torch.fx.GraphModule, names: set[Any]) -> None:
    """Leave out the weights that nothing reads any more."""
    read = {node.target for node in module.graph.nodes if node.op == "get_attr"}
    for name in names - read:
        owner, _, attribute = str(name).rpartition(".")
        delattr(module.get_submodule(owner), attribute)
