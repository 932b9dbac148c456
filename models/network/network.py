"""The network: two towers compared slot by slot, and a fusion in which the EEG reads the video by place.

    eeg (B, T, C, n_times) ─▶ EegTower ─▶ grid (B, T, G, E) ─────────────┬─▶ agreement (B, T, M, P+1)
                                 └─▶ tokens (B, T, S, D) ───────────┐    │     place 0 is the similarity
    frames (B, M, F, P, Dv) ─▶ VideoTower ─▶ places (B, M, P+1, G, E) ───┘      │ never from fused tokens
                                 └─▶ latents (B, M, P+1, n, D) ─▶ Fusion ◀──────┘
                                                                    └─▶ match (B, T), shares (B, T, M, P+1)

This is the only place where towers and fusion are put together: `meet`. `forward` runs it on whole batches,
`pair` on any EEG beside any videos that were seen before (training, scoring), and the live engine on what it
remembers. M items are T intervals of V videos, video by video, unless ids say otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from models.config import NetworkConfig
from models.network.eeg.subjects import UNKNOWN
from models.network.interfaces import FrameEncoder, Fused, Fusion, Media, State
from models.network.masks import allowed_items, packed_order
from models.network.towers import EegTower, EegView, VideoTower, VideoView, agreement, pick, rows_at

Fuse = Callable[[Tensor, State, Tensor, Tensor, Tensor, Tensor], Fused]


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


class Beside(NamedTuple):
    """How EEG and items stand to each other.

    Attributes
    ----------
    allowed : (B, T·S, M) bool
        Which items each token may read.
    eeg_ends, item_ends : (B or 1, T), (B or 1, M) float s
        Relative to the newest interval's end.
    """

    allowed: Tensor
    eeg_ends: Tensor
    item_ends: Tensor


class Output(NamedTuple):
    """What a forward gives.

    Attributes
    ----------
    eeg, video : views with leading axes (B, T) and (B, M)
    agreement : (B, T, M, P+1)
        Mean over slots of the cosine of the un-fused towers, for the whole frame (0) and each place.
    fused : Fused
        `fused.logit` (B, T) is the match's; `fused.shares` (B, T, M, P+1) says what was read.
    """

    eeg: EegView
    video: VideoView
    agreement: Tensor
    fused: Fused

    @property
    def similarity(self) -> Tensor:
        """(B, T, M): the agreement of the whole frame."""
        return self.agreement[..., 0]


class Mixture(nn.Module):
    """e^s/κ · log mean over places of exp(κ·c), + b: what the agreements alone say of the match.

    As soon as one place agrees it says so; κ and e^s are learned.
    """

    def __init__(self, kappa: float = 30.0) -> None:
        super().__init__()
        self.log_kappa = nn.Parameter(torch.tensor(math.log(kappa)))
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
        self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, agreed: Tensor, allowed: Tensor) -> Tensor:
        """Logit (B, T) of agreements (B, T, N) where `allowed` (B, T, N); 0 where nothing is."""
        kappa, some = self.log_kappa.exp(), allowed.any(dim=-1)
        scores = torch.where(allowed, kappa * agreed, -100.0)
        highest = scores.amax(dim=-1, keepdim=True)
        weights = torch.where(allowed, (scores - highest).exp(), 0.0).sum(dim=-1).clamp(min=1e-12)
        count = allowed.to(agreed.dtype).sum(dim=-1).clamp(min=1.0)
        mean = (highest.squeeze(-1) + weights.log() - count.log()) / kappa
        return torch.where(some, self.log_scale.exp() * mean + self.bias, 0.0)


class Junction(nn.Module):
    """The fusion and what surrounds it: times and agreement of every latent, the mixture's logit, the shares.

    Parameters
    ----------
    fusion : Fusion
    token_times : (S,), latent_times : (n,) float s
        Relative to the end of the interval they belong to.
    """

    token_times: Tensor
    latent_times: Tensor

    def __init__(self, fusion: Fusion, token_times: Tensor, latent_times: Tensor) -> None:
        super().__init__()
        self.fusion = fusion
        self.mixture = Mixture()
        self.register_buffer("token_times", token_times.clone(), persistent=False)
        self.register_buffer("latent_times", latent_times.clone(), persistent=False)

    def forward(
        self,
        tokens: Tensor,
        media: State,
        agreed: Tensor,
        allowed: Tensor,
        eeg_ends: Tensor,
        item_ends: Tensor,
        explain: bool = False,
    ) -> Fused:
        """Let EEG tokens read projected media.

        Parameters
        ----------
        tokens : (B, T, S, D)
        media : tuple of (B, M·(P+1)·n, ·), from `Network.project`
        agreed : (B, T, M, P+1), from `agreement`
        allowed, eeg_ends, item_ends : as in `Beside`
        """
        n_tokens, n_places, n_latents = tokens.shape[2], agreed.shape[-1], len(self.latent_times)
        latents = (*agreed.shape, n_latents)  # (B, T, M, P+1, n)
        token_times = eeg_ends[:, :, None] + self.token_times
        of_items = (item_ends[:, :, None] + self.latent_times)[:, :, None]
        media_times = of_items.expand(-1, -1, n_places, -1).flatten(1)
        rows = allowed.unflatten(1, (-1, n_tokens))  # (B, T, S, M)
        of_item = rows.new_ones(n_places * n_latents)
        readable = (rows[..., None] & of_item).flatten(3)  # expanded, it takes OpenVINO far longer
        beside = Media(media, media_times, readable, agreed[..., None].expand(latents).flatten(2))
        fused = self.fusion(tokens, token_times, beside, explain)
        items = rows.any(dim=2)[..., None].expand(agreed.shape)
        logit = fused.logit + self.mixture(agreed.flatten(2), items.flatten(2))
        shares = None
        if fused.attention is not None:
            read = fused.attention.sum(dim=2).unflatten(2, latents[2:])  # (B, T, M, P+1, n), by all tokens
            readers = rows.any(dim=3).to(read.dtype).sum(dim=2).clamp(min=1.0)
            shares = read.sum(dim=-1) / readers[..., None, None]
        return fused._replace(logit=logit, shares=shares, readout=fused.logit)


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
                    encoder: Any = part.build(config.places)
                    self.frame_encoders[path] = encoder
            shapes = {path: self.frame_shape(path) for path in self.frame_encoders}
            self.video_tower = VideoTower(config, shapes)
        self.eeg_tower = EegTower(config, self.labels)
        if self.eeg_tower.encoder.token_width is None and isinstance(self.video_tower, VideoTower):
            # Both map a slot's embedding: begun alike, tokens and latents are comparable from the start.
            self.video_tower.to_media.load_state_dict(self.eeg_tower.to_tokens.state_dict())
        times = self.eeg_tower.token_times, self.video_tower.latent_times
        self.junction = Junction(config.fusion.build(config.width), *times)
        self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))  # SigLIP's t′ and b
        self.bias = nn.Parameter(torch.tensor(-math.log(63.0)))  # −log(B − 1) at a batch of 64

    def frame_shape(self, path: str) -> tuple[int, int]:
        """(P, Dv) of a path's embeddings."""
        encoder: FrameEncoder = self.frame_encoders[path]
        return encoder.patch_grid[0] * encoder.patch_grid[1], encoder.width

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

    def encode_video(
        self, frames: dict[str, Tensor], valid: Tensor, explain: bool = False, places: Tensor | None = None
    ) -> VideoView:
        """See items: frames {path: (N, F, P, Dv)}, valid (N, G); all places or (N, K) of them. Once each."""
        return self.video_tower(frames, valid, explain, places)

    def encode_eeg(
        self,
        eeg: Tensor,
        valid: Tensor,
        scale: Tensor,
        explain: bool = False,
        person: Tensor | None = None,
    ) -> EegView:
        """Read EEG intervals (N, C, n_times); `person` (N,) int64 as in `EegTower`."""
        return self.eeg_tower(eeg, valid, scale, explain, person)

    def number_of(self, person: str) -> int:
        """Return the number of a person's layer, -1 where there is none (the mean of all then is theirs)."""
        subjects = self.eeg_tower.subjects
        return UNKNOWN if subjects is None else subjects.number(person)

    def choose(self, person: str) -> str:
        """Read EEG as this person's from now on; gives a sentence where they have no layer of their own."""
        subjects = self.eeg_tower.subjects
        if subjects is None or subjects.choose(person):
            return ""
        who = f"{person!r}" if person else "somebody who is not named"
        return (
            f"these weights know {', '.join(subjects.people)}, not {who}: the mean of their spatial layers "
            f"is used. Train with --from for a layer of their own"
        )

    def project(self, latents: Tensor) -> State:
        """Keys and values (N, (P+1)·n, ·) of latents (N, P+1, n, D), once for each item."""
        return self.junction.fusion.project(latents.flatten(1, 2))

    def fuse(self, *given: Any, explain: bool = False) -> Fused:
        """Let EEG tokens read projected media: see `Junction.forward`."""
        fused: Fused = self.junction(*given, explain=explain)
        return fused

    def logit(self, cosine: Tensor) -> Tensor:
        """Scale a cosine, of any shape, to the logit of the probability of belonging together (SigLIP)."""
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
        media = tuple(part.unflatten(0, (n_batch, n_items)) for part in self.project(video.latents))
        video = unflatten(video, (n_batch, n_items))
        eeg = unflatten(eeg, (n_batch, n_intervals))
        return self.meet(eeg, video, media, self.beside(batch, eeg.tokens.shape[2]), explain)

    def meet(
        self,
        eeg: EegView,
        video: VideoView,
        media: State,
        beside: Beside,
        explain: bool = False,
        fuse: Fuse | None = None,
    ) -> Output:
        """Put EEG (B, T, …) and seen items (B, M, …) together.

        Parameters
        ----------
        media : tuple of (B, M, (P+1)·n, ·)
            The items' latents, projected.
        fuse : callable, optional
            A compiled form of `fuse`, explaining.
        """
        agreed = agreement(eeg, video)
        inputs = eeg.tokens, tuple(part.flatten(1, 2) for part in media), agreed, *beside
        fused = self.fuse(*inputs, explain=explain) if fuse is None else fuse(*inputs)
        return Output(eeg, video, agreed, fused)

    def pair(
        self, eeg: EegView, video: VideoView, media: State, rows: Tensor, items: Tensor, explain: bool = False
    ) -> Output:
        """Put EEG windows beside videos that were seen before, as a live session does at its newest interval.

        Parameters
        ----------
        eeg, video, media : of N windows each
        rows : (n,) int64
            Which EEG.
        items : (n, V, 1+K) int64
            Beside which videos: each by its newest interval, the last, and the K before it that follow each
            other without overlap; -1 where there is none.
        """
        n_videos, n_each = items.shape[1:]
        order, number, newest = (part.to(items.device) for part in packed_order(n_each, n_videos))
        chosen = items.flatten(1)
        known = chosen.clamp(min=0)
        eeg, video = pick(eeg, rows[:, None]), pick(video, known)
        valid = video.grid_valid.any(dim=2) & (chosen >= 0)
        ids = newest.expand(len(rows), eeg.tokens.shape[2], -1)
        shape = (len(rows), -1)
        allowed = allowed_items(ids, order.expand(shape), number.expand(shape), valid, self.config.masks)
        ends = (order - (n_each - 1)) * self.config.stride_s
        beside = Beside(allowed, ends[:, -1:], ends)
        return self.meet(eeg, video, tuple(rows_at(part, known) for part in media), beside, explain)

    def beside(self, batch: Batch, n_tokens: int) -> Beside:
        """Which items each token may read and when intervals end, as given or by the rules of `Batch`."""
        n_intervals, n_items = batch.eeg.shape[1], batch.frame_valid.shape[1]
        numbers = torch.arange(n_items, device=batch.eeg.device)[None]
        eeg_ends = batch.eeg_ends
        if eeg_ends is None:
            eeg_ends = (numbers[:, :n_intervals] - (n_intervals - 1)) * self.config.grid.interval_s
        item_ends = batch.item_ends
        if item_ends is None:
            item_ends = eeg_ends.repeat(1, n_items // n_intervals)
        order = batch.item_order if batch.item_order is not None else numbers % n_intervals
        video = batch.item_video if batch.item_video is not None else numbers // n_intervals
        ids = batch.media_id_per_q
        if ids is None:
            by_interval = numbers.view(-1, n_intervals).transpose(0, 1)  # (T, V)
            ids = by_interval[:, None].expand(-1, n_tokens, -1).flatten(0, 1)[None]
        shape = (batch.eeg.shape[0], -1)
        ids = ids.expand(shape[0], *(-1,) * (ids.dim() - 1))
        valid = batch.frame_valid.any(dim=2)
        allowed = allowed_items(ids, order.expand(shape), video.expand(shape), valid, self.config.masks)
        return Beside(allowed, eeg_ends, item_ends)


def unflatten(view: Any, shape: tuple[int, int]) -> Any:
    """Shape a view of N intervals as one of (B, T) or (B, M)."""
    return view._make(None if part is None else part.unflatten(0, shape) for part in view)


def is_trained(encoder: FrameEncoder) -> bool:
    """Whether a training changes a frame encoder (`frozen` is False in its configuration)."""
    assert isinstance(encoder, nn.Module)
    return any(weight.requires_grad for weight in encoder.parameters())
