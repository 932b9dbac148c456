"""A session's frames as a network wants them: embedded once, or as pictures for an encoder in training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.learning.data.cache import Rows, cache_folder, digest, fingerprint, whole
from models.network.interfaces import FrameEncoder
from realtime.time.clock import ManualClock
from realtime.video.frames import shrink
from recordings.replay import ReplayVideo
from recordings.session.session import Session

_BATCH = 64  # frames embedded together


@dataclass(frozen=True)
class FrameFile:
    """One row a stamped frame, on disk; rows of frames that the video has lost are 0.

    `there` says which rows hold a frame, (n_frames,) bool.
    """

    rows: Rows
    there: NDArray[np.bool_]

    def read(self, positions: NDArray[np.int64]) -> NDArray[np.float16]:
        """Rows at `positions` (n,); 0 for -1."""
        known = positions[positions >= 0]
        if not len(known):
            return np.zeros((len(positions), *self.rows.shape[1:]), np.float16)
        picked = self.rows.take(np.where(positions < 0, known[0], positions))
        picked[positions < 0] = 0.0
        return picked


class Pictures(nn.Module):
    """In place of an encoder that is to be trained: keeps what that reads, (n, 3, H, W)."""

    def __init__(self, encoder: FrameEncoder) -> None:
        super().__init__()
        self.preprocess, self.width = encoder.preprocess, 3
        self.patch_grid, self.image_px, self.stored_elsewhere = encoder.patch_grid, encoder.image_px, False

    def forward(self, images: Tensor) -> Tensor:
        """Give pictures (n, 3, H, W) back as they are."""
        return images


def encoder_key(encoder: FrameEncoder, settings: Mapping[str, Any]) -> str:
    """Hash of all that an encoder's output depends on: its class, its settings, and every weight and buffer.

    Weights alone do not tell: the same ones are read with another number of heads, or averaged onto another
    grid of patches.
    """
    assert isinstance(encoder, nn.Module)
    shape = [type(encoder).__name__, *encoder.patch_grid]
    content = hashlib.sha256(digest(shape, dict(settings)).encode())
    tensors = dict(encoder.named_parameters()) | dict(encoder.named_buffers())
    for name, value in sorted(tensors.items()):
        content.update(name.encode())
        content.update(value.detach().cpu().contiguous().float().numpy().tobytes())
    return content.hexdigest()[:16]


def frame_file(
    session: Session,
    encoder: FrameEncoder,
    settings: Mapping[str, Any],
    image_px: int,
    cache: Path | None = None,
    video: str = "",
    device: str | torch.device = "cpu",
) -> FrameFile:
    """Embeddings (n_frames, P, Dv) float16 of a session's frames, computed now or before.

    Frames are reduced to `image_px` as they are live, so that training and the window see the same.

    Parameters
    ----------
    settings : mapping
        The encoder's part of the configuration; `Pictures` give rows (n_frames, 3, H, W).
    """
    track = session.video(video or None)
    read_as = encoder_key(encoder, settings)
    key = digest(fingerprint(session.path), fingerprint(track.path), read_as, image_px, video)
    path = cache_folder(session.folder, cache) / f"frames-{key}.npy"
    there = path.with_suffix(".there.npy")
    if not path.is_file():
        mask = np.zeros(track.n_samples, bool)
        with whole(path) as work:
            out: Any = None
            for numbers, images in _batches(session, video, track.times, image_px):
                rows = embed(encoder, images, device)
                if out is None:
                    out = np.lib.format.open_memmap(
                        work, "w+", np.float16, (track.n_samples, *rows.shape[1:])
                    )
                out[numbers], mask[numbers] = rows, True
            if out is None:
                out = np.lib.format.open_memmap(work, "w+", np.float16, (track.n_samples, 1, encoder.width))
            out.flush()
            with whole(there) as beside, beside.open("wb") as file:
                np.save(file, mask)
    return FrameFile(Rows(path), np.load(there))


@torch.inference_mode()
def embed(
    encoder: FrameEncoder, images: list[NDArray[np.uint8]], device: str | torch.device = "cpu"
) -> NDArray[np.float32]:
    """Embed pictures, each (height, width, 3) uint8 RGB: (n, P, Dv)."""
    pixels = encoder.preprocess([torch.from_numpy(np.ascontiguousarray(image)) for image in images])
    return encoder(pixels.to(device)).float().cpu().numpy()


def _batches(
    session: Session, video: str, times: NDArray[np.float64], image_px: int
) -> Iterator[tuple[NDArray[np.int64], list[NDArray[np.uint8]]]]:
    """Every frame there is, with its place among the stamps, some at a time."""
    source = ReplayVideo(session, ManualClock(np.inf), video or None)
    source.open()
    stamps: list[float] = []
    images: list[NDArray[np.uint8]] = []
    try:
        while not source.finished:
            frame = source.read()
            if frame is not None:
                stamps.append(frame.stamp)
                images.append(shrink(frame.image, image_px))
            if images and (len(images) == _BATCH or source.finished):
                yield np.searchsorted(times, stamps), images
                stamps, images = [], []
    finally:
        source.close()
