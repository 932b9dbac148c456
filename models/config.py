"""The configuration of the network: one frozen tree, one word for each part, three presets.

Unknown names, unknown words and contradictions are refused with the field, the value and what is legal there.

    >>> config = preset("demo", {"mixer": "gru", "fusion.readout": "mlp"})
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializeAsAny, ValidationError, model_validator

from models.network import interfaces as base
from models.network.compression import MeanConfig, PmaConfig
from models.network.eeg import braindecode, cbramod_compact
from models.network.eeg.compact import CompactConfig
from models.network.fusion import perceiver
from models.network.fusion.gated import GatedConfig
from models.network.fusion.qformer import QFormerConfig
from models.network.mixers import gru, mamba, s4d
from models.network.mixers.tcn import TcnConfig
from models.network.part import as_table
from models.network.vision import pretrained, whole_clip
from models.network.vision.tiny import TinyVitConfig
from realtime.config import Frozen, GridConfig
from realtime.errors import ConfigError

BUILT_IN = (braindecode, cbramod_compact, perceiver, gru, mamba, s4d, pretrained, whole_clip)
"""Imported for the kinds of parts that they bring; a kind of one's own is known once its file is imported."""

Eeg = Annotated[SerializeAsAny[base.EegConfig], BeforeValidator(base.EegConfig.read)]
Frames = Annotated[SerializeAsAny[base.FrameConfig], BeforeValidator(base.FrameConfig.read)]
WholeClip = Annotated[SerializeAsAny[base.WholeClipConfig], BeforeValidator(base.WholeClipConfig.read)]
Mixer = Annotated[SerializeAsAny[base.MixerConfig], BeforeValidator(base.MixerConfig.read)]
Compression = Annotated[SerializeAsAny[base.CompressionConfig], BeforeValidator(base.CompressionConfig.read)]
Fusing = Annotated[SerializeAsAny[base.FusionConfig], BeforeValidator(base.FusionConfig.read)]


def _square(value: Any) -> Any:
    """Read a grid's side as its rows and columns; as a text too, as it comes from a command: 4, 2x3."""
    if isinstance(value, str) and all(side.isdigit() for side in value.split("x")):
        sides = [int(side) for side in value.split("x")]
        value = sides[0] if len(sides) == 1 else tuple(sides)
    return (value, value) if isinstance(value, int) else value


