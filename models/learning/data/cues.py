"""What was attended, where markers say so, and which rectangle of the frame that is.

A file `cues.json` beside a session (or one named by `--cues`, or `cues` in the session's manifest) says what
a marker's text means:

    {"target": {"rows": 4, "columns": 8, "seconds": 4.2}}      target0 … target31, row by row
    {"left": [0, 0, 0.5, 1], "right": [0.5, 0, 1, 1], "rest": null}
    {"ball": {"path": [[0.0, 0.1, 0.1, 0.3, 0.3], [2.0, 0.5, 0.1, 0.7, 0.3]]}}

A rectangle is left, top, right, bottom in fractions of the frame; `null` says that nothing of it is attended;
a path gives a rectangle at times (seconds after the video's first frame) and moves evenly between them. A cue
lasts until the next one, or `seconds`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from realtime.errors import SessionError
from recordings.session.manifest import MANIFEST_NAME
from recordings.session.session import Session

FILE = "cues.json"
_MOST = 100  # rows or columns of a grid
NOWHERE = (math.nan,) * 4
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cue:
    """One name of the map.

    Attributes
    ----------
    path : array of shape (n_times, 5), s and fractions of the frame, or None
        When and where it is, seconds after the video's first frame; None: attending to it means to none.
    seconds : float
        How long after its marker it holds at most.
    """

    name: str
    path: Floats | None
    seconds: float = math.inf

    def box(self, start: float, stop: float) -> Floats:
        """Where it is between two times, seconds after the video's first frame: (4,), the mean of its way."""
        assert self.path is not None
        times = np.linspace(start, stop, 9)
        return np.array([np.interp(times, self.path[:, 0], side).mean() for side in self.path[:, 1:].T])


@dataclass(frozen=True)
class Cues:
    """What is attended when in one session, and what there is to attend to.

    Attributes
    ----------
    cues : tuple of Cue
    stamps : array of shape (n_markers,), float64 s
        Of the markers that name a cue, on the session's clock.
    which : array of shape (n_markers,), int64
        The cue that each names.
    begin : float
        Stamp of the video's first frame.
    """

    cues: tuple[Cue, ...]
    stamps: Floats
    which: NDArray[np.int64]
    begin: float

    @classmethod
    def of(cls, session: Session, file: Path | None = None, video: str = "") -> Cues | None:
        """Those of a session; None where neither a file nor the manifest maps any.

        Raises
        ------
        SessionError
            The map cannot be read, or `file` was asked for and no marker of the session is in it.
        """
        tree, source = _map_of(session, file)
        if tree is None:
            return None
        cues = read_map(tree, source)
        numbers = {cue.name: i for i, cue in enumerate(cues)}
        found = [(m.stamp, numbers[m.text]) for m in session.markers() if m.text in numbers]
        if not found and file is not None:
            texts = sorted({m.text for m in session.markers()})
            raise SessionError(
                f"{source} names {_listed([cue.name for cue in cues])}, and the markers of "
                f"{session.path} are {_listed(texts)}: a cue is called as its marker is"
            )
        stamps, which = zip(*found, strict=True) if found else ((), ())
        begin = float(session.video(video or None).times[0])
        return cls(cues, np.array(stamps, np.float64), np.array(which, np.int64), begin)

    @property
    def places(self) -> list[int]:
        """The cues that are somewhere: what there is to choose between."""
        return [i for i, cue in enumerate(self.cues) if cue.path is not None]

    def attended(self, start: float, stop: float) -> int:
        """Return the cue attended from `start` to `stop` throughout (session's clock), -1 where not known."""
        last = int(np.searchsorted(self.stamps, start + 1e-6, side="right")) - 1
        if last < 0:
            return -1
        until = self.stamps[last] + self.cues[self.which[last]].seconds
        if last + 1 < len(self.stamps):
            until = min(until, self.stamps[last + 1])
        return int(self.which[last]) if stop <= until + 1e-6 else -1

    def box(self, start: float, stop: float) -> Floats:
        """Rectangle (4,) attended from `start` to `stop`; NaN where it is not known, or nowhere."""
        which = self.attended(start, stop)
        if which < 0 or self.cues[which].path is None:
            return np.array(NOWHERE)
        return self.cues[which].box(start - self.begin, stop - self.begin)

    def boxes(self, start: float, stop: float) -> Floats:
        """Rectangles of all `places` between two times: (n, 4)."""
        return np.stack([self.cues[i].box(start - self.begin, stop - self.begin) for i in self.places])


