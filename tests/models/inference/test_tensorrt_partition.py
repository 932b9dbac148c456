"""torch-tensorrt's own lowering, validators and partitioner over every stage of the whole family, on a CPU.

`pytest -m partition`, in an environment that has torch-tensorrt: `tests/support/tensorrt/stand_in.py` says
what is stood in for and what stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

from models.inference.backends import Tensors
from models.inference.gpu.half import export_for_gpu
from models.inference.gpu.on_tensorrt import SETTINGS
from tests.models.family import Case, cases, network_of, spoken, stage_of
from tests.support.tensorrt.stand_in import Partition, partition, torch_tensorrt

pytestmark = pytest.mark.partition


@pytest.fixture(scope="module")
def partitions(request: pytest.FixtureRequest) -> Iterator[list[Partition]]:
    """What was seen; how much it was is printed at the end."""
    torch_tensorrt()  # or the test is skipped
    seen: list[Partition] = []
    yield seen
    n_operations, n_subgraphs = (sum(getattr(part, name) for part in seen) for name in Partition._fields[:2])
    line = f"{len(seen)} stages, {n_operations} operations, {n_subgraphs} TensorRT subgraphs"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{line}")


@pytest.mark.parametrize("case", list(cases()), ids=spoken)
def test_a_stage_is_one_engine(case: Case, sources: Any, partitions: list[Partition]) -> None:
    stage, sight, parts = case
    module, (inputs, *_) = stage_of(stage, network_of(sight, dict(parts), sources))
    with torch.no_grad():
        found = partition(export_for_gpu(module, inputs, "fp16"), inputs, **SETTINGS)
    partitions.append(found)
    assert (found.n_subgraphs, found.in_torch) == (1, ())


def test_what_tensorrt_has_no_converter_for_is_told(partitions: list[Partition]) -> None:
    class Gated(nn.Module):
        def forward(self, x: torch.Tensor) -> Tensors:
            return (nn.functional.glu(2 * x) + 1,)

    inputs = (torch.randn(2, 8),)
    program = torch.export.export(Gated(), inputs)
    found = partition(program, inputs, **{**SETTINGS, "require_full_compilation": False})
    assert found.n_subgraphs == 2
    assert any("aten.glu" in name for name in found.in_torch)
    with pytest.raises(AssertionError, match="require_full_compilation"):
        partition(program, inputs, **SETTINGS)
