"""The gaze of a session, and how far it lies from what the network says is attended."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from realtime.chance import wilson
from realtime.config import GridConfig
from realtime.gaze import TYPE, GazeChannels, GazePoint
from recordings.session.outcome import PlacesAttended
from recordings.session.session import Session
from recordings.session.tracks import stamps_on_session_clock

_GRID = GridConfig()
_LEAST_POINTS = 5  # of gaze in an interval, whose middle says where it was looked


class GazeAgainstMap(NamedTuple):
    """The gaze beside the place attended most, over `n` intervals that do not overlap.

    `distance` is the median from the gaze to that place's middle, in picture widths and heights;
    `by_chance` the same against the maps of all other intervals. `inside` of the n had the gaze within the
    place, `inside_by_chance` is the share that would by chance.
    """

    n: int
    distance: float
    by_chance: float
    inside: int
    inside_by_chance: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share inside (Wilson)."""
        return wilson(self.inside, self.n)


def all_gaze(session: Session) -> list[GazePoint]:
    """Read the gaze of a session, all streams of it, by their time on the session's clock."""
    found: list[GazePoint] = []
    for stream in session.reader.streams.values():
        if stream.info.type != TYPE or not stream.n_samples:
            continue
        labels = [c.findtext("label") or "" for c in stream.info.root.findall("desc/channels/channel")]
        channels = GazeChannels.of(labels)
        if channels is not None:
            stamps, samples = session.reader.read(stream.info.stream_id)
            times = stamps_on_session_clock(stream, stamps)
            found += channels.points(times, np.asarray(samples, np.float64))
    return sorted(found)


def against_map(gaze: list[GazePoint], start: float, attended: PlacesAttended) -> GazeAgainstMap | None:
    """Hold the gaze against the place attended most, interval by interval; None of fewer than two.

    Parameters
    ----------
    gaze : list of GazePoint
        By time, on the session's clock.
    start : float
        Of the session, on that clock.
    attended : PlacesAttended
    """
    looked, leading = _pairs(np.array(gaze, np.float64).reshape(-1, 3), start, attended)
    if len(looked) < 2:
        return None
    rows, columns = attended.places.shape[1:]
    middle = np.stack([(leading % columns + 0.5) / columns, (leading // columns + 0.5) / rows], axis=1)
    apart = np.hypot(*(looked[:, None] - middle[None]).transpose(2, 0, 1))  # (gaze of i, map of j)
    within = np.abs(looked[:, None] - middle[None]) <= (0.5 / columns, 0.5 / rows)
    hit = within.all(axis=2)
    others = ~np.eye(len(looked), dtype=bool)
    return GazeAgainstMap(
        len(looked), float(np.median(np.diag(apart))), float(np.median(apart[others])),
        int(np.diag(hit).sum()), float(hit[others].mean()),
    )  # fmt: skip


def _pairs(
    points: NDArray[np.float64], start: float, attended: PlacesAttended
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return where was looked (n, 2) and which place led (n,), of intervals that do not overlap."""
    looked, leading, last = [], [], -np.inf
    for end, places in zip(attended.time, attended.places, strict=True):
        if end - last < _GRID.interval_s - _GRID.hop_s / 2:
            continue
        stop = start + end - _GRID.lag_s
        first, past = np.searchsorted(points[:, 0], [stop - _GRID.interval_s, stop])
        if past - first >= _LEAST_POINTS:
            looked.append(np.median(points[first:past, 1:], axis=0))
            leading.append(int(places.argmax()))
            last = end
    return np.array(looked).reshape(-1, 2), np.array(leading, np.int64)
