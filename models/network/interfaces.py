"""What each kind of part is given and gives back. Every kind has at least two implementations.

Letters in shapes: B batch, T EEG intervals, M media items (one item = one interval of one video), N any
number of items, C electrodes, G slots of an interval's time grid, F frames of a path in an interval,
P places of a frame, Dv a frame encoder's width, D the network's width, E the towers' width, n latents of an
item's place, S tokens of an EEG interval.

A place is a rectangle of the frame, in a grid of rows and columns over all of it, numbered row by row from 1;
place 0 is the frame as a whole. Places stand on an axis of length P+1, which is 1 where there is no grid. A
fusion reads R = M·(P+1)·n latents.

Times are float seconds relative to the end of the interval they belong to (0 is its last EEG point), unless
said otherwise; a fusion is given all times relative to the end of the newest interval. True in a mask means
"there". Values under a False are never read, not even as 0·NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pydantic import Field
from torch import Tensor

from models.network.part import PartConfig
from realtime.config import GridConfig

if TYPE_CHECKING:
    from models.config import NetworkConfig
    from models.network.towers import VideoView

State = tuple[Tensor, ...]


class FrameEncoder(Protocol):
    """Embeds single frames, place by place; a frame on show at several slots is embedded once.

    Attributes
    ----------
    width : int
        Dv of what it gives; each place is of the order of 1 (ends in a norm).
    stored_elsewhere : bool
        Its weights are published and were not trained: a checkpoint leaves them out.
    patch_grid : (int, int)
        Rows and columns of what it gives; P is their product. Together they cover the whole frame.
    image_px : int
        Length to which the shorter side of a frame may be reduced beforehand without loss.
    """

    width: int
    stored_elsewhere: bool
    patch_grid: tuple[int, int]
    image_px: int

    def preprocess(self, images: Sequence[Tensor]) -> Tensor:
        """Bring frames, each (height, width, 3) uint8 RGB, to (n, 3, H, W) float, normalised; stays eager."""
        ...

    def __call__(self, images: Tensor) -> Tensor:
        """Embed (n, 3, H, W) as (n, P, Dv)."""
        ...


class TemporalMixer(Protocol):
    """Mixes over the frames of one interval, causally: output f depends on inputs 0..f.

    Nothing an invalid frame holds has any influence, and its output is 0. Built as `factory(config, width)`.
    """

    def __call__(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix x (N, F, D) under mask (N, F) bool; gives (N, F, D)."""
        ...

    def init_state(self, x: Tensor) -> State:
        """State at an interval's start for frames like x (N, D): same device, type and N."""
        ...

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one frame x (N, D) under mask (N,); over F frames equal to the whole call within 1e-5."""
        ...


class Latents(NamedTuple):
    """What a compressor keeps of an interval at one place.

    Attributes
    ----------
    tokens : (N, n, D), ending in a layer norm; 0 where no frame of the item is valid
    attention : (N, n, F) or None
        When each latent looked, each summing to 1 (or all 0); only when asked for.
    """

    tokens: Tensor
    attention: Tensor | None


class Compressor(Protocol):
    """Reduces the frames of an interval to n latents, each at its own time; places go through it one by one.

    Attributes
    ----------
    times : (n,) float s
        Where in the interval each latent stands; given at construction.
    """

    times: Tensor

    def __call__(self, x: Tensor, mask: Tensor, times: Tensor, explain: bool = False) -> Latents:
        """Compress x (N, F, D) under mask (N, F), frames on show at `times` (F,)."""
        ...


class VideoSide(Protocol):
    """Sees the items of a video; `models.network.towers.VideoTower` is the usual one.

    Attributes
    ----------
    latent_times : (n,) float s
        Where in the interval each latent stands.
    """

    @property
    def latent_times(self) -> Tensor:
        """Time of each latent (n,), seconds relative to the interval's end."""
        ...

    def __call__(
        self, frames: dict[str, Tensor], valid: Tensor, explain: bool = False, places: Tensor | None = None
    ) -> VideoView:
        """See items: frames {path: (N, F, P, Dv)}, valid (N, G); all places or those of `places` (N, K)."""
        ...


class EegFeatures(NamedTuple):
    """What an EEG encoder gives for an interval.

    Attributes
    ----------
    grid : (N, G, Dg)
        On the time grid of the video: slot g speaks of the picture at slot g.
    tokens : (N, S, Dt) or None
        The queries of the fusion; None for an encoder whose slots on the grid serve as tokens.
    channels : (N, C) or None
        Share of each electrode in what is passed on, summing to 1; only when asked for.
    """

    grid: Tensor
    tokens: Tensor | None
    channels: Tensor | None


