"""What the attention chose: an object in the frame where cues are known, and a video among several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from models.learning.data.dataset import Recordings, Span
from models.learning.judging.attended import Hits, hits
from models.learning.judging.watched import Watched, watched
from models.network.network import Network

AMONG = (2, 4)
"""Of how many videos one is watched."""


@dataclass(frozen=True)
class Choices:
    """Of the windows of a test; empty where there was nothing to choose, or the fusion tells no shares."""

    attended: Hits | None = None
    watched: tuple[Watched, ...] = ()

    @classmethod
    def of(cls, network: Network, recordings: Recordings, test: Sequence[Span]) -> Choices:
        """Ask a network."""
        beside = [watched(network, recordings, test, n) for n in AMONG]
        shown = tuple(part for part in beside if part is not None)
        return cls(hits(network, recordings, test), shown if len(shown) == len(AMONG) else ())

    def __add__(self, other: Choices) -> Choices:
        """Both tests together."""
        both = self.attended, other.attended
        found = both[0] + both[1] if both[0] is not None and both[1] is not None else both[0] or both[1]
        pairs = zip(self.watched, other.watched, strict=True) if self.watched and other.watched else ()
        return Choices(found, tuple(a + b for a, b in pairs) or self.watched or other.watched)

    def told(self) -> dict[str, Any]:
        """`attended`, and `watched` by the number of videos; only what there is."""
        found: dict[str, Any] = {} if self.attended is None else {"attended": self.attended.told()}
        if self.watched:
            found["watched"] = {str(n): part.told() for n, part in zip(AMONG, self.watched, strict=True)}
        return found
