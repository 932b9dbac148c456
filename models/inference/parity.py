"""Does a compiled module give what the eager one gives? Asked at every build and every load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

# Largest difference, as a share of the largest value of an output; and the least cosine between the two.
# int8 is judged by the cosine alone: its embeddings are compared by direction (similarity) and normed after.
TOLERANCES = {"fp32": (1e-3, 0.999999), "fp16": (2e-2, 0.9995), "int8": (float("inf"), 0.99)}


@dataclass(frozen=True)
class Parity:
    """The worst of all outputs and examples.

    Attributes
    ----------
    difference : float
        Largest absolute difference of an output, relative to its largest absolute value.
    cosine : float
        Least cosine between the two, over the items of a batch.
    """

    difference: float
    cosine: float

    def within(self, precision: str) -> bool:
        """Whether the differences are no larger than the precision allows."""
        most, least = TOLERANCES[precision]
        return self.difference <= most and self.cosine >= least

    def worse(self, other: Parity) -> Parity:
        """Take the larger of both differences."""
        return Parity(max(self.difference, other.difference), min(self.cosine, other.cosine))


EQUAL = Parity(0.0, 1.0)
DIFFERENT = Parity(float("inf"), -1.0)


def compare(given: Sequence[Tensor], expected: Sequence[Tensor]) -> Parity:
    """Compare outputs one by one; another count, shape or type, or a value that is not finite, differs."""
    if len(given) != len(expected):
        return DIFFERENT
    worst = EQUAL
    for ours, theirs in zip(given, expected, strict=True):
        worst = worst.worse(_one(ours, theirs))
    return worst


def _one(ours: Tensor, theirs: Tensor) -> Parity:
    if ours.shape != theirs.shape or (theirs.dtype == torch.bool) != (ours.dtype == torch.bool):
        return DIFFERENT
    if theirs.dtype == torch.bool:
        return EQUAL if torch.equal(ours.cpu(), theirs) else DIFFERENT
    ours, theirs = ours.double().cpu(), theirs.double()
    if not torch.isfinite(ours).all():
        return DIFFERENT
    apart = float((ours - theirs).abs().amax()) / max(float(theirs.abs().amax()), 1e-12)
    return Parity(apart, _least_cosine(ours, theirs))


def _least_cosine(ours: Tensor, theirs: Tensor) -> float:
    """Least cosine over the first axis; two vectors of 0 agree."""
    rows = ours.shape[0] if ours.dim() > 1 else 1
    ours, theirs = ours.reshape(rows, -1), theirs.reshape(rows, -1)
    lengths = ours.norm(dim=1) * theirs.norm(dim=1)
    cosine = (ours * theirs).sum(dim=1) / lengths.clamp(min=1e-30)
    both_zero = (ours.norm(dim=1) == 0) & (theirs.norm(dim=1) == 0)
    return float(torch.where(both_zero, 1.0, cosine).min())
