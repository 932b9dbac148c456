"""Every EEG window of a run against every video window of it: the matrices that `metrics` judges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from models.combination import over_places
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.judging.metrics import Floats, Scored
from models.learning.judging.views import Change, see
from models.network.network import Network
from models.network.towers import agreement, pick


@dataclass(frozen=True)
class Seen:
    """Windows as both towers see them, on the CPU.

    Attributes
    ----------
    windows : Windows
    eeg, video : (n, G, E)
    eeg_valid, video_valid : (n, G) float, 0 or 1
    match : dict of session to (m, m), or None
        Logits of the match, for the windows of each session in order.
    places : dict of session to (m, m)
        Agreement of the places, their soft maximum, as `match`; empty where none were seen.
    """

    windows: Windows
    eeg: Tensor
    eeg_valid: Tensor
    video: Tensor
    video_valid: Tensor
    match: dict[int, Tensor] | None
    places: dict[int, Floats] = field(default_factory=dict)


@torch.inference_mode()
def see_windows(
    network: Network,
    recordings: Recordings,
    windows: Windows,
    device: str | torch.device = "cpu",
    match: bool = True,
    change: Change | None = None,
    *,
    by_place: bool = False,
) -> Seen:
    """Run both towers over windows, and the match over all pairs of a session.

    Parameters
    ----------
    network : Network
        In evaluation mode.
    by_place : bool
        Places are asked for; with the match they are seen anyway.
    change : callable, optional
        Applied to every batch before it is seen: controls that silence electrodes or one side.
    """
    parts: list[tuple[Tensor, ...]] = []
    logits, places = {}, {}
    several = (match or by_place) and network.config.n_places > 1
    for session in np.unique(windows.session):
        mine = Windows(*(part[windows.session == session] for part in windows))
        views = see(network, recordings, mine, device, fusion=match or several, change=change)
        n = len(mine.end)
        sides = (views.eeg.grid, views.eeg.grid_valid, views.video.grid[:n], views.video.grid_valid[:n])
        parts.append(tuple(side.float().cpu() for side in sides))
        if several:
            agreed = agreement(views.eeg, pick(views.video, slice(0, n)))[..., 1:]
            places[int(session)] = over_places(agreed.double().cpu().numpy())
        if match:
            rows, columns = torch.meshgrid(*(torch.arange(n, device=device),) * 2, indexing="ij")
            found = views.match_logits(rows.flatten(), columns.flatten())
            logits[int(session)] = found.view(n, n).cpu()
    order = np.argsort(windows.session, kind="stable")
    eeg, eeg_valid, video, video_valid = (torch.cat(part) for part in zip(*parts, strict=True))
    ordered = Windows(*(part[order] for part in windows))
    return Seen(ordered, eeg, eeg_valid, video, video_valid, logits if match else None, places)


def similarity_runs(seen: Seen, recordings: Recordings, parts: int = 1) -> list[Scored]:
    """Similarities of all pairs, by session.

    Parameters
    ----------
    parts : int
        Into how many pieces each window is cut: 2 gives scores of half the window's length.
    """
    n, n_slots, _ = seen.eeg.shape
    if n_slots % parts:
        raise ValueError(f"{n_slots} slots do not fall into {parts} parts")
    length = recordings.grid.interval_s / parts
    sides = [x.reshape(n * parts, -1) for x in (seen.eeg, seen.video, seen.eeg_valid, seen.video_valid)]
    times = recordings.starts(seen.windows), recordings.film_times(seen.windows)
    starts, film = ((each[:, None] + np.arange(parts) * length).reshape(-1) for each in times)
    sessions = np.repeat(seen.windows.session, parts)
    runs = []
    for session in np.unique(sessions):
        eeg, video, eeg_valid, video_valid = (x[torch.from_numpy(sessions == session)] for x in sides)
        cosine = (eeg @ video.T) / (eeg_valid @ video_valid.T).clamp(min=1.0)
        name, mine = recordings.names[session], sessions == session
        runs.append(Scored(cosine.double().numpy(), starts[mine], name, length, film=film[mine]))
    return runs


def place_runs(seen: Seen, recordings: Recordings) -> list[Scored]:
    """Soft maximum of the places' agreement, of all pairs, by session.

    Raises
    ------
    ValueError
        Places were not asked for, or there are none.
    """
    whole = similarity_runs(seen, recordings)
    if len(seen.places) != len(whole):
        raise ValueError("places were not asked for, or the network keeps none apart")
    return [replace(run, scores=seen.places[s]) for run, s in zip(whole, sorted(seen.places), strict=True)]


def match_runs(seen: Seen, recordings: Recordings) -> list[Scored]:
    """Probabilities of the match of all pairs, by session."""
    assert seen.match is not None, "the match was not asked for"
    starts, film = recordings.starts(seen.windows), recordings.film_times(seen.windows)
    return [
        Scored(
            logits.double().sigmoid().numpy(),
            starts[mine],
            recordings.names[session],
            recordings.grid.interval_s,
            film=film[mine],
        )
        for session, logits in seen.match.items()
        for mine in [seen.windows.session == session]
    ]


def score(
    network: Network,
    recordings: Recordings,
    spans: Sequence[Span],
    device: str | torch.device = "cpu",
    change: Change | None = None,
    match: bool = True,
    *,
    by_place: bool = False,
) -> Seen:
    """See windows that follow each other without overlap."""
    windows = recordings.every(spans, recordings.grid.n_slots)
    return see_windows(network.eval(), recordings, windows, device, match, change, by_place=by_place)
