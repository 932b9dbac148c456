"""How good each channel of a recorded stream is: amplitude, values that are none, flat, railing or noisy."""

from __future__ import annotations

from typing import Any

import numpy as np

from realtime.eeg.bad_values import KINDS, BadValues, in_words
from realtime.eeg.channels import kinds_of, own_gains, units_of
from realtime.eeg.quality import judge
from realtime.eeg.units import flag_amplitude
from realtime.errors import StreamFormatError
from realtime.types import EegInfo, FloatArray, IndexArray, TimeArray
from recordings.session.tracks import EegTrack

_JUDGED_S = 60  # seconds that are looked at, spread over the session
_MOSTLY = 0.5
_LEAST = 8  # samples that can be judged
_FAULTS = ("flat", "railing", "noisy")


class Missing:
    """Counts the values of each channel that are none, by the code that finds them live.

    Attributes
    ----------
    n_nan : array of shape (n_channels,), int64
        How many values of each channel are no number, whatever its kind.
    """

    def __init__(self, info: EegInfo):
        self.n_nan: IndexArray = np.zeros(info.n_channels, np.int64)
        self.eeg = [i for i, kind in enumerate(kinds_of(info)) if kind == "eeg"]
        try:
            self._gains: TimeArray = own_gains(info)[0][self.eeg]
        except StreamFormatError:  # no voltage: said by `channel_quality`
            self._gains = np.ones(len(self.eeg))
        self._bad = BadValues(len(self.eeg), info.rate_nominal)

    def push(self, samples: FloatArray) -> None:
        """Take samples (n_samples, n_channels) in the stream's units."""
        self.n_nan += np.count_nonzero(~np.isfinite(samples), axis=0)
        if len(samples):
            self._bad.push(samples[:, self.eeg].astype(np.float64) * self._gains)

    def of(self, channel: int) -> dict[str, int]:
        """Return how many values of an EEG channel are none, by kind; {} for others."""
        if channel not in self.eeg:
            return {}
        counts = self._bad.counts[:, self.eeg.index(channel)]
        return dict(zip(KINDS, map(int, counts), strict=True))

    def sentences(self, info: EegInfo, n_samples: int) -> list[str]:
        """Say of each EEG channel what is taken for missing, beyond what is no number."""
        counts = self._bad.counts.copy()
        counts[0] = 0
        return in_words([info.labels[i] for i in self.eeg], counts, n_samples)


def channel_quality(track: EegTrack, missing: Missing, problems: list[str]) -> list[dict[str, Any]]:
    """Describe each channel of a stream; what is wrong is appended to `problems` as sentences.

    Parameters
    ----------
    missing : Missing
        What was counted over the whole stream.

    Raises
    ------
    StreamFormatError
        The unit of an EEG channel is no voltage.
    """
    info = track.info
    gains, volts = own_gains(info)
    kinds, units = kinds_of(info), units_of(info)
    looks = [samples * gains for samples in _seconds(track)]
    if not looks:
        return []
    channels: list[dict[str, Any]] = []
    for i, (label, kind) in enumerate(zip(info.labels, kinds, strict=True)):
        seconds = [known for look in looks if len(known := _known(look[:, i]))]
        spread = [float(np.median(np.abs(known - np.median(known)))) for known in seconds]
        amplitude = float(np.median(spread)) if spread else None
        judged = seconds if volts[i] and kind != "stim" else []
        channels.append(
            {
                "label": label,
                "kind": kind,
                "unit": units[i] if kind == "eeg" or not info.units else info.units[i],
                "amplitude": None if volts[i] else amplitude,
                "amplitude_uv": amplitude if volts[i] else None,
                "nan": int(missing.n_nan[i]),
                "missing": missing.of(i),
                "seconds": len(judged),
                **_shares(judged),
            }
        )
        problems += [f"{info.name}: {label} {fault}" for fault in _faults(channels[-1], track.n_samples)]
    problems += [f"{info.name}: {words}" for words in missing.sentences(info, track.n_samples)]
    eeg = (c["amplitude_uv"] for c in channels if c["kind"] == "eeg")
    amplitudes = [float(one) for one in eeg if isinstance(one, float)]
    if amplitudes and (note := flag_amplitude(float(np.median(amplitudes)))):
        problems.append(f"{info.name}: {note}")
    return channels


def _seconds(track: EegTrack) -> list[TimeArray]:
    """Seconds of samples (n, n_channels) to be judged, in the stream's units."""
    start, end = track.span
    found = []
    for at in np.linspace(start, max(start, end - 1.0), min(_JUDGED_S, max(1, int(end - start)))):
        _, samples = track.read(at, at + 1.0)
        if len(samples) >= max(_LEAST, track.info.rate_nominal / 2):
            found.append(samples.astype(np.float64))
    return found


def _known(values: TimeArray) -> TimeArray:
    known: TimeArray = values[np.isfinite(values)]
    return known


def _shares(seconds: list[TimeArray]) -> dict[str, float]:
    """In what share of the seconds the channel had each fault."""
    words = [judge(known[:, None])[0] for known in seconds if len(known) >= _LEAST]
    return {fault: words.count(fault) / max(1, len(words)) for fault in _FAULTS}


def _faults(channel: dict[str, Any], n_samples: int) -> list[str]:
    found = []
    if channel["nan"]:
        found.append(f"holds {channel['nan']} of {n_samples} values that are no number")
    worst = max(_FAULTS, key=lambda word: channel[word])
    if channel["kind"] == "eeg" and channel[worst] > _MOSTLY:
        found.append(f"is {worst} for {channel[worst]:.0%} of the time")
    return found
