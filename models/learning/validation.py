"""One look at a held-out block while a training runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn import functional as F

from models.learning.dataset import Recordings, Span
from models.learning.metrics import contest
from models.learning.recipe import Recipe
from models.learning.scoring import see_windows, similarity_runs
from models.network.network import Network


class Validation(NamedTuple):
    """Sigmoid loss of true pairs against impostors at even odds (ln 2·2 for one who knows nothing); 2-way."""

    loss: float
    two_way: float


def validate(
    network: Network,
    recordings: Recordings,
    held: Sequence[Span],
    recipe: Recipe,
    device: torch.device,
) -> Validation:
    """Score windows half an interval apart.

    The loss takes the similarity at its own scale t but at the bias that suits even odds, so that it compares
    steps of one training whatever the batch.
    """
    mode = network.training
    network.eval()
    step = max(1, recordings.grid.n_slots // 2)
    seen = see_windows(network, recordings, recordings.every(held, step), device, match=False)
    runs = similarity_runs(seen, recordings)
    scale = float(network.log_scale.detach().exp())
    losses = []
    for run in runs:
        true, allowed = torch.from_numpy(run.scores).diagonal(), torch.from_numpy(run.impostors())
        apart = scale * (true[:, None] - torch.from_numpy(run.scores))
        losses.append(F.softplus(-apart)[allowed])
    network.train(mode)
    result = contest(runs, least=1)
    loss = float(torch.cat(losses).mean()) if losses and sum(map(len, losses)) else float("inf")
    return Validation(loss, float(result.beaten.mean()) if result.n else float("nan"))
