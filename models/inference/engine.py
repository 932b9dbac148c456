"""The only door from the program to the network: frames and intervals in, scores out, numpy at both ends."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from models.checkpoint import load_checkpoint
from models.config import NetworkConfig, preset
from models.inference.attention_maps import attention_maps
from models.inference.compile import Progress
from models.inference.machine import share_cores
from models.inference.stages import EAGER, Stages, compile_stages
from models.network.interfaces import Fused, State
from models.network.masks import allowed_items
from models.network.network import Network
from models.network.similarity import similarity
from models.network.towers import EegView, VideoView
from realtime.errors import StreamFormatError
from realtime.model import ModelCard
from realtime.types import Interval, Scores

UNTRAINED = "untrained"
BANK_SIZE = 48  # past video intervals kept as impostors: 96 s of them at 2 s
IMPOSTOR_GAP_S = 4.0  # nearer ones share too much with what is on show (docs/design.md: evaluation)


@dataclass(frozen=True)
class Item:
    """What is kept of an interval of video once it has been seen."""

    view: VideoView
    media: State


class Engine:
    """A network in evaluation mode, with what it remembers of a session. Implements `realtime.model.Model`.

    `encode` may be called from another thread than `score`; each from one thread only.

    Parameters
    ----------
    network : Network
    weights : str
        Name of the trained weights, or `untrained`.
    """

    def __init__(self, network: Network, weights: str = UNTRAINED) -> None:
        self.network = network.eval()
        self.stages = Stages.of(self.network)
        self.notes: tuple[str, ...] = ()  # what a compiled backend could not do, and what is done instead
        config = network.config
        trained = weights != UNTRAINED
        self.card = ModelCard(
            name=config.name,
            weights=weights,
            backend=EAGER,
            grid=config.grid,
            band_hz=network.eeg_tower.encoder.band_hz,
            channels=network.labels if trained else None,
            paths=config.paths,
            image_px=max(encoder.image_px for encoder in network.frame_encoders.values()),
        )
        # Earlier intervals of the context are those that follow each other without overlap.
        self._stride = -(-config.grid.n_slots // config.grid.hop_slots)
        self.reset()

    @classmethod
    def from_preset(cls, config: str | NetworkConfig, labels: tuple[str, ...], seed: int = 0) -> Engine:
        """Build an untrained network for these electrodes; the same seed gives the same weights."""
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(seed)
            return cls(Network(preset(config) if isinstance(config, str) else config, tuple(labels)))

    @classmethod
    def from_checkpoint(cls, folder: str | Path) -> Engine:
        """Load a trained network.

        Raises
        ------
        WeightsError
            The folder holds no checkpoint, or one that does not fit its own configuration.
        """
        checkpoint = load_checkpoint(folder)
        return cls(checkpoint.network, checkpoint.name)

    def compile(
        self, backend: str, pictures: Sequence[NDArray[np.uint8]] = (), progress: Progress | None = None
    ) -> Engine:
        """Make ready for a live session: the network's stages compiled, torch held to its share of the cores,
        everything run once. The card tells what runs the network, `notes` what could not be compiled.

        Parameters
        ----------
        backend : str
            `eager`, `inductor`, `openvino`, `openvino-int8`, `tensorrt`, or `auto` for the fastest that gives
            what eager gives.
        pictures : sequence of arrays of shape (height, width, 3), uint8 RGB
            What int8 is calibrated on; frames of the virtual film where there are none.
        progress : callable, optional
            Told what is being built: the first time, that may take minutes.

        Raises
        ------
        ConfigError
            The backend is unknown or cannot be used on this machine.
        """
        share_cores()
        compiled = compile_stages(self.network, backend, pictures, progress=progress)
        self.stages, self.notes = compiled.stages, compiled.notes
        self.card = replace(self.card, backend=compiled.label)
        self._run_once()
        return self

    def _run_once(self) -> None:
        """First calls take many times as long as later ones: memory is laid out, kernels are chosen."""
        grid, px = self.card.grid, self.card.image_px
        grey, n_channels = np.full((px, px, 3), 127, np.uint8), len(self.network.labels)
        frames = {path: self.encode([grey], path) for path in self.card.paths}
        nothing = np.zeros((n_channels, grid.n_times), np.float32)
        slots = np.zeros(grid.n_slots, np.int64)
        empty = Interval(0, 0.0, nothing, nothing == 0, np.ones(n_channels, np.float32), slots, slots == 0)
        self.score(
            empty, {path: frames[path].repeat(grid.n_slots // k, 0) for path, k in self.card.paths.items()}
        )
        self.reset()

    def reset(self) -> None:
        """Forget the session so far, as after a seek."""
        self._items: OrderedDict[int, Item] = OrderedDict()
        self._bank: deque[tuple[int, VideoView]] = deque(maxlen=BANK_SIZE)

    @torch.inference_mode()
    def encode(self, images: list[NDArray[np.uint8]], path: str) -> NDArray[np.float32]:
        """Embed frames, each (height, width, 3) uint8 RGB, as (n_frames, P, Dv)."""
        encoder = self.network.frame_encoders[path]
        pixels = encoder.preprocess([torch.from_numpy(np.ascontiguousarray(image)) for image in images])
        return self.stages.frames[path](pixels).float().numpy()

    @torch.inference_mode()
    def score(self, interval: Interval, embeddings: Mapping[str, NDArray[np.float32]]) -> Scores:
        """Score one interval, in order of time; `embeddings[path]` (G / every, P, Dv): the frames on show."""
        self._check(interval)
        item = self._see(interval, embeddings)
        eeg = self.stages.eeg(
            *(torch.from_numpy(part)[None] for part in (interval.eeg, interval.eeg_valid, interval.eeg_scale))
        )
        cosine = similarity(eeg.grid, eeg.grid_valid, item.view.grid, item.view.grid_valid)
        impostors = self._impostors(interval.index, eeg)
        fused = self._fuse(interval.index, eeg)
        self._keep(interval.index)
        return Scores(
            similarity=float(cosine),
            match=float(fused.logit.sigmoid()),
            impostors=impostors,
            attention=attention_maps(fused, item.view, eeg, self.network.patch_grid, self.card.grid.n_slots),
            gate=float(fused.gate),
        )

    def _check(self, interval: Interval) -> None:
        grid, n_channels = self.card.grid, len(self.network.labels)
        if interval.eeg.shape != (n_channels, grid.n_times):
            raise StreamFormatError(
                f"the network was built for {n_channels} electrodes ({', '.join(self.network.labels)}) and "
                f"{grid.n_times} points; this interval has {interval.eeg.shape[0]} and "
                f"{interval.eeg.shape[1]}. Choose those electrodes, or build a network for the stream's own."
            )

    def _see(self, interval: Interval, embeddings: Mapping[str, NDArray[np.float32]]) -> Item:
        """Mix and compress the newest item, once."""
        frames = {path: torch.from_numpy(embeddings[path])[None] for path in self.card.paths}
        view = self.stages.video(frames, torch.from_numpy(interval.frame_valid)[None])
        item = self._items[interval.index] = Item(view, self.stages.project(view.latents))
        return item

    def _fuse(self, index: int, eeg: EegView) -> Fused:
        """Let the newest EEG read the newest item and, as far as they were seen, those of its context."""
        config = self.network.config
        indices = [index - self._stride * back for back in range(config.n_context, -1, -1)]
        items = [self._items.get(i) for i in indices]
        newest = self._items[index]
        blank = tuple(torch.zeros_like(part) for part in newest.media)
        media = tuple(
            torch.cat(parts, dim=1)
            for parts in zip(*(blank if item is None else item.media for item in items), strict=True)
        )
        valid = torch.tensor([[item is not None and bool(item.view.grid_valid.any()) for item in items]])
        order = torch.arange(len(items))[None]
        ids = torch.full((1, eeg.tokens.shape[1]), len(items) - 1)
        allowed = allowed_items(ids, order, torch.zeros_like(order), valid, config.masks)
        ends = (order - order[:, -1:]) * (self._stride * config.grid.hop_s)
        return self.stages.fuse(eeg.tokens[None], media, allowed, ends[:, -1:], ends)

    def _impostors(self, index: int, eeg: EegView) -> NDArray[np.float32]:
        """Similarity of this EEG to past video that is far enough away."""
        grid = self.card.grid
        away = max(IMPOSTOR_GAP_S, grid.interval_s) / grid.hop_s
        past = [view for i, view in self._bank if index - i >= away]
        if not past:
            return np.zeros(0, np.float32)
        grids, valid = (
            torch.cat(parts) for parts in zip(*((v.grid, v.grid_valid) for v in past), strict=True)
        )
        return similarity(eeg.grid, eeg.grid_valid, grids, valid)[0].numpy()

    def _keep(self, index: int) -> None:
        """Keep intervals that do not overlap as impostors, and what the context may still ask for."""
        view = self._items[index].view
        if index % self._stride == 0 and bool(view.grid_valid.any()):
            self._bank.append((index, view))
        oldest = index + 1 - self._stride * self.network.config.n_context
        while self._items and next(iter(self._items)) < oldest:
            self._items.popitem(last=False)
