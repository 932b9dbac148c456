"""Mamba: a state space model whose step and gates follow the input, over the frames of an interval.

Gu & Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces", 2023 (arXiv 2312.00752). The
parameters carry the names of `transformers.models.mamba.MambaMixer`, and without masks the result is its own.
It is written out here because that mixer lets its state decay at a masked frame, whereas a frame that is not
there must leave the state alone, and because a plain loop over the 80 frames of an interval can be exported.
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

_KERNEL = 4  # frames the causal convolution sees
_DT_MIN, _DT_MAX, _DT_FLOOR = 0.001, 0.1, 1e-4  # first step sizes, as in the reference code


class SelectiveSsm(nn.Module):
    """Convolution, selective scan and gate, on `expand · width` channels."""

    def __init__(self, width: int, state: int, expand: int) -> None:
        super().__init__()
        inner, self.rank, self.state = expand * width, math.ceil(width / 16), state
        self.in_proj = nn.Linear(width, 2 * inner, bias=False)
        self.conv1d = nn.Conv1d(inner, inner, _KERNEL, groups=inner, padding=_KERNEL - 1)
        self.x_proj = nn.Linear(inner, self.rank + 2 * state, bias=False)
        self.dt_proj = nn.Linear(self.rank, inner)
        self.A_log = nn.Parameter(torch.arange(1.0, state + 1).log().repeat(inner, 1))
        self.D = nn.Parameter(torch.ones(inner))
        self.out_proj = nn.Linear(inner, width, bias=False)
        self._start_small(inner)

    @torch.no_grad()
    def _start_small(self, inner: int) -> None:
        """Draw first step sizes log-uniformly; the bias is softplus⁻¹ of them."""
        nn.init.uniform_(self.dt_proj.weight, -(self.rank**-0.5), self.rank**-0.5)
        span = math.log(_DT_MAX) - math.log(_DT_MIN)
        dt = (torch.rand(inner) * span + math.log(_DT_MIN)).exp().clamp(min=_DT_FLOOR)
        self.dt_proj.bias.copy_(dt + (-torch.expm1(-dt)).log())

    def forward(self, x: Tensor) -> Tensor:
        """Map x (N, F, D) → (N, F, D), causal, from an empty state."""
        u, gate = self.in_proj(x).chunk(2, dim=-1)  # (N, F, inner)
        u = F.silu(self.conv1d(u.transpose(1, 2))[..., : x.shape[1]]).transpose(1, 2)
        decay, drive, read = self._select(u)
        state = x.new_zeros(x.shape[0], u.shape[2], self.state)  # (N, inner, state)
        out = []
        for kept, added, weights in zip(decay.unbind(1), drive.unbind(1), read.unbind(1), strict=True):
            state = kept * state + added
            out.append((state * weights).sum(-1))
        return self.out_proj((torch.stack(out, dim=1) + self.D * u) * F.silu(gate))

    def step(self, x: Tensor, window: Tensor, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """One frame x (N, D), the convolution's last inputs (N, inner, 3), the state (N, inner, state)."""
        u, gate = self.in_proj(x).chunk(2, dim=-1)
        window = torch.cat((window, u.unsqueeze(-1)), dim=-1)
        u = F.silu(F.conv1d(window, self.conv1d.weight, self.conv1d.bias, groups=u.shape[1]).squeeze(-1))
        decay, drive, read = self._select(u)
        state = decay * state + drive
        y = (state * read).sum(-1) + self.D * u
        return self.out_proj(y * F.silu(gate)), window[..., 1:], state

    def _select(self, u: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Select by input u (..., inner): decay, drive (..., inner, state) and read (..., 1, state)."""
        dt, b, c = self.x_proj(u).split((self.rank, self.state, self.state), dim=-1)
        dt = F.softplus(self.dt_proj(dt)).unsqueeze(-1)
        decay = (dt * -self.A_log.exp()).exp()
        return decay, dt * b.unsqueeze(-2) * u.unsqueeze(-1), c.unsqueeze(-2)


class MambaConfig(MixerConfig):
    """A selective state space (Mamba) over the frames of an interval."""

    kind: Literal["mamba"] = "mamba"
    layers: int = Field(1, ge=1)
    state: int = Field(16, ge=2)
    expand: int = Field(2, ge=1)

    def build(self, width: int) -> TemporalMixer:
        """Build the part."""
        return Mamba(self, width)


class Mamba(nn.Module):
    """A stack of `x + ssm(norm(x))`; an invalid frame leaves every state as it was."""

    def __init__(self, config: MambaConfig, width: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.RMSNorm(width, eps=1e-5) for _ in range(config.layers))
        self.ssms: Any = nn.ModuleList(
            SelectiveSsm(width, config.state, config.expand) for _ in range(config.layers)
        )
        self.inner, self.state_width = config.expand * width, config.state

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Mix x (N, F, D) under mask (N, F); gives (N, F, D)."""
        places = packed_places(mask)
        frames = pack(x, mask, places)
        for norm, ssm in zip(self.norms, self.ssms, strict=True):
            frames = frames + ssm(norm(frames))
        return unpack(frames, mask, places)

    def init_state(self, x: Tensor) -> State:
        """For each layer the convolution's window (N, inner, 3) and the state (N, inner, state), all 0."""
        shapes = ((x.shape[0], self.inner, _KERNEL - 1), (x.shape[0], self.inner, self.state_width))
        return tuple(x.new_zeros(shape) for _ in self.ssms for shape in shapes)

    def step(self, x: Tensor, mask: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix one frame x (N, D) under mask (N,)."""
        nothing = torch.zeros_like(x)
        out = hold(mask, x, nothing)
        held: list[Tensor] = []
        for i, (norm, ssm) in enumerate(zip(self.norms, self.ssms, strict=True)):
            old = state[2 * i : 2 * i + 2]
            mixed, *new = ssm.step(norm(out), *old)
            out = out + mixed
            held += [hold(mask, n, o) for n, o in zip(new, old, strict=True)]
        return hold(mask, out, nothing), tuple(held)
