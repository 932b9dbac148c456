"""CBraMod: a transformer over EEG patches that attends across channels and across time at once.

Wang et al., "CBraMod: A Criss-Cross Brain Foundation Model for EEG Decoding", ICLR 2025 (arXiv 2412.07236);
reference code github.com/wjq-learning/CBraMod (MIT). Modules carry the names of the published state dict, so
its weights load strictly (`load_cbramod`).

One difference in form, none in value: the spectrum is a product with a cosine and a sine matrix, because a
real FFT can be exported but not compiled.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.attention import join_heads, split_heads
from models.network.compression import shares
from models.network.eeg.spread import GRID_WIDTH, Spread
from models.network.hub import fetch_file, load_strictly, read_state_dict, start_of
from models.network.interfaces import EegConfig, EegEncoder, EegFeatures
from realtime.config import GridConfig
from realtime.errors import ConfigError

PATCH = 200  # samples of a patch: 1 s at 200 Hz
WIDTH = 200
N_BINS = PATCH // 2 + 1
_POWER_FLOOR = 1e-30  # below it the magnitude is flat, so a patch of zeros has a gradient of 0 and not 0/0
HUB_IDS = ("weighting666/CBraMod", "braindecode/cbramod-pretrained")
BAND_HZ = (0.3, 75.0)  # of the recordings it was pretrained on
_MICROVOLTS = 100.0  # its unit
_MIN_VALID = 0.8  # a patch with more than 0.2 s missing counts as missing
# The electrodes of the pretraining recordings (Temple University Hospital corpus), in their order.
PRETRAINED_ORDER = (
    *("FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2"),
    *("F7", "F8", "T7", "T8", "P7", "P8", "FZ", "CZ", "PZ"),
)
_OLD_NAMES = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}


def dft_matrices(n: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine columns whose products with a real signal are its normalised spectrum.

    `x @ cos` and `x @ sin` are the real and the negative imaginary part of `rfft(x, norm="forward")`.

    Returns
    -------
    cos, sin : tensors of shape (n, n // 2 + 1), float32
    """
    turns = torch.outer(torch.arange(n), torch.arange(n // 2 + 1)) % n  # exact in integers
    phase = turns.double() * (2 * math.pi / n)
    return (phase.cos() / n).float(), (phase.sin() / n).float()


class PatchEmbedding(nn.Module):
    """A patch becomes the sum of what convolutions see in time, its spectrum, and where it stands."""

    dft_cos: Tensor
    dft_sin: Tensor

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.positional_encoding = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, kernel_size=(19, 7), padding=(9, 3), groups=WIDTH)
        )
        self.mask_encoding = nn.Parameter(torch.zeros(PATCH), requires_grad=False)
        self.proj_in = nn.Sequential(
            nn.Conv2d(1, 25, kernel_size=(1, 49), stride=(1, 25), padding=(0, 24)),
            nn.GroupNorm(5, 25),
            nn.GELU(),
            nn.Conv2d(25, 25, kernel_size=(1, 3), padding=(0, 1)),
            nn.GroupNorm(5, 25),
            nn.GELU(),
            nn.Conv2d(25, 25, kernel_size=(1, 3), padding=(0, 1)),
            nn.GroupNorm(5, 25),
            nn.GELU(),
        )
        self.spectral_proj = nn.Sequential(nn.Linear(N_BINS, WIDTH), nn.Dropout(dropout))
        cos, sin = dft_matrices(PATCH)
        self.register_buffer("dft_cos", cos, persistent=False)
        self.register_buffer("dft_sin", sin, persistent=False)

    def forward(self, x: Tensor, masked: Tensor | None = None) -> Tensor:
        """Embed patches x (B, C, S, 200), those in `masked` (B, C, S) replaced by the mask encoding."""
        B, C, S, _ = x.shape
        if masked is not None:
            x = torch.where(masked.unsqueeze(-1), self.mask_encoding, x)
        image = x.reshape(B, 1, C * S, PATCH)
        in_time = self.proj_in(image)  # (B, 25, C·S, 8)
        in_time = in_time.permute(0, 2, 1, 3).reshape(B, C, S, WIDTH)
        tokens = in_time + self.spectral_proj(self.spectrum(x))  # (B, C, S, 200)
        place = self.positional_encoding(tokens.permute(0, 3, 1, 2))  # (B, 200, C, S)
        return tokens + place.permute(0, 2, 3, 1)

    def spectrum(self, x: Tensor) -> Tensor:
        """Magnitudes |rfft(x, norm="forward")| of x (..., 200): (..., 101)."""
        real, imaginary = x @ self.dft_cos, x @ self.dft_sin
        return (real * real + imaginary * imaginary).clamp_min(_POWER_FLOOR).sqrt()


