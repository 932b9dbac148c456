"""torch's own kernels on an NVIDIA GPU, each stage one CUDA graph: what a card can do without TensorRT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from models.inference.backends import Run, Tensors, quiet
from models.inference.gpu.captured import Captured
from models.inference.gpu.card import NEEDS_CUDA, lacking
from models.inference.gpu.half import export_for_gpu


class Cuda:
    """See `backends.Backend`. The file is the exported program; its graph is recorded at each start.

    Parameters
    ----------
    device : str
        Where it runs. On `cpu` nothing is recorded and all else is the same.
    """

    suffix = ".cuda.pt2"
    packages: tuple[str, ...] = ()
    precisions: tuple[str, ...] = ("fp16", "fp32")
    batch = 8

    def __init__(self, device: str = "cuda") -> None:
        self.device = device

    def missing(self) -> str:
        """Say what is lacking on this machine; empty where it can be used."""
        return lacking(*NEEDS_CUDA)

    def build(
        self, module: nn.Module, inputs: Tensors, precision: str, calibration: Sequence[Tensors], path: Path
    ) -> None:
        """Build the part."""
        with torch.no_grad(), quiet():
            torch.export.save(export_for_gpu(module, inputs, precision), path)

    def load(self, path: Path) -> Run:
        """Load a file that `build` wrote as a callable."""
        from torch.export.passes import move_to_device_pass  # a quarter of a second of every start

        program = torch.export.load(path)
        names = program.graph_signature.user_inputs
        like = {node.name: node.meta["val"] for node in program.graph.nodes if node.op == "placeholder"}
        moved = move_to_device_pass(program, self.device)
        return Captured(moved.module(), [like[str(name)] for name in names], self.device)
