"""What torch-tensorrt converts and decomposes, by name: read in its wheel, for where it is not installed.

`golden/tensorrt_converters.txt` and `golden/tensorrt_decompositions.txt` are of torch-tensorrt 2.13.0
(`dynamo/conversion/*.py`, `dynamo/lowering/_decomposition*.py`); who raises the version reads them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import getitem
from pathlib import Path
from typing import Any

import torch

# torch-tensorrt removes these from the graph before it converts it (lowering/passes/remove_assert_nodes.py).
REMOVED = {"aten._assert_tensor_metadata.default"}


def sections(golden: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (golden / "tensorrt_decompositions.txt").read_text().splitlines():
        if line.startswith("# "):
            found[line[2:]] = current = []
        else:
            current.append(line)
    return found


def operation(name: str) -> Any:
    """`aten.add.Tensor` as the operation, `aten.add` as all its overloads."""
    found: Any = torch.ops
    for step in name.split("."):
        found = getattr(found, step)
    return found


@cache
def lowering(golden: Path) -> dict[Any, Callable[..., Any]]:
    """The table `torch_tensorrt.dynamo.lowering.get_decompositions()` gives, without its own replacements."""
    from torch._decomp import get_decompositions
    from torch._export.utils import _collect_all_valid_cia_ops_for_aten_namespace, _get_decomp_for_cia

    told = sections(golden)
    attention = [f"{name}.default" for name in told["replaced"] if name.endswith("_attention")]
    kept = {operation(name) for name in told["kept"] + attention}
    table = get_decompositions([operation(name) for name in told["decomposed"]])
    composite = {op: _get_decomp_for_cia(op) for op in _collect_all_valid_cia_ops_for_aten_namespace()}
    return {**table, **{op: rule for op, rule in composite.items() if op not in kept}}


def convertible(golden: Path) -> Callable[[str], bool]:
    converters = set((golden / "tensorrt_converters.txt").read_text().split())
    replaced = sections(golden)["replaced"]
    return lambda name: (
        name in converters | REMOVED or any(name == each or name.startswith(f"{each}.") for each in replaced)
    )


def operations(program: torch.export.ExportedProgram, table: dict[Any, Callable[..., Any]]) -> set[str]:
    graph = program.run_decompositions(table).graph
    targets = {node.target for node in graph.nodes if node.op == "call_function"}
    return {"operator.getitem" if each is getitem else str(each) for each in targets}
