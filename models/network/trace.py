"""Attention over latents, followed to what the latents were made of: items, frames and patches."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from models.network.compression import shares


class Trace(NamedTuple):
    """Where each EEG token looked; each sums to 1 over what it is about, or is all 0.

    Attributes
    ----------
    items : (B, T, S, M)
        Over intervals (and videos).
    frames : (B, T, S, M, F)
        Over frames of all items together.
    patches : (B, T, M, P)
        Over patches of all items together, of all tokens of an interval.
    """

    items: Tensor
    frames: Tensor
    patches: Tensor


def trace(attention: Tensor, latents: Tensor) -> Trace:
    """Follow attention (B, T, S, M·n) through the latents' own (B, M, n, F, P)."""
    n_items, n_latents = latents.shape[1:3]
    by_item = attention.unflatten(3, (n_items, n_latents))  # (B, T, S, M, n)
    frames = torch.einsum("btsmn,bmnf->btsmf", by_item, latents.sum(dim=4))
    patches = torch.einsum("btmn,bmnp->btmp", by_item.sum(dim=2), latents.sum(dim=3))
    return Trace(
        items=shares(by_item.sum(dim=4)),
        frames=shares(frames.flatten(3)).unflatten(3, frames.shape[3:]),
        patches=shares(patches.flatten(2)).unflatten(2, patches.shape[2:]),
    )
