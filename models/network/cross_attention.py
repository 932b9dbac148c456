"""Cross-attention from queries to projected media, shared by the fusions."""

from __future__ import annotations

from torch import Tensor, nn

from models.network.attention import TimedAttention, join_heads, split_heads


class CrossAttention(nn.Module):
    """Queries attend to projected media (Flamingo), with time on the scores.

    With `modulate_values`, what a query has read is multiplied by a map of the query.
    """

    def __init__(
        self,
        width: int,
        heads: int,
        head_width: int,
        rotary: bool = True,
        bias_s: float | None = None,
        modulate_values: bool = False,
    ) -> None:
        super().__init__()
        inner = heads * head_width
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.to_q = nn.Linear(width, inner, bias=False)
        self.to_kv = nn.Linear(width, 2 * inner, bias=False)
        self.to_out = nn.Linear(inner, width, bias=False)
        self.modulate = nn.Linear(width, inner, bias=False) if modulate_values else None
        self.attend = TimedAttention(heads, head_width, rotary, bias_s)

    def forward(
        self,
        x: Tensor,
        x_times: Tensor,
        k: Tensor,
        v: Tensor,
        media_times: Tensor,
        allowed: Tensor,
        explain: bool,
    ) -> tuple[Tensor, Tensor | None]:
        """Read media.

        Parameters
        ----------
        x : (B, Tq, width), x_times : (B or 1, Tq) s
        k, v : (B, R, heads·head_width), media_times : (B or 1, R) s
        allowed : (B, Tq or 1, R) bool, with no row that allows nothing

        Returns
        -------
        (B, Tq, width), and (B, Tq, R) or None
        """
        x = self.norm(x)
        q, k, v = (split_heads(part, self.heads) for part in (self.to_q(x), k, v))
        out, weights = self.attend(q, k, v, x_times, media_times, allowed, explain)
        read = join_heads(out)
        if self.modulate is not None:
            read = read * self.modulate(x)
        return self.to_out(read), weights
