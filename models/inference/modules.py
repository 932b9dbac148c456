"""The stages of a live session as modules of flat tensors: what is exported, compiled and compared."""

from __future__ import annotations

from torch import Tensor, nn

from models.inference.backends import Tensors
from models.network.network import Network


class FramesModule(nn.Module):
    """One frame (1, 3, H, W) as an encoder embeds it: (1, P, Dv)."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> Tensors:
        """Run the stage on pictures (n, 3, H, W)."""
        return (self.encoder(image),)


class VideoModule(nn.Module):
    """Embeddings of each path, then valid: the fields of `VideoView`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.tower, self.paths = network.video_tower, tuple(network.config.paths)

    def forward(self, *inputs: Tensor) -> Tensors:
        """Run the stage on its example inputs, in their order."""
        *frames, valid = inputs
        return tuple(self.tower(dict(zip(self.paths, frames, strict=True)), valid, explain=True))


class ProjectModule(nn.Module):
    """Latents (1, P+1, n, D): keys and values of the fusion."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.fusion = network.junction.fusion

    def forward(self, latents: Tensor) -> Tensors:
        """Project latents (1, P+1, n, D); see `Network.project`."""
        return tuple(self.fusion.project(latents.flatten(1, 2)))


class EegModule(nn.Module):
    """EEG, valid, scale: the fields of `EegView`."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.tower = network.eeg_tower

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor) -> Tensors:
        """Encode eeg (N, C, n_times) µV; see `interfaces.EegEncoder`."""
        return tuple(self.tower(eeg, valid, scale, explain=True))


class FuseModule(nn.Module):
    """Tokens, media, agreement, allowed, ends of the EEG's and the items' intervals: the fields of `Fused`.

    But for the gate: it is a constant of the weights.
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.junction = network.junction

    def forward(self, tokens: Tensor, *rest: Tensor) -> Tensors:
        """Run the stage; shapes as in `Network`."""
        *media, agreed, allowed, eeg_ends, item_ends = rest
        fused = self.junction(tokens, tuple(media), agreed, allowed, eeg_ends, item_ends, explain=True)
        assert fused.attention is not None
        assert fused.shares is not None
        return fused.tokens, fused.pooled, fused.logit, fused.attention, fused.shares
