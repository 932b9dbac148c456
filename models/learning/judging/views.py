"""Windows as the network sees them, and any of them beside any other, as a live session would have it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from models.learning.data.dataset import Recordings, WindowBatch, Windows
from models.learning.data.sampling import with_context
from models.learning.training.objective import context_items
from models.network.interfaces import State
from models.network.network import Network, Output
from models.network.towers import EegView, VideoView, joined

_CHUNK = 64  # windows seen at once
_PAIRS = 64  # pairs fused at once
Change = Callable[[WindowBatch], WindowBatch]


@dataclass(frozen=True)
class Views:
    """n windows, and the K earlier items of each as far as the network's masks read them.

    Attributes
    ----------
    eeg : EegView of n windows
    video : VideoView of n·(1+K) items, ordered as `context_items` says
        Of the frame as a whole alone where the fusion was not asked for.
    media : tuple of tensors or None
        The items' latents, projected; None where the fusion was not asked for.
    """

    network: Network
    eeg: EegView
    video: VideoView
    media: State | None

    def pairs(self, rows: Tensor, columns: Tensor, explain: bool = False) -> Iterator[Output]:
        """Fuse EEG `rows` (p,) with video `columns` (p,), or (p, V) for several at once, some at a time."""
        assert self.media is not None, "the fusion was not asked for"
        items = context_items(len(self.eeg.grid), self.network.config.n_context).to(rows.device)
        columns = columns if columns.dim() == 2 else columns[:, None]
        for some, others in zip(rows.split(_PAIRS), columns.split(_PAIRS), strict=True):
            yield self.network.pair(self.eeg, self.video, self.media, some, items[others], explain)

    def match_logits(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Logit of the match of EEG `rows` with video `columns`, (p,)."""
        return torch.cat([out.fused.logit[:, 0] for out in self.pairs(rows, columns)])

    def shares(self) -> tuple[Tensor, Tensor]:
        """Where each EEG reads its own video: shares of its places, and their agreement, both (n, P+1).

        Shares are the fusion's own weights; those of earlier items of the context are left out.
        """
        every = torch.arange(len(self.eeg.grid), device=self.eeg.grid.device)
        found = [
            (out.fused.shares[:, 0, -1], out.agreement[:, 0, -1])
            for out in self.pairs(every, every, explain=True)
            if out.fused.shares is not None
        ]
        shares, agreed = (torch.cat(part) for part in zip(*found, strict=True))
        return shares, agreed


@torch.inference_mode()
def see(
    network: Network,
    recordings: Recordings,
    windows: Windows,
    device: str | torch.device = "cpu",
    *,
    fusion: bool = True,
    change: Change | None = None,
) -> Views:
    """Run both towers over windows, some at a time.

    Parameters
    ----------
    network : Network
        In evaluation mode.
    fusion : bool
        Whether windows will be fused: places and latents are seen too, and the context.
    change : callable, optional
        Applied to every batch before it is seen: controls that silence electrodes or one side.
    """
    n, n_context = len(windows.end), network.config.n_context if fusion else 0
    every, there = with_context(recordings, windows, n_context)
    eeg, video = [], []
    for start in range(0, len(every.end), _CHUNK):
        some = slice(start, start + _CHUNK)
        batch = recordings.batch(Windows(*(part[some] for part in every)))
        batch.frame_valid[~torch.from_numpy(there[some])] = False
        batch = (change(batch) if change else batch).to(torch.device(device))
        n_new = max(0, min(n - start, len(batch.end)))
        if n_new:
            given = (batch.eeg[:n_new], batch.eeg_valid[:n_new], batch.eeg_scale[:n_new])
            eeg.append(network.encode_eeg(*given, person=batch.person[:n_new]))
        places = None if fusion else batch.end.new_zeros((len(batch.end), 1))
        video.append(network.encode_video(network.embedded(batch.frames), batch.frame_valid, places=places))
    whole = joined(video)
    return Views(network, joined(eeg), whole, network.project(whole.latents) if fusion else None)
