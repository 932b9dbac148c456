"""A network and a linear model whose scores are summed, with the interface of one engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.combination import Combination
from models.inference.engine import Engine
from models.inference.linear_engine import LinearEngine
from models.inference.stages import CompiledStages
from models.inference.sums.pair_engine import PairEngine
from realtime.errors import WeightsError
from realtime.model import Model, OtherVideo, Successor, means_of
from realtime.types import Interval, OtherScores, Scores


class CombinedEngine:
    """Implements `realtime.model.Model`: similarity and impostors are sums, the attention is the network's.

    A frame's features travel as further rows behind the patches of the network's path, as wide as they are,
    so that a session needs no path more for it.

    Parameters
    ----------
    network : Engine or PairEngine
    linear : LinearEngine
    combination : Combination

    Raises
    ------
    WeightsError
        The network sees no frame at every slot, or the two were made for other electrodes or another grid.
    """

    def __init__(self, network: Engine | PairEngine, linear: LinearEngine, combination: Combination) -> None:
        self.network, self.linear, self.combination = network, linear, combination
        card, other = network.card, linear.card
        every = [path for path, k in card.paths.items() if k == 1]
        if not every or card.grid != other.grid or card.channels != other.channels:
            raise WeightsError(
                f"{card.weights}: its linear model was not made for this network: train it again"
            )
        self.path = every[0]
        self.card = replace(card, weights=f"{card.weights} + {other.weights}")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a compiled backend could not do."""
        return self.network.notes

    def on(self, compiled: CompiledStages, n_videos: int = 1, gain: float | None = None) -> CombinedEngine:
        """Give the same two, the network run by other stages; takes what `Engine.on` does.

        Raises
        ------
        ValueError
            Two networks take part, which stay as they are.
        """
        if isinstance(self.network, PairEngine):
            raise ValueError("two networks stay on the backend they were compiled for")
        return CombinedEngine(self.network.on(compiled, n_videos, gain), self.linear, self.combination)

    def successor_to(self, before: Model) -> Successor:
        """Say how it takes over from the model of a running session: see `Engine.successor_to`."""
        if not isinstance(before, CombinedEngine) or before.linear is not self.linear:
            return Successor(self)
        if isinstance(self.network, PairEngine) or isinstance(before.network, PairEngine):
            return Successor(self)
        network = self.network.successor_to(before.network)
        return Successor(self, of=None if network.of is None else before, alike=network.alike)

    def reset(self) -> None:
        """Forget the session so far, as after a seek."""
        self.network.reset()
        self.linear.reset()

    def encode(self, images: list[NDArray[np.uint8]], path: str, video: int = 0) -> NDArray[np.float32]:
        """Embed frames in the order in which they are shown: (n_frames, P, Dv), or with rows behind them."""
        rows = self.network.encode(images, path, video)
        if path != self.path:
            return rows
        seen = self.linear.encode(images, path, video)[:, 0]
        width = rows.shape[2]
        seen = np.pad(seen, ((0, 0), (0, -seen.shape[1] % width)))
        return np.concatenate([rows, seen.reshape(len(images), -1, width)], axis=1)

    def look(self, index: int, shown: Sequence[OtherVideo]) -> None:
        """Have the network see what the videos show in an interval whose EEG is still to come."""
        self.network.look(index, [replace(v, embeddings=self._apart(v.embeddings)[0]) for v in shown])

    def score(
        self,
        interval: Interval,
        embeddings: Mapping[str, NDArray[np.float32]],
        others: Sequence[OtherVideo] = (),
    ) -> Scores:
        """Score one interval; `embeddings[path]` (n_slots // every, P or more, Dv)."""
        apart = [self._apart(embeddings), *(self._apart(video.embeddings) for video in others)]
        both = [
            [replace(video, embeddings=part[side]) for video, part in zip(others, apart[1:], strict=True)]
            for side in (0, 1)
        ]
        ours = self.network.score(interval, apart[0][0], both[0])
        theirs = self.linear.score(interval, apart[0][1], both[1])
        score = self.combination.score(ours.similarity, theirs.similarity)
        impostors = self.combination.score(ours.impostors, theirs.impostors)
        told = [self._told(*pair) for pair in zip(ours.others, theirs.others, strict=True)]
        return replace(
            ours,
            similarity=score,
            match=self.combination.match(score),
            impostors=np.asarray(impostors, np.float32),
            others=tuple(told),
        )

    def _told(self, ours: OtherScores, theirs: OtherScores) -> OtherScores:
        score = self.combination.score(ours.similarity, theirs.similarity)
        return replace(ours, similarity=score, match=self.combination.match(score))

    def _apart(
        self, embeddings: Mapping[str, NDArray[np.float32]]
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
        """Take what the network embedded and the frames' features apart; empty where nothing is on show."""
        if self.path not in embeddings:
            return dict(embeddings), {}
        rows, n_patches = embeddings[self.path], self.network.network.frame_shape(self.path)[0]
        ours = dict(embeddings)
        for name in {self.path, means_of(self.path)} & set(embeddings):
            ours[name] = np.ascontiguousarray(embeddings[name][:, :n_patches])
        features = rows[:, n_patches:].reshape(len(rows), 1, -1)
        return ours, {"fast": np.ascontiguousarray(features[..., : self.linear.n_features])}
