"""Feedback to be heard: a quiet tone, louder with the level, for eyes that stay on the film."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from realtime.errors import ConfigError
from realtime.types import FloatArray

_RATE = 48_000
_HZ = 440.0
_LOUDEST = 0.1  # of full scale at level 1: −20 dB
_GLIDE_S = 0.08  # time constant of a change: quick, and without a click
_BUFFER_MS = 40


def samples(n: int, start: int, from_level: float, to_level: float) -> tuple[FloatArray, float]:
    """Give the next `n` samples of the tone.

    Parameters
    ----------
    start : int
        How many samples came before: the phase goes on.
    from_level, to_level : float
        Where the last samples ended, and where the level is now, 0 to 1.

    Returns
    -------
    samples : array of shape (n,), float32, −1 to 1
    level : float
        Reached at the end.
    """
    k = np.arange(n)
    levels = to_level + (from_level - to_level) * np.exp(-(k + 1) / (_GLIDE_S * _RATE))
    wave = _LOUDEST * levels * np.sin(2 * np.pi * _HZ / _RATE * (start + k))
    return wave.astype(np.float32), float(levels[-1]) if n else from_level


class Tone:
    """Plays a tone on the usual loudspeaker until `close`.

    Parameters
    ----------
    backends : list, optional
        Of miniaudio, in the order to be tried; by default those of the system.

    Raises
    ------
    ConfigError
        miniaudio is not installed, or there is nothing to play on.
    """

    def __init__(self, backends: list[Any] | None = None):
        try:
            import miniaudio
        except ImportError:
            raise ConfigError(
                "a tone needs the package miniaudio, which is not here: pip install 'phosphene[tone]'"
            ) from None
        self.level: float | None = None
        try:
            self._device = miniaudio.PlaybackDevice(
                miniaudio.SampleFormat.FLOAT32, 1, _RATE, _BUFFER_MS, backends=backends, app_name="Phosphene"
            )
            playing = self._play()
            next(playing)
            self._device.start(playing)
        except miniaudio.MiniaudioError as error:
            raise ConfigError(
                f"no tone can be played ({error}): plug in a loudspeaker, or choose another feedback"
            ) from error

    def set_level(self, level: float | None) -> None:
        """How loud, 0 to 1; None is silence. Any thread may call."""
        self.level = level

    def close(self) -> None:
        """Silence the tone and give the sound card back."""
        self._device.close()

    def _play(self) -> Generator[bytes, int, None]:
        """Give Called by the sound card's thread, given how many samples it wants next."""
        done, level = 0, 0.0
        n = yield b""
        while True:
            wave, level = samples(n, done, level, self.level or 0.0)
            done += n
            n = yield wave.tobytes()
