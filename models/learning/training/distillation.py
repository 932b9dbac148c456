"""What a teacher knows of the stimuli, passed on to the EEG; and a task that needs no stimulus at all.

A teacher is any array with one embedding an interval: frozen CLIP frames, or text or audio embeddings stored
beside a session. It is down-weighted and warmed up, so that it steers and does not rule.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.learning.training.losses import multi_positive


def warm_up(step: int, weight: float, steps: int) -> float:
    """Weight of a term at `step`: rises evenly from 0 to `weight` over `steps` steps."""
    return weight * min(1.0, step / steps) if steps > 0 else weight


def distribution_kd(
    student: Tensor,
    teacher: Tensor,
    temperature: float = 0.1,
    ignore: Tensor | None = None,
    rows: slice = slice(None),
) -> Tensor:
    """KL(teacher ‖ student) between rows of similarities, each a softmax over the batch (CLIP-style KD).

    Parameters
    ----------
    student : (B, N)
        Cosines EEG–video.
    teacher : (N, D)
        One embedding an interval; its own cosines video–video are what the student is to follow.
    ignore : (B, N) bool, optional
        Pairs to leave out of both (overlapping intervals).
    rows : slice
        Which of the N the student's B rows are (all, in one process).
    """
    unit = F.normalize(teacher.detach(), dim=1)
    target = unit[rows] @ unit.T / temperature
    given = student / temperature
    if ignore is not None:
        target, given = (x.masked_fill(ignore, -torch.inf) for x in (target, given))
    p, logp, logq = target.softmax(dim=1), target.log_softmax(dim=1), given.log_softmax(dim=1)
    terms = torch.where(p > 0, p * (logp - logq), 0.0)
    return terms.sum(dim=1).mean()


def similar_labels(teacher: Tensor, labels: Tensor, threshold: float = 0.9) -> Tensor:
    """Three-state labels in which what the teacher takes for the same becomes positive.

    Parameters
    ----------
    teacher : (B, D)
    labels : (B, B) of +1, -1, 0
        Ignored pairs stay ignored.
    threshold : float
        Least cosine at which two intervals count as the same.
    """
    unit = F.normalize(teacher.detach(), dim=1)
    alike = (unit @ unit.T) >= threshold
    return torch.where(alike & (labels < 0), torch.ones_like(labels), labels)


def multi_positive_kd(logits: Tensor, teacher: Tensor, labels: Tensor, threshold: float = 0.9) -> Tensor:
    """Multi-positive InfoNCE of logits (B, B); the teacher says which intervals show the same thing."""
    return multi_positive(logits, similar_labels(teacher, labels, threshold))


class FeatureKD(nn.Module):
    """1 − cos between a linear map of the student's interval vector and the teacher's embedding.

    Parameters
    ----------
    student_width, teacher_width : int
    """

    def __init__(self, student_width: int, teacher_width: int) -> None:
        super().__init__()
        self.map = nn.Linear(student_width, teacher_width, bias=False)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Student (B, S) and teacher (B, D) → ()."""
        return (1.0 - F.cosine_similarity(self.map(student), teacher.detach(), dim=1)).mean()


class Reconstruction(nn.Module):
    """Masked-patch reconstruction: hide stretches of EEG, ask the tower for what was there.

    Keeps the EEG tower from forgetting what does not help the video (masked modelling as in CBraMod, arXiv
    2412.07236: mean squared error over hidden patches, here of the mean of each electrode at each slot).

    Parameters
    ----------
    width : int
        Of a slot of the tower.
    n_channels : int
    share : float
        Of the stretches that are hidden.
    stretch : int
        Slots hidden together.
    """

    def __init__(self, width: int, n_channels: int, share: float = 0.3, stretch: int = 10) -> None:
        super().__init__()
        self.head = nn.Linear(width, n_channels)
        self.share, self.stretch = share, stretch

    def hide(self, n: int, n_slots: int, generator: torch.Generator | None = None) -> Tensor:
        """Which slots to hide, (n, n_slots) bool."""
        n_stretches = -(-n_slots // self.stretch)
        drawn = torch.rand((n, n_stretches), generator=generator) < self.share
        return drawn.repeat_interleave(self.stretch, dim=1)[:, :n_slots]

    def forward(self, grid: Tensor, target: Tensor, hidden: Tensor) -> Tensor:
        """Error at hidden slots.

        Parameters
        ----------
        grid : (N, G, E)
            The tower's, given EEG whose hidden slots were marked invalid.
        target : (N, G, C)
            Mean of each electrode at each slot, in units of its running scale.
        hidden : (N, G) bool
        """
        error = (self.head(grid) - target.detach()).square().mean(dim=2)
        count = hidden.sum().clamp(min=1)
        return torch.where(hidden, error, 0.0).sum() / count
