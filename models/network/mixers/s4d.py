"""S4D: a diagonal state space model over the frames of an interval.

Gu et al., "On the Parameterization and Initialization of Diagonal State Space Models", 2022
(arXiv 2206.11893): zero-order hold, S4D-Lin initialisation. Complex numbers are kept as pairs of reals and
the kernel, no longer than an interval, is applied as a triangular matrix: no FFT and no complex type, so it
compiles.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.interfaces import MixerConfig, State, TemporalMixer
from models.network.mixers.packing import hold, pack, packed_places, unpack

_DT_MIN, _DT_MAX = 0.001, 0.1  # steps in frames are drawn log-uniformly between these, as in the paper


class DiagonalSsm(nn.Module):
    """One state space model for each of `width` channels, with `state / 2` conjugate pairs of poles."""

    def __init__(self, width: int, state: int) -> None:
        super().__init__()
        pairs = state // 2
        self.log_dt = nn.Parameter(torch.empty(width).uniform_(math.log(_DT_MIN), math.log(_DT_MAX)))
        self.log_decay = nn.Parameter(torch.full((width, pairs), math.log(0.5)))  # Re A = -1/2
        self.frequency = nn.Parameter(math.pi * torch.arange(pairs).float().repeat(width, 1))  # Im A = π n
        self.c = nn.Parameter(torch.randn(width, pairs, 2) * math.sqrt(0.5))
        self.d = nn.Parameter(torch.randn(width))

    def discrete(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """A·dt and C·(exp(A·dt) − 1)/A as real and imaginary parts, each (D, pairs)."""
        dt = self.log_dt.exp().unsqueeze(1)
        re, im = -self.log_decay.exp(), self.frequency
        a_re, a_im = re * dt, im * dt
        grown = a_re.exp()
        x, y = grown * a_im.cos() - 1.0, grown * a_im.sin()  # exp(A·dt) − 1
        norm = re * re + im * im
        g_re, g_im = (x * re + y * im) / norm, (y * re - x * im) / norm  # divided by A
        c_re, c_im = self.c.unbind(-1)
        return a_re, a_im, c_re * g_re - c_im * g_im, c_re * g_im + c_im * g_re

    def kernel(self, length: int) -> Tensor:
        """K[l] = 2 Re Σ C·(exp(A·dt) − 1)/A · exp(A·dt·l), shape (D, length)."""
        a_re, a_im, c_re, c_im = (part.unsqueeze(-1) for part in self.discrete())
        lags = torch.arange(length, device=self.d.device, dtype=self.d.dtype)
        wave = (a_re * lags).exp() * (c_re * (a_im * lags).cos() - c_im * (a_im * lags).sin())
        return 2.0 * wave.sum(1)

    def forward(self, u: Tensor) -> Tensor:
        """Map u (N, F, D) → (N, F, D), causal."""
        length, width = u.shape[1:]
        kernel = F.pad(self.kernel(length).flip(-1), (0, length - 1))  # K[F-1] … K[0], then 0
        shifted = kernel.as_strided((width, length, length), (2 * length - 1, 1, 1))
        weights = shifted.flip(1)  # row t, column s: K[t - s]
        return (weights @ u.permute(2, 1, 0)).permute(2, 1, 0) + self.d * u

    def step(self, u: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """One frame u (N, D) with state (N, D, pairs, 2)."""
        a_re, a_im, c_re, c_im = self.discrete()
        grown = a_re.exp()
        turn_re, turn_im = grown * a_im.cos(), grown * a_im.sin()
        s_re, s_im = state.unbind(-1)
        new_re = turn_re * s_re - turn_im * s_im + u.unsqueeze(-1)
        new_im = turn_re * s_im + turn_im * s_re
        y = 2.0 * (c_re * new_re - c_im * new_im).sum(-1) + self.d * u
        return y, torch.stack((new_re, new_im), dim=-1)


class S4dBlock(nn.Module):
    """`x + GLU(W gelu(ssm(norm(x))))`, the block of the reference code (state-spaces/s4, `s4d.py`)."""

    def __init__(self, width: int, state: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.ssm = DiagonalSsm(width, state)
        self.out = nn.Linear(width, 2 * width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Give x (N, S, width) after the block, in the same shape."""
        return x + self._out(self.ssm(self.norm(x)))

    def step(self, x: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Mix one frame x (N, D); over all frames equal to the whole call."""
        y, new = self.ssm.step(self.norm(x), state)
        return x + self._out(y), new

    def _out(self, y: Tensor) -> Tensor:
        # A GLU written out: few compilers know aten.glu.
        value, gate = self.out(self.dropout(F.gelu(y))).chunk(2, dim=-1)
        return self.dropout(value * gate.sigmoid())


class S4dConfig(MixerConfig):
    """A diagonal state space (S4D) over the frames of an interval."""

    kind: Literal["s4d"] = "s4d"
    layers: int = Field(2, ge=1)
    state: int = Field(16, ge=2)
    dropout: float = Field(0.1, ge=0, lt=1)

    def build(self, width: int) -> TemporalMixer:
        """Build the part."""
        return S4d(self, width)


class S4d(nn.Module):
    """A stack of S4D blocks; an invalid frame leaves every state as it was."""

    def __init__(self, config: S4dConfig, width: int) -> None:
        super().__init__()
        self.blocks: Any = nn.ModuleList(
            S4dBlock(width, config.state, config.dropout) for _ in range(config.layers)
        )
        self.pairs = config.state // 2

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix x (N, F, D) under mask (N, F); gives (N, F, D)."""
        places = packed_places(mask)
        frames = pack(x, mask, places)
        for block in self.blocks:
            frames = block(frames)
        return unpack(frames, mask, places)

    def init_state(self, x: Tensor) -> State:
        """Give a state (N, D, pairs, 2) for each block at an interval's start, for frames like x (N, D)."""
        return tuple(x.new_zeros(*x.shape, self.pairs, 2) for _ in self.blocks)

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one frame x (N, D) under mask (N,)."""
        nothing = torch.zeros_like(x)
        out = hold(mask, x, nothing)
        held = []
        for block, old in zip(self.blocks, state, strict=True):
            out, new = block.step(out, old)
            held.append(hold(mask, new, old))
        return hold(mask, out, nothing), tuple(held)
