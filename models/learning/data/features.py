"""What linear models see of a session's film, computed once and kept on disk: features, light by place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.film_features import CHANGES, CUT, FEATURES, SHORT_SIDE, Floats, grey_features, luma
from models.learning.data.cache import cache_folder, digest, fingerprint, whole
from models.learning.data.film import FilmTable, Picture, Take, held, make_missing
from models.light_features import PLACE_PX, SHAPE, moments
from recordings.session.session import Session

_VERSION = 1


def _made(session: Session, table: FilmTable, video: str) -> NDArray[np.float32]:
    make_missing(session, [table], video)
    rows: NDArray[np.float32] = np.load(table.path)
    return rows


def session_features(session: Session, cache: Path | None = None, video: str = "") -> Floats:
    """Features (n_frames, n_features) of a session's stamped frames, computed now or before.

    Frames that the video file has lost repeat the one before, with no change.
    """
    return _made(session, FeatureTable.of(session, cache, video), video)


@dataclass(frozen=True)
class FeatureTable:
    """The features of a film's frames, (n_frames, n_features) float32; see `film.FilmTable`."""

    path: Path
    short_side: int = SHORT_SIDE

    @classmethod
    def of(cls, session: Session, cache: Path | None = None, video: str = "") -> FeatureTable:
        """Say where a session's lies."""
        track = session.video(video or None)
        key = digest(_VERSION, fingerprint(session.path), fingerprint(track.path), video, SHORT_SIDE, CUT)
        return cls(cache_folder(session.folder, cache) / f"features-{key}.npy")

    @contextmanager
    def making(self, n_frames: int) -> Iterator[Take]:
        """Compute rows of what is taken, and write them."""
        rows = np.full((n_frames, len(FEATURES)), np.nan, np.float32)
        before: Picture | None = None
        grey: Floats | None = None
        row: list[float] = []

        def take(numbers: NDArray[np.int64], pictures: Sequence[Picture]) -> None:
            nonlocal before, grey, row
            for number, picture in zip(numbers, pictures, strict=True):
                if picture is before:
                    row = _staying(row)
                else:
                    last, grey = grey, luma(picture)
                    row = grey_features(grey, last)
                rows[number], before = row, picture

        yield take
        with whole(self.path) as work, work.open("wb") as file:
            np.save(file, _filled(rows))


def _staying(row: Sequence[float]) -> list[float]:
    """Features of a picture that is still on show: the same, without a change."""
    return [0.0 if name in CHANGES else value for name, value in zip(FEATURES, row, strict=True)]


def _filled(rows: Floats) -> Floats:
    there = ~np.isnan(rows[:, 0])
    last = held(there)
    filled = np.where((last < 0)[:, None], 0.0, rows[np.maximum(last, 0)])
    for name in CHANGES:
        filled[~there, FEATURES.index(name)] = 0.0
    return filled.astype(np.float32)


def session_light(
    session: Session, cache: Path | None = None, video: str = "", shape: tuple[int, int] = SHAPE
) -> NDArray[np.float32]:
    """Mean and mean square of the luminance at each place, (n_frames, 2, places), computed now or before.

    Frames that the video file has lost repeat the one before.
    """
    return _made(session, LightTable.of(session, cache, video, shape), video)


@dataclass(frozen=True)
class LightTable:
    """Light of a film's frames by place, (n_frames, 2, places) float32; see `film.FilmTable`."""

    path: Path
    shape: tuple[int, int] = SHAPE
    short_side: int = SHORT_SIDE

    @classmethod
    def of(
        cls, session: Session, cache: Path | None = None, video: str = "", shape: tuple[int, int] = SHAPE
    ) -> LightTable:
        """Say where a session's lies."""
        track = session.video(video or None)
        key = digest(_VERSION, fingerprint(session.path), fingerprint(track.path), video, shape, PLACE_PX)
        return cls(cache_folder(session.folder, cache) / f"light-{key}.npy", shape)

    @contextmanager
    def making(self, n_frames: int) -> Iterator[Take]:
        """Compute rows of what is taken, and write them."""
        rows = np.full((n_frames, 2, self.shape[0] * self.shape[1]), np.nan, np.float32)

        before: Picture | None = None
        row = rows[:0]

        def take(numbers: NDArray[np.int64], pictures: Sequence[Picture]) -> None:
            nonlocal before, row
            for number, picture in zip(numbers, pictures, strict=True):
                row = row if picture is before else moments(picture, self.shape)
                rows[number], before = row, picture

        yield take
        last = held(~np.isnan(rows[:, 0, 0]))
        filled = np.where((last < 0)[:, None, None], 0.0, rows[np.maximum(last, 0)]).astype(np.float32)
        with whole(self.path) as work, work.open("wb") as file:
            np.save(file, filled)


def linear_tables(session: Session, cache: Path | None = None, video: str = "") -> tuple[FilmTable, ...]:
    """All that linear models see of a session's film, to be made in one reading of it."""
    return FeatureTable.of(session, cache, video), LightTable.of(session, cache, video)
