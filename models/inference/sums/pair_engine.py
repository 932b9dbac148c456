"""Two networks of one training whose answers are averaged, with the interface of one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.inference.engine import Engine
from models.network.network import Network
from realtime.errors import WeightsError
from realtime.model import OtherVideo
from realtime.types import Attention, Interval, OtherScores, Scores

Answer = TypeVar("Answer", Scores, OtherScores, Attention)


class PairEngine:
    """Implements `realtime.model.Model`: all figures and maps are the mean of two networks'.

    Both have the same frame encoders, so a frame is still embedded once. They stay on the backend they were
    compiled for.

    Parameters
    ----------
    first, second : Engine

    Raises
    ------
    WeightsError
        The two do not belong together.
    """

    def __init__(self, first: Engine, second: Engine) -> None:
        if not first.shares_encoders(second) or first.card.channels != second.card.channels:
            raise WeightsError(
                f"{first.card.weights}: its second network was not trained with it: train it again"
            )
        self.first, self.second = first, second
        self.card = replace(first.card, weights=f"{first.card.weights} (two networks)")

    @property
    def network(self) -> Network:
        """The network whose encoders embed the frames."""
        return self.first.network

    @property
    def notes(self) -> tuple[str, ...]:
        """What a compiled backend could not do."""
        return self.first.notes

    def reset(self) -> None:
        """Forget the session so far, as after a seek."""
        self.first.reset()
        self.second.reset()

    def encode(self, images: list[NDArray[np.uint8]], path: str, video: int = 0) -> NDArray[np.float32]:
        """Embed frames in the order in which they are shown: (n_frames, P, Dv)."""
        return self.first.encode(images, path, video)

    def look(self, index: int, shown: Sequence[OtherVideo]) -> None:
        """See what the videos show in an interval whose EEG is still to come."""
        self.first.look(index, shown)
        self.second.look(index, shown)

    def score(
        self,
        interval: Interval,
        embeddings: Mapping[str, NDArray[np.float32]],
        others: Sequence[OtherVideo] = (),
    ) -> Scores:
        """Score one interval; takes what `Engine.score` does: `embeddings[path]` (G / every, P, Dv)."""
        both = [engine.score(interval, embeddings, others) for engine in (self.first, self.second)]
        return mean(*both)


def mean(one: Answer, other: Answer) -> Answer:
    """Average two answers to the same question, part by part; what one of them does not tell stays untold."""
    parts: dict[str, Any] = {
        part.name: _mean(getattr(one, part.name), getattr(other, part.name)) for part in fields(one)
    }
    return replace(one, **parts)


def _mean(one: Any, other: Any) -> Any:
    if isinstance(one, Scores | OtherScores | Attention):
        return mean(one, other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return tuple(_mean(*pair) for pair in zip(one, other, strict=True))
    if one is None or other is None:
        return None
    found = (np.asarray(one) + np.asarray(other)) / 2
    return float(found) if isinstance(one, float) else found.astype(np.asarray(one).dtype)
