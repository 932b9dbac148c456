"""Inputs as a live session gives them: to trace a stage, compare a compiled one, calibrate int8."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.inference.backends import Tensors
from models.network.interfaces import FrameEncoder
from models.network.masks import allowed_items, packed_order
from models.network.network import Network

N_PICTURES = 32
N_CHECKS = 4  # pictures kept from the calibration, to judge it by
_APART_S = 1.7  # between two pictures: other scenes, other moments of them
_TYPICAL_UV = 20.0


def film_pictures(n: int = N_PICTURES, size: tuple[int, int] = (320, 240)) -> list[NDArray[np.uint8]]:
    """Pictures (height, width, 3) of the virtual film, the same on every machine."""
    from realtime.virtual.film.film import Film

    film = Film(size=size)
    return [film.frame(round(i * _APART_S * film.fps)) for i in range(n)]


def video_pictures(path: str | Path, n: int = N_PICTURES) -> list[NDArray[np.uint8]]:
    """Return pictures (height, width, 3) of a video file, spread evenly over it.

    Raises
    ------
    VideoError
        It is no video.
    """
    from recordings.video.files import VideoReader

    with VideoReader(path) as video:
        wanted = np.linspace(0, len(video) - 1, min(n, len(video))).round().astype(int)
        images = [video.frame(int(number)) for number in wanted]
    return [image for image in images if image is not None]


@torch.inference_mode()
def picture_examples(
    encoder: FrameEncoder, pictures: Sequence[NDArray[np.uint8]]
) -> tuple[list[Tensors], list[Tensors]]:
    """Give pictures (1, 3, H, W) to compare a frame encoder on, and others to calibrate it on."""
    pixels = encoder.preprocess([torch.from_numpy(each) for each in pictures])
    given: list[Tensors] = [(image[None].clone(),) for image in pixels]
    return given[:N_CHECKS], given[N_CHECKS:]


class StageExamples:
    """Two examples for each stage of a network: a whole interval, and one with a third of it missing."""

    def __init__(self, network: Network, seed: int = 0) -> None:
        self.network = network
        self.random = torch.Generator().manual_seed(seed)

    @torch.inference_mode()
    def video(self) -> list[Tensors]:
        """Embeddings are of the order of 1, as every frame encoder ends in a norm."""
        grid, paths = self.network.config.grid, self.network.config.paths
        given = []
        for valid in self._valid((1, grid.n_slots)):
            shapes = [
                (1, grid.n_slots // every, *self.network.frame_shape(path)) for path, every in paths.items()
            ]
            given.append((*(self._noise(shape) for shape in shapes), valid))
        return given

    @torch.inference_mode()
    def project(self) -> list[Tensors]:
        """Give latents as a compressor ends: in a norm."""
        config = self.network.config
        return [(self._noise((1, config.n_places, config.n_latents, config.width)),) for _ in range(2)]

    @torch.inference_mode()
    def eeg(self) -> list[Tensors]:
        """Give EEG intervals (1, C, n_times), their validity and scale."""
        n_channels, n_times = len(self.network.labels), self.network.config.grid.n_times
        scale = torch.full((1, n_channels), _TYPICAL_UV)
        return [
            (self._noise((1, n_channels, n_times)) * _TYPICAL_UV * valid, valid, scale.clone())
            for valid in self._valid((1, n_channels, n_times))
        ]

    @torch.inference_mode()
    def fuse(self, n_videos: int = 1) -> list[Tensors]:
        """As `Engine` calls it: the newest interval's tokens, the whole context's media, one item missing."""
        network, config = self.network, self.network.config
        per_video = config.n_context + 1
        n_items = per_video * n_videos
        given = []
        for missing, (eeg, valid_eeg, scale) in zip((None, 0), self.eeg(), strict=True):
            tokens = network.encode_eeg(eeg, valid_eeg, scale).tokens[None]
            media = network.project(self._noise((1, config.n_places, config.n_latents, config.width)))
            agreed = 0.1 * self._noise((1, 1, n_items, config.n_places))
            order, video, newest = packed_order(per_video, n_videos)
            valid = torch.ones(1, n_items, dtype=torch.bool)
            if missing is not None:
                valid[:, missing] = False
            ids = newest.expand(1, tokens.shape[2], -1)
            allowed = allowed_items(ids, order, video, valid, config.masks)
            ends = (order - order[:, -1:]) * config.grid.interval_s
            parts = tuple(part.repeat(1, n_items, 1) for part in media)
            given.append((tokens.clone(), *parts, agreed, allowed.clone(), ends[:, -1:].clone(), ends))
        return given

    @torch.inference_mode()
    def gate(self) -> Tensor:
        """Give the gate of `Fused`, shape (): of the weights alone."""
        tokens, *media, agreed, allowed, eeg_ends, item_ends = self.fuse()[0]
        return self.network.fuse(tokens, tuple(media), agreed, allowed, eeg_ends, item_ends).gate

    def _noise(self, shape: Sequence[int]) -> Tensor:
        return torch.randn(tuple(shape), generator=self.random)

    def _valid(self, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """All there, and the second third missing."""
        holed = torch.ones(shape, dtype=torch.bool)
        third = shape[-1] // 3
        holed[..., third : 2 * third] = False
        return torch.ones(shape, dtype=torch.bool), holed
