"""Attention over latents, told over frames and patches: what a window can draw."""

from __future__ import annotations

import torch
from torch import Tensor

from models.network.compression import shares
from models.network.interfaces import Fused
from models.network.towers import EegView, VideoView, hold
from realtime.types import Attention, FloatArray


def attention_maps(
    fused: Fused, video: VideoView, eeg: EegView, patch_grid: tuple[int, int], n_slots: int
) -> Attention:
    """Follow the newest interval's attention through its latents to frames and patches.

    Parameters
    ----------
    fused : Fused of one interval, attention (1, 1, S, M·n), the newest item last
    video : VideoView of the newest item, attention (1, n, F, P)
    eeg : EegView, channels (1, C)
    """
    assert fused.attention is not None
    assert video.attention is not None
    assert eeg.channels is not None
    latents = video.attention[0]  # (n, F, P)
    own = fused.attention[0, 0, :, -latents.shape[0] :]  # (S, n)
    seen = torch.einsum("sn,nfp->sfp", own, latents)
    frames = shares(seen.sum(dim=2))  # (S, F)
    per_frame = n_slots // frames.shape[1]
    matrix = hold(frames, per_frame) / per_frame
    over_frames = shares(matrix.sum(dim=0, keepdim=True))[0]
    patches = shares(seen.sum(dim=(0, 1))[None])[0].view(patch_grid)
    return Attention(_array(matrix), _array(over_frames), _array(patches), _array(eeg.channels[0]))


def _array(values: Tensor) -> FloatArray:
    return values.float().numpy()
