"""The two towers: each side seen by itself, on the common time grid and as tokens for the fusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from models.network.compression import latent_times
from models.network.eeg.subjects import SubjectLayers
from models.network.interfaces import Compressor, EegEncoder, TemporalMixer
from models.network.mixers.tcn import WithDifferences

if TYPE_CHECKING:
    from models.config import NetworkConfig


class VideoView(NamedTuple):
    """An interval of video, seen without the EEG: the frame as a whole (place 0), and each of its places.

    Attributes
    ----------
    places : (N, P+1, G, E), each slot of length 1, 0 where invalid
    grid_valid : (N, G) bool
    latents : (N, P+1, n, D), 0 for items without a valid frame
    attention : (N, P+1, n, F) or None
        When each latent looked; F frames of the finest path.
    """

    places: Tensor
    grid_valid: Tensor
    latents: Tensor
    attention: Tensor | None

    @property
    def grid(self) -> Tensor:
        """The frame as a whole, (N, G, E): what the similarity is made of."""
        return self.places[..., 0, :, :]


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


View = TypeVar("View", VideoView, EegView)


class VideoTower(nn.Module):
    """Frame embeddings of an interval → the grid and the latents of each place. Starts anew at each interval.

    Every place goes through the same weights by itself, and so does the mean over all of them, which is the
    frame as a whole (place 0): what is learned of one place is known of all, and no place is lost in another.
    Paths are brought to one width with their differences, held to the finest path's rate and added; the mixer
    runs over the frames. What the similarity's grid says of a frame is added to what the latents are made of,
    as the EEG's tokens are made of its grid: so the fusion begins with two sides that are comparable.

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
        self.n_places = config.n_places
        self.enter = nn.ModuleDict(
            {path: WithDifferences(dv, config.width) for path, (_, dv) in frame_shapes.items()}
        )
        self.mixer: TemporalMixer = config.mixer.build(config.width)
        self.head = nn.Linear(config.width, config.embed)
        self.to_media = nn.Linear(config.embed, config.width)
        self.length = config.embed**0.5
        times = latent_times(config.n_latents, grid.interval_s, grid.lag_s)
        self.compressor: Compressor = config.compression.build(config.width, times)
        slots = latent_times(grid.n_slots // self.every, grid.interval_s, grid.lag_s)
        self.register_buffer("times", slots, persistent=False)

    @property
    def latent_times(self) -> Tensor:
        """(n,) seconds relative to the interval's end."""
        return self.compressor.times

    def forward(
        self, frames: dict[str, Tensor], valid: Tensor, explain: bool = False, places: Tensor | None = None
    ) -> VideoView:
        """See one interval.

        Parameters
        ----------
        frames : dict of path to (N, G / every, P, Dv)
            The frame on show at every k-th slot; whatever stands where `valid` is False is not read.
        valid : (N, G) bool
        places : (N, K) int64, optional
            Which places to see, the whole frame (0) the first, instead of all; they take the place of the
            axis P+1.
        """
        mask = every_kth(valid, self.every)
        x = self.join(frames, valid, places)  # (N, K, F, D)
        n_items, n_places = x.shape[:2]
        each = mask[:, None].expand(-1, n_places, -1).flatten(0, 1)  # (N·K, F)
        mixed = self.mixer(x.flatten(0, 1), each)
        placed = unit(self.head(mixed))
        read = mixed + self.to_media(placed * self.length)
        latents, attention = self.compressor(read, each, self.times, explain)
        there = hold(each, self.every)
        grid = torch.where(there[:, :, None], hold(placed, self.every), 0.0)
        shape = (n_items, n_places)
        return VideoView(
            grid.unflatten(0, shape),
            hold(mask, self.every),
            latents.unflatten(0, shape),
            None if attention is None else attention.unflatten(0, shape),
        )

    def join(self, frames: dict[str, Tensor], valid: Tensor, places: Tensor | None) -> Tensor:
        """Paths with their differences, at the finest path's rate, added: (N, K, F, D)."""
        parts = []
        for path, every in self.paths.items():
            seen = self.chosen(frames[path], places)
            entered = self.enter[path](seen, every_kth(valid, every))
            parts.append(hold(entered, every // self.every))
        return sum(parts[1:], start=parts[0]).transpose(1, 2)

    def chosen(self, frames: Tensor, places: Tensor | None) -> Tensor:
        """Take the places asked for (N, F, K, Dv) of frames (N, F, P, Dv)."""
        if places is None:
            return with_whole(frames, self.n_places)
        if frames.shape[2] == 1:
            return frames.expand(-1, -1, places.shape[1], -1)
        whole = frames.mean(dim=2, keepdim=True)
        if places.shape[1] == 1:
            return whole  # a single one is the whole: nothing else is laid out
        item = torch.arange(len(places), device=places.device)[:, None]
        others = frames[item, :, places[:, 1:] - 1].transpose(1, 2)
        return torch.cat((whole, others), dim=2)


def with_whole(frames: Tensor, n_places: int) -> Tensor:
    """Places of frames (N, F, P, Dv) behind their mean, the frame as a whole: (N, F, n_places, Dv).

    A path that gives a single vector gives it to every place.
    """
    if frames.shape[2] == 1:
        return frames.expand(-1, -1, n_places, -1)
    return torch.cat((frames.mean(dim=2, keepdim=True), frames), dim=2)


class EegTower(nn.Module):
    """EEG of an interval → its grid and its tokens. Never sees the video.

    Where an encoder gives no tokens of its own, the grid's slots are the tokens (at length √E), as in the
    experiment that learned.
    """

    token_times: Tensor

    def __init__(self, config: NetworkConfig, labels: tuple[str, ...]) -> None:
        super().__init__()
        grid = config.grid
        self.subjects = SubjectLayers(config.eeg.people, len(labels)) if config.eeg.people else None
        self.encoder: EegEncoder = config.eeg.build(labels, grid)
        self.head = nn.Linear(self.encoder.grid_width, config.embed)
        self.to_tokens = nn.Linear(self.encoder.token_width or config.embed, config.width)
        self.length = config.embed**0.5
        self.n_slots, self.per_slot = grid.n_slots, grid.per_slot
        slots = latent_times(grid.n_slots, grid.interval_s, grid.lag_s)
        times = slots if self.encoder.token_width is None else self.encoder.token_times
        self.register_buffer("token_times", times, persistent=False)

    def forward(
        self,
        eeg: Tensor,
        valid: Tensor,
        scale: Tensor,
        explain: bool = False,
        person: Tensor | None = None,
    ) -> EegView:
        """Read one interval: eeg (N, C, n_times) µV, valid (N, C, n_times) bool, scale (N, C) µV.

        `person` (N,) int64 says whose it is; by default it is that of whom was chosen (`SubjectLayers`).
        """
        if self.subjects is not None:
            eeg = self.subjects(eeg, valid, scale, person)
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
    """Each entry of axis 1 of x (N, F, ...) repeated `times` times, in place: sample and hold."""
    if times == 1:
        return x
    held = x.unsqueeze(2).expand(-1, -1, times, *(-1,) * (x.dim() - 2))
    return held.flatten(1, 2)


def unit(x: Tensor) -> Tensor:
    """`x` (..., E), of any shape, brought to length 1 along its last axis; a zero vector stays zero."""
    return x * (x.square().sum(dim=-1, keepdim=True) + 1e-12).rsqrt()


def pick(view: View, index: Tensor | slice | int | None) -> View:
    """Give some of the items of a view, in any shape: `index` goes over its first axis, None adds one."""
    if isinstance(index, Tensor):
        parts = tuple(None if part is None else rows_at(part, index) for part in view)
    else:
        parts = tuple(None if part is None else part[index] for part in view)
    return type(view)(*parts)  # type: ignore[arg-type]


def rows_at(rows: Tensor, index: Tensor) -> Tensor:
    """Rows (N, ...) at `index` of any shape: `rows[index]`, whose gradient here adds whole rows, faster."""
    return rows.index_select(0, index.flatten()).unflatten(0, index.shape)


def moved(view: View, device: torch.device) -> View:
    """Give the same on another device; on its own as it is."""
    return type(view)(*(None if part is None else part.to(device) for part in view))  # type: ignore[arg-type]


def joined(views: Sequence[View], dim: int = 0) -> View:
    """Give views one behind the other along an axis; a single one as it is."""
    if len(views) == 1:
        return views[0]
    parts = (None if each[0] is None else torch.cat(each, dim=dim) for each in zip(*views, strict=True))
    return type(views[0])(*parts)  # type: ignore[arg-type]


def agreement(eeg: EegView, video: VideoView) -> Tensor:
    """Mean cosine, over the slots that both sides have, of every EEG with every place of every item.

    For place 0 it is the similarity: the scalar product of two vectors of unit length (slots × width), so
    retrieval works on it as on any embedding, and time has survived into it (a vector pooled over time did
    not learn: docs/design.md). It is made of un-fused towers only.

    Parameters
    ----------
    eeg : EegView with leading axes (..., A)
    video : VideoView with leading axes (..., V)

    Returns
    -------
    (..., A, V, P+1), -1 to 1; 0 where the two share no slot
    """
    total = eeg.grid.flatten(-2) @ video.places.flatten(-2).flatten(-3, -2).transpose(-2, -1)
    total = total.unflatten(-1, video.places.shape[-4:-2])
    shared = eeg.grid_valid.to(total.dtype) @ video.grid_valid.to(total.dtype).transpose(-2, -1)
    return total / shared.clamp(min=1.0).unsqueeze(-1)
