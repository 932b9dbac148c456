"""Attention with two equal paths: a fused one to run, an explicit one that also gives the weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SHORTEST_S, LONGEST_S = 0.1, 10.0  # periods: from a flicker cycle to a few intervals
LOWEST = -60.0  # e⁻⁶⁰ is nothing; lower, weights become denormal numbers, which a CPU handles slowly


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    allowed: Tensor | None = None,
    bias: Tensor | None = None,
    explain: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attend from q to k, v.

    Parameters
    ----------
    q, k, v : (B, heads, Sq, d), (B, heads, Sk, d), (B, heads, Sk, d)
    allowed : (B, Sq or 1, Sk) bool or None
        No row may be False throughout.
    bias : (B or 1, heads, Sq, Sk) float or None
        Added to the scores.
    explain : bool
        Take the explicit path and give the weights too. It is also taken where the bias learns: the fused
        kernels have no gradient for it, and fall back to a slower one.

    Returns
    -------
    out : (B, heads, Sq, d)
    weights : (B, Sq, Sk) or None
        Mean over heads.
    """
    barred = None if allowed is None else torch.where(allowed[:, None], 0.0, float("-inf"))
    if not explain and (bias is None or not bias.requires_grad):
        mask = barred if bias is None else bias if barred is None else bias + barred
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask), None
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    for part in (bias, barred):
        if part is not None:
            scores += part  # in place: these are the largest arrays there are
    weights = scores.softmax(dim=-1)
    return weights @ v, weights.mean(dim=1) if explain else None


def mean_map(maps: Sequence[Tensor]) -> Tensor:
    """Mean of the weights (B, Sq, Sk) of several layers; a single one's are not copied."""
    return maps[0] if len(maps) == 1 else torch.stack(tuple(maps)).mean(dim=0)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, S, heads·d) as (B, heads, S, d)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, S, d) as (B, S, heads·d)."""
    return x.transpose(1, 2).flatten(2)


class TimeBias(nn.Module):
    """Own-time bias −|t_q − t_k| / τ on the scores of each head, τ = exp θ learned.

    Without it, or with τ started far above the width of a response, cross-attention stayed at chance.
    """

    def __init__(self, heads: int, start_s: float) -> None:
        super().__init__()
        self.log_tau = nn.Parameter(torch.full((heads,), math.log(start_s)))

    def forward(self, query_times: Tensor, key_times: Tensor) -> Tensor:
        """Bias (B or 1, heads, Sq, Sk) for times (B or 1, Sq) and (B or 1, Sk), in seconds."""
        apart = (query_times[:, :, None] - key_times[:, None, :]).abs()
        bias = apart[:, None] * -torch.exp(-self.log_tau)[:, None, None]
        return bias.clamp(min=LOWEST)


class AgreementBias(nn.Module):
    """κ·c on the scores of each head, κ = exp θ learned; c: how a key's place agrees with the whole interval.

    A single slot of EEG says too little to choose a place; what a place owes to the interval reaches every
    slot of it.
    """

    def __init__(self, heads: int, start: float) -> None:
        super().__init__()
        self.log_kappa = nn.Parameter(torch.full((heads,), math.log(start)))

    def forward(self, agreement: Tensor) -> Tensor:
        """Bias (B, heads, Sq or 1, Sk) for agreement (B, Sq or 1, Sk), -1 to 1."""
        return agreement[:, None] * self.log_kappa.exp()[:, None, None]


class TimedAttention(nn.Module):
    """Attention with what enters beside q·k, each on or off: rotary time, a time bias, and agreement."""

    def __init__(
        self,
        heads: int,
        head_width: int,
        rotary: bool,
        bias_s: float | None,
        agreement: float | None = None,
    ) -> None:
        super().__init__()
        self.rotary = Rotary(head_width) if rotary else None
        self.bias = TimeBias(heads, bias_s) if bias_s is not None else None
        self.agreement = AgreementBias(heads, agreement) if agreement is not None else None

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        q_times: Tensor,
        k_times: Tensor,
        allowed: Tensor,
        explain: bool,
        agreement: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """`attend`, for queries and keys at times (B or 1, Sq) and (B or 1, Sk), in seconds.

        `agreement` (B, Sq or 1, Sk) is of each key with each query's interval.
        """
        if self.rotary is not None:
            q, k = self.rotary(q, q_times), self.rotary(k, k_times)
        bias = None if self.bias is None else self.bias(q_times, k_times)
        if self.agreement is not None and agreement is not None:
            lean = self.agreement(agreement)
            bias = lean if bias is None else bias + lean
        return attend(q, k, v, allowed, bias, explain)


def feed_forward(width: int, mult: int) -> nn.Sequential:
    """Flamingo's feed-forward: norm, no biases, exact GELU."""
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, width * mult, bias=False),
        nn.GELU(),
        nn.Linear(width * mult, width, bias=False),
    )


