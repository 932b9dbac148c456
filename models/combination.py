"""What a model's folder runs: its network, a linear model, or the weighted sum of both.

combination.json    which was judged best on held-out parts of the training data, and by which figures
second/             a second network from another seed, where the mean of two was judged best

score = w · cosine of the network + (1 − w) · score of the linear model,  both from −1 to 1

Where cues taught that one of many places is attended, the frame as a whole says little: then the network's
cosine is that of its places, a soft maximum over them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.linear_model import probability
from realtime.errors import WeightsError

FILE = "combination.json"
NETWORK, TWO = "network", "two networks"
SECOND = "second"
"""Folder of a second network, in the first's."""
PLACE_SCALE = 40.0
"""κ: how sharply the best of many places counts."""


def over_places(scores: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Soft maximum over the last axis of an array of shape (..., P): log mean exp(κ·c) / κ."""
    lifted = special.logsumexp(PLACE_SCALE * scores, axis=-1) - math.log(scores.shape[-1])
    return np.asarray(lifted / PLACE_SCALE, np.float64)


@dataclass(frozen=True)
class Combination:
    """What runs, and why.

    Attributes
    ----------
    name : str
        `network`, `two networks` (the mean of both), a linear model's name, or two with a plus between.
    weight : float
        Of the network, 0 to 1.
    odds : (float, float)
        The probability of a match is the logistic of odds[0]·score + odds[1]; a network alone has its own.
    judged : mapping
        Each candidate's figures on the held-out parts; empty where none was judged.
    by_place : bool
        The network's score is that of its places, not of the frame as a whole.
    """

    name: str = NETWORK
    weight: float = 1.0
    odds: tuple[float, float] = (10.0, 0.0)
    judged: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    by_place: bool = False

    @property
    def has_network(self) -> bool:
        """Whether the network takes part."""
        return self.weight > 0

    @property
    def has_two(self) -> bool:
        """Whether two networks take part."""
        return self.has_network and self.name.partition("+")[0] == TWO

    @property
    def has_linear(self) -> bool:
        """Whether a linear model takes part."""
        return self.weight < 1

    def score(self, network: Any, linear: Any) -> Any:
        """Sum scores of any shape."""
        return self.weight * network + (1 - self.weight) * linear

    def match(self, score: float) -> float:
        """Probability that a pair of this score belongs together, at even odds."""
        return float(probability(self.odds, score))

    def save(self, folder: Path) -> Path:
        """Write it to a model's folder; gives the file."""
        path = folder / FILE
        path.write_text(json.dumps(asdict(self), indent=2, allow_nan=False), encoding="utf-8")
        return path

    @classmethod
    def load(cls, folder: Path) -> Combination | None:
        """Read what a folder says; None where it says nothing.

        Raises
        ------
        WeightsError
            The file is damaged.
        """
        path = folder / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            a, b = found["odds"]
            weight = float(found["weight"])
            if not (0 <= weight <= 1 and math.isfinite(a) and math.isfinite(b)):
                raise ValueError(f"weight {weight}, odds {a}, {b}")
            by_place = bool(found.get("by_place", False))
            return cls(str(found["name"]), weight, (float(a), float(b)), dict(found["judged"]), by_place)
        except FileNotFoundError:
            return None
        except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())[:200]
            raise WeightsError(f"{path} cannot be read ({reason}): train again, or copy it again") from error
