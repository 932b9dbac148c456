"""Which media an EEG token may read, from explicit ids; nothing is inferred from markers in a sequence."""

from __future__ import annotations

import torch
from torch import Tensor

from realtime.errors import ConfigError


def packed_order(n_intervals: int, n_videos: int) -> tuple[Tensor, Tensor, Tensor]:
    """Items of several videos, packed video by video, as `allowed_items` wants to know them.

    Returns
    -------
    item_order, item_video : (1, M) int64
        M = n_videos · n_intervals.
    newest : (n_videos,) int64
        The item of the newest interval of each video.
    """
    items = torch.arange(n_videos * n_intervals)
    newest = torch.arange(n_videos) * n_intervals + n_intervals - 1
    return (items % n_intervals)[None], items.div(n_intervals, rounding_mode="floor")[None], newest


def allowed_items(
    media_id_per_q: Tensor, item_order: Tensor, item_video: Tensor, item_valid: Tensor, mode: str
) -> Tensor:
    """Say which items each query may read.

    Parameters
    ----------
    media_id_per_q : (B, Tq) or (B, Tq, K) int64
        The item (or up to K items) each query belongs to, -1 for none.
    item_order : (B, M) int64
        Number of the item's interval, rising with time.
    item_video : (B, M) int64
        Which video the item is of.
    item_valid : (B, M) bool
    mode : str
        `global`: every item; `own`: the query's items; `own+K`: these and the K intervals before them in the
        same video; `past`: every item, of any video, no later than the query's. But for `global`, a query
        with id -1 reads nothing.

    Returns
    -------
    (B, Tq, M) bool
    """
    n_items = item_order.shape[1]
    if mode == "global":
        return item_valid[:, None, :].expand(-1, media_id_per_q.shape[1], -1)
    ids = media_id_per_q if media_id_per_q.dim() == 3 else media_id_per_q[:, :, None]  # (B, Tq, K)
    numbers = torch.arange(n_items, device=ids.device)
    is_own = ids[..., None] == numbers  # (B, Tq, K, M)
    if mode == "own":
        readable = is_own
    else:
        some = (ids >= 0)[..., None]
        chosen = ids.clamp(min=0).flatten(1)
        order = item_order.gather(1, chosen).view_as(ids)[..., None]
        video = item_video.gather(1, chosen).view_as(ids)[..., None]
        behind = order - item_order[:, None, None, :]  # intervals before
        readable = some & (behind >= 0)
        if mode != "past":
            readable = readable & (behind <= intervals_before(mode)) & (video == item_video[:, None, None, :])
    return readable.any(dim=2) & item_valid[:, None, :]


def intervals_before(mode: str) -> int:
    """Give the K of `own+K`."""
    if not mode.startswith("own+"):
        raise ConfigError(f"masks={mode!r} is unknown: legal are 'global', 'own', 'own+K', 'past'")
    return int(mode[4:])


def guard_rows(allowed: Tensor) -> tuple[Tensor, Tensor]:
    """Make attention under `allowed` (..., S, R) safe where a row allows nothing.

    Returns
    -------
    safe : (..., R) bool
        `allowed`, with rows that allow nothing opened, so that no softmax runs over nothing.
    row_any : (..., 1) bool
        What such a row gives must be multiplied by this: attention and feed-forward alike.
    """
    row_any = allowed.any(dim=-1, keepdim=True)
    return allowed | ~row_any, row_any


def of_rows(of_intervals: Tensor, n_rows: int) -> Tensor:
    """Repeat what is true of intervals (B, T, R), for each of their `n_rows` query rows: (B, n_rows, R).

    With a single interval one row stands for all, as (B, 1, R).
    """
    n_intervals = of_intervals.shape[1]
    if n_intervals == 1:
        return of_intervals
    return of_intervals.repeat_interleave(n_rows // n_intervals, dim=1)


def refuse_uneven(allowed: Tensor, fusion: str) -> None:
    """Refuse masks (B, T, S, R) in which rows of an interval read different media.

    Rows that read nothing may stand beside others. Not asked while a graph is traced.

    Raises
    ------
    ConfigError
    """
    if torch.compiler.is_compiling():
        return
    readers = allowed.any(dim=-1, keepdim=True)
    if not torch.equal(allowed, readers & allowed.any(dim=2, keepdim=True)):
        raise ConfigError(
            f"fusion = {fusion!r} reads with latents that all rows of an EEG interval share, and here rows "
            f"differ in what they may read: choose fusion = 'gated', or give an interval's rows equal masks"
        )
