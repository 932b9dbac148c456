"""A running average of a network's weights: what is validated, kept and saved.

Single weights of a training at a high rate are drawn from around a better point; their average lies nearer to
it (Polyak and Juditsky 1992, doi:10.1137/0330046), so that the step at which a training ends matters less.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from models.network.network import Network, is_trained


class Average:
    """Exponential average of all that a training changes: trained weights, and running statistics.

    The first steps, far from where it ends, are forgotten sooner: after n steps the average spans a tenth of
    them, up to 1 / (1 − decay).

    Parameters
    ----------
    network : Network
    decay : float
        Below 1; 0 keeps the newest weights alone.

    Attributes
    ----------
    values : dict of str to tensor
        By the names of the network's state.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network, self.decay = network, decay
        self.values = {name: value.detach().clone() for name, value in self._now().items()}

    def _now(self) -> dict[str, Tensor]:
        """Return the network's state without frozen encoders, which stay as they are."""
        frozen = tuple(
            f"frame_encoders.{name}."
            for name, encoder in self.network.frame_encoders.items()
            if not is_trained(encoder)
        )
        return {k: v for k, v in self.network.state_dict().items() if not (frozen and k.startswith(frozen))}

    @torch.no_grad()
    def take(self, n: int) -> None:
        """Take in the weights after the `n`-th step."""
        kept = min(self.decay, (1 + n) / (10 + n))
        for name, value in self._now().items():
            if value.dtype.is_floating_point:
                self.values[name].lerp_(value, 1 - kept)
            else:
                self.values[name].copy_(value)

    def copy(self) -> dict[str, Tensor]:
        """Return the average as it stands: tensors of the weights' own shapes (...), by name."""
        return {name: value.cpu().clone() for name, value in self.values.items()}

    @contextmanager
    def worn(self) -> Iterator[None]:
        """Have the network wear the average inside the block, and its own weights again afterwards."""
        own = {name: value.detach().clone() for name, value in self._now().items()}
        self.network.load_state_dict(self.values, strict=False)
        try:
            yield
        finally:
            self.network.load_state_dict(own, strict=False)
