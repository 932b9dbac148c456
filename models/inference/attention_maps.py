"""Attention as a window can draw it: over the newest interval's slots, places and electrodes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from models.network.compression import shares
from models.network.network import Output
from models.network.towers import hold
from realtime.types import Attention, FloatArray


class Newest(NamedTuple):
    """Of what one EEG interval met, what is told of the newest item: all that leaves the device.

    Attributes
    ----------
    read : (S, (P+1)·n)
        What each token read of each place and latent.
    looked : (P+1, n, F)
        When each latent looked.
    channels : (C,)
    agreed : (P+1,)
    logit : ()
        The match's.
    """

    read: Tensor
    looked: Tensor
    channels: Tensor
    agreed: Tensor
    logit: Tensor

    @classmethod
    def of(cls, out: Output) -> Newest:
        """Take the last item of an output of one EEG interval, with attention."""
        fused, seen, channels = out.fused, out.video.attention, out.eeg.channels
        assert fused.attention is not None
        assert seen is not None
        assert channels is not None
        looked = seen[0, -1]
        read = fused.attention[0, 0, :, -looked.shape[0] * looked.shape[1] :]
        return cls(read, looked, channels[0, 0], out.agreement[0, 0, -1], fused.logit.reshape(()))


def attention_maps(newest: Newest, places: tuple[int, int], n_slots: int, strange: Tensor) -> Attention:
    """Say what the newest EEG interval read of the newest item.

    Parameters
    ----------
    newest : Newest
    places : (int, int)
        Rows and columns.
    strange : (n, P+1)
        Agreement of the same EEG with past video that was not being watched.
    """
    read = newest.read.unflatten(1, newest.looked.shape[:2])
    frames = shares(newest.read @ newest.looked.flatten(0, 1))
    per_frame = n_slots // frames.shape[1]
    matrix = hold(frames, per_frame) / per_frame
    rows = (matrix.sum(dim=1) > 0).sum().clamp(min=1)
    by_place = shares(read.sum(dim=(0, 2)))
    return Attention(
        matrix=_array(matrix),
        frames=_array(matrix.sum(dim=0) / rows),
        places=_grid(by_place, places),
        channels=_array(newest.channels),
        whole=float(by_place[0]),
        agreement=_grid(newest.agreed, places),
        certainty=certainty(newest.agreed, strange),
    )


def certainty(agreed: Tensor, strange: Tensor) -> float | None:
    """How surely the place that agrees best stands out, 0 to 1; None where that cannot be told.

    Its lead over the mean of all places, against the same lead where this EEG meets past video that was not
    being watched: the share of those that it exceeds.

    Parameters
    ----------
    agreed : (P+1,)
    strange : (n, P+1)
    """
    if len(agreed) == 1 or not len(strange):
        return None
    lead, chance = (part[..., 1:].amax(dim=-1) - part[..., 1:].mean(dim=-1) for part in (agreed, strange))
    return float((chance < lead).float().mean())


def _grid(by_place: Tensor, places: tuple[int, int]) -> FloatArray:
    """Values of the places (P+1,) in rows and columns; the whole frame's where that is all there is."""
    return _array(by_place if len(by_place) == 1 else by_place[1:]).reshape(places)


def _array(values: Tensor) -> FloatArray:
    array: FloatArray = values.float().numpy()
    return array
