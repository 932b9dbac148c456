"""What the pipeline asks of a model: two plain calls and a card that says what it wants to be fed.

The pipeline never sees torch. `models.inference.engine` implements this with the network; tests implement
it with arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from realtime.config import GridConfig
from realtime.types import BoolArray, IndexArray, Interval, Scores


@dataclass(frozen=True)
class ModelCard:
    """What a model is and how it wants to be fed; live, replay and training all obey it.

    Attributes
    ----------
    weights : str
        Name of the trained weights, or `untrained`.
    backend : str
        What runs the network, e.g. `eager fp32`.
    channels : tuple of str or None
        Electrodes the weights were trained on, in order; None takes any (an untrained network is built
        for the stream's own count).
    paths : mapping of str to int
        Frame paths and how many slots lie between two of their frames: `{"fast": 1, "slow": 5}`.
    image_px : int
        Frames are reduced to this length of the shorter side before they are kept.
    slot_means : bool
        Whether it wants what a video shows during each slot, beside what at its beginning: see `score`.
    gain : float or None
        How many times faster a tick was than with the plain network, where that was measured.
    """

    name: str
    weights: str
    backend: str
    grid: GridConfig = field(default_factory=GridConfig)
    band_hz: tuple[float, float] = (0.5, 40.0)
    channels: tuple[str, ...] | None = None
    paths: Mapping[str, int] = field(default_factory=lambda: {"fast": 1})
    image_px: int = 112
    slot_means: bool = False
    gain: float | None = None

    def obstacle(self, other: ModelCard) -> str:
        """Say why a model with the card `other` cannot take over in a running session; empty where it can.

        What was conditioned, cut and kept for this one has to serve the other as well.
        """
        asked = ("grid", "band_hz", "paths", "image_px")
        differing = [name for name in asked if getattr(self, name) != getattr(other, name)]
        if None not in (self.channels, other.channels) and self.channels != other.channels:
            differing.append("channels")
        return ", ".join(f"{name} {getattr(other, name)} and not {getattr(self, name)}" for name in differing)


def means_of(path: str) -> str:
    """Under which name an interval's embeddings hold a path's means over the slots."""
    return f"{path} over slots"


@dataclass(frozen=True)
class OtherVideo:
    """A further video during an interval, beside the main one: a media item with a mask of its own.

    Attributes
    ----------
    frame_seq : array of shape (n_slots,), int64
        The frame on show at each slot; -1 where none is known.
    frame_valid : array of shape (n_slots,), bool
    embeddings : mapping of path to array of shape (n_slots // paths[path], n_patches, width), float32
    """

    frame_seq: IndexArray
    frame_valid: BoolArray
    embeddings: Mapping[str, NDArray[np.float32]]


@runtime_checkable
class Model(Protocol):
    """What the pipeline asks of a model."""

    card: ModelCard

    def encode(self, images: list[NDArray[np.uint8]], path: str, video: int = 0) -> NDArray[np.float32]:
        """Embed frames, each (height, width, 3) uint8 RGB, once: array (n_frames, n_patches, width).

        `video` is the number of the video they are of, 0 for the main one; frames of one video come in order.
        """
        ...

    def score(
        self,
        interval: Interval,
        embeddings: Mapping[str, NDArray[np.float32]],
        others: Sequence[OtherVideo] = (),
    ) -> Scores:
        """Score one interval.

        `embeddings[path]` has shape (n_slots // paths[path], n_patches, width): the frame on show at every
        k-th slot, 0 where `interval.frame_valid` is False there. Where the card asks for them, a path of
        every slot has beside that `embeddings[means_of(path)]`, of the same shape: the mean, over the EEG
        points of each slot, of the frames on show there. `others` are the further videos, the same number of
        them each time. Called once for each interval, in order.
        """
        ...

    def reset(self) -> None:
        """Forget earlier intervals: what comes next does not continue them."""
        ...


@runtime_checkable
class LooksAhead(Protocol):
    """A model that can see the videos of an interval before its EEG has come, so that a tick is shorter."""

    def look(self, index: int, shown: Sequence[OtherVideo]) -> None:
        """See what the videos, the main one first, show in interval `index`.

        Called by the thread that calls `score`, which uses it where it is then given the same frames.
        """
        ...


@dataclass(frozen=True)
class Successor:
    """A model that takes over in a running session, given to `Pipeline.swap`.

    Attributes
    ----------
    model : Model
        Ready to run, its electrodes in the order of the model before.
    of : Model or None
        The model it continues: the same network, run by something else, that shares what that one remembers.
        Where another runs by then, it is not taken. None for a network of its own, which begins without a
        memory: it embeds the frames that are held once more, and chance is collected from the start.
    alike : frozenset of str
        Paths whose frames it embeds as the model before: what was embedded goes on being used.
    """

    model: Model
    of: Model | None = None
    alike: frozenset[str] = frozenset()
