"""A teacher's embedding for any window: from the frozen frames, or from a file beside the session."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.learning.data.dataset import Recordings, WindowBatch
from realtime.errors import ConfigError, SessionError

Floats = NDArray[np.floating]


class Teacher:
    """Gives one embedding a window.

    Attributes
    ----------
    width : int
        D of its embeddings.

    Parameters
    ----------
    source : str
        `frames:PATH`: the mean over a window of the frozen embeddings of a frame path. Otherwise the name of
        a file in every session's folder: `.npz` with `stamps` (n,) s on the session's clock and `embeddings`
        (n, D), of text, sound or anything else; a window takes the mean of those within its video, or the
        last one before it.

    Raises
    ------
    ConfigError
        The network has no such frame path, or its encoder is not frozen.
    SessionError
        A session has no such file, or it does not hold what it should.
    """

    def __init__(self, source: str, recordings: Recordings) -> None:
        self.source, self.recordings = source, recordings
        self.path = source.removeprefix("frames:") if source.startswith("frames:") else None
        self._stamps: list[np.ndarray] = []
        self._rows: list[np.ndarray] = []
        if self.path is None:
            for folder in recordings.paths:
                stamps, rows = _read(folder, source)
                self._stamps.append(stamps)
                self._rows.append(rows)
        elif self.path not in recordings.frame_paths:
            legal = ", ".join(f"frames:{path}" for path in recordings.frame_paths)
            raise ConfigError(
                f"teacher={source!r}: the network has no such frames; legal are {legal}, or a file"
            )
        elif recordings.shows_pictures(self.path):
            raise ConfigError(
                f"teacher={source!r}: the encoder of these frames is trained, and a teacher stands still; "
                f"set {self.path}.frozen=true, or name a file"
            )
        self.width = self._width()

    def _width(self) -> int:
        """D; of a file it must be the same in every session."""
        if self.path is not None:
            return self.recordings.frame_width(self.path)
        widths = {rows.shape[1] for rows in self._rows}
        if len(widths) > 1:
            raise SessionError(
                f"teacher {self.source}: embeddings of {sorted(widths)} numbers: write all with one model"
            )
        return int(widths.pop())

    def __call__(self, batch: WindowBatch) -> Tensor:
        """Embeddings (B, D) of a batch's windows."""
        if self.path is not None:
            return _mean_frames(batch.frames[self.path], batch.frame_valid)
        grid = self.recordings.grid
        found = []
        for session, end in zip(batch.session.tolist(), batch.end.tolist(), strict=True):
            stop = (self.recordings.tables[session].first + end) / grid.slots_hz - grid.lag_s
            found.append(_within(self._stamps[session], self._rows[session], stop - grid.interval_s, stop))
        return torch.from_numpy(np.stack(found)).to(batch.eeg.device)


def _mean_frames(frames: Tensor, valid: Tensor) -> Tensor:
    """Mean over valid frames of (B, F, P, Dv), patches side by side: (B, P·Dv)."""
    every = valid.shape[1] // frames.shape[1]
    weight = valid[:, ::every, None].to(frames.dtype)
    return (frames.flatten(2) * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1.0)


def _within(stamps: Floats, rows: Floats, start: float, stop: float) -> Floats:
    """Mean row of what lies in a stretch of time, else the row before it."""
    first, last = np.searchsorted(stamps, [start, stop])
    first = first if last > first else max(first - 1, 0)
    mean: Floats = rows[first : max(last, first + 1)].mean(axis=0)
    return mean


def _read(session: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    path = (session if session.is_dir() else session.parent) / name
    try:
        with np.load(path, allow_pickle=False) as file:
            stamps, rows = np.asarray(file["stamps"], np.float64), np.asarray(file["embeddings"], np.float32)
    except Exception as failure:  # zipfile, zlib and numpy raise a dozen kinds for a damaged archive
        reason = f"{type(failure).__name__}: {' '.join(str(failure).split())[:200]}"
        raise SessionError(
            f"teacher {path}: needs a .npz with `stamps` and `embeddings` ({reason}): write it again"
        ) from failure
    if len(stamps) == 0 or rows.shape[:1] != stamps.shape or rows.ndim != 2 or (np.diff(stamps) < 0).any():
        raise SessionError(
            f"teacher {path}: {stamps.shape} stamps and {rows.shape} embeddings; needs (n,) rising and (n, D)"
        )
    return stamps, rows
