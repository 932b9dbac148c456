"""What of TensorRT can be proven without a GPU: that it can convert every operation, and what fp16 changes.

By lists of names, in seconds; `test_tensorrt_partition.py` asks torch-tensorrt itself, where it is installed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn

from models.config import preset
from models.inference.backends import Tensors
from models.inference.compile import compile_module
from models.inference.examples import StageExamples, film_pictures, picture_examples
from models.inference.gpu.half import export_for_gpu
from models.inference.modules import EegModule, FramesModule, FuseModule, VideoModule
from models.inference.parity import EQUAL, compare
from models.network.network import Network
from tests.support.checkpoints import write_checkpoint
from tests.support.tensorrt.lists import convertible, lowering, operations

LABELS = ("Fp1", "Fz", "Cz", "Pz", "Oz")
# Depth and width change how often an operation is there, not which: small stand-ins for the large parts.
SHRUNK = {"eeg.cbramod.layers": 2}


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
            if (
                node.op == "call_function"
                and isinstance(value, torch.Tensor)
                and value.dtype == torch.float16
            ):
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
