"""The configuration of each part of the network: one word each, and what differs from its defaults.

A part is written as its word (`"gru"`), or as a table with the word under `kind` (`{"kind": "gru",
"layers": 2}`); `models.config` puts the parts together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from realtime.config import Frozen


def as_table(value: Any) -> Any:
    """Read a part's word as a table; what follows a colon names the model (`braindecode:Labram`)."""
    if not isinstance(value, str):
        return value
    kind, _, model = value.partition(":")
    return {"kind": kind, "model": model} if model else {"kind": kind}


# ---------------------------------------------------------------- EEG encoders
class CompactConfig(Frozen):
    """A small convolutional encoder from scratch (docs/design.md: the shape that learned)."""

    kind: Literal["compact"] = "compact"
    hidden: int = Field(32, ge=4)  # filters of the first convolution
    kernel_s: float = Field(0.5, gt=0)  # how far it looks past the picture
    dropout: float = Field(0.2, ge=0, lt=1)
    clip: float = Field(8.0, gt=0)  # in units of the running robust scale


class CBraModConfig(Frozen):
    """CBraMod (arXiv 2412.07236): 1-s patches of µV/100; `weights` is a folder, a file or a hub id."""

    kind: Literal["cbramod"] = "cbramod"
    layers: int = Field(12, ge=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    weights: str | None = None
    frozen: bool = False


class CBraModCompactConfig(Frozen):
    """CBraMod's 1-s tokens spread onto the time grid by a learned map and added to the compact tower's."""

    kind: Literal["cbramod+compact"] = "cbramod+compact"
    cbramod: CBraModConfig = CBraModConfig()
    compact: CompactConfig = CompactConfig()


class BraindecodeConfig(Frozen):
    """Any braindecode model by its class name, e.g. `braindecode:Labram`."""

    kind: Literal["braindecode"] = "braindecode"
    model: str = Field(min_length=1)
    weights: str | None = None
    frozen: bool = False


EegConfig = Annotated[
    CompactConfig | CBraModConfig | CBraModCompactConfig | BraindecodeConfig,
    Field(discriminator="kind"),
    BeforeValidator(as_table),
]


# ---------------------------------------------------------------- frame and clip encoders
class TinyVitConfig(Frozen):
    """A small ViT over `(image_px / patch_px)²` patches, averaged onto a `patches` × `patches` grid."""

    kind: Literal["tiny"] = "tiny"
    image_px: int = Field(64, ge=16, le=224)
    patch_px: int = Field(8, ge=2)
    patches: int = Field(4, ge=1)
    width: int = Field(64, ge=8)
    layers: int = Field(2, ge=1)
    heads: int = Field(4, ge=1)
    frozen: bool = True

    @model_validator(mode="after")
    def _divides(self) -> TinyVitConfig:
        side, rest = divmod(self.image_px, self.patch_px)
        if rest or side % self.patches:
            raise ValueError(
                f"image_px={self.image_px} must be patch_px={self.patch_px} times a multiple of "
                f"patches={self.patches}, e.g. image_px={self.patch_px * self.patches * 2}"
            )
        if self.width % self.heads:
            raise ValueError(f"width={self.width} must be a multiple of heads={self.heads}")
        return self


class PretrainedVisionConfig(Frozen):
    """A vision model in the transformers format; `source` is a hub id or a local folder.

    `patches` is the side of the grid its patch tokens are averaged onto; 1 gives the pooled embedding.
    """

    kind: Literal["clip", "siglip", "dinov2"]
    source: str = ""
    patches: int = Field(4, ge=1)
    frozen: bool = True

    @model_validator(mode="before")
    @classmethod
    def _default_source(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("source"):
            hub = {
                "clip": "openai/clip-vit-base-patch16",
                "siglip": "google/siglip-base-patch16-224",
                "dinov2": "facebook/dinov2-base",
            }
            return {**data, "source": hub.get(data.get("kind", ""), "")}
        return data


FrameEncoderConfig = Annotated[
    TinyVitConfig | PretrainedVisionConfig,
    Field(discriminator="kind"),
    BeforeValidator(as_table),
]


class ClipConfig(Frozen):
    """A video transformer over the pixels of a whole interval, in place of frames, mixer and compression."""

    kind: Literal["vivit", "videomae", "timesformer"]
    source: str = ""
    every: int = Field(5, ge=1)  # slots between two of its frames
    frozen: bool = True


WholeClipConfig = Annotated[ClipConfig, BeforeValidator(as_table)]


# ---------------------------------------------------------------- mixers
class TcnConfig(Frozen):
    kind: Literal["tcn"] = "tcn"
    kernel: int = Field(3, ge=2)
    dilations: tuple[int, ...] = (1, 2)
    dropout: float = Field(0.1, ge=0, lt=1)


class GruConfig(Frozen):
    kind: Literal["gru"] = "gru"
    layers: int = Field(1, ge=1)


class S4dConfig(Frozen):
    kind: Literal["s4d"] = "s4d"
    layers: int = Field(2, ge=1)
    state: int = Field(16, ge=2)
    dropout: float = Field(0.1, ge=0, lt=1)


class MambaConfig(Frozen):
    kind: Literal["mamba"] = "mamba"
    layers: int = Field(1, ge=1)
    state: int = Field(16, ge=2)
    expand: int = Field(2, ge=1)


class NoMixerConfig(Frozen):
    kind: Literal["none"] = "none"


MixerConfig = Annotated[
    TcnConfig | GruConfig | S4dConfig | MambaConfig | NoMixerConfig,
    Field(discriminator="kind"),
    BeforeValidator(as_table),
]


# ---------------------------------------------------------------- compression
class _Compression(Frozen):
    """Latents of an interval, each at its own place in it."""

    latents_per_s: float = Field(16.0, gt=0)  # coarser than 16 a second was seen to lose accuracy


class ResamplerConfig(_Compression):
    kind: Literal["resampler"] = "resampler"
    depth: int = Field(1, ge=1)
    heads: int = Field(4, ge=1)
    head_width: int = Field(16, ge=2, multiple_of=2)  # 64 in Flamingo
    ff_mult: int = Field(4, ge=1)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)  # where its τ starts; None for none, as in Flamingo


class PmaConfig(_Compression):
    kind: Literal["pma"] = "pma"
    heads: int = Field(4, ge=1)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)


