"""Video transformers over the pixels of a whole interval, for comparison with frames and a mixer.

ViViT (arXiv 2103.15691), VideoMAE (arXiv 2203.12602), TimeSformer (arXiv 2102.05095) and V-JEPA 2 (arXiv
2506.09985) from transformers.
They take a fixed number of frames and look at all of them at once, so nothing of a frame can be used again
for the next interval, and no frame can be masked inside: one that is not there is shown as the mean of all
pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.compression import latent_times
from models.network.interfaces import Compressor, WholeClipConfig
from models.network.towers import VideoView, every_kth, hold, unit
from models.network.vision.published import Preprocessing, load_published

if TYPE_CHECKING:
    from models.config import NetworkConfig

CLASSES = {
    "vivit": "VivitModel",
    "videomae": "VideoMAEModel",
    "timesformer": "TimesformerModel",
    "vjepa2": "VJEPA2Model",
}
HUB_IDS = {
    "vivit": "google/vivit-b-16x2-kinetics400",
    "videomae": "MCG-NJU/videomae-base",
    "timesformer": "facebook/timesformer-base-finetuned-k400",
    "vjepa2": "facebook/vjepa2-vitl-fpc64-256",
}


class ClipPixels(nn.Module):
    """Keeps a frame's pixels, cut into patches, for a video transformer. See `interfaces.FrameEncoder`."""

    stored_elsewhere = False

    def __init__(self, preprocess: Preprocessing, patch_px: int) -> None:
        super().__init__()
        self.preprocess = preprocess
        self.patch_px, self.image_px = patch_px, preprocess.image_px
        self.patch_grid = (preprocess.size[0] // patch_px, preprocess.size[1] // patch_px)
        self.width = 3 * patch_px**2

    def forward(self, images: Tensor) -> Tensor:
        """Cut (n, 3, H, W) into (n, P, 3·patch²)."""
        cut = images.unflatten(3, (self.patch_grid[1], -1)).unflatten(2, (self.patch_grid[0], -1))
        return cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)

    def images(self, patches: Tensor) -> Tensor:
        """Put (n, P, 3·patch²) together again as (n, 3, H, W)."""
        cut = patches.unflatten(2, (3, self.patch_px, self.patch_px)).unflatten(1, self.patch_grid)
        return cut.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)


class ClipConfig(WholeClipConfig):
    """A video transformer over the pixels of a whole interval, in place of frames, mixer and compression."""

    kind: Literal["vivit", "videomae", "timesformer", "vjepa2"]
    source: str = ""
    every: int = Field(5, ge=1)  # slots between two of its frames
    frozen: bool = True

    def build(self, network: NetworkConfig) -> WholeClipTower:
        """Build the part."""
        return WholeClipTower(self, network)


