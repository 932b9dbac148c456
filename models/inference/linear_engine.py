"""A linear model with the interface of an engine: live, alone or beside a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.film_features import CHANGES, FEATURES, SHORT_SIDE, frame_features
from models.light_features import FEATURES as LIGHT
from models.light_features import light_on_show, light_rows
from models.linear_model import FILE, LinearModel
from models.response_model import FILE as RESPONSES
from models.response_model import ResponseModel
from realtime.chance import IMPOSTOR_GAP_S
from realtime.errors import StreamFormatError
from realtime.model import ModelCard, OtherVideo
from realtime.types import Attention, BoolArray, IndexArray, Interval, OtherScores, Scores
from realtime.video.frames import shrink

BANK_SIZE = 48  # past video intervals kept as impostors


class LinearEngine:
    """Implements `realtime.model.Model` with a `LinearModel`; it has no attention to tell of.

    Parameters
    ----------
    model : LinearModel or ResponseModel
    """

    def __init__(self, model: LinearModel | ResponseModel) -> None:
        self.model = model
        self.notes: tuple[str, ...] = ()
        self.card = ModelCard(
            name="linear",
            weights=model.name,
            backend="numpy",
            grid=model.grid,
            channels=model.labels,
            paths={"fast": 1},
            image_px=SHORT_SIDE,
        )
        self.reset()

    @classmethod
    def from_folder(cls, folder: str | Path) -> LinearEngine:
        """Load a linear model.

        Raises
        ------
        WeightsError
            The folder holds none.
        """
        return cls(load_linear(folder))

    @staticmethod
    def is_in(folder: str | Path) -> bool:
        """Whether a folder holds a linear model."""
        return any((Path(folder) / file).is_file() for file in (FILE, RESPONSES))

    def reset(self) -> None:
        """Forget the session so far, as after a seek."""
        self._before: dict[int, NDArray[np.uint8]] = {}  # the last frame of each video
        self._light: dict[int, NDArray[np.float32]] = {}  # its light (P, 4)
        self._bank: NDArray[np.float64] | None = None  # of one piece, in the network's order: see `bank.Bank`
        self._index = np.zeros(BANK_SIZE, np.int64)  # which intervals its rows are
        self._n_kept = 0

    def encode(self, images: list[NDArray[np.uint8]], path: str, video: int = 0) -> NDArray[np.float32]:
        """Features of frames in the order in which they are shown: (n_frames, 1, n_features)."""
        seen = [self._features_of(shrink(image, SHORT_SIDE), video) for image in images]
        return np.array(seen, np.float32).reshape(len(images), 1, -1)

    def _features_of(self, image: NDArray[np.uint8], video: int) -> ArrayLike:
        if isinstance(self.model, ResponseModel):
            self._light[video] = light_rows(image, self._light.get(video), self.model.places)
            return self._light[video].ravel()
        before = self._before.get(video)
        self._before[video] = image
        return frame_features(image, before if before is not None and before.shape == image.shape else None)

    @property
    def n_features(self) -> int:
        """How many numbers a frame is."""
        if not isinstance(self.model, ResponseModel):
            return len(FEATURES)
        return len(LIGHT) * math.prod(self.model.places or (1,))

    def score(
        self,
        interval: Interval,
        embeddings: Mapping[str, NDArray[np.float32]],
        others: Sequence[OtherVideo] = (),
    ) -> Scores:
        """Score one interval; `embeddings["fast"]` has shape (n_slots, 1, n_features)."""
        n_channels = len(self.model.labels)
        if interval.eeg.shape != (n_channels, self.model.grid.n_times):
            raise StreamFormatError(
                f"the linear model takes {n_channels} electrodes ({', '.join(self.model.labels)}) of "
                f"{self.model.grid.n_times} points; this interval has {interval.eeg.shape[0]} of "
                f"{interval.eeg.shape[1]}. Choose those electrodes"
            )
        film = self._see(interval.frame_seq, interval.frame_valid, embeddings)
        eeg = self.model.see_eeg(interval.eeg[None], interval.eeg_valid[None], interval.eeg_scale[None])
        score = self.model.compare(eeg, film)[0]
        impostors = self._impostors(interval.index, eeg)
        self._keep(interval, film)
        return Scores(
            similarity=float(score[0]),
            match=float(self.model.match(score)[0]),
            impostors=impostors,
            attention=_no_attention(self.model.grid.n_slots, n_channels),
            gate=0.0,
            share=0.0 if others else 1.0,
            others=tuple(self._compare(eeg, video) for video in others),
        )

    def _see(
        self, seq: IndexArray, valid: BoolArray, embeddings: Mapping[str, NDArray[np.float32]]
    ) -> NDArray[np.float64]:
        """Give a video's components; a further one may not have shown a frame yet."""
        n_slots = self.model.grid.n_slots
        rows = embeddings["fast"][:, 0] if embeddings else np.zeros((n_slots, self.n_features), np.float32)
        if isinstance(self.model, ResponseModel):
            return self.model.see_film(light_on_show(rows.reshape(n_slots, -1, len(LIGHT)), valid)[None])
        return self.model.see_film(appearing(rows, seq, valid)[None])

    def _compare(self, eeg: NDArray[np.float64], video: OtherVideo) -> OtherScores:
        film = self._see(video.frame_seq, video.frame_valid, video.embeddings)
        score = self.model.compare(eeg, film)[0]
        nothing = _no_attention(self.model.grid.n_slots, len(self.model.labels))
        return OtherScores(float(score[0]), float(self.model.match(score)[0]), nothing, 0.0)

    def _impostors(self, index: int, eeg: NDArray[np.float64]) -> NDArray[np.float32]:
        if self._bank is None:
            return np.zeros(0, np.float32)
        n = min(self._n_kept, BANK_SIZE)
        away = max(IMPOSTOR_GAP_S, self.model.grid.interval_s) / self.model.grid.hop_s
        scores = self.model.compare(eeg, self._bank[:n])[0]
        found: NDArray[np.float32] = scores[index - self._index[:n] >= away].astype(np.float32)
        return found

    def _keep(self, interval: Interval, film: NDArray[np.float64]) -> None:
        """Keep intervals that do not overlap as impostors."""
        stride = -(-self.model.grid.n_slots // self.model.grid.hop_slots)
        if interval.index % stride == 0 and interval.frame_valid.any():
            if self._bank is None:
                self._bank = np.zeros((BANK_SIZE, *film.shape[1:]))
            at = self._n_kept % BANK_SIZE
            self._bank[at], self._index[at] = film[0], interval.index
            self._n_kept += 1


def load_linear(folder: str | Path) -> LinearModel | ResponseModel:
    """Load the linear model of a folder, of whichever kind it is.

    Raises
    ------
    WeightsError
        It holds none, or a damaged one.
    """
    responses = (Path(folder) / RESPONSES).is_file()
    return ResponseModel.load(folder) if responses else LinearModel.load(folder)


def appearing(rows: NDArray[np.float32], seq: IndexArray, valid: BoolArray) -> NDArray[np.float64]:
    """Features (n_slots, F) of the frames on show: a change counts at the slot where its frame appears."""
    new = np.diff(seq, prepend=seq[:1]) != 0
    values = rows.astype(np.float64)
    changes = [FEATURES.index(name) for name in CHANGES]
    values[:, changes] *= new[:, None]
    values[~valid] = 0.0
    return values


def _no_attention(n_slots: int, n_channels: int) -> Attention:
    zeros = np.zeros((n_slots, n_slots), np.float32)
    return Attention(zeros, zeros[0], np.zeros((1, 1), np.float32), np.zeros(n_channels, np.float32))
