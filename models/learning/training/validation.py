"""Looks at held-out blocks while a training runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch

from models.combination import over_places
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.judging.metrics import Contest, Floats, Scored, contest
from models.learning.judging.views import Views, see
from models.network.network import Network
from models.network.towers import agreement, pick
from realtime.chance import IMPOSTOR_GAP_S

_RIVALS = 9  # mismatched videos each EEG is fused with


class Validation(NamedTuple):
    """2-way accuracies over the held-out blocks, and what the choice of weights goes by.

    Attributes
    ----------
    score : float
        Mean of the accuracies there are.
    error : float
        Its standard error over windows.
    """

    score: float
    error: float
    similarity: float
    match: float | None


@dataclass
class Best:
    """Which look at the held-out block was the best, and how long ago.

    Attributes
    ----------
    step : int
        Of the weights to keep.
    score : float
        The highest so far.
    history : list of dict
        Every look: its step and the fields of `Validation`.
    """

    step: int = 0
    score: float = -math.inf
    history: list[dict[str, Any]] = field(default_factory=list)

    def take(self, step: int, found: Validation) -> bool:
        """Note a look; True where its weights are to be kept."""
        before = self.history[-1]["match"] if self.history else found.match
        if found.match is not None and before is None:
            self.score = -math.inf  # the match counts from here on: scores before it meant something else
        self.history.append({"step": step, **found._asdict()})
        kept = found.score > self.score
        if kept:
            self.step, self.score = step, found.score
        return kept

    def waited(self, step: int) -> int:
        """Count the steps since weights were last kept; 0 before the first look."""
        return step - self.step if self.history else 0

    def as_dict(self) -> dict[str, Any]:
        """For a state to go on from."""
        return asdict(self)


@dataclass(frozen=True)
class HeldWindows:
    """Windows of held-out blocks half an interval apart, each against impostors of all of them.

    Attributes
    ----------
    windows : Windows
    starts : array of shape (n,), float64 s
        On one clock, so far apart between films that any window of another may be an impostor.
    """

    windows: Windows
    starts: Floats
    length_s: float

    @classmethod
    def of(cls, recordings: Recordings, held: Sequence[Span]) -> HeldWindows | None:
        """Those of the blocks; None where they are too short for a single impostor."""
        windows = recordings.every(held, max(1, recordings.grid.n_slots // 2))
        starts = recordings.film_times(windows)
        if len(starts) == 0 or np.ptp(starts) < IMPOSTOR_GAP_S:
            return None
        return cls(windows, starts, recordings.grid.interval_s)

    def judged(self, scores: Floats) -> Scored:
        """Scores (n, n) of every EEG with every video, to be judged."""
        return Scored(scores, self.starts, length_s=self.length_s)


class HeldLook(NamedTuple):
    """One look: its figures, and the similarities they come from."""

    figures: Validation
    similarity: Scored


def judged_by_place(network: Network, recordings: Recordings) -> bool:
    """Whether a network that has learned from these is judged by its places: where cues name some."""
    return network.config.n_places > 1 and recordings.are_cued


@torch.inference_mode()
def look_at(
    network: Network,
    recordings: Recordings,
    held: HeldWindows,
    device: torch.device,
    match: bool,
    *,
    cued: bool = True,
) -> HeldLook | None:
    """Score held-out windows as a live session would; None where no window has an impostor.

    Where cues taught what is attended, the places count and not the frame as a whole, which beside other
    objects that move says nothing of what was learned. Which place it is nobody tells, as nobody will live.

    Parameters
    ----------
    match : bool
        The match head has begun to train and counts as well.
    cued : bool
        Cues are asked for.
    """
    mode = network.training
    network.eval()
    by_place = cued and judged_by_place(network, recordings)
    views = see(network, recordings, held.windows, device, fusion=match or by_place)
    own = pick(views.video, slice(0, len(held.starts)))
    agreed = agreement(views.eeg, own).double().cpu().numpy()
    run = held.judged(over_places(agreed[..., 1:]) if by_place else agreed[..., 0])
    found = [contest([run], least=1)]
    if match:
        found.append(_match(views, run))
    network.train(mode)
    if not all(part.n for part in found):
        return None
    means = [float(part.beaten.mean()) for part in found]
    error = float(np.sqrt(sum(part.beaten.var() / part.n for part in found)) / len(found))
    return HeldLook(Validation(float(np.mean(means)), error, means[0], means[1] if match else None), run)


def _match(views: Views, run: Scored) -> Contest:
    """Each EEG fused with its own video and with a few impostors, the same at every look."""
    chance = np.random.default_rng(0)
    rows, columns = [], []
    for i, allowed in enumerate(run.impostors()):
        candidates = np.flatnonzero(allowed)
        drawn = chance.choice(candidates, min(_RIVALS, len(candidates)), replace=False)
        rows += [i] * (len(drawn) + 1)
        columns += [i, *drawn]
    pairs = torch.tensor([rows, columns], device=views.eeg.grid.device)
    logits = views.match_logits(*pairs)
    below, n_rivals = [], []
    for i in range(len(views.eeg.grid)):
        own, *rivals = logits[pairs[0] == i].tolist()
        below.append(sum((rival < own) + 0.5 * (rival == own) for rival in rivals))
        n_rivals.append(len(rivals))
    return Contest(np.array(below), np.array(n_rivals))
