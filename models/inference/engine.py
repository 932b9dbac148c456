"""The only door from the program to the network: frames and intervals in, scores out, numpy at both ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import Module

from models.checkpoint import load_checkpoint
from models.combination import Combination, over_places
from models.config import NetworkConfig, preset
from models.inference.attention_maps import Newest, attention_maps
from models.inference.bank import Ahead, Item, Memory
from models.inference.compile import Progress
from models.inference.machine import share_cores
from models.inference.stages import EAGER, CompiledStages, Stages, compile_stages
from models.network.masks import allowed_items, packed_order
from models.network.network import Beside, Network, Output, unflatten
from models.network.towers import EegView, agreement, joined, pick
from realtime.chance import IMPOSTOR_GAP_S
from realtime.errors import ConfigError, StreamFormatError
from realtime.model import Model, ModelCard, OtherVideo, Successor, means_of
from realtime.types import Interval, OtherScores, Scores

UNTRAINED = "untrained"


class Engine:
    """A network in evaluation mode, with what it remembers of a session. Implements `realtime.model.Model`.

    `encode` may be called from another thread than `score`; each from one thread only.

    Parameters
    ----------
    network : Network
    weights : str
        Name of the trained weights, or `untrained`.
    by_place : bool
        Its similarity is that of the places (`combination.over_places`), not of the frame as a whole.
    """

    def __init__(self, network: Network, weights: str = UNTRAINED, *, by_place: bool = False) -> None:
        self.network, self.by_place = network.eval(), by_place and network.config.n_places > 1
        self.stages = Stages.of(self.network)
        self.n_videos: int | None = None  # that it was compiled for; None takes any number
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
            slot_means=config.sees_means,
        )
        # Earlier intervals of the context are those that follow each other without overlap.
        self._stride = -(-config.grid.n_slots // config.grid.hop_slots)
        self.memory = Memory()
        self._orders: dict[tuple[int, int, str], tuple[Tensor, Tensor, Tensor]] = {}

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
        checkpoint, runs = load_checkpoint(folder), Combination.load(Path(folder))
        return cls(checkpoint.network, checkpoint.name, by_place=runs is not None and runs.by_place)

    def compile(
        self,
        backend: str,
        pictures: Sequence[NDArray[np.uint8]] = (),
        progress: Progress | None = None,
        n_videos: int = 1,
    ) -> Engine:
        """Make ready for a live session: stages compiled, torch held to its share of the cores, all run once.

        The card tells what runs the network, `notes` what could not be compiled.

        Parameters
        ----------
        backend : str
            `eager`, `inductor`, `openvino`, `openvino-int8`, `cuda`, `tensorrt`, or `auto` for the fastest
            that gives what eager gives.
        pictures : sequence of arrays of shape (height, width, 3), uint8 RGB
            What int8 is calibrated on; frames of the virtual film where there are none.
        progress : callable, optional
            Told what is being built: the first time, that may take minutes.
        n_videos : int
            How many videos are scored at once; compiled shapes are fixed.

        Raises
        ------
        ConfigError
            The backend is unknown or cannot be used on this machine.
        """
        share_cores()
        compiled = compile_stages(self.network, backend, pictures, progress=progress, n_videos=n_videos)
        self.use(compiled, n_videos)
        return self

    def on(self, compiled: CompiledStages, n_videos: int = 1, gain: float | None = None) -> Engine:
        """Give the same network, with all that it remembers, run by other stages; any thread may ask.

        Parameters
        ----------
        compiled : CompiledStages
            Of this engine's network, equal to its own within a parity that was checked.
        gain : float, optional
            How many times faster a tick is with them.
        """
        other = copy(self)
        other.memory = Memory()  # what `_run_once` shows it is no part of the session
        other.use(compiled, n_videos)
        other.memory = self.memory
        other.card = replace(other.card, gain=gain)
        return other

    def successor_to(self, before: Model) -> Successor:
        """Say how this engine takes over from the model of a running session: for `Pipeline.swap`.

        The same network on another backend goes on with what was remembered and embedded; another network
        embeds anew, but for paths whose frame encoders have equal weights, as those that stay frozen.
        """
        if not isinstance(before, Engine):
            return Successor(self)
        if before.network is self.network:
            return Successor(self, of=before, alike=frozenset(self.card.paths))
        ours, theirs = self.network.frame_encoders, before.network.frame_encoders
        return Successor(self, alike=frozenset(p for p in ours if p in theirs and _equal(ours[p], theirs[p])))

    def shares_encoders(self, other: Engine) -> bool:
        """Whether the two embed frames alike, on all paths."""
        ours, theirs = self.network.frame_encoders, other.network.frame_encoders
        return ours.keys() == theirs.keys() and all(_equal(ours[path], theirs[path]) for path in ours)

    def use(self, compiled: CompiledStages, n_videos: int) -> None:
        """Have these stages run the network, of so many videos, and run all of them once."""
        self.stages, self.notes = compiled.stages, compiled.notes
        self.n_videos = None if compiled.label == EAGER else n_videos
        self.card = replace(self.card, backend=compiled.label)
        self._run_once(n_videos)

    def _run_once(self, n_videos: int) -> None:
        """First calls take many times as long as later ones: memory is laid out, kernels are chosen."""
        grid, px = self.card.grid, self.card.image_px
        grey, n_channels = np.full((px, px, 3), 127, np.uint8), len(self.network.labels)
        frames = {path: self.encode([grey], path) for path in self.card.paths}
        nothing = np.zeros((n_channels, grid.n_times), np.float32)
        slots = np.zeros(grid.n_slots, np.int64)
        empty = Interval(0, 0.0, nothing, nothing == 0, np.ones(n_channels, np.float32), slots, slots == 0)
        shown = {path: frames[path].repeat(grid.n_slots // k, 0) for path, k in self.card.paths.items()}
        self.score(empty, shown, [OtherVideo(slots, slots == 0, shown)] * (n_videos - 1))
        self.reset()

    def reset(self) -> None:
        """Forget the session so far, as after a seek."""
        self.memory.forget()

    @torch.inference_mode()
    def encode(self, images: list[NDArray[np.uint8]], path: str, video: int = 0) -> NDArray[np.float32]:
        """Embed frames, each (height, width, 3) uint8 RGB, as (n_frames, P, Dv)."""
        encoder = self.network.frame_encoders[path]
        pixels = encoder.preprocess([torch.from_numpy(np.ascontiguousarray(image)) for image in images])
        device, name = self.stages.device, f"frames {path}"
        with device.turn():
            (given,) = device.up(name, [pixels.numpy()])
            (embedded,) = device.down(name, [self.stages.frames[path](given)])
        return embedded.numpy()

    @torch.inference_mode()
    def look(self, index: int, shown: Sequence[OtherVideo]) -> None:
        """Mix and compress what the videos show in an interval whose EEG is still to come."""
        with self.stages.device.turn():
            self.memory.to(self.stages.device.torch)
            items = self._see_all(shown)
            self.stages.device.down("ahead", [item.valid for item in items])
        self.memory.ahead = Ahead(index, tuple(shown), items)

    @torch.inference_mode()
    def score(
        self,
        interval: Interval,
        embeddings: Mapping[str, NDArray[np.float32]],
        others: Sequence[OtherVideo] = (),
    ) -> Scores:
        """Score one interval, in order of time; `embeddings[path]` (G / every, P, Dv): the frames on show.

        Each video is scored as if it were the only one; what the EEG reads of all of them at once says how
        its attention is shared out.
        """
        self._check(interval, 1 + len(others))
        index = interval.index
        shown = [OtherVideo(interval.frame_seq, interval.frame_valid, embeddings), *others]
        with self.stages.device.turn():
            self.memory.to(self.stages.device.torch)
            ahead = self.memory.ahead
            known = ahead is not None and ahead.of(index, shown)
            self.memory.items[index] = ahead.items if ahead and known else self._see_all(shown)
            eeg = self._read(interval)
            outs = [self._meet(index, eeg, [number]) for number in range(len(shown))]
            shares = self._shares(index, eeg) if others else eeg.tokens.new_ones(1)
            newest = [Newest.of(out) for out in outs]
            valid = self.memory.items[index][0].valid
            leaving = (*chain(*newest), self._strange(eeg), shares, outs[0].fused.gate, valid)
            *parts, strange, shares, gate, valid = self.stages.device.down("scores", leaving)
        strange = strange[self._far(index)]
        self._keep(index, bool(valid))
        n = len(Newest._fields)
        told = [
            self._told(Newest(*parts[n * number : n * (number + 1)]), float(share), strange)
            for number, share in enumerate(shares)
        ]
        return Scores(
            similarity=told[0].similarity,
            match=told[0].match,
            impostors=self._similarity(strange),
            attention=told[0].attention,
            gate=float(gate),
            share=told[0].share,
            others=tuple(told[1:]),
        )

    def _read(self, interval: Interval) -> EegView:
        """Read the newest EEG, (1, 1, …)."""
        parts = (interval.eeg, interval.eeg_valid, interval.eeg_scale)
        given = self.stages.device.up("eeg", [part[None] for part in parts])
        seen: EegView = unflatten(self.stages.eeg(*given), (1, 1))
        return seen

    def _told(self, newest: Newest, share: float, strange: Tensor) -> OtherScores:
        """Judge one video, by itself."""
        return OtherScores(
            similarity=float(self._similarity(newest.agreed)),
            match=float(newest.logit.sigmoid()),
            attention=attention_maps(newest, self.network.config.places, self.card.grid.n_slots, strange),
            share=share,
        )

    def _similarity(self, agreed: Tensor) -> NDArray[np.float32]:
        """Similarity (...) of videos whose places agree as (..., P+1)."""
        values = agreed.float().numpy()
        return over_places(values[..., 1:]).astype(np.float32) if self.by_place else values[..., 0]

    def _check(self, interval: Interval, n_videos: int) -> None:
        if self.n_videos not in (None, n_videos):
            raise ConfigError(
                f"the network was compiled for {self.n_videos} videos and is given {n_videos}: "
                f"compile it with n_videos={n_videos}"
            )
        grid, n_channels = self.card.grid, len(self.network.labels)
        if interval.eeg.shape != (n_channels, grid.n_times):
            raise StreamFormatError(
                f"the network was built for {n_channels} electrodes ({', '.join(self.network.labels)}) and "
                f"{grid.n_times} points; this interval has {interval.eeg.shape[0]} and "
                f"{interval.eeg.shape[1]}. Choose those electrodes, or build a network for the stream's own."
            )

    def _see_all(self, shown: Sequence[OtherVideo]) -> tuple[Item, ...]:
        return tuple(self._see(n, video.frame_valid, video.embeddings) for n, video in enumerate(shown))

    def _see(
        self, video: int, valid: NDArray[np.bool_], embeddings: Mapping[str, NDArray[np.float32]]
    ) -> Item:
        """Mix and compress the newest item of a video, once."""
        given = [self._embedded(path, embeddings)[None] for path in self.card.paths]
        *frames, there = self.stages.device.up(f"video {video}", [*given, valid[None]])
        view = self.stages.video(dict(zip(self.card.paths, frames, strict=True)), there)
        return Item(view, self.stages.project(view.latents))

    def _embedded(self, path: str, embeddings: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Give what a path shows; zeros for a further video that has not shown a frame yet."""
        if self.card.slot_means and means_of(path) in embeddings:
            return embeddings[means_of(path)]
        if path in embeddings:
            return embeddings[path]
        n_frames = self.card.grid.n_slots // self.card.paths[path]
        return np.zeros((n_frames, *self.network.frame_shape(path)), np.float32)

    def _shares(self, index: int, eeg: EegView) -> Tensor:
        """Share of each video (V,) in the attention where the newest EEG reads all of them; 0 for nothing."""
        n_videos = len(self.memory.items[index])
        shares = self._meet(index, eeg, range(n_videos)).fused.shares
        assert shares is not None
        by_video: Tensor = shares[0, 0].unflatten(0, (n_videos, -1)).sum(dim=(1, 2))
        return by_video

    def _meet(self, index: int, eeg: EegView, videos: Sequence[int]) -> Output:
        """Put the newest EEG beside the newest items of these videos and of their context.

        Items are packed video by video; of the context, as far as it was seen.
        """
        config = self.network.config
        indices = [index - self._stride * back for back in range(config.n_context, -1, -1)]
        seen = [self.memory.items.get(i) for i in indices]
        items = [None if at is None else at[number] for number in videos for at in seen]
        newest_item = self.memory.items[index][0]
        held = [newest_item if item is None else item for item in items]
        nothing = torch.zeros_like(newest_item.valid)
        valid = torch.stack([nothing if item is None else item.valid for item in items])[None]
        order, video, newest = self._order(len(indices), len(videos))
        ids = newest.expand(1, eeg.tokens.shape[2], -1)
        allowed = allowed_items(ids, order, video, valid, config.masks)
        ends = (order - order[:, -1:]) * config.stride_s
        view = pick(joined([item.view for item in held]), None)
        media = tuple(torch.cat(parts)[None] for parts in zip(*(item.media for item in held), strict=True))
        fuse = self.stages.fuse if len(videos) == 1 else self.stages.fuse_all
        return self.network.meet(eeg, view, media, Beside(allowed, ends[:, -1:], ends), fuse=fuse)

    def _order(self, n_each: int, n_videos: int) -> tuple[Tensor, Tensor, Tensor]:
        """See `packed_order`; brought to the device once."""
        at = self.stages.device.torch
        key = (n_each, n_videos, at.type)
        if key not in self._orders:
            order, video, newest = packed_order(n_each, n_videos)
            self._orders[key] = order.to(at), video.to(at), newest.to(at)
        return self._orders[key]

    def _strange(self, eeg: EegView) -> Tensor:
        """Agreement (n, P+1) of this EEG with past video, whether far enough away or not: see `_far`."""
        if self.memory.bank.view is None:
            return eeg.tokens.new_zeros(0, self.network.config.n_places)
        return agreement(pick(eeg, 0), self.memory.bank.view)[0]

    def _far(self, index: int) -> Tensor:
        """Which past video (n,) is far enough away from this interval to be strange to it."""
        grid = self.card.grid
        return self.memory.bank.index <= index - max(IMPOSTOR_GAP_S, grid.interval_s) / grid.hop_s

    def _keep(self, index: int, valid: bool) -> None:
        """Keep intervals that do not overlap as impostors, and what the context may still ask for."""
        if index % self._stride == 0 and valid:
            self.memory.bank.put(index, self.memory.items[index][0].view)
        oldest = index + 1 - self._stride * self.network.config.n_context
        self.memory.drop_before(oldest)


def _equal(ours: Module, theirs: Module) -> bool:
    """Say whether two encoders are the same: class, structure and weights."""
    if repr(ours) != repr(theirs):
        return False
    pairs = zip(ours.state_dict().items(), theirs.state_dict().items(), strict=True)
    return all(name == other and torch.equal(one, two) for (name, one), (other, two) in pairs)
