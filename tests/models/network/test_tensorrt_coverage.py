"""What of TensorRT can be proven without a GPU: that it can convert every operation, and what fp16 changes.

`golden/tensorrt_converters.txt` and `golden/tensorrt_decompositions.txt` were read in the wheel of
torch-tensorrt 2.13.0 (`dynamo/conversion/*.py`, `dynamo/lowering/_decomposition*.py`); who raises the version
reads them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import getitem
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from models.config import preset
from models.inference.backends import Tensors
from models.inference.compile import compile_module
from models.inference.examples import StageExamples, film_pictures, picture_examples
from models.inference.on_tensorrt import export_for_gpu
from models.inference.parity import EQUAL, compare
from models.inference.stages import EegModule, FramesModule, FuseModule, VideoModule
from models.network.network import Network
from tests.support.checkpoints import write_checkpoint

LABELS = ("Fp1", "Fz", "Cz", "Pz", "Oz")
# Depth and width change how often an operation is there, not which: small stand-ins for the large parts.
SHRUNK = {"eeg.cbramod.layers": 2}
# torch-tensorrt removes these from the graph before it converts it (lowering/passes/remove_assert_nodes.py).
REMOVED = {"aten._assert_tensor_metadata.default"}


@pytest.fixture(scope="module", params=["demo", pytest.param("laptop", marks=pytest.mark.long), "lab"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    changes: dict[str, Any] = {}
    if request.param != "demo":
        source = write_checkpoint("clip", tmp_path_factory.mktemp("clip"))
        changes = {"slow.source": str(source), **SHRUNK}
    torch.manual_seed(0)
    built = Network(preset(request.param, changes), LABELS).eval()
    with torch.no_grad():
        for name, value in built.named_parameters():
            if name.endswith("_gate"):
                value.fill_(0.6)  # lets the video through, as after training
    return built


class Exported(NamedTuple):
    """A module of a stage, its examples, and the program that TensorRT would be given for it."""

    module: nn.Module
    examples: list[Tensors]
    program: torch.export.ExportedProgram


@pytest.fixture(scope="module", params=["frames", "video", "eeg", "fuse"])
def stage(request: pytest.FixtureRequest, network: Network) -> list[Exported]:
    """One module; for the frames one of each path."""
    examples = StageExamples(network)
    if request.param == "frames":
        encoders, pictures = network.frame_encoders.values(), film_pictures(5, (64, 48))
        parts = [(FramesModule(each), picture_examples(each, pictures)[0]) for each in encoders]
    else:
        kinds = {"video": VideoModule, "eeg": EegModule, "fuse": FuseModule}
        parts = [(kinds[request.param](network), getattr(examples, request.param)())]
    with torch.no_grad():
        return [
            Exported(module.eval(), given, export_for_gpu(module.eval(), given[0], "fp16"))
            for module, given in parts
        ]


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


def test_every_operation_of_a_preset_has_a_converter(stage: list[Exported], golden: Path) -> None:
    can, table = convertible(golden), lowering(golden)
    for part in stage:
        found = operations(part.program, table)
        assert len(found) > 5
        assert not {name for name in found if not can(name)}


def test_the_list_tells_an_operation_it_cannot_convert(golden: Path) -> None:
    class Spectrum(nn.Module):
        def forward(self, x: torch.Tensor) -> Tensors:
            return (torch.fft.rfft(x).abs(),)

    program = torch.export.export(Spectrum(), (torch.randn(2, 8),))
    can = convertible(golden)
    assert {name for name in operations(program, lowering(golden)) if not can(name)} == {
        "aten._fft_r2c.default"
    }


def test_products_in_fp16_keep_what_eager_gives(stage: list[Exported]) -> None:
    for module, examples, program in stage:
        halved, worst = program.module(), EQUAL
        with torch.no_grad():
            for inputs in examples:
                worst = worst.worse(compare(tuple(halved(*inputs)), tuple(module(*inputs))))
        assert worst.within("fp16"), worst
        assert worst.difference > 1e-6  # something was halved


def test_norms_softmax_and_masks_stay_as_they_were(stage: list[Exported]) -> None:
    for part in stage:
        halved = set()
        for node in part.program.graph.nodes:
            value = node.meta.get("val")
            if isinstance(value, torch.Tensor) and value.dtype == torch.float16:
                halved.add(str(node.target).split(".")[1])
        products = {"linear", "matmul", "einsum", "conv1d", "conv2d", "scaled_dot_product_attention"}
        assert halved <= products | {"_to_copy"}
        assert halved & products


@pytest.mark.gpu
def test_tensorrt_gives_what_eager_gives(stage: list[Exported], tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU here: what TensorRT computes has not been run, only its graph has")
    pytest.importorskip("torch_tensorrt")
    for part in stage:
        result = compile_module(part.module, part.examples, "tensorrt", "fp16", folder=tmp_path)
        assert (result.backend, result.note) == ("tensorrt", "")
