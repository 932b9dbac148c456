"""The two towers: each side seen by itself, on the common time grid and as tokens for the fusion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from models.network.compression import latent_times
from models.network.interfaces import Compressor, EegEncoder, TemporalMixer
from models.network.mixers.tcn import WithDifferences

if TYPE_CHECKING:
    from models.config import NetworkConfig


class VideoView(NamedTuple):
    """An interval of video, seen without the EEG.

    Attributes
    ----------
    grid : (N, G, E), each slot of length 1, 0 where invalid
    grid_valid : (N, G) bool
    latents : (N, n, D), 0 for items without a valid frame
    attention : (N, n, F, P) or None
        Where each latent looked; F frames of the finest path.
    """

    grid: Tensor
    grid_valid: Tensor
    latents: Tensor
    attention: Tensor | None


class EegView(NamedTuple):
    """An interval of EEG, seen without the video.

    Attributes
    ----------
    grid : (N, G, E), each slot of length 1, 0 where no electrode has a valid point
    grid_valid : (N, G) bool
    tokens : (N, S, D)
    channels : (N, C) or None
        Share of each electrode in what the encoder passed on.
    """

    grid: Tensor
    grid_valid: Tensor
    tokens: Tensor
    channels: Tensor | None


class VideoTower(nn.Module):
    """Frame embeddings of an interval → its grid and its latents. Starts anew at each interval.

    Paths are brought to one width with their differences, held to the finest path's rate and added. A frame
    as a whole goes through the mixer; the compressor sees its patches with the mixed frame added to each, and
    with what the similarity's grid says of it, as the EEG's tokens are made of its grid: so the fusion begins
    with two sides that are already comparable.

    Parameters
    ----------
    frame_shapes : mapping of path to (P, Dv)
    """

    times: Tensor

    def __init__(self, config: NetworkConfig, frame_shapes: Mapping[str, tuple[int, int]]) -> None:
        super().__init__()
        grid = config.grid
        self.paths = config.paths
        self.every = min(self.paths.values())
        n_patches = max(patches for patches, _ in frame_shapes.values())
        self.enter = nn.ModuleDict(
            {path: WithDifferences(dv, config.width) for path, (_, dv) in frame_shapes.items()}
        )
        self.whole = nn.Linear(n_patches * config.width, config.width)
        self.n_patches = n_patches
        self.mixer: TemporalMixer = config.mixer.build(config.width)
        self.head = nn.Linear(config.width, config.embed)
        self.to_media = nn.Linear(config.embed, config.width)
        self.length = config.embed**0.5
        places = latent_times(config.n_latents, grid.interval_s, grid.lag_s)
        self.compressor: Compressor = config.compression.build(config.width, places)
        slots = latent_times(grid.n_slots // self.every, grid.interval_s, grid.lag_s)
        self.register_buffer("times", slots, persistent=False)

    @property
    def latent_times(self) -> Tensor:
        """(n,) seconds relative to the interval's end."""
        return self.compressor.times

    def forward(self, frames: dict[str, Tensor], valid: Tensor, explain: bool = False) -> VideoView:
        """See one interval.

        Parameters
        ----------
        frames : dict of path to (N, G / every, P, Dv)
            The frame on show at every k-th slot; whatever stands where `valid` is False is not read.
        valid : (N, G) bool
        """
        patches, mixed, mask = self.look(frames, valid)
        placed = unit(self.head(mixed))
        whole = mixed + self.to_media(placed * self.length)
        latents, attention = self.compressor(patches + whole[:, :, None], mask, self.times, explain)
        return VideoView(*self.on_grid(placed, mask), latents, attention)

    def grid(self, frames: dict[str, Tensor], valid: Tensor) -> tuple[Tensor, Tensor]:
        """The similarity's side alone, `grid` and `grid_valid` of `forward`, at half its cost."""
        _, mixed, mask = self.look(frames, valid)
        return self.on_grid(unit(self.head(mixed)), mask)

    def look(self, frames: dict[str, Tensor], valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Patches (N, F, P, D), the frames as mixed wholes (N, F, D), and which are there (N, F)."""
        mask = every_kth(valid, self.every)
        patches = self.join(frames, valid)
        return patches, self.mixer(self.whole(patches.flatten(2)), mask), mask

    def on_grid(self, placed: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (N, F, E) on the time grid, 0 where none is valid; and where one is."""
        grid_valid = hold(mask, self.every)
        return torch.where(grid_valid[:, :, None], hold(placed, self.every), 0.0), grid_valid

    def join(self, frames: dict[str, Tensor], valid: Tensor) -> Tensor:
        """Paths with their differences, at the finest path's rate, added: (N, F, P, D)."""
        parts = []
        for path, every in self.paths.items():
            mask = every_kth(valid, every)
            entered = self.enter[path](frames[path], mask)
            parts.append(hold(entered, every // self.every).expand(-1, -1, self.n_patches, -1))
        return sum(parts[1:], start=parts[0])


class EegTower(nn.Module):
    """EEG of an interval → its grid and its tokens. Never sees the video.

    Where an encoder gives no tokens of its own, the grid's slots are the tokens (at length √E), as in the
    experiment that learned.
    """

    token_times: Tensor

    def __init__(self, config: NetworkConfig, labels: tuple[str, ...]) -> None:
        super().__init__()
        grid = config.grid
        self.encoder: EegEncoder = config.eeg.build(labels, grid)
        self.head = nn.Linear(self.encoder.grid_width, config.embed)
        self.to_tokens = nn.Linear(self.encoder.token_width or config.embed, config.width)
        self.length = config.embed**0.5
        self.n_slots, self.per_slot = grid.n_slots, grid.eeg_hz // grid.slots_hz
        slots = latent_times(grid.n_slots, grid.interval_s, grid.lag_s)
        times = slots if self.encoder.token_width is None else self.encoder.token_times
        self.register_buffer("token_times", times, persistent=False)

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegView:
        """Read one interval: eeg (N, C, n_times) µV, valid (N, C, n_times) bool, scale (N, C) µV."""
        hidden, tokens, channels = self.encoder(eeg, valid, scale, explain)
        points = valid.any(dim=1)[:, : self.n_slots * self.per_slot]
        grid_valid = points.unflatten(1, (self.n_slots, self.per_slot)).any(dim=2)
        grid = torch.where(grid_valid[:, :, None], unit(self.head(hidden)), 0.0)
        tokens = self.to_tokens(grid * self.length if tokens is None else tokens)
        return EegView(grid, grid_valid, tokens, channels)


def every_kth(mask: Tensor, k: int) -> Tensor:
    """Every k-th entry of axis 1 of mask (N, G)."""
    return mask if k == 1 else mask[:, ::k]


def hold(x: Tensor, times: int) -> Tensor:
    """Each entry of axis 1 of x repeated `times` times, in place: sample and hold."""
    if times == 1:
        return x
    held = x.unsqueeze(2).expand(-1, -1, times, *(-1,) * (x.dim() - 2))
    return held.flatten(1, 2)


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
