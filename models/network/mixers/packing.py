"""Valid frames to the front: a causal mixer that runs over packed frames cannot be touched by an invalid one.

What stands behind the last valid frame is never read by what stands before it, so no mixer needs a mask of
its own, and a frame that is not there leaves every state as it was.
"""

from __future__ import annotations

import torch
from torch import Tensor


def packed_places(mask: Tensor) -> Tensor:
    """Where each frame goes: valid frames first, then the others, each group in its order.

    Parameters
    ----------
    mask : tensor of shape (N, F), bool

    Returns
    -------
    tensor of shape (N, F), int64
        A permutation of 0..F-1 in each row.
    """
    valid = torch.where(mask, 1, 0)
    rank_valid = valid.cumsum(1) - 1
    rank_other = (1 - valid).cumsum(1) - 1
    return torch.where(mask, rank_valid, valid.sum(1, keepdim=True) + rank_other)


def pack(x: Tensor, mask: Tensor, places: Tensor) -> Tensor:
    """Map x (N, F, D) in packed order, with zeros where `mask` is False."""
    clean = torch.where(mask.unsqueeze(-1), x, 0.0)
    return clean.new_zeros(clean.shape).scatter(1, places.unsqueeze(-1).expand_as(x), clean)


def unpack(y: Tensor, mask: Tensor, places: Tensor) -> Tensor:
    """Packed y (N, F, D) back in the frames' own order, 0 where `mask` is False."""
    return torch.where(mask.unsqueeze(-1), y.gather(1, places.unsqueeze(-1).expand_as(y)), 0.0)


def hold(mask: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """Take `new` in the rows where `mask` (N,) is True, `old` elsewhere; both (N, ...)."""
    return torch.where(mask.reshape(-1, *(1,) * (new.dim() - 1)), new, old)
