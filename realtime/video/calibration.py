"""How late a camera's stamps are: measured from a flashing window it looks at, and kept for that camera.

A window turns bright and dark at irregular times that are known on our clock. A frame stamped s shows the
scene of s - offset, averaged over its exposure. The brightness of the frames is regressed on the window's
state for every offset that may be; the one that explains it best is the camera's, found far below the
distance of two frames because every change meets the frames at another phase.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from realtime.config import config_folder, read_kept, write_kept
from realtime.errors import ConfigError, VideoError
from realtime.types import TimeArray

_SEARCH_S = (-0.1, 3.0)  # USB cameras lie between 5 and 150 ms; network cameras may take seconds
_LEAST_CHANGES = 10
_AGAIN = "calibrate again"
_LEAST_EXPLAINED = 0.5  # share of the brightness' variance; a camera that sees the window gives 0.9


@dataclass(frozen=True)
class CameraOffset:
    """What a calibration found. A frame with stamp s was exposed around s - `offset_mean`. Seconds.

    Attributes
    ----------
    offset_mean : float
        Stamp less middle of the exposure. Contains the delay of the screen that flashed.
    offset_spread : float
        Standard deviation over single changes: the jitter of the stamps, and beside it up to 0.35 frames
        where light is poor or exposures short, because a change between two of them cannot be placed.
    exposure : float
        How long a frame collects light, as far as the brightness shows it.
    frame_period : float
    n_changes : int
        How many changes were used.
    explained : float
        Share of the variance of the brightness that the window's state explains.
    """

    offset_mean: float
    offset_spread: float
    exposure: float
    frame_period: float
    n_changes: int
    explained: float


def change_times(n_changes: int, seed: int = 0) -> TimeArray:
    """When the window should change (n,), seconds from the start: first to bright, then to dark, and so on.

    The steps lie between 0.15 and 0.5 s and never repeat, so that no wrong offset fits.
    """
    return np.cumsum(np.random.default_rng(seed).uniform(0.15, 0.5, n_changes))


def flash_brightness(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """One brightness for each picture: the mean over the tenth of the pixels that change the most.

    Parameters
    ----------
    pictures : array of shape (n_frames, height, width) or (n_frames, height, width, 3), uint8
        A few hundred pixels each are enough.

    Returns
    -------
    array of shape (n_frames,)
    """
    pixels = pictures.reshape(len(pictures), -1).astype(np.float64)
    restless = pixels.std(axis=0)
    brightness: NDArray[np.float64] = pixels[:, restless >= np.quantile(restless, 0.9)].mean(axis=1)
    return brightness


def estimate_offset(changes: TimeArray, stamps: TimeArray, brightness: NDArray[np.float64]) -> CameraOffset:
    """Find a camera's offset from what it saw of the flashing window.

    Parameters
    ----------
    changes : array of shape (n_changes,), seconds on our clock
        When the window changed: dark before the first, bright after it, then in turn.
    stamps : array of shape (n_frames,), seconds on our clock
    brightness : array of shape (n_frames,)
        In any unit; brighter is more.

    Raises
    ------
    VideoError
        Too few changes or frames, or the brightness does not follow the window.
    """
    changes, stamps = np.asarray(changes, np.float64), np.asarray(stamps, np.float64)
    n_frames = int(np.sum((stamps >= changes[0]) & (stamps <= changes[-1]))) if len(changes) else 0
    if len(changes) < _LEAST_CHANGES or n_frames < 3 * _LEAST_CHANGES:
        raise VideoError(
            f"{len(changes)} changes and {n_frames} frames between them are too few to measure "
            f"a camera: let the window change at least {_LEAST_CHANGES} times while it looks"
        )
    fit = _Fit(changes, stamps, np.asarray(brightness, np.float64))
    offset, exposure = fit.best()
    explained = fit.explained(offset, exposure)
    if explained < _LEAST_EXPLAINED:
        raise VideoError(
            f"the camera does not see the window flash (it explains {explained:.0%} of the "
            "brightness): point the camera at the window, close, and darken the room"
        )
    single = fit.single_offsets(offset, exposure)
    return CameraOffset(
        offset_mean=offset,
        offset_spread=float(single.std(ddof=1)),
        exposure=exposure,
        frame_period=fit.period,
        n_changes=len(single),
        explained=explained,
    )


class _Fit:
    """Regression of brightness on the window's state, as a function of offset and exposure."""

    def __init__(self, changes: TimeArray, stamps: TimeArray, brightness: NDArray[np.float64]):
        self._changes = changes
        self.period = float(np.median(np.diff(stamps)))
        # Only frames during the flashing, at any offset: outside of it the room may do what it likes.
        inside = (stamps > changes[0] + _SEARCH_S[0] - 0.5) & (stamps < changes[-1] + _SEARCH_S[1] + 0.5)
        self._stamps = stamps[inside]
        self._brightness = brightness[inside]
        # A slow drift, as of a camera that sets its own gain, is no part of the answer.
        self._drift = np.linspace(-1, 1, len(self._stamps))
        # The integral of the window's state: the mean over any exposure is a difference of two values.
        self._knots = np.concatenate([[changes[0] - 10], changes, [changes[-1] + 10]])
        bright = np.diff(self._knots) * (np.arange(len(changes) + 1) % 2)
        self._integral = np.concatenate([[0.0], np.cumsum(bright)])

    def best(self) -> tuple[float, float]:
        """Offset and exposure that leave the least unexplained: a coarse search, then a simplex."""
        candidates = [(offset, self.period / 2) for offset in np.arange(*_SEARCH_S, self.period / 3)]
        start = min(candidates, key=lambda c: self._unexplained(*c))
        limits = ((start[0] - self.period, start[0] + self.period), (self.period / 50, self.period))
        found = minimize(
            lambda x: self._unexplained(*x),
            start,
            method="Nelder-Mead",
            bounds=limits,
            options={"xatol": 1e-5, "fatol": 1e-9},
        )
        return self._middle(float(found.x[0]), float(found.x[1])), float(found.x[1])

    def explained(self, offset: float, exposure: float) -> float:
        return 1 - self._unexplained(offset, exposure)

    def single_offsets(self, offset: float, exposure: float) -> NDArray[np.float64]:
        """Measure the offset of each change on its own, with the scale of brightness that all gave."""
        share = self._share(offset, exposure)
        design = np.column_stack([np.ones_like(share), self._drift, share])
        weights = np.linalg.lstsq(design, self._brightness, rcond=None)[0]
        seen = (self._brightness - design[:, :2] @ weights[:2]) / weights[2]  # 0 dark, 1 bright
        tries = offset + np.linspace(-2, 2, 161) * self.period
        shares = np.array([self._share(o, exposure) for o in tries])
        found = []
        for change in self._changes:
            near = np.abs(self._stamps - offset - change) < 0.07 + self.period
            if near.sum() >= 2:
                misfit = ((shares[:, near] - seen[near]) ** 2).sum(axis=1)
                # A change between two exposures fits equally over a stretch: its middle is the best guess.
                found.append(tries[misfit <= misfit.min() + 0.01].mean())
        return np.array(found)

    def _share(self, offset: float, exposure: float) -> NDArray[np.float64]:
        """How much of each frame's exposure saw the window bright, 0 to 1."""
        middle = self._stamps - offset
        late = np.interp(middle + exposure / 2, self._knots, self._integral)
        early = np.interp(middle - exposure / 2, self._knots, self._integral)
        share: NDArray[np.float64] = (late - early) / exposure
        return share

    def _unexplained(self, offset: float, exposure: float) -> float:
        """Share of the variance of the brightness that is left, 0 to 1."""
        share = self._share(offset, exposure)
        share, seen = (self._without_drift(x) for x in (share, self._brightness))
        power = float((seen**2).sum())
        overlap = float((share * seen).sum())
        if power == 0 or overlap <= 0:  # a picture that darkens with the bright window explains nothing
            return 1.0
        return 1 - overlap**2 / (power * float((share**2).sum()))

    def _without_drift(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        centred = x - x.mean()
        left: NDArray[np.float64] = centred - self._drift * (centred @ self._drift) / (
            self._drift @ self._drift
        )
        return left

    def _middle(self, offset: float, exposure: float) -> float:
        """Find the middle of the offsets that fit as well as the best; short exposures leave many."""
        tries = offset + np.linspace(-0.5, 0.5, 201) * self.period
        left = np.array([self._unexplained(o, exposure) for o in tries])
        return float(tries[left <= left.min() + 1e-6].mean())


def save_offset(camera: str, stamp_source: str, offset: CameraOffset, folder: Path | None = None) -> Path:
    """Keep what was measured for `camera`, in place of an earlier measurement; returns the file.

    `stamp_source` belongs to it: stamps by the driver and by arrival have different offsets.
    """
    path = (folder or config_folder()) / "cameras.json"
    known = read_kept(path, _AGAIN)
    known[f"{camera} | {stamp_source}"] = {**asdict(offset), "measured": date.today().isoformat()}
    write_kept(path, known)
    return path


def load_offset(camera: str, stamp_source: str, folder: Path | None = None) -> CameraOffset | None:
    """Return what was measured for `camera` with these stamps, or None.

    Raises
    ------
    ConfigError
        The file is there and cannot be understood.
    """
    path = (folder or config_folder()) / "cameras.json"
    found = read_kept(path, _AGAIN).get(f"{camera} | {stamp_source}")
    if found is None:
        return None
    try:
        return CameraOffset(**{key: value for key, value in found.items() if key != "measured"})
    except (TypeError, AttributeError) as failure:
        raise ConfigError(
            f"{path}: the entry of {camera!r} is not a calibration ({failure}): "
            "take it out and calibrate again"
        ) from failure