class CrossAttention(nn.Module):
    """Queries attend to projected media (Flamingo), with time and agreement on the scores.

    With `modulate_values`, what a query has read is multiplied by a map of the query.
    """

    def __init__(
        self, width: int, scores: TimedAttention, heads: int, inner: int, modulate_values: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)
        self.modulate = nn.Linear(width, inner, bias=False) if modulate_values else None
        self.attend = scores

    def keys(self, media: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values (B, R, inner) of media (B, R, width)."""
        k, v = self.to_kv(media).chunk(2, dim=-1)
        return k, v

    def forward(
        self,
        x: Tensor,
        x_times: Tensor,
        keys: tuple[Tensor, Tensor],
        key_times: Tensor,
        allowed: Tensor,
        explain: bool,
        agreement: Tensor | None = None,
    ) -> tuple[Tensor, Tensor | None]:
        """Read media.

        Parameters
        ----------
        x : (B, Tq, width), x_times : (B or 1, Tq) s
        keys : two of (B, R, inner), key_times : (B or 1, R) s
        allowed : (B, Tq or 1, R) bool, with no row that allows nothing
        agreement : (B, Tq or 1, R) float, optional

        Returns
        -------
        (B, Tq, width), and (B, Tq, R) or None
        """
        x = self.norm(x)
        q, k, v = (split_heads(part, self.heads) for part in (self.to_q(x), *keys))
        out, weights = self.attend(q, k, v, x_times, key_times, allowed, explain, agreement)
        read = join_heads(out)
        if self.modulate is not None:
            read = read * self.modulate(x)
        return self.to_out(read), weights


class Rotary(nn.Module):
    """Turns pairs of features by 2π·t/period, so that q·k depends on the difference of their times alone.

    Give times relative to the interval's end: they stay small, and so exact in half precision.

    Parameters
    ----------
    head_width : int
        Width of one head, even; half as many periods are spread geometrically from 0.1 s to 10 s.
    """

    def __init__(self, head_width: int) -> None:
        super().__init__()
        self.register_buffer("turns", turns(head_width // 2), persistent=False)

    turns: Tensor

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        """Turn x (B, heads, S, head_width) by `times` (B or 1, S), in seconds."""
        angle = (times[:, None, :, None] * self.turns).to(x.dtype)  # (B or 1, 1, S, head_width / 2)
        cos, sin = angle.cos(), angle.sin()
        first, second = x.chunk(2, dim=-1)
        return torch.cat((first * cos - second * sin, first * sin + second * cos), dim=-1)


class TimeEmbedding(nn.Module):
    """Sinusoids of float seconds, for parts that take positions only as an addition to what goes in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("turns", turns(width // 2), persistent=False)
        self.spare = width % 2

    turns: Tensor

    def forward(self, times: Tensor) -> Tensor:
        """(B, S) seconds as (B, S, width)."""
        angle = times[:, :, None] * self.turns
        return nn.functional.pad(torch.cat((angle.sin(), angle.cos()), dim=-1), (0, self.spare))


def turns(n: int) -> Tensor:
    """Angular frequencies (n,) of n periods spread geometrically from the shortest to the longest."""
    periods = SHORTEST_S * (LONGEST_S / SHORTEST_S) ** torch.linspace(0, 1, n, dtype=torch.float64)
    return (2 * math.pi / periods).float()