class EegEncoder(Protocol):
    """Reads one interval of EEG. Built as `factory(config, labels, grid)`.

    Attributes
    ----------
    grid_width : int
        Dg.
    token_width : int or None
        Dt; None where it gives no tokens of its own.
    token_times : (S,) float s, or None
        The time of the picture each token speaks of.
    band_hz : (float, float)
        The band it wants to be fed with.
    """

    grid_width: int
    token_width: int | None
    token_times: Tensor | None
    band_hz: tuple[float, float]

    def __call__(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        """Encode eeg (N, C, n_times) µV under valid (N, C, n_times) bool and the running scale (N, C) µV."""
        ...


class Fused(NamedTuple):
    """What a fusion gives.

    Attributes
    ----------
    tokens : (B, T, S, D)
    pooled : (B, T, D)
    logit : (B, T)
        Of the probability that this EEG belongs to these media.
    attention : (B, T, S, R) or None
        Each EEG token over the latents, mean over heads and layers; only when asked for.
    gate : () float
        tanh of the attention gates, mean over layers; 1 where a fusion has no gate.
    readout : (B, T) or None
        The part of `logit` that was read out of the tokens, without what the agreements say by themselves.
        Filled in by the network.
    shares : (B, T, M, P+1) or None
        `attention` summed over latents and averaged over the tokens that read: share of each item and place
        in what the EEG read, summing to 1 (0 where nothing was read). Filled in by the network.
    """

    tokens: Tensor
    pooled: Tensor
    logit: Tensor
    attention: Tensor | None
    gate: Tensor
    shares: Tensor | None = None
    readout: Tensor | None = None


class Media(NamedTuple):
    """What EEG tokens may read: R latents, item by item, place by place, in order of time.

    Attributes
    ----------
    parts : tuple of (B, R, ·)
        From `Fusion.project`.
    times : (B or 1, R) float s
    allowed : (B, T, S, R) bool
    agreement : (B, T, R) float, -1 to 1
        How well the un-fused EEG of the interval agrees with the un-fused video at the latent's place, over
        the whole interval. It belongs among the scores: a single slot's q·k is too weak to choose a place.
    """

    parts: State
    times: Tensor
    allowed: Tensor
    agreement: Tensor


class Fusion(Protocol):
    """Lets EEG tokens read media.

    A query row with nothing to read passes through bit-exactly, and does not count in the pooled vector.
    """

    def project(self, media: Tensor) -> State:
        """Compute once, for latents (B, R, D): tensors (B, R, ·), cached and joined along R."""
        ...

    def __call__(self, tokens: Tensor, token_times: Tensor, media: Media, explain: bool = False) -> Fused:
        """Fuse tokens (B, T, S, D), at `token_times` (B or 1, T, S) in seconds, with projected media.

        Raises
        ------
        ConfigError
            Rows of an interval may read different media, and this fusion cannot tell them apart.
        """
        ...


# ---------------------------------------------------------------- configurations, one base a kind of part
class EegConfig(PartConfig):
    """Base of what chooses an EEG encoder.

    Attributes
    ----------
    subject_layers : bool or None
        Whether each person has a matrix over electrodes of their own before the encoder; None: where
        sessions of several people are learned from.
    people : tuple of str
        Whose matrices there are; filled in by the training.
    """

    subject_layers: bool | None = None
    people: tuple[str, ...] = ()

    def build(self, labels: tuple[str, ...], grid: GridConfig) -> EegEncoder:
        """Make the encoder for these electrodes, in their order, and this grid."""
        raise NotImplementedError


class FrameConfig(PartConfig):
    """Base of what chooses a frame encoder."""

    def build(self, places: tuple[int, int]) -> FrameEncoder:
        """Make the encoder; `places` are the rows and columns it is asked for.

        It gives as many, or one vector for the frame as a whole.
        """
        raise NotImplementedError

    def check(self, places: tuple[int, int]) -> None:
        """Raise ValueError where the encoder cannot give so many places."""


class WholeClipConfig(PartConfig):
    """Base of what chooses a whole-clip encoder; `every` slots lie between two of its frames."""

    every: int

    def build(self, network: NetworkConfig) -> VideoSide:
        """Make what takes the place of the video tower."""
        raise NotImplementedError


class MixerConfig(PartConfig):
    """Base of what chooses a temporal mixer."""

    def build(self, width: int) -> TemporalMixer:
        """Make a mixer of this width."""
        raise NotImplementedError


class CompressionConfig(PartConfig):
    """Base of what chooses the compression to latents.

    Attributes
    ----------
    latents_per_s : float
        Coarser than 16 a second was seen to lose accuracy.
    """

    latents_per_s: float = Field(16.0, gt=0)

    def build(self, width: int, times: Tensor) -> Compressor:
        """Make a compressor whose latents stand at `times` (n,), in seconds."""
        raise NotImplementedError


class FusionConfig(PartConfig):
    """Base of what chooses a fusion."""

    def build(self, width: int) -> Fusion:
        """Make a fusion of this width."""
        raise NotImplementedError