class WholeClipTower(nn.Module):
    """An interval's pixels → its grid and its latents; takes the place of `towers.VideoTower`.

    The frames of the interval are brought to the number the network takes by repeating or leaving out. Its
    tokens are slices of the interval in time, each with its patches; the compressor reduces them to latents,
    and their means over patches, drawn between the slices' centres, are the grid.
    """

    times: Tensor
    pick: Tensor
    share: Tensor
    draw: Tensor
    cells: Tensor

    def __init__(self, config: ClipConfig, network: NetworkConfig) -> None:
        super().__init__()
        self.kind, self.every, self.frozen = config.kind, config.every, config.frozen
        hub_id = HUB_IDS[config.kind]
        options = {"add_pooling_layer": False} if config.kind == "vivit" else {}
        self.network, preprocess = load_published(
            config.kind, config.source or hub_id, {config.kind: CLASSES[config.kind]}, (hub_id,), **options
        )
        if config.kind == "vjepa2":
            self.network = self.network.encoder  # what predicts hidden parts of a clip is not asked
        self.network.stored_elsewhere = config.frozen
        self.network.requires_grad_(not config.frozen)
        settings = self.network.config
        frames_a_slice, patch_px = slice_shape(settings)
        self.frames = ClipPixels(preprocess, patch_px)
        self.dv = int(settings.hidden_size)
        self.enter = nn.Linear(self.dv, network.width)
        self.head = nn.Linear(network.width, network.embed)
        grid = network.grid
        latents = latent_times(network.n_latents, grid.interval_s, grid.lag_s)
        self.compressor: Compressor = network.compression.build(network.width, latents)
        n_shown = grid.n_slots // config.every
        n_taken = settings.frames_per_clip if config.kind == "vjepa2" else settings.num_frames
        pick = resampled(n_shown, int(n_taken))
        slices = pick.view(-1, frames_a_slice)
        times = latent_times(len(slices), grid.interval_s, grid.lag_s)
        slots = latent_times(grid.n_slots, grid.interval_s, grid.lag_s)
        for name, value in (
            ("pick", pick),
            ("times", times),
            ("share", F.one_hot(slices, n_shown).float().mean(dim=1)),  # (slices, F): of each frame in it
            ("draw", between(slots, times)),  # (G, slices)
            ("cells", cells(self.frames.patch_grid, network.places)),  # (P+1, patches)
        ):
            self.register_buffer(name, value, persistent=False)

    @property
    def latent_times(self) -> Tensor:
        """(n,) seconds relative to the interval's end."""
        return self.compressor.times

    def train(self, mode: bool = True) -> WholeClipTower:
        """Set the mode; what is frozen stays as in evaluation."""
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(
        self, frames: dict[str, Tensor], valid: Tensor, explain: bool = False, places: Tensor | None = None
    ) -> VideoView:
        """See one interval: frames {"clip": (N, F, P, 3·patch²)} under valid (N, G), at `places` (N, K)."""
        mask = every_kth(valid, self.every)
        x = self.cells @ self.enter(self.slices(frames["clip"], mask))  # (N, slices, P+1, D)
        if places is not None:
            x = x.take_along_dim(places[:, None, :, None], dim=2)
        shape = (x.shape[0], x.shape[2])
        x = x.transpose(1, 2).flatten(0, 1)
        there = (mask.to(x.dtype) @ self.share.T > 0)[:, None].expand(-1, shape[1], -1).flatten(0, 1)
        latents, attention = self.compressor(x, there, self.times, explain)
        grid_valid = hold(mask, self.every)
        grid = unit(self.head(self.draw @ x)).unflatten(0, shape)
        return VideoView(
            torch.where(grid_valid[:, None, :, None], grid, 0.0),
            grid_valid,
            latents.unflatten(0, shape),
            None if attention is None else (attention @ self.share).unflatten(0, shape),
        )

    def slices(self, patches: Tensor, mask: Tensor) -> Tensor:
        """Run the network over pixels (N, F, P, 3·patch²): (N, slices, P, Dv), each token normed."""
        shown = torch.where(mask[:, :, None, None], patches, 0.0).index_select(1, self.pick)
        clip = self.frames.images(shown.flatten(0, 1)).unflatten(0, shown.shape[:2])
        tokens = self.network(clip).last_hidden_state
        n_slices, n_patches = len(self.times), patches.shape[2]
        tokens = tokens[:, -n_slices * n_patches :]  # without the class token
        if self.kind == "timesformer":  # orders its tokens by patch, then by time
            tokens = tokens.unflatten(1, (n_patches, n_slices)).transpose(1, 2)
        else:
            tokens = tokens.unflatten(1, (n_slices, n_patches))
        return F.layer_norm(tokens, (self.dv,))


def slice_shape(settings: Any) -> tuple[int, int]:
    """Frames and pixels (of one side) that a token of a video transformer spans."""
    tubelet = getattr(settings, "tubelet_size", 1)
    if isinstance(tubelet, (list, tuple)):  # ViViT: (frames, height, width)
        return int(tubelet[0]), int(tubelet[1])
    return int(tubelet), int(settings.patch_size)


def resampled(n_shown: int, n_wanted: int) -> Tensor:
    """Which of `n_shown` frames stands at each of `n_wanted` equal parts, (n_wanted,) int64."""
    return ((torch.arange(n_wanted) + 0.5) * n_shown / n_wanted).long()


def between(wanted: Tensor, given: Tensor) -> Tensor:
    """Weights (len(wanted), len(given)) of linear interpolation at times `wanted`, held at both ends.

    Parameters
    ----------
    given : (n,) float s
        Rising, equally spaced.
    """
    if len(given) == 1:
        return torch.ones(len(wanted), 1)
    place = ((wanted - given[0]) / (given[1] - given[0])).clamp(0, len(given) - 1)
    return (1.0 - (place[:, None] - torch.arange(len(given))).abs()).clamp(min=0.0)


def cells(given: tuple[int, int], wanted: tuple[int, int]) -> Tensor:
    """Weights (P+1, patches) that average a grid of patches as a whole, then over each wanted place."""
    patches = torch.eye(given[0] * given[1]).view(-1, 1, *given)
    if wanted == (1, 1):
        return patches.mean(dim=(2, 3)).T
    by_place = F.adaptive_avg_pool2d(patches, wanted).flatten(1).T
    return torch.cat((by_place.new_full((1, by_place.shape[1]), 1 / by_place.shape[1]), by_place))
