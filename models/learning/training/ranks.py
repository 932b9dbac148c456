"""The sigmoid loss over several processes: every rank scores its own EEG against everybody's video.

A rank's loss is 1/B_rank Σ over its rows; its mean over the ranks is the loss of one process with the whole
batch, and so is the mean of the gradients, which is what data-parallel training takes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist


def n_ranks() -> int:
    """Count the processes that train together; 1 outside a process group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Give the number of this process among them."""
    return dist.get_rank() if n_ranks() > 1 else 0


class _Gather(torch.autograd.Function):
    """Rows of every rank, in rank order; backward adds up what every rank's loss says of this one's rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.n_rows = rows.shape[0]
        parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        grad = grad.contiguous()
        dist.all_reduce(grad)
        start = dist.get_rank() * ctx.n_rows
        return grad[start : start + ctx.n_rows]


def gather_rows(rows: Tensor) -> Tensor:
    """`rows` (B, ...) of all ranks as (ranks·B, ...), with gradients; unchanged where there is one process.

    Every rank must hold the same number of rows.
    """
    if n_ranks() == 1:
        return rows
    if not rows.is_floating_point():
        parts = [torch.empty_like(rows) for _ in range(n_ranks())]
        dist.all_gather(parts, rows.contiguous())
        return torch.cat(parts)
    gather: Any = _Gather
    gathered: Tensor = gather.apply(rows)
    return gathered


def own_rows(total: int) -> slice:
    """Which of `total` gathered rows are this rank's."""
    each = total // n_ranks()
    return slice(rank() * each, (rank() + 1) * each)