def read_map(tree: Any, source: str) -> tuple[Cue, ...]:
    """Cues from what a file says.

    Raises
    ------
    SessionError
        It is not as the module says.
    """
    try:
        cues = [cue for name, value in dict(tree).items() for cue in _cues(str(name), value)]
        bad = [cue.name for cue in cues if cue.path is not None and not _fits(cue.path)]
        if bad or not cues:
            raise ValueError(f"{bad[0]} lies outside the frame, or is empty" if bad else "it names nothing")
    except (TypeError, ValueError, KeyError, OverflowError) as failure:
        raise SessionError(
            f"{source} is no map of cues ({failure}): give each marker's text a rectangle [left, top, right, "
            f"bottom] of fractions from 0 to 1, null, or a grid such as "
            f'{{"target": {{"rows": 4, "columns": 8}}}}'
        ) from failure
    return tuple(cues)


def cover(boxes: Floats, shape: tuple[int, int]) -> Floats:
    """Share of each rectangle that lies on each place of a grid over the frame, row by row.

    Parameters
    ----------
    boxes : array of shape (n, 4)
        Left, top, right, bottom, in fractions of the frame; NaN for none.
    shape : (int, int)
        Rows and columns of the grid.

    Returns
    -------
    array of shape (n, rows · columns)
        Each row sums to 1; 0 throughout for none.
    """
    sides = []
    for first, last, n in ((1, 3, shape[0]), (0, 2, shape[1])):
        edges = np.arange(n + 1) / n
        low = np.maximum(boxes[:, None, first], edges[None, :-1])
        high = np.minimum(boxes[:, None, last], edges[None, 1:])
        sides.append(np.maximum(high - low, 0))
    area = (sides[0][:, :, None] * sides[1][:, None, :]).reshape(len(boxes), -1)
    total = area.sum(axis=1, keepdims=True)
    return np.where(total > 1e-12, np.nan_to_num(area) / np.where(total > 1e-12, total, 1.0), 0.0)


def _cues(name: str, value: Any) -> list[Cue]:
    if value is None:
        return [Cue(name, None)]
    if not isinstance(value, Mapping):
        return [Cue(name, _still(value))]
    seconds = float(value.get("seconds", math.inf))
    if "rows" in value:
        rows, columns = int(value["rows"]), int(value["columns"])
        if not (0 < rows <= _MOST and 0 < columns <= _MOST):
            raise ValueError(f"{rows} rows and {columns} columns, where 1 to {_MOST} are possible")
        cells = [(k // columns, k % columns) for k in range(rows * columns)]
        boxes = [(c / columns, r / rows, (c + 1) / columns, (r + 1) / rows) for r, c in cells]
        return [Cue(f"{name}{k}", _still(box), seconds) for k, box in enumerate(boxes)]
    if "path" in value:
        return [Cue(name, np.asarray(value["path"], np.float64).reshape(-1, 5), seconds)]
    return [Cue(name, _still(value["box"]), seconds)]


def _still(box: Any) -> Floats:
    left, top, right, bottom = (float(side) for side in box)
    return np.array([[0.0, left, top, right, bottom]])


def _fits(path: Floats) -> bool:
    left, top, right, bottom = path[:, 1:].T
    inside = np.isfinite(path).all() and path[:, 1:].min() >= -1e-9 and path[:, 1:].max() <= 1 + 1e-9
    return bool(len(path) and inside and (right > left).all() and (bottom > top).all())


def _map_of(session: Session, file: Path | None) -> tuple[Any, str]:
    beside, manifest = session.folder / FILE, session.folder / MANIFEST_NAME
    path = file or (beside if beside.is_file() else None)
    try:
        if path is not None:
            return json.loads(path.read_text(encoding="utf-8")), str(path)
        if manifest.is_file():
            return json.loads(manifest.read_text(encoding="utf-8")).get("cues"), str(manifest)
    except (OSError, ValueError, RecursionError, AttributeError) as failure:
        raise SessionError(f"{path or manifest} cannot be read as a map of cues: {failure}") from failure
    return None, ""


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "") if names else "none"
