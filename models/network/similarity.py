"""How alike EEG and video are, slot by slot on their common time grid, from the un-fused towers."""

from __future__ import annotations

from torch import Tensor


def unit(x: Tensor) -> Tensor:
    """`x` brought to length 1 along its last axis; a zero vector stays zero."""
    return x * (x.square().sum(dim=-1, keepdim=True) + 1e-12).rsqrt()


def similarity(eeg: Tensor, eeg_valid: Tensor, video: Tensor, video_valid: Tensor) -> Tensor:
    """Mean cosine over the slots that both sides have, for every EEG with every video.

    It is the scalar product of two vectors of unit length (slots × width): retrieval works on it as on any
    embedding, and time has survived into it (a vector pooled over time did not learn: docs/design.md).

    Parameters
    ----------
    eeg : (..., A, G, E), each slot of length 1, 0 where invalid
    eeg_valid : (..., A, G) bool
    video : (..., V, G, E)
    video_valid : (..., V, G) bool

    Returns
    -------
    (..., A, V), -1 to 1; 0 where the two share no slot
    """
    total = eeg.flatten(-2) @ video.flatten(-2).transpose(-2, -1)
    shared = eeg_valid.to(total.dtype) @ video_valid.to(total.dtype).transpose(-2, -1)
    return total / shared.clamp(min=1.0)
