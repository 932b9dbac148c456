"""Attention as a window can draw it: over the newest interval's slots, patches and electrodes."""

from __future__ import annotations

from torch import Tensor

from models.network.interfaces import Fused
from models.network.towers import EegView, VideoView, hold
from models.network.trace import trace
from realtime.types import Attention, FloatArray


def attention_maps(
    fused: Fused, video: VideoView, eeg: EegView, patch_grid: tuple[int, int], n_slots: int
) -> Attention:
    """Tell what the newest EEG interval read of the newest item.

    Parameters
    ----------
    fused : Fused of one interval, attention (1, 1, S, M·n), the newest item last
    video : VideoView of the newest item, attention (1, n, F, P)
    eeg : EegView, channels (1, C)
    """
    assert fused.attention is not None
    assert video.attention is not None
    assert eeg.channels is not None
    own = fused.attention[..., -video.attention.shape[1] :]
    told = trace(own, video.attention[None])
    per_frame = n_slots // told.frames.shape[4]
    matrix = hold(told.frames[0, 0, :, 0], per_frame) / per_frame
    rows = (matrix.sum(dim=1) > 0).sum().clamp(min=1)
    patches = told.patches[0, 0, 0].view(patch_grid)
    return Attention(
        _array(matrix), _array(matrix.sum(dim=0) / rows), _array(patches), _array(eeg.channels[0])
    )


def _array(values: Tensor) -> FloatArray:
    return values.float().numpy()