class SelfAttention(nn.Module):
    """Multi-head self-attention with the parameter names of `torch.nn.MultiheadAttention`."""

    def __init__(self, width: int, n_heads: int, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (N, L, width) → (N, L, width)."""
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        # One by one: permuted all at once, OpenVINO (2026.4.1) confuses heads and rows where both are as
        # many, as with four electrodes.
        q, k, v = (split_heads(part, self.n_heads) for part in qkv)
        out = F.scaled_dot_product_attention(q, k, v, dropout_p=self.dropout if self.training else 0.0)
        return self.out_proj(join_heads(out))


class CrissCrossLayer(nn.Module):
    """Half of the width attends over channels within a patch, half over patches within a channel."""

    def __init__(self, n_heads: int, width_ff: int, dropout: float) -> None:
        super().__init__()
        self.self_attn_s = SelfAttention(WIDTH // 2, n_heads // 2, dropout)
        self.self_attn_t = SelfAttention(WIDTH // 2, n_heads // 2, dropout)
        self.linear1 = nn.Linear(WIDTH, width_ff)
        self.linear2 = nn.Linear(width_ff, WIDTH)
        self.norm1 = nn.LayerNorm(WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Map x (B, C, S, 200) → (B, C, S, 200)."""
        x = x + self.dropout(self._attend(self.norm1(x)))
        hidden = self.dropout(F.gelu(self.linear1(self.norm2(x))))
        return x + self.dropout(self.linear2(hidden))

    def _attend(self, x: Tensor) -> Tensor:
        B, C, S, _ = x.shape
        half = WIDTH // 2
        across, along = x[..., :half], x[..., half:]
        across = self.self_attn_s(across.transpose(1, 2).reshape(B * S, C, half))
        along = self.self_attn_t(along.reshape(B * C, S, half))
        across = across.reshape(B, S, C, half).transpose(1, 2)
        return torch.cat((across, along.reshape(B, C, S, half)), dim=-1)


class CrissCrossEncoder(nn.Module):
    """The layers, one after the other; there is no norm after the last."""

    def __init__(self, n_layers: int, n_heads: int, width_ff: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList(CrissCrossLayer(n_heads, width_ff, dropout) for _ in range(n_layers))

    def forward(self, x: Tensor) -> Tensor:
        """Give x (N, S, width) after the block, in the same shape."""
        for layer in self.layers:
            x = layer(x)
        return x


class CBraMod(nn.Module):
    """The published network: 12 layers of width 200, 4.9 M parameters with the defaults.

    Its group norms see all channels and patches at once and its positional kernel runs along the channel
    index, so the set and order of channels and the number of patches belong to the weights in use: what is
    missing is given as a masked patch, never left out or padded.

    Attributes
    ----------
    stored_elsewhere : bool
        Its weights are published and were not trained: a checkpoint leaves them out.
    """

    stored_elsewhere: bool = False

    def __init__(
        self, n_layers: int = 12, n_heads: int = 8, width_ff: int = 800, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.patch_embedding = PatchEmbedding(dropout)
        self.encoder = CrissCrossEncoder(n_layers, n_heads, width_ff, dropout)
        self.proj_out = nn.Sequential(nn.Linear(WIDTH, PATCH))

    def features(self, x: Tensor, masked: Tensor | None = None) -> Tensor:
        """Give what other networks use: the tokens before the reconstruction head.

        Parameters
        ----------
        x : tensor of shape (B, C, S, 200), µV / 100 at 200 Hz
            C channels in the order of the montage, S patches of 1 s.
        masked : tensor of shape (B, C, S), bool, optional
            True where a patch is missing or hidden; its samples have no influence.

        Returns
        -------
        tensor of shape (B, C, S, 200)
        """
        return self.encoder(self.patch_embedding(x, masked))

    def forward(self, x: Tensor, masked: Tensor | None = None) -> Tensor:
        """Reconstruct patches, the pretraining task: shapes as in `features`, samples in µV / 100."""
        return self.proj_out(self.features(x, masked))


def load_cbramod(name: str = HUB_IDS[0], n_layers: int = 12, dropout: float = 0.1) -> CBraMod:
    """Load the published network, strictly: every tensor by name and shape.

    Parameters
    ----------
    name : str
        A `.pth` or `.safetensors` file, a folder that holds one, or a hub id.

    Raises
    ------
    WeightsError
        If the weights are nowhere to be had (the message says where to put them), or do not fit.
    """
    path = fetch_file("CBraMod", name, ("pretrained_weights.pth", "model.safetensors"), HUB_IDS)
    state = read_state_dict(path)
    head = "final_layer."  # braindecode saves its task head beside the encoder
    network = CBraMod(n_layers, dropout=dropout)
    load_strictly(network, {key: value for key, value in state.items() if not key.startswith(head)}, path)
    return network.eval()


def montage_order(labels: tuple[str, ...]) -> list[int]:
    """Positions of `labels` in the order CBraMod wants: its pretraining's electrodes first, others after.

    Its positional kernel runs along the channel index, so neighbours in the index should be those it knows.
    """

    def rank(i: int) -> int:
        name = labels[i].strip().upper()
        name = _OLD_NAMES.get(name, name)
        return PRETRAINED_ORDER.index(name) if name in PRETRAINED_ORDER else len(PRETRAINED_ORDER)

    return sorted(range(len(labels)), key=rank)


class CBraModConfig(EegConfig):
    """CBraMod (arXiv 2412.07236): 1-s patches of µV/100; `weights` is a folder, a file or a hub id."""

    kind: Literal["cbramod"] = "cbramod"
    layers: int = Field(12, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    weights: str | None = None
    frozen: bool = False

    def build(self, labels: tuple[str, ...], grid: GridConfig) -> EegEncoder:
        """Build the part."""
        return CBraModEncoder(self, labels, grid)


class CBraModEncoder(nn.Module):
    """CBraMod on the last whole seconds of the interval's EEG. See `interfaces.EegEncoder`.

    Its tokens, one a second and electrode, are the queries of the fusion, in time order. For the similarity
    they are spread onto the time grid by a learned map (`Spread`). A patch with too few valid samples is
    given as a masked patch.
    """

    band_hz = BAND_HZ
    token_width: int | None = WIDTH
    token_times: Tensor | None
    order: Tensor
    back: Tensor

    def __init__(
        self, config: CBraModConfig, labels: tuple[str, ...], grid: GridConfig, grid_width: int = GRID_WIDTH
    ) -> None:
        super().__init__()
        self.n_patches = int(grid.interval_s)
        if grid.eeg_hz != PATCH or self.n_patches < 1:
            raise ConfigError(
                f"eeg = 'cbramod' reads patches of 1 s at {PATCH} Hz: grid.eeg_hz={grid.eeg_hz} must be "
                f"{PATCH}, and grid.interval_s={grid.interval_s} at least 1"
            )
        self.frozen = config.frozen
        weights = start_of(config.weights, config.frozen)
        if weights is None:
            self.network = CBraMod(config.layers, dropout=config.dropout)
        else:
            self.network = load_cbramod(weights, config.layers, config.dropout)
        self.network.stored_elsewhere = config.frozen and config.weights is not None
        if config.frozen:
            self.network.requires_grad_(requires_grad=False)
        order = torch.tensor(montage_order(labels))
        self.register_buffer("order", order, persistent=False)
        self.register_buffer("back", order.argsort(), persistent=False)
        self.norm = nn.LayerNorm(WIDTH)
        self.spread = Spread(len(labels) * WIDTH, self.n_patches, self.n_patches, grid, grid_width)
        self.grid_width = grid_width
        centres = torch.arange(self.n_patches) + 0.5 - self.n_patches - grid.lag_s  # of the pictures
        self.token_times = centres.repeat_interleave(len(labels))

    def train(self, mode: bool = True) -> CBraModEncoder:
        """Set the mode; what is frozen stays as in evaluation."""
        super().train(mode)
        if self.frozen:
            self.network.eval()  # no dropout in what is not trained
        return self

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor, explain: bool = False) -> EegFeatures:
        """Encode eeg (N, C, n_times) µV; see `interfaces.EegEncoder`."""
        features = self.norm(self.network.features(*self.patches(eeg, valid)))  # (N, C, S, 200)
        by_second = features.index_select(1, self.back).transpose(1, 2)  # (N, S, C, 200)
        parts = by_second.flatten(2)
        channels = shares(self.spread.energy(parts, by_second.shape[2])) if explain else None
        return EegFeatures(self.spread(parts), by_second.flatten(1, 2), channels)

    def patches(self, eeg: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Give the last whole seconds, channels in the montage's order, and which of them are masked.

        Returns
        -------
        x : (N, C, S, 200) float, µV/100, 0 where invalid
        masked : (N, C, S) bool
        """
        last = slice(eeg.shape[2] - self.n_patches * PATCH, None)
        clean = torch.where(valid, eeg, 0.0)[:, :, last] / _MICROVOLTS
        x = clean.index_select(1, self.order).unflatten(2, (self.n_patches, PATCH))
        there = torch.where(valid, 1.0, 0.0)[:, :, last].index_select(1, self.order)
        return x, there.unflatten(2, (self.n_patches, PATCH)).mean(dim=3) < _MIN_VALID
