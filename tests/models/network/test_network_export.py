"""Each stage as a compiler sees it: it exports, and the default's ops all have a TensorRT converter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.network.network import Network
from tests.support.networks import small_batch, small_network


class Stage(nn.Module):
    """One stage of a network as a module of tensors, as a compiler wants it."""

    def __init__(self, network: Network, name: str, explain: bool) -> None:
        super().__init__()
        self.network, self.name, self.explain = network, name, explain

    def forward(self, *inputs: Tensor) -> Any:
        network = self.network
        if self.name == "frames":
            return network.encode_frames(inputs[0], "fast")
        if self.name == "video":
            return network.encode_video({"fast": inputs[0]}, inputs[1], self.explain)
        if self.name == "eeg":
            return network.encode_eeg(*inputs, self.explain)
        media, rest = inputs[1:-4], inputs[-4:]
        return network.fuse(inputs[0], media, *rest, explain=self.explain)


def stage_inputs(network: Network) -> dict[str, tuple[Tensor, ...]]:
    batch = small_batch(network, n_batch=1)
    out = network(batch)
    media = network.project(out.video.latents[0])
    allowed = torch.ones(1, out.eeg.tokens.shape[2], 1, dtype=torch.bool)
    ends = torch.zeros(1, 1)
    return {
        "frames": (torch.randn(1, 3, 32, 32),),
        "video": (batch.frames["fast"][0], batch.frame_valid[0]),
        "eeg": (batch.eeg[0], batch.eeg_valid[0], batch.eeg_scale[0]),
        "fuse": (out.eeg.tokens, *media, out.agreement, allowed, ends, ends),
    }


@pytest.mark.slow
@pytest.mark.parametrize("explain", [False, True])
@torch.no_grad()
def test_every_stage_of_the_default_exports_to_ops_that_tensorrt_converts(
    golden: Path, explain: bool
) -> None:
    converted = set((golden / "tensorrt_converters.txt").read_text().split())
    # getitem is listed as operator.getitem; the assertion holds no value and is removed by torch-tensorrt.
    converted |= {"<built-in function getitem>", "aten._assert_tensor_metadata.default"}
    decompositions = torch.export.default_decompositions()
    del decompositions[torch.ops.aten.scaled_dot_product_attention.default]
    network = small_network()
    for name, inputs in stage_inputs(network).items():
        stage = Stage(network, name, explain)
        exported = torch.export.export(stage, inputs)
        graph = exported.run_decompositions(decompositions).graph
        ops = {str(node.target) for node in graph.nodes if node.op == "call_function"}
        assert ops <= converted, (name, ops - converted)
        for ours, theirs in zip(flat(stage(*inputs)), flat(exported.module()(*inputs)), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("part", "word"),
    [("compression", "pma"), ("compression", "mean"), ("fusion", "perceiver"), ("fusion", "qformer")],
)
@torch.no_grad()
def test_the_other_parts_export_and_give_the_same(part: str, word: str) -> None:
    network = small_network(**{part: word})
    name = {"compression": "video", "fusion": "fuse"}[part]
    inputs = stage_inputs(network)[name]
    stage = Stage(network, name, explain=True)
    exported = torch.export.export(stage, inputs).module()
    for ours, theirs in zip(flat(stage(*inputs)), flat(exported(*inputs)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def flat(result: Any) -> list[Tensor]:
    return [leaf for leaf in torch.utils._pytree.tree_leaves(result) if leaf is not None]
