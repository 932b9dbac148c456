"""A session's frames as a network wants them: embedded once, or as pictures for an encoder in training."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.learning.data.cache import Rows, cache_folder, digest, fingerprint, whole
from models.learning.data.film import Picture, Take
from models.network.interfaces import FrameEncoder
from recordings.session.session import Session


@dataclass(frozen=True)
class FrameFile:
    """One row a stamped frame, on disk; rows of frames that the video has lost are 0.

    `there` says which rows hold a frame, (n_frames,) bool.
    """

    rows: Rows
    there: NDArray[np.bool_]

    def held(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.float16], NDArray[np.bool_]]:
        """Rows at positions (n,) of which none is -1, and which of them hold a frame (n,)."""
        return self.rows.take(positions), self.there[positions]

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


@dataclass(frozen=True)
class FrameTable:
    """Embeddings of a film's frames, (n_frames, P, Dv) float16; see `film.FilmTable`.

    Frames are reduced to `short_side` as they are live, so that training and the window see the same.
    """

    path: Path
    short_side: int
    encoder: FrameEncoder
    device: str | torch.device = "cpu"

    @classmethod
    def of(
        cls,
        session: Session,
        encoder: FrameEncoder,
        key: str,
        short_side: int,
        cache: Path | None = None,
        video: str = "",
        device: str | torch.device = "cpu",
    ) -> FrameTable:
        """Say where a session's lies.

        Parameters
        ----------
        key : str
            From `encoder_key`; `Pictures` give rows (n_frames, 3, H, W).
        """
        track = session.video(video or None)
        name = digest(fingerprint(session.path), fingerprint(track.path), key, short_side, video)
        path = cache_folder(session.folder, cache) / f"frames-{name}.npy"
        return cls(path, short_side, encoder, device)

    @property
    def _there(self) -> Path:
        return self.path.with_suffix(".there.npy")

    @contextmanager
    def making(self, n_frames: int) -> Iterator[Take]:
        """Embed what is taken, and write it."""
        there = np.zeros(n_frames, bool)
        with whole(self.path) as work:
            out: Any = None

            def take(numbers: NDArray[np.int64], pictures: Sequence[Picture]) -> None:
                nonlocal out
                new, number = _distinct(pictures)
                rows = embed(self.encoder, new, self.device)[number]
                if out is None:
                    out = np.lib.format.open_memmap(work, "w+", np.float16, (n_frames, *rows.shape[1:]))
                out[numbers], there[numbers] = rows, True

            yield take
            if out is None:
                out = np.lib.format.open_memmap(work, "w+", np.float16, (n_frames, 1, self.encoder.width))
            out.flush()
            with whole(self._there) as beside, beside.open("wb") as file:
                np.save(file, there)

    def load(self) -> FrameFile:
        """Open what was made."""
        return FrameFile(Rows(self.path), np.load(self._there))


def _distinct(pictures: Sequence[Picture]) -> tuple[list[Picture], list[int]]:
    """Find the pictures that are not the very one before, and which of them each is."""
    new, numbers = [pictures[0]], [0]
    for picture in pictures[1:]:
        if picture is not new[-1]:
            new.append(picture)
        numbers.append(len(new) - 1)
    return new, numbers


@torch.inference_mode()
def embed(
    encoder: FrameEncoder, images: Sequence[Picture], device: str | torch.device = "cpu"
) -> NDArray[np.float32]:
    """Embed pictures, each (height, width, 3) uint8 RGB: (n, P, Dv)."""
    pixels = encoder.preprocess([torch.from_numpy(np.ascontiguousarray(image)) for image in images])
    return encoder(pixels.to(device)).float().cpu().numpy()
