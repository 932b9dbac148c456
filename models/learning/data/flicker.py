"""Whether films flicker faster than the usual slots can follow; finer ones are then what is learned from.

Codes at 60 Hz on 40 slots a second are a blur: on cvep32 the network finds .81 of 2 with 40 and .98 with 100
(docs/learning.md). A film in motion changes as often, but does not come back at once, and asks for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.config import NetworkConfig, preset
from models.light_features import moments
from realtime.config import GridConfig
from realtime.errors import ConfigError
from realtime.time.clock import ManualClock
from realtime.video.frames import shrink
from recordings.replay import ReplayVideo
from recordings.session.session import Session

SETTING = "grid.slots_hz"
FINE_HZ = 100
"""Slots a second for films that flicker."""
_USUAL_HZ = GridConfig().slots_hz
_STEP = 0.1  # of full scale: a change of light at one of 8 × 8 places that counts
_OFTEN = 0.05  # share of frames at which it does somewhere
_STRETCHES, _STRETCH_S = 3, 4.0  # of a film that are looked at
_SIDE = 64  # pixels; more would not be told apart


def films_flicker(sessions: Sequence[Path | str], video: str = "") -> bool:
    """Whether the light of a session's film jumps to and fro faster than slots of the usual length.

    Parameters
    ----------
    video : str
        Which video, where sessions have several.

    Raises
    ------
    SessionError, VideoError
    """
    return any(_flickers(Path(path), video) for path in sessions)


def _flickers(path: Path, video: str) -> bool:
    """Look at a few stretches of a film, if its frames come that fast at all."""
    with Session(path) as session:
        times = session.video(video or None).times
        if len(times) < 3 or float(np.median(np.diff(times))) >= 1 / _USUAL_HZ:
            return False
        found = [comes_back(light) for light in _stretches(session, times, video)]
    return bool(found) and float(np.concatenate(found).mean()) > _OFTEN


def comes_back(light: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say at which frames, (n - 2,), light (n, places) jumps somewhere, to jump back with the next frame."""
    steps = np.diff(light, axis=0)
    jumps = np.where(np.abs(steps) > _STEP, np.sign(steps), 0.0)
    return np.asarray((jumps[:-1] * jumps[1:] < 0).any(axis=1))


def _stretches(session: Session, times: NDArray[np.float64], video: str) -> Iterator[NDArray[np.float32]]:
    """Light by place (n, places) of the frames in a few stretches, evenly spread over a film."""
    source = ReplayVideo(session, ManualClock(np.inf), video or None)
    source.open()
    try:
        for share in (np.arange(_STRETCHES) + 0.5) / _STRETCHES:
            begin = times[0] + share * (times[-1] - times[0]) - _STRETCH_S / 2
            source.seek(begin)
            light: list[NDArray[np.float32]] = []
            while not source.finished:
                frame = source.read()
                if frame is None or frame.stamp > begin + _STRETCH_S:
                    break
                light.append(moments(shrink(frame.image, _SIDE))[0])
            if len(light) > 2:
                yield np.stack(light)
    finally:
        source.close()


def configured(
    config: str | NetworkConfig, changes: Mapping[str, Any] | None = None, *, flickers: bool
) -> NetworkConfig:
    """Return a preset with its changes, on finer slots for films that flicker, unless they are among these.

    A configuration is taken as it is.

    Raises
    ------
    ConfigError
        As `models.config.preset`.
    """
    if not isinstance(config, str):
        return config
    changes = changes or {}
    if flickers and SETTING not in changes:
        with suppress(ConfigError):  # other changes may not go with them
            return preset(config, {**changes, SETTING: FINE_HZ})
    return preset(config, changes)


def slots_in_words(config: NetworkConfig, flickers: bool) -> str:
    """Say how a film that flickers is read; nothing of others."""
    if not flickers:
        return ""
    if config.grid.slots_hz >= FINE_HZ:
        return f"the film flickers: it is read {config.grid.slots_hz} times a second"
    return (
        f"the film flickers faster than it is read here, {config.grid.slots_hz} times a second: a model that "
        f"`phosphene train --set {SETTING}={FINE_HZ}` makes sees more of it"
    )
