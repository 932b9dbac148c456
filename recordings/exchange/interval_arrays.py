"""A session's aligned intervals as plain arrays, for any toolbox that reads NumPy's or Zarr's files."""

from __future__ import annotations

import itertools
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np

from realtime.config import ConditioningConfig, GridConfig
from realtime.errors import ConfigError, SessionError
from realtime.video.frames import shrink
from recordings.arrays import IntervalCut, interval_ends
from recordings.exchange.extras import need
from recordings.intervals import SessionIntervals
from recordings.session.session import Session
from recordings.video.files import VideoReader

_ROWS_A_CHUNK = 32


def export_intervals(
    session: Session,
    path: str | Path,
    conditioning: ConditioningConfig | None = None,
    grid: GridConfig | None = None,
    eeg: str = "",
    video: str = "",
    image_px: int | None = None,
) -> Path:
    """Write every interval of a session as the network would be given it, live.

    The file holds, for n intervals in the order of their ends:

    | array | shape | |
    |---|---|---|
    | end | (n,) float64 | s on the session's clock |
    | eeg | (n, n_channels, n_times) float32 | µV on the grid, 0 where not valid |
    | eeg_valid | (n, n_channels, n_times) bool | |
    | eeg_scale | (n, n_channels) float32 | µV, running robust standard deviation |
    | frame | (n, n_slots) int64 | number in the video file of the frame on show, -1 where none |
    | frame_valid | (n, n_slots) bool | |
    | frame_at_point | (n, n_points) int64 | number of the frame at each point of the slots |
    | pictures | (n_pictures, height, width, 3) uint8 | only with `image_px` |
    | picture_frame | (n_pictures,) int64 | each picture's number in the video file, rising |

    further `labels` and, as JSON, `settings` (grid, conditioning, names), which in Zarr are attributes. No
    more than an interval or a picture is held in memory at a time, beside the EEG itself.

    Parameters
    ----------
    path : str or Path
        Ends in `.npz`, or in `.zarr` for a Zarr group.
    grid : GridConfig
        Its hop is the distance of two intervals; those of the default overlap.
    image_px : int, optional
        Also keep the pictures that are shown, reduced to so many pixels on their shorter side.

    Raises
    ------
    ConfigError
        The name ends otherwise, or zarr is not installed.
    SessionError
        The file exists or cannot be written, EEG or video is not there or too short for an interval.
    """
    path, grid = Path(path), grid or GridConfig()
    conditioning = conditioning or ConditioningConfig()
    make = _maker(path)
    if path.exists():
        raise SessionError(f"{path} exists already and is never overwritten: choose another name")
    intervals = SessionIntervals(session, conditioning, grid, eeg, video)
    chosen = interval_ends(session, intervals, grid)
    track = session.video(video)
    settings = {
        "session": session.name,
        "video": track.path.name,
        "grid": grid.model_dump(),
        "conditioning": conditioning.model_dump(),
    }
    cut = IntervalCut(intervals, grid)
    try:
        with make(path, list(intervals.labels), settings) as out:
            for column in cut.columns():
                rows = (column.of(index) for index in chosen)
                out.put(column.name, (len(chosen), *column.shape), column.dtype, rows)
            if image_px is not None:
                _put_pictures(out, cut, chosen, track.path, image_px)
    except OSError as error:
        raise SessionError(f"{path} cannot be written ({error}): check folder and disk") from error
    return path


def _put_pictures(out: _Arrays, cut: IntervalCut, chosen: range, video: Path, image_px: int) -> None:
    numbers = np.unique(np.concatenate([cut.frame(index)[cut.frame_valid(index)] for index in chosen]))
    with VideoReader(video) as reader:
        numbers = numbers[numbers < reader.n_frames]  # a torn video's last ones are not there
        blank = np.zeros((reader.height, reader.width, 3), np.uint8)
        images = (reader.frame(int(number)) for number in numbers)
        small = (shrink(blank if image is None else image, image_px) for image in images)
        out.put("pictures", (len(numbers), *shrink(blank, image_px).shape), "u1", small)
    out.put("picture_frame", (len(numbers),), "i8", iter(numbers))


class _Arrays(Protocol):
    """A file that takes arrays row by row; one that fails is taken away."""

    def put(self, name: str, shape: tuple[int, ...], dtype: str, rows: Iterator[Any]) -> None: ...

    def __enter__(self) -> _Arrays: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _Npz:
    """NumPy's archive, whose arrays are written through row by row (`numpy.savez` would hold them all)."""

    def __init__(self, path: Path, labels: list[str], settings: dict[str, Any]):
        self._path = path
        self._archive = zipfile.ZipFile(path, "x", allowZip64=True)
        for name, text in (("labels", np.array(labels)), ("settings", np.array(json.dumps(settings)))):
            self.put(name, text.shape, text.dtype.str, iter(text[None] if text.ndim == 0 else text))

    def put(self, name: str, shape: tuple[int, ...], dtype: str, rows: Iterator[Any]) -> None:
        kind = np.dtype(dtype)
        header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
        with self._archive.open(f"{name}.npy", "w", force_zip64=True) as file:
            np.lib.format.write_array_header_2_0(file, header)
            for row in rows:
                file.write(np.asarray(row, kind, order="C").tobytes())

    def __enter__(self) -> _Npz:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()
        if error is not None:
            self._path.unlink()


class _Zarr:
    """A group of Zarr's; a chunk holds some whole rows."""

    def __init__(self, path: Path, labels: list[str], settings: dict[str, Any]):
        self._path = path
        zarr = need("zarr", "zarr", f"writing {path.name}")
        self._group = zarr.open_group(path, mode="w-")
        self._group.attrs.update({"labels": labels, "settings": settings})

    def put(self, name: str, shape: tuple[int, ...], dtype: str, rows: Iterator[Any]) -> None:
        chunks = (max(1, min(_ROWS_A_CHUNK, shape[0])), *shape[1:])
        array = self._group.create_array(name, shape=shape, dtype=np.dtype(dtype), chunks=chunks)
        for first in range(0, shape[0], _ROWS_A_CHUNK):
            block = np.stack(list(itertools.islice(rows, _ROWS_A_CHUNK)))
            array[first : first + len(block)] = block

    def __enter__(self) -> _Zarr:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            shutil.rmtree(self._path)


def _maker(path: Path) -> type[_Npz] | type[_Zarr]:
    makers: dict[str, type[_Npz] | type[_Zarr]] = {".npz": _Npz, ".zarr": _Zarr}
    if path.suffix not in makers:
        raise ConfigError(
            f"{path.name}: arrays are written as .npz or as .zarr; give it one of these endings"
        )
    return makers[path.suffix]
