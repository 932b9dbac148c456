"""A program of fixed shapes, recorded as one CUDA graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from models.inference.backends import Run, Tensors


class Captured:
    """A program of fixed shapes with buffers of its own: one CUDA graph on a card, plain calls on a CPU.

    Parameters
    ----------
    program : callable
        Tensors in, a tuple of tensors out, on the device.
    like : sequence of tensors
        Inputs of the right shapes and types; on any device.
    device : str

    Notes
    -----
    After three calls that let libraries choose their kernels and lay out their memory, as torch asks for
    (`torch.cuda.graph`), the fourth is recorded. Results are copies: the next call writes over the graph's.
    """

    _N_WARM = 3

    def __init__(self, program: Run, like: Sequence[Tensor], device: str) -> None:
        self.program = program
        self.given = tuple(torch.zeros(part.shape, dtype=part.dtype, device=device) for part in like)
        self.graph: torch.cuda.CUDAGraph | None = None
        self.results: Tensors = ()
        if torch.device(device).type == "cuda":
            self._record()

    def _record(self) -> None:
        """Record the graph. Other threads may go on with their own work on the card meanwhile."""
        side, current = torch.cuda.Stream(), torch.cuda.current_stream()
        side.wait_stream(current)
        with torch.inference_mode(), torch.cuda.stream(side):
            for _ in range(self._N_WARM):
                self.program(*self.given)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
                self.results = tuple(self.program(*self.given))
        current.wait_stream(side)
        self.graph = graph

    def __call__(self, *inputs: Tensor) -> Tensors:
        """Run on tensors of the program's shapes, on any device; gives new tensors on its own."""
        for buffer, part in zip(self.given, inputs, strict=True):
            buffer.copy_(part, non_blocking=True)
        if self.graph is None:
            self.results = tuple(self.program(*self.given))
        else:
            self.graph.replay()
        return tuple(part.clone() for part in self.results)