class MeanConfig(_Compression):
    kind: Literal["mean"] = "mean"


CompressionConfig = Annotated[
    ResamplerConfig | PmaConfig | MeanConfig,
    Field(discriminator="kind"),
    BeforeValidator(as_table),
]


# ---------------------------------------------------------------- fusion
Readout = Literal["linear", "cosine", "mlp"]


class GatedConfig(Frozen):
    """Flamingo's gated cross-attention with a bias to a query's own time; both gates start at 0."""

    kind: Literal["gated"] = "gated"
    depth: int = Field(1, ge=1, le=4)
    heads: int = Field(4, ge=1)
    head_width: int = Field(16, ge=2, multiple_of=2)
    ff_mult: int = Field(4, ge=1)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)  # where τ starts; without it the match stayed at chance
    modulate_values: bool = False
    readout: Readout = "cosine"  # within its interval as good as the others (docs/ablation.md)


class QFormerConfig(Frozen):
    """BLIP-2's Q-Former with learned queries and the EEG as its text side.

    `window_s` is how far apart in time two tokens may be to see each other: without a sense of time the match
    stayed at chance, and the Q-Former has no place for a bias.
    """

    kind: Literal["qformer"] = "qformer"
    queries: int = Field(32, ge=1)
    depth: int = Field(2, ge=2, le=4)
    heads: int = Field(4, ge=1)
    window_s: float = Field(0.25, gt=0)


class PerceiverConfig(Frozen):
    """Learned latents, spread over the interval, that read EEG and media together (arXiv 2107.14795)."""

    kind: Literal["perceiver"] = "perceiver"
    latents: int = Field(32, ge=1)
    depth: int = Field(2, ge=1, le=4)
    heads: int = Field(4, ge=1)
    head_width: int = Field(16, ge=2, multiple_of=2)
    rotary: bool = True
    time_bias_s: float | None = Field(0.05, gt=0)


FusionConfig = Annotated[
    GatedConfig | QFormerConfig | PerceiverConfig,
    Field(discriminator="kind"),
    BeforeValidator(as_table),
]
