"""Attention with two equal paths: a fused one to run, an explicit one that also gives the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.network.rotary import Rotary

LOWEST = -60.0  # e⁻⁶⁰ is nothing; lower, weights become denormal numbers, which a CPU handles slowly


def attend(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, explain: bool
) -> tuple[Tensor, Tensor | None]:
    """Attend from q to k, v.

    Parameters
    ----------
    q, k, v : (B, heads, Sq, d), (B, heads, Sk, d), (B, heads, Sk, d)
    mask : (B or 1, heads or 1, Sq, Sk) float or None
        Added to the scores; -inf where not allowed. No row may be -inf throughout.
    explain : bool
        Take the explicit path and give the weights too.

    Returns
    -------
    out : (B, heads, Sq, d)
    weights : (B, Sq, Sk) or None
        Mean over heads.
    """
    if not explain:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask), None
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(-2, -1)
    weights = (scores if mask is None else scores + mask).softmax(dim=-1)
    return weights @ v, weights.mean(dim=1)


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(B, S, heads·d) as (B, heads, S, d)."""
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)


def join_heads(x: Tensor) -> Tensor:
    """(B, heads, S, d) as (B, S, heads·d)."""
    return x.transpose(1, 2).flatten(2)


def score_mask(allowed: Tensor | None, bias: Tensor | None) -> Tensor | None:
    """Join `allowed` (B, Sq, Sk) bool and `bias` (B or 1, heads, Sq, Sk) into what is added to the scores."""
    if allowed is None:
        return bias
    allowed = allowed[:, None]
    nothing = torch.zeros((), dtype=torch.float32, device=allowed.device) if bias is None else bias
    return torch.where(allowed, nothing, float("-inf"))


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


class TimeAware(nn.Module):
    """The two ways time enters an attention, each on or off: rotary on queries and keys, bias on scores."""

    def __init__(self, heads: int, head_width: int, rotary: bool, bias_s: float | None) -> None:
        super().__init__()
        self.rotary = Rotary(head_width) if rotary else None
        self.bias = TimeBias(heads, bias_s) if bias_s is not None else None

    def turn(self, x: Tensor, times: Tensor) -> Tensor:
        return x if self.rotary is None else self.rotary(x, times)

    def mask(self, query_times: Tensor, key_times: Tensor, allowed: Tensor | None) -> Tensor | None:
        """What is added to the scores for these times, -inf where `allowed` (B, Sq, Sk) is False."""
        return score_mask(allowed, None if self.bias is None else self.bias(query_times, key_times))


def feed_forward(width: int, mult: int) -> nn.Sequential:
    """Flamingo's feed-forward: norm, no biases, exact GELU."""
    return nn.Sequential(
        nn.LayerNorm(width),
        nn.Linear(width, width * mult, bias=False),
        nn.GELU(),
        nn.Linear(width * mult, width, bias=False),
    )
