"""Losses that bring the right EEG and video together. Each is a plain function of similarities.

Two conventions run through all: rows are EEG, columns are video; and a `labels` matrix has three states, +1
(belongs together), -1 (does not) and 0 (ignore: overlapping or near in time, neither answer would be fair).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def three_state(
    runs: Tensor, starts: Tensor, n_slots: int, near: int = 0, positive: int = 0, period: int = 0
) -> Tensor:
    """Which windows of a batch belong together, which do not, and which to leave out.

    Parameters
    ----------
    runs : (B,) int64
        The session a window was cut from.
    starts : (B,) int64
        Its first slot.
    n_slots : int
        Slots a window has; nearer windows of a session overlap and are ignored.
    near : int
        Slots beyond the overlap that are ignored as well.
    positive : int
        Windows at most so many slots apart count as the same (0: only a window and itself).
    period : int
        Slots after which a run repeats, so that distances are taken round (0: never).

    Returns
    -------
    (B, B) int8 of +1, -1 and 0
    """
    apart = (starts[:, None] - starts[None, :]).abs()
    if period:
        apart = torch.minimum(apart % period, period - apart % period)
    same = runs[:, None] == runs[None, :]
    labels = torch.where(same & (apart < n_slots + near), 0, -1)
    labels = torch.where(same & (apart <= positive) & (positive > 0), 1, labels)
    return labels.fill_diagonal_(1).to(torch.int8)


def pair_labels(where: Tensor, n_slots: int, near: int = 0, positive: int = 0, period: int = 0) -> Tensor:
    """Three-state labels of windows of recordings, which may show the same film.

    Parameters
    ----------
    where : (B, 4) int64
        Session and slot at which a window ends, its film and the moment of it (`dataset.Batch`).
    n_slots, near, positive : int
        As for `three_state`. Windows of other sessions that show the same moment are ignored.
    period : int
        The film repeats after so many slots. Then windows of another phase, at least `near` slots off, are
        mismatched though they overlap.

    Returns
    -------
    (B, B) int8 of +1, -1 and 0
    """
    session, end, film, moment = where.unbind(dim=1)
    if period:
        return three_state(film, moment, 0, near, positive, period)
    labels = three_state(session, end, n_slots, near, positive)
    shared = three_state(film, moment, n_slots, near) == 0
    return torch.where(shared & (labels < 0), 0, labels).to(torch.int8)


def bias_for(batch: int) -> float:
    """SigLIP's b at which a fresh sigmoid starts at the true share of pairs: −log(B − 1).

    The paper's −10 is that of a batch of 22 thousand; at 64 it would leave the negatives no pull.
    """
    return -math.log(max(batch - 1, 1))


def siglip(logits: Tensor, labels: Tensor | None = None, n_rows: int | None = None) -> Tensor:
    """Sigmoid loss (arXiv 2303.15343, algorithm 1): −1/B Σᵢ Σⱼ log σ(yᵢⱼ · logitᵢⱼ).

    Parameters
    ----------
    logits : (rows, columns)
        t·⟨x, z⟩ + b.
    labels : (rows, columns) of +1, -1, 0, optional
        By default +1 on the diagonal, -1 elsewhere.
    n_rows : int, optional
        B where it is not the number of rows.
    """
    if labels is None:
        labels = 2 * torch.eye(*logits.shape, dtype=torch.int8, device=logits.device) - 1
    signs = labels.to(logits.dtype)
    return -(signs.abs() * F.logsigmoid(signs * logits)).sum() / (n_rows or logits.shape[0])


def infonce(logits: Tensor, labels: Tensor | None = None) -> Tensor:
    """Softmax loss in both directions (CLIP, arXiv 2103.00020), ignored pairs left out of the denominators.

    Parameters
    ----------
    logits : (B, B)
        t·⟨x, z⟩; a bias has no effect.
    labels : (B, B) of +1, -1, 0, optional
        The diagonal is the positive; off-diagonal positives are left out as ignored ones are.
    """
    if labels is not None:
        others = (labels >= 0) & ~torch.eye(len(logits), dtype=torch.bool, device=logits.device)
        logits = logits.masked_fill(others, -math.inf)
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def multi_positive(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of logits (B, B) to targets spread evenly over a row's positives, both ways.

    SupCon's L_out (arXiv 2004.11362, eq. 2), in StableRep's form (arXiv 2306.00984, eq. 2). Rows without a
    positive are left out; with one positive a row it is `infonce`.
    """
    return (_spread(logits, labels) + _spread(logits.T, labels.T)) / 2


def _spread(logits: Tensor, labels: Tensor) -> Tensor:
    logp = logits.masked_fill(labels == 0, -math.inf).log_softmax(dim=1)
    positive = (labels > 0).to(logits.dtype)
    count = positive.sum(dim=1)
    per_row = -(positive * logp.masked_fill(labels <= 0, 0.0)).sum(dim=1) / count.clamp(min=1.0)
    return per_row.sum() / (count > 0).sum().clamp(min=1)


def joint_ce(logits: list[Tensor], labels: list[Tensor]) -> Tensor:
    """One softmax over the candidates of all modalities at once: video, text, audio … compete for each EEG.

    Kept to answer whether that differs from one sigmoid a pair (docs/design.md): the gradient on a candidate
    is p − y/n₊ with Σp = 1 over all modalities, where the sigmoid's is σ − y for each pair alone.

    Parameters
    ----------
    logits : list of (B, Nₘ), one a modality
    labels : list of (B, Nₘ) of +1, -1, 0
    """
    return _spread(torch.cat(logits, dim=1), torch.cat(labels, dim=1))


def match_bce(positive: Tensor, negative: Tensor) -> Tensor:
    """Binary cross-entropy of the match: mean softplus(−positive) + mean softplus(negative).

    Equal weight on both sides whatever their numbers, so the sigmoid is the probability at even odds.

    Parameters
    ----------
    positive : (B,)
        Logits of true pairs.
    negative : (N,)
        Logits of mismatched pairs.
    """
    return F.softplus(-positive).mean() + F.softplus(negative).mean()


def random_partners(
    labels: Tensor, k: int, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """For each row, up to `k` columns that do not belong to it, without repetition.

    Returns
    -------
    rows, columns : (n,) int64
        n is k·B, less where a row has fewer than k negatives.
    """
    chances = torch.rand(labels.shape, generator=generator).to(labels.device)
    chances = chances.masked_fill(labels >= 0, -1.0)
    score, columns = chances.topk(min(k, labels.shape[1]), dim=1)
    rows = torch.arange(len(labels), device=labels.device)[:, None].expand_as(columns)
    there = score >= 0
    return rows[there], columns[there]
