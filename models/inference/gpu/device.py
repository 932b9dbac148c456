"""Where the network runs, and the only ways in and out: on a GPU through pinned memory, one copy each way."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor

from models.inference.backends import Run, Tensors


class Device:
    """A device, its one stream, and the buffers through which arrays reach it and results leave it.

    Parameters
    ----------
    name : str
        `cpu`, or `cuda`.
    staged : bool, optional
        Whether buffers stand between the program and the device; by default where it is not the CPU. On a CPU
        they change nothing but the path, which is how the path is tested.
    """

    def __init__(self, name: str = "cpu", staged: bool | None = None) -> None:
        self.torch = torch.device(name)
        self._on_card = self.torch.type == "cuda"
        self.staged = self._on_card if staged is None else staged
        self.stream = torch.cuda.Stream(self.torch) if self._on_card else None
        self._buffers: dict[tuple[object, ...], Tensor] = {}

    def turn(self) -> AbstractContextManager[object]:
        """All that is done on the device happens inside of this, so that it happens one after the other."""
        return torch.cuda.stream(self.stream) if self._on_card else nullcontext()

    def bound(self, run: Run, at: str) -> Run:
        """Give a callable for tensors of this device, of one for tensors `at` another."""
        if torch.device(at).type == self.torch.type:
            return run
        return lambda *given: tuple(part.to(self.torch) for part in run(*(each.to(at) for each in given)))

    def up(self, what: str, arrays: Sequence[np.ndarray]) -> Tensors:
        """Bring arrays to the device.

        Parameters
        ----------
        what : str
            Names the buffers; only one thread may use a name, and `down` must be called in between.
        arrays : arrays of any shape

        Returns
        -------
        tuple of tensors of the same shapes
        """
        given = [torch.from_numpy(array) for array in arrays]
        if not self.staged:
            return tuple(given)
        return tuple(self._up((what, number), part) for number, part in enumerate(given))

    def _up(self, key: tuple[object, ...], part: Tensor) -> Tensor:
        staging = self._buffer((*key, tuple(part.shape), part.dtype), part)
        staging.copy_(part)
        return staging.to(self.torch, non_blocking=True, copy=True)

    def down(self, what: str, tensors: Sequence[Tensor]) -> Tensors:
        """Bring floats from the device, all in one copy, and wait for them and all that led to them.

        Parameters
        ----------
        what : str
            As in `up`.
        tensors : float or bool tensors of any shape

        Returns
        -------
        tuple of float32 tensors of the same shapes
        """
        if not self.staged:
            return tuple(part.float() for part in tensors)
        packed = torch.cat([part.float().flatten() for part in tensors])
        staging = self._buffer((what, "down", packed.shape), packed)
        staging.copy_(packed, non_blocking=True)
        if self.stream is not None:
            self.stream.synchronize()
        parts = staging.clone().split([part.numel() for part in tensors])
        return tuple(part.view(like.shape) for part, like in zip(parts, tensors, strict=True))

    def _buffer(self, key: tuple[object, ...], like: Tensor) -> Tensor:
        """Memory of the host that the device reads and writes by itself; made once."""
        if key not in self._buffers:
            self._buffers[key] = torch.empty(like.shape, dtype=like.dtype, pin_memory=self._on_card)
        return self._buffers[key]
