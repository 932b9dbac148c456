"""What an electrode picks up besides the answer to the film: the rest of the brain, the body and the mains.

Noise is drawn in blocks of one second from a generator that is keyed by the block's number, and filtered in
order, so it is the same however it is cut into chunks. What has a shape (blinks, the mains, slow drift) is a
plain function of time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from realtime.eeg.electrodes import on_sphere
from realtime.virtual.head_model import bell, topography
from realtime.virtual.timeline import Moments, chance

Array = NDArray[np.float64]

_BRAIN, _SKIN, _ALPHA, _MUSCLE = range(4)
_BLINKS, _BURSTS, _LINE, _DRIFT = range(201, 205)
_PATCHES = tuple(
    on_sphere(inclination, azimuth)
    for inclination, azimuth in (
        (90.0, -18.0), (65.15, -32.0), (70.71, -64.07), (45.0, -90.0), (70.71, -115.93), (65.15, -148.0),
        (90.0, -144.0), (90.0, 180.0), (90.0, 0.0), (67.5, 0.0), (77.35, 43.54), (51.85, 53.97), (22.5, 90.0),
        (90.0, 108.0), (54.02, 161.96), (112.5, 126.0),
    )
)  # fmt: skip
"""Patches of cortex, spread over the head, that make the background."""
_LEFT_ALPHA, _RIGHT_ALPHA = on_sphere(78.19, -161.26), on_sphere(78.19, 161.26)


class Noise:
    """Filtered white noise in `n` columns, without end; each column has a standard deviation of 1.

    Parameters
    ----------
    sos : array of shape (n_sections, 6)
    block : int
        Samples drawn at a time.
    """

    def __init__(self, sos: Array, n: int, block: int, seed: int, row: int):
        from scipy import signal  # a second to import, in which the stream is found by who looks for it

        self._sos, self._sosfilt = sos.copy(), signal.sosfilt
        _, gain = signal.sosfreqz(sos, worN=1 << 14)
        self._sos[0, :3] /= np.sqrt(
            np.mean(np.abs(gain) ** 2)
        )  # Parseval: white noise comes out with this power
        self._state = np.zeros((len(sos), 2, n))
        self._shape, self._key, self._next = (block, n), (seed & (1 << 64) - 1, row), -8
        while self._next < 0:  # eight blocks, so that the filters have forgotten their empty start
            self.block()

    def block(self) -> Array:
        """Return the next block, array of shape (block, n)."""
        seed, row = self._key
        key = np.array([seed, (row << 48) + self._next + 8], np.uint64)
        white = np.random.Generator(np.random.Philox(key=key)).standard_normal(self._shape)
        self._next += 1
        shaped, self._state = self._sosfilt(self._sos, white, axis=0, zi=self._state)
        return np.asarray(shaped)


def pink(rate: float, low_hz: float = 0.5) -> Array:
    """Sections whose power falls as 1/f from `low_hz` to 0.4 of the rate: array of shape (n_sections, 6).

    A pole and a zero alternate at even steps of log frequency (Corsini & Saletti 1988,
    doi:10.1109/19.9823); the background of EEG falls about so (Donoghue et al. 2020,
    doi:10.1038/s41593-020-00744-x).
    """
    from scipy import signal

    n = max(int(np.ceil(np.log10(0.4 * rate / low_hz) * 2)), 1)
    poles = low_hz * (0.4 * rate / low_hz) ** (np.arange(n) / n)
    zeros = poles * (0.4 * rate / low_hz) ** (0.5 / n)
    digital = [np.exp(-2 * np.pi * corner / rate) for corner in (poles, zeros)]
    return np.asarray(signal.zpk2sos(digital[1], digital[0], 1.0))


class Background:
    """Noise of brain and muscle at every electrode, block by block.

    Parameters
    ----------
    labels : tuple of str
    rate : float
        Samples a second.
    """

    def __init__(self, labels: tuple[str, ...], rate: float, seed: int):
        from scipy import signal

        block = round(rate)
        self._brain = Noise(pink(rate), len(_PATCHES), block, seed, _BRAIN)
        self._skin = Noise(pink(rate), len(labels), block, seed, _SKIN)
        alpha = signal.butter(2, (8.5, 11.5), "bandpass", fs=rate, output="sos")
        self._alpha = Noise(alpha, 2, block, seed, _ALPHA)
        muscle = signal.butter(2, (20.0, 0.45 * rate), "bandpass", fs=rate, output="sos")
        self._muscle = Noise(muscle, len(labels), block, seed, _MUSCLE)
        fields = np.stack([bell(labels, patch, 35.0) for patch in _PATCHES])
        self._fields = fields * (0.8**0.5 / np.sqrt((fields**2).sum(0)))
        self._back = np.stack([bell(labels, _LEFT_ALPHA, 42.0), bell(labels, _RIGHT_ALPHA, 42.0)])
        self._jaw = topography(labels, {"T7": 1.0, "T8": 1.0, "Fp1": 0.5, "Fp2": 0.5}, 35.0)

    def blocks(self) -> Iterator[tuple[Array, Array, Array]]:
        """Give brain noise (1 at each electrode), alpha (1 near PO3 and PO4) and muscle (1 near the ears)."""
        while True:
            brain = 0.2**0.5 * self._skin.block()
            yield (
                _spread(self._brain.block(), self._fields, brain),
                _spread(self._alpha.block(), self._back),
                self._muscle.block() * self._jaw,
            )


def _spread(sources: Array, fields: Array, onto: Array | None = None) -> Array:
    """See sources (n_times, n) through fields (n, n_channels): a plain loop, whose sums have one order."""
    seen = np.zeros((len(sources), fields.shape[1])) if onto is None else onto
    for source, field in zip(sources.T, fields, strict=True):
        seen += source[:, None] * field
    return seen


class Artefacts:
    """Blinks, bursts of muscle, the mains and slow drift, each at its own size, as functions of time.

    Blinks last about 0.3 s and come at about 15 a minute while watching (Bentivoglio et al. 1997,
    doi:10.1002/mds.870120629); the eye's field is largest at Fp1 and Fp2 and fades to the back.
    """

    def __init__(
        self, labels: tuple[str, ...], seed: int, blinks_per_min: float, blink_uv: float,
        bursts_per_min: float, line_hz: float, line_uv: float, drift_uv: float,
    ):  # fmt: skip
        self._blinks = Moments(60 / blinks_per_min, 0.8, seed, _BLINKS) if blinks_per_min > 0 else None
        self._bursts = Moments(60 / bursts_per_min, 0.8, seed, _BURSTS) if bursts_per_min > 0 else None
        self._eyes = blink_uv * topography(labels, {"Fpz": 1.0}, 38.0)
        self._seed, self._line_hz = seed, line_hz
        self._line = [line_uv * (0.5 + chance(seed, _LINE, i)) for i in range(len(labels))]
        self._drift = [
            [(drift_uv * 0.8, 0.011 * 3 ** (k + chance(seed, _DRIFT, i, k)), chance(seed, _DRIFT, i, k, 1))
             for k in range(3)] for i in range(len(labels))
        ]  # fmt: skip

    def add(self, times: Array, eeg: Array) -> None:
        """Add to `eeg` (n_times, n_channels) all but muscle, in µV."""
        if self._blinks is not None:
            eeg += self._lids(times)[:, None] * self._eyes
        mains = np.sin(2 * np.pi * ((self._line_hz * times) % 1))
        for channel, (line, waves) in enumerate(zip(self._line, self._drift, strict=True)):
            eeg[:, channel] += line * mains
            for size, hz, phase in waves:
                eeg[:, channel] += size * np.sin(2 * np.pi * ((hz * times + phase) % 1))

    def tension(self, times: Array) -> Array:
        """Return how tense the jaw is, 0 to 1, array of shape (n_times,)."""
        level = np.zeros(times.shape)
        if self._bursts is not None:
            for i in self._bursts.between(float(times[0]) - 2, float(times[-1]) + 1e-9):
                since = times - self._bursts.start(i)
                long = 0.4 + chance(self._seed, _BURSTS, i, 1)
                level = np.maximum(level, np.clip(np.minimum(since, long - since) / 0.1, 0, 1))
        return level

    def _lids(self, times: Array) -> Array:
        assert self._blinks is not None
        level = np.zeros(times.shape)
        for i in self._blinks.between(float(times[0]) - 1, float(times[-1]) + 1e-9):
            since = np.maximum(times - self._blinks.start(i), 0) / 0.09
            lid = since**2 * np.exp(2 * (1 - since))
            level += (0.7 + 0.6 * chance(self._seed, _BLINKS, i, 1)) * np.where(since < 0.9 / 0.09, lid, 0)
        return level
