"""From a stream's samples to what a model wants: µV, channels in order, reference, band. Causal and stateful.

The same object runs live, in replay and in training. Its result does not depend on how samples are chunked.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import numpy as np

from realtime.config import ConditioningConfig
from realtime.eeg.bad_values import BadValues, Judged
from realtime.eeg.channels import kind_of
from realtime.errors import StreamFormatError
from realtime.types import BoolArray, EegChunk, FloatArray, TimeArray

# The four electrodes the 10-10 system renamed (American Clinical Neurophysiology Society, guideline 2).
_RENAMED = {"T3": "T7", "T4": "T8", "T5": "P7", "T6": "P8"}
LOWPASS_ORDER = 4
HIGHEST_SHARE = 0.45
"""A band never reaches beyond this share of the sampling rate."""
LEAST_SHARE = 0.5
"""Where a rate carries less of the band, a model made for it would be shown something else."""


def canonical(label: str) -> str:
    """Return an electrode's 10-20 name in one spelling.

    `EEG Fp1-Ref`, `fp1` and `FP1.` are all `FP1`; T3 is T7.
    """
    name = re.sub(r"^EEG[\s_:-]*", "", label.strip(), flags=re.I)
    name = re.sub(r"[\s_:-]*(REF|LE|AVG|AR)$", "", name, flags=re.I).strip(" .").upper()
    return _RENAMED.get(name, name)


def choose_channels(
    available: Sequence[str], wanted: Sequence[str] | None, kinds: Sequence[str] = ()
) -> list[int]:
    """Find the wanted channels in the stream, in the order wanted; all its EEG channels if None.

    `kinds` are the channels' kinds (`realtime.eeg.channels`); by their names where they are not given.

    Raises
    ------
    StreamFormatError
        If a name is not in the stream, is there twice, or no channel is left.
    """
    if wanted is None:
        known = kinds or [kind_of("EEG", label, "") for label in available]
        chosen = [i for i, kind in enumerate(known) if kind == "eeg"]
        if not chosen:
            raise StreamFormatError(
                f"none of the channels {', '.join(available)} looks like EEG; name them with --channels"
            )
        return chosen
    names = [canonical(label) for label in available]
    missing = [name for name in wanted if canonical(name) not in names]
    if missing:
        raise StreamFormatError(
            f"the stream has no channel {', '.join(missing)}; it has {', '.join(available)}. "
            "Choose among these with --channels, or pick weights trained on them"
        )
    double = sorted(
        {n for n in map(canonical, wanted) if names.count(n) > 1 or [*map(canonical, wanted)].count(n) > 1}
    )
    if double:
        raise StreamFormatError(
            f"channel {', '.join(double)} is named more than once among {', '.join(available)}: give each a "
            "name of its own in the headset's program"
        )
    return [names.index(canonical(name)) for name in wanted]


def narrow_band(band_hz: tuple[float, float], rate: float) -> tuple[float, float]:
    """Return the band as far as `rate` can carry it: the upper edge at most HIGHEST_SHARE of the rate."""
    low, high = band_hz
    return low, min(high, HIGHEST_SHARE * rate)


def design(band_hz: tuple[float, float] | None, notch_hz: float | None, rate: float) -> np.ndarray:
    """Second-order sections of the causal filter: high-pass (2), low-pass (LOWPASS_ORDER), notch (Q 30).

    Returns
    -------
    array of shape (n_sections, 6), float64; no section where nothing is to be filtered

    Raises
    ------
    StreamFormatError
        The rate carries less than `LEAST_SHARE` of the band.
    """
    from scipy import signal  # a second to import, in which the stream is looked for

    sections = []
    if band_hz is not None:
        low, high = narrow_band(band_hz, rate)
        if high < LEAST_SHARE * band_hz[1]:
            enough = LEAST_SHARE * band_hz[1] / HIGHEST_SHARE
            raise StreamFormatError(
                f"{rate:g} samples a second are too few for the band of {low:g} to {band_hz[1]:g} Hz, of "
                f"which they carry what lies below {high:.3g} Hz: choose a stream of at least {enough:.3g} "
                "Hz, or record it as it is: `phosphene record FOLDER --stream name=…`"
            )
        if low > 0:
            sections.append(signal.butter(2, low, "highpass", fs=rate, output="sos"))
        sections.append(signal.butter(LOWPASS_ORDER, high, "lowpass", fs=rate, output="sos"))
    if notch_hz is not None and notch_hz < HIGHEST_SHARE * rate:
        sections.append(signal.tf2sos(*signal.iirnotch(notch_hz, 30.0, fs=rate)))
    return np.concatenate(sections) if sections else np.zeros((0, 6))


class Conditioner:
    """Unit, channels, reference and filter of one stream.

    Parameters
    ----------
    config : ConditioningConfig
    labels : sequence of str
        Channels of the stream.
    to_microvolt : float or array of shape (n_channels,)
        What the values of the stream, or of each of its channels, are multiplied with.
    kinds : sequence of str
        Of the channels; all EEG, as their names allow, where they are not given.
    rate : float
        Samples a second (the filter's design; drift does not matter).
    """

    def __init__(
        self,
        config: ConditioningConfig,
        labels: Sequence[str],
        to_microvolt: float | TimeArray,
        rate: float,
        kinds: Sequence[str] = (),
    ):
        self._pick = choose_channels(labels, config.channels, kinds)
        self.labels = tuple(labels[i] for i in self._pick)
        self._gain = np.broadcast_to(np.asarray(to_microvolt, np.float64), len(labels))[self._pick]
        self._average = config.reference == "average"
        notch_hz = config.notch_hz or 0.0
        if "notch_hz" in config.model_fields_set and notch_hz >= HIGHEST_SHARE * rate:
            raise StreamFormatError(
                f"a notch at {notch_hz:g} Hz cannot be made of {rate:g} samples a second: it has to lie "
                f"below {HIGHEST_SHARE * rate:g} Hz. Choose another --notch, or 0 for none"
            )
        self._sos = design(config.band_hz, config.notch_hz, rate)
        self._at_rest = _at_rest(self._sos)
        self._state: np.ndarray | None = None
        self.bad_values = BadValues(len(self._pick), rate)

    def judge(self, samples: FloatArray) -> Judged:
        """Chosen channels (n_samples, n_channels) in µV, unfiltered, and what of them is missing."""
        return self.bad_values.push(samples[:, self._pick].astype(np.float64) * self._gain)

    def push(self, chunk: EegChunk, judged: Judged | None = None) -> EegChunk:
        """Condition one chunk; a new segment starts from the filter's rest at its own first sample.

        So does a channel that is good again. `judged` may hand in `judge(chunk.samples)` where it was needed
        anyway; a sample is judged once.
        """
        if not len(chunk.samples):
            return EegChunk(np.zeros((0, len(self._pick)), np.float32), chunk.stamps, chunk.gap_before)
        values, bad, again = judged or self.judge(chunk.samples)
        if self._average:
            values = values - _mean_of_good(values, bad)
        if len(self._sos):
            if self._state is None or chunk.gap_before:
                self._state = self._at_rest[:, None, :] * values[0][None, :, None]
            values = self._filter(values, again)
        samples = np.ascontiguousarray(values, np.float32)
        return EegChunk(samples, chunk.stamps, chunk.gap_before, bad if bad.any() else None)

    def _filter(self, values: TimeArray, again: BoolArray) -> TimeArray:
        """Filter samples (n_samples, n_channels); a channel begins from rest where it is good `again`."""
        from scipy import signal

        assert self._state is not None
        parts, starts = [], [0, *map(int, np.flatnonzero(again.any(axis=1))), len(values)]
        for start, stop in itertools.pairwise(starts):
            for channel in np.flatnonzero(again[start]) if stop > start else ():
                self._state[:, channel] = self._at_rest * values[start, channel]
            if stop > start:
                part, self._state = signal.sosfilt(self._sos, values[start:stop].T, axis=1, zi=self._state)
                parts.append(part.T)
        return np.concatenate(parts)


def _at_rest(sos: TimeArray) -> TimeArray:
    """State of sections (n_sections, 6) that have seen a constant 1 for long, (n_sections, 2)."""
    from scipy import signal

    return np.asarray(signal.sosfilt_zi(sos)) if len(sos) else np.zeros((0, 2))


def _mean_of_good(values: TimeArray, bad: BoolArray) -> TimeArray:
    """Mean over the channels (n_samples, n_channels) that are good, (n_samples, 1)."""
    if not bad.any():
        return np.asarray(values.mean(axis=1, keepdims=True))
    n_good = np.maximum(np.count_nonzero(~bad, axis=1, keepdims=True), 1)
    return np.asarray(np.where(bad, 0.0, values).sum(axis=1, keepdims=True) / n_good)


def _median(values: FloatArray) -> FloatArray:
    """Median of each column of (n_values, n_channels), without NaN; 1 where there is nothing else."""
    unknown = np.isnan(values)
    if not unknown.any():
        return np.asarray(np.median(values, axis=0))
    known = np.where(unknown.all(axis=0), np.float32(1.0), values)
    return np.asarray(np.nanmedian(known, axis=0))


class RunningScale:
    """Robust standard deviation of each channel over the last seconds: 1.4826 · median of |x|, causal.

    What is missing counts for nothing.

    Renewed once a second of samples, so that it is a function of the samples alone; `at(time)` gives what was
    known then, for the last `kept` seconds. Thinned to about 64 values a second: a median does not need more.
    """

    def __init__(self, n_channels: int, rate: float, memory_s: float, kept: int = 32):
        self._kept = kept
        self._step = max(1, round(rate))
        self._thin = max(1, round(rate / 64))
        self._size = max(1, round(memory_s * self._step / self._thin))
        self._values = np.zeros((self._size, n_channels), np.float32)
        self._n_values = 0
        self._n_samples = 0
        self._known: list[tuple[float, FloatArray]] = []

    def push(self, chunk: EegChunk) -> None:
        """Take in conditioned samples."""
        start = 0
        while start < len(chunk.samples):
            stop = min(len(chunk.samples), start + self._step - self._n_samples % self._step)
            picked = np.arange(start + (-(self._n_samples)) % self._thin, stop, self._thin)
            where = (self._n_values + np.arange(len(picked))) % self._size
            self._values[where] = np.abs(chunk.samples[picked])
            if chunk.bad is not None:
                self._values[where] = np.where(chunk.bad[picked], np.nan, self._values[where])
            self._n_values += len(picked)
            self._n_samples += stop - start
            if self._n_samples % self._step == 0:
                self._renew(float(chunk.stamps[stop - 1]))
            start = stop

    def _renew(self, stamp: float) -> None:
        held = self._values[: min(self._n_values, self._size)]
        scale = np.maximum(1.4826 * _median(held), 1e-3).astype(np.float32)
        self._known = [*self._known[1 - self._kept :], (stamp, scale)]

    def at(self, time: float) -> FloatArray | None:
        """Scale (n_channels,) in µV as known at `time`, or None before the first second."""
        known = self._known
        for stamp, scale in reversed(known):
            if stamp < time:
                return scale
        return None

    def at_many(self, times: np.ndarray) -> FloatArray:
        """`at` for times (n,), seconds, in any order: (n, n_channels) µV, 1 where nothing was known yet."""
        if not self._known:
            return np.ones((len(times), self._values.shape[1]), np.float32)
        stamps = np.array([stamp for stamp, _ in self._known])
        scales = np.stack([np.ones_like(self._known[0][1]), *(scale for _, scale in self._known)])
        return scales[np.searchsorted(stamps, times, side="left")]
