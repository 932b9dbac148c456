"""The network: two towers compared slot by slot, and a fusion in which the EEG reads the video.

    eeg (B, T, C, n_times) ─▶ EegTower ─▶ grid (B, T, G, E) ───┬─▶ similarity (B, T, M)
                                 └─▶ tokens (B, T, S, D) ─┐    │   never from fused tokens
    frames (B, M, F, P, Dv) ─▶ VideoTower ─▶ grid (B, M, G, E) ┘
                                 └─▶ latents (B, M, n, D) ─▶ Fusion ─▶ match (B, T), attention

The live engine calls the same stages one by one and keeps what it has seen; `forward` composes them, so the
two give the same. M items are T intervals of V videos, video by video, unless ids say otherwise.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.config import NetworkConfig
from models.network.interfaces import FrameEncoder, Fused, Fusion, State
from models.network.masks import allowed_items
from models.network.towers import EegTower, EegView, VideoTower, VideoView, similarity


class Batch(NamedTuple):
    """What a forward is given. Letters as in `interfaces`.

    Attributes
    ----------
    eeg : (B, T, C, n_times) float32 µV
    eeg_valid : (B, T, C, n_times) bool
    eeg_scale : (B, T, C) float32 µV
        Running robust scale of each electrode at the interval's end.
    frames : dict of path to (B, M, G / every, P, Dv)
        From `Network.encode_frames`.
    frame_valid : (B, M, G) bool
    eeg_ends, item_ends : (B, T), (B, M) float s, or None
        Ends of the intervals relative to the newest one's (so 0 or less). None: intervals follow each other
        without overlap, and items end with them.
    item_order, item_video : (B, M) int64 or None
        Number of an item's interval, and of its video. None: T intervals of each of M/T videos.
    media_id_per_q : (B, T·S) or (B, T·S, K) int64, or None
        The items each token belongs to, -1 for none. None: those of its own interval, of every video.
    """

    eeg: Tensor
    eeg_valid: Tensor
    eeg_scale: Tensor
    frames: dict[str, Tensor]
    frame_valid: Tensor
    eeg_ends: Tensor | None = None
    item_ends: Tensor | None = None
    item_order: Tensor | None = None
    item_video: Tensor | None = None
    media_id_per_q: Tensor | None = None


class Output(NamedTuple):
    """What a forward gives.

    Attributes
    ----------
    eeg, video : views with leading axes (B, T) and (B, M)
    similarity : (B, T, M)
        Mean over slots of the cosine of the un-fused towers.
    similarity_logit : (B, T, M)
        exp(t′) · similarity + b
    fused : Fused
        `fused.logit` (B, T) is the match's; `fused.attention` (B, T, S, M·n) goes over latents.
    """

    eeg: EegView
    video: VideoView
    similarity: Tensor
    similarity_logit: Tensor
    fused: Fused


class Network(nn.Module):
    """The whole family, by its configuration.

    Parameters
    ----------
    config : NetworkConfig
    labels : tuple of str
        Electrodes, in the order in which they come.
    """

    def __init__(self, config: NetworkConfig, labels: tuple[str, ...]) -> None:
        super().__init__()
        self.config, self.labels = config, tuple(labels)
        self.frame_encoders: Any = nn.ModuleDict()
        if config.clip is not None:
            tower: Any = config.clip.build(config)
            self.video_tower: Any = tower
            self.frame_encoders["clip"] = tower.frames
        else:
            for path, part in (("fast", config.fast), ("slow", config.slow)):
                if part is not None:
                    encoder: Any = part.build()
                    self.frame_encoders[path] = encoder
            shapes = {path: self.frame_shape(path) for path in self.frame_encoders}
            self.video_tower = VideoTower(config, shapes)
        self.eeg_tower = EegTower(config, self.labels)
        self.fusion: Fusion = config.fusion.build(config.width)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))  # SigLIP's t′ and b
        self.bias = nn.Parameter(torch.tensor(-math.log(63.0)))  # −log(B − 1) at a batch of 64

    def frame_shape(self, path: str) -> tuple[int, int]:
        """(P, Dv) of a path's embeddings."""
        encoder: FrameEncoder = self.frame_encoders[path]
        return encoder.patch_grid[0] * encoder.patch_grid[1], encoder.width

    @property
    def patch_grid(self) -> tuple[int, int]:
        """Rows and columns of the patches that attention is told over: the finest path's."""
        return max(encoder.patch_grid for encoder in self.frame_encoders.values())

    # ------------------------------------------------------------ stages, as the live engine calls them
    def encode_frames(self, images: Tensor, path: str) -> Tensor:
        """Embed frames (..., 3, H, W), preprocessed by the path's encoder, as (..., P, Dv)."""
        return self.frame_encoders[path](images.flatten(0, -4)).unflatten(0, images.shape[:-3])

    def embedded(self, frames: dict[str, Tensor]) -> dict[str, Tensor]:
        """Frames with every picture in them embedded.

        Parameters
        ----------
        frames : dict of path to (N, F, P, Dv), or pictures (N, F, 3, H, W)
            A picture that stays on show is embedded once.
        """
        return {path: rows if rows.dim() == 4 else self._embed(rows, path) for path, rows in frames.items()}

    def _embed(self, pictures: Tensor, path: str) -> Tensor:
        stays = (pictures[:, 1:] == pictures[:, :-1]).flatten(2).all(dim=2)
        new = torch.cat((torch.ones_like(stays[:, :1]), ~stays), dim=1)
        number = new.flatten().cumsum(dim=0) - 1
        return self.encode_frames(pictures[new].float(), path)[number].unflatten(0, new.shape)

    def encode_video(self, frames: dict[str, Tensor], valid: Tensor, explain: bool = False) -> VideoView:
        """See items: frames {path: (N, F, P, Dv)}, valid (N, G). Once for each item."""
        return self.video_tower(frames, valid, explain)

    def encode_eeg(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegView:
        """Read EEG intervals (N, C, n_times)."""
        return self.eeg_tower(eeg, valid, scale, explain)

    def project(self, latents: Tensor) -> State:
        """Keys and values of latents (B, R, D), once for each item."""
        return self.fusion.project(latents)

    def fuse(
        self,
        tokens: Tensor,
        media: State,
        allowed: Tensor,
        eeg_ends: Tensor,
        item_ends: Tensor,
        explain: bool = False,
    ) -> Fused:
        """Let EEG tokens read projected media.

        Parameters
        ----------
        tokens : (B, T, S, D)
        media : tuple of (B, M·n, ·), from `project`
        allowed : (B, T·S, M) bool, from `allowed_items`
        eeg_ends, item_ends : (B or 1, T) and (B or 1, M) float s
            Relative to the newest interval's end.
        """
        times = self.eeg_tower.token_times, self.video_tower.latent_times
        return fuse_at(times, self.fusion, tokens, media, allowed, eeg_ends, item_ends, explain)

    def compare(self, eeg: EegView, video: VideoView) -> Tensor:
        """Similarity (..., A, V) of every EEG interval with every item."""
        return similarity(eeg.grid, eeg.grid_valid, video.grid, video.grid_valid)

    def logit(self, cosine: Tensor) -> Tensor:
        """The similarity's logit: its sigmoid is the probability that the two belong together (SigLIP)."""
        return self.log_scale.exp() * cosine + self.bias

    # ------------------------------------------------------------ everything at once
    def forward(self, batch: Batch, explain: bool = False) -> Output:
        """Run a batch of B samples, each T intervals of EEG and M media items."""
        n_batch, n_intervals = batch.eeg.shape[:2]
        n_items = batch.frame_valid.shape[1]
        flat = {path: frames.flatten(0, 1) for path, frames in batch.frames.items()}
        video = self.encode_video(flat, batch.frame_valid.flatten(0, 1), explain)
        eeg = self.encode_eeg(
            batch.eeg.flatten(0, 1), batch.eeg_valid.flatten(0, 1), batch.eeg_scale.flatten(0, 1), explain
        )
        video = unflatten(video, (n_batch, n_items))
        eeg = unflatten(eeg, (n_batch, n_intervals))
        media = self.project(video.latents.flatten(1, 2))
        eeg_ends, item_ends = self.ends(batch)
        allowed = self.allowed(batch, eeg.tokens.shape[2])
        fused = self.fuse(eeg.tokens, media, allowed, eeg_ends, item_ends, explain)
        cosine = self.compare(eeg, video)
        return Output(eeg, video, cosine, self.logit(cosine), fused)

    def ends(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Ends of EEG intervals (B or 1, T) and items (B or 1, M), as given or by the rule of `Batch`."""
        n_intervals, n_items = batch.eeg.shape[1], batch.frame_valid.shape[1]
        eeg_ends = batch.eeg_ends
        if eeg_ends is None:
            numbers = torch.arange(n_intervals, device=batch.eeg.device)
            eeg_ends = ((numbers - (n_intervals - 1)) * self.config.grid.interval_s)[None]
        item_ends = batch.item_ends
        if item_ends is None:
            item_ends = eeg_ends.repeat(1, n_items // n_intervals)
        return eeg_ends, item_ends

    def allowed(self, batch: Batch, n_tokens: int) -> Tensor:
        """Which items each token may read, (B, T·S, M)."""
        n_intervals, n_items = batch.eeg.shape[1], batch.frame_valid.shape[1]
        numbers = torch.arange(n_items, device=batch.eeg.device)[None]
        order = batch.item_order if batch.item_order is not None else numbers % n_intervals
        video = batch.item_video if batch.item_video is not None else numbers // n_intervals
        ids = batch.media_id_per_q
        if ids is None:
            by_interval = numbers.view(-1, n_intervals).transpose(0, 1)  # (T, V)
            ids = by_interval[:, None].expand(-1, n_tokens, -1).flatten(0, 1)[None]
        shape = (batch.eeg.shape[0], -1)
        ids = ids.expand(shape[0], *(-1,) * (ids.dim() - 1))
        return allowed_items(
            ids, order.expand(shape), video.expand(shape), batch.frame_valid.any(dim=2), self.config.masks
        )


def fuse_at(
    times: tuple[Tensor, Tensor],
    fusion: Fusion,
    tokens: Tensor,
    media: State,
    allowed: Tensor,
    eeg_ends: Tensor,
    item_ends: Tensor,
    explain: bool = False,
) -> Fused:
    """`Network.fuse`, for a fusion by itself; `times` (S,) of tokens, (n,) of latents in an interval."""
    of_tokens, of_latents = times
    token_times = eeg_ends[:, :, None] + of_tokens
    media_times = (item_ends[:, :, None] + of_latents).flatten(1)
    latents_allowed = allowed.unsqueeze(-1).expand(-1, -1, -1, len(of_latents)).flatten(2)
    latents_allowed = latents_allowed.unflatten(1, tokens.shape[1:3])
    return fusion(tokens, token_times, media, media_times, latents_allowed, explain)


def unflatten(view: Any, shape: tuple[int, int]) -> Any:
    """A view of N intervals as one of (B, T) or (B, M)."""
    return view._make(None if part is None else part.unflatten(0, shape) for part in view)


def is_trained(encoder: FrameEncoder) -> bool:
    """Whether a training changes a frame encoder (`frozen` is False in its configuration)."""
    assert isinstance(encoder, nn.Module)
    return any(weight.requires_grad for weight in encoder.parameters())