class NetworkConfig(Frozen):
    """Everything that makes the network, besides the electrodes it is built for.

    Attributes
    ----------
    width : int
        D, the width of mixer, latents and fusion.
    embed : int
        E, the width of a slot of the two towers whose cosine is the similarity.
    fast, slow : frame encoders
        `fast` sees the frame on show at every slot, `slow` at every `slow_every`-th; either may be missing.
    clip : whole-clip encoder or None
        Takes the place of frame encoders, mixer and compression.
    places : (int, int), or one number for a square
        Rows and columns of the grid over the frame whose places are seen, compared and read one by one,
        beside the frame as a whole; 1 is the whole frame alone.
    slot_means : bool
        Whether a slot shows the mean of the frames that were on show during it, each by its share, as a slot
        of the EEG is a mean; else the frame at its beginning alone. For `fast`, while it is frozen; networks
        from before this was there learned without.
    masks : str
        Which media an EEG interval may read: `global`, `own`, `own+K` (and the K before it), `past`.
    context : int
        Earlier intervals kept for `past` and `global`, live.
    """

    name: str = "demo"
    grid: GridConfig = GridConfig()
    places: Annotated[tuple[int, int], BeforeValidator(_square)] = (4, 4)
    slot_means: bool = False
    width: int = Field(32, ge=8)
    embed: int = Field(16, ge=2)
    eeg: Eeg = CompactConfig()
    fast: Frames | None = TinyVitConfig()
    slow: Frames | None = None
    slow_every: int = Field(5, ge=1)
    clip: WholeClip | None = None
    mixer: Mixer = TcnConfig()
    compression: Compression = MeanConfig()
    fusion: Fusing = GatedConfig()
    masks: str = "own"
    context: int = Field(4, ge=0)

    @model_validator(mode="after")
    def _whole(self) -> NetworkConfig:
        if not re.fullmatch(r"global|own|past|own\+[1-9]\d?", self.masks):
            raise ValueError(
                f"masks={self.masks!r} is unknown: legal are 'global', 'own', 'own+K', 'past' "
                f"with K from 1 to 99"
            )
        if self.clip is not None and (self.fast is not None or self.slow is not None):
            raise ValueError(
                f"clip={self.clip.kind!r} takes the place of frame encoders: set fast and slow to None"
            )
        if self.clip is None and self.fast is None and self.slow is None:
            raise ValueError("fast, slow and clip are all None: the network needs one of them to see")
        for field, every in (
            ("slow_every", self.slow_every if self.slow else 1),
            ("clip.every", self.clip.every if self.clip else 1),
        ):
            if self.grid.n_slots % every or self.grid.hop_slots % every:
                raise ValueError(
                    f"{field}={every} must divide the interval's {self.grid.n_slots} slots and "
                    f"the hop's {self.grid.hop_slots}"
                )
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> NetworkConfig:
        if not all(1 <= side <= 16 for side in self.places):
            raise ValueError(f"places={self.places[0]}x{self.places[1]}: legal are 1 to 16 rows and columns")
        for path in (self.fast, self.slow):
            if path is not None:
                path.check(self.places)
        for field, part in (("compression", self.compression), ("fusion", self.fusion)):
            if isinstance(part, PmaConfig | QFormerConfig) and self.width % part.heads:
                raise ValueError(f"{field}.heads={part.heads} must divide width={self.width}")
        if not 1 <= self.n_latents <= self.grid.n_slots:
            raise ValueError(
                f"compression.latents_per_s={self.compression.latents_per_s:g} gives "
                f"{self.n_latents} latents an interval: legal are 1 to {self.grid.n_slots}, "
                f"one a slot"
            )
        return self

    @property
    def paths(self) -> dict[str, int]:
        """Frame paths, and how many slots lie between two of their frames."""
        if self.clip is not None:
            return {"clip": self.clip.every}
        return {
            name: every
            for name, part, every in (("fast", self.fast, 1), ("slow", self.slow, self.slow_every))
            if part is not None
        }

    @property
    def sees_means(self) -> bool:
        """Whether there is a path that is shown means over slots."""
        return self.slot_means and self.fast is not None and getattr(self.fast, "frozen", True)

    @property
    def n_places(self) -> int:
        """P+1: the places and the frame as a whole; 1 where that is all there is."""
        return 1 if self.places == (1, 1) else self.places[0] * self.places[1] + 1

    @property
    def stride_s(self) -> float:
        """Seconds between two intervals that follow each other without overlap, on the grid of hops."""
        return -(-self.grid.n_slots // self.grid.hop_slots) * self.grid.hop_s

    @property
    def n_latents(self) -> int:
        """Latents of an interval at each place."""
        return round(self.compression.latents_per_s * self.grid.interval_s)

    @property
    def n_context(self) -> int:
        """Earlier intervals an EEG interval may read."""
        if self.masks == "own":
            return 0
        return int(self.masks[4:]) if self.masks.startswith("own+") else self.context


_CLIP_B32 = {"kind": "clip", "source": "openai/clip-vit-base-patch32"}
_LARGE: dict[str, Any] = {
    "width": 128,
    "eeg": "cbramod+compact",
    "fusion": {"kind": "gated", "depth": 2, "head_width": 32},
}
PRESETS: dict[str, dict[str, Any]] = {
    "demo": {},
    "laptop": {**_LARGE, "slow": _CLIP_B32},
    "lab": {**_LARGE, "slow": "clip", "compression": {"kind": "resampler", "head_width": 32}},
}


def preset(name: str, changes: Mapping[str, Any] | None = None) -> NetworkConfig:
    """Build a preset's configuration, with parts changed by name or by dotted name.

    Parameters
    ----------
    name : str
        `demo`, `laptop` or `lab`.
    changes : mapping, optional
        For instance `{"mixer": "gru", "fusion.readout": "mlp"}`.

    Raises
    ------
    ConfigError
        An unknown preset, field or word, or values that contradict each other.
    """
    if name not in PRESETS:
        raise ConfigError(f"preset {name!r} is unknown: legal are {', '.join(PRESETS)}")
    # Set here, not by default: a file that says nothing of means is of a network from before them.
    tree: dict[str, Any] = load({"name": name, "slot_means": True, **PRESETS[name]}).model_dump()
    for path, value in (changes or {}).items():
        *parents, leaf = path.split(".")
        node = tree
        for parent in parents:
            node[parent] = as_table(node.get(parent))
            if not isinstance(node[parent], dict):
                raise ConfigError(f"{path}: {parent!r} has no fields to set in the preset {name!r}")
            node = node[parent]
        node[leaf] = value
    return load(tree)


def load(tree: Mapping[str, Any]) -> NetworkConfig:
    """Check a table (as read from JSON or TOML) and freeze it; `ConfigError` says what is wrong in words."""
    try:
        return NetworkConfig.model_validate(dict(tree))
    except ValidationError as error:
        words = "; ".join(_in_words(problem) for problem in error.errors())
        raise ConfigError(" ".join(words.split())) from None  # one line, whatever a name in it holds
    except (TypeError, OverflowError, RecursionError) as error:  # a list for a word, say
        raise ConfigError(
            f"the configuration cannot be read ({error}): correct it or copy it again"
        ) from error


def _in_words(problem: Any, at: tuple[Any, ...] = ()) -> str:
    """Say each of pydantic's findings in a sentence: field, value, what is legal."""
    context, value, kind = problem.get("ctx", {}), problem["input"], problem["type"]
    loc = (*at, *problem["loc"])
    if kind == "part":
        return "; ".join(_in_words(inner, loc) for inner in context["errors"])
    where = ".".join(str(step) for step in loc) or "configuration"
    if kind == "extra_forbidden":
        owner = ".".join(str(step) for step in loc[:-1])
        return f"{where} is no field of {owner or 'the configuration'}: remove it or correct its name"
    if kind == "unknown_word":
        return f"{where} = {context['word']} is unknown: legal are {context['legal']}"
    if kind == "value_error":
        return f"{where}: {context['error']}"
    return f"{where} = {value!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}"
