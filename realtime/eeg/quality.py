"""Is a channel's signal worth listening to? Looked at once a second, in µV, before any filter."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FLAT_UV = 0.5  # peak to peak over a second; amplifier noise alone is larger
NOISY_UV = 150.0  # robust standard deviation after removing the second's drift
RAIL_FROM_UV = 400.0  # a value that stands still so far from zero is the end of the amplifier's range
RAILING_SHARE = 0.2  # of a second spent exactly at its own extreme
_MISSING_SHARE = 0.2  # of a second that is missing: the channel is called so
_ROBUST = 1.4826  # median absolute deviation to standard deviation of a Gaussian


def judge(second: np.ndarray) -> list[str]:
    """Judge each channel of `second` (n_samples, n_channels) µV: empty if good, else the reason."""
    channels = np.ascontiguousarray(second.T)
    top, bottom = channels.max(axis=1), channels.min(axis=1)
    at_rail = np.maximum(_share_at(channels, top), _share_at(channels, bottom))
    mean = channels.mean(axis=1)
    level = channels - mean[:, None]
    line = np.arange(len(second)) - (len(second) - 1) / 2
    level -= np.outer(level @ line / (line @ line), line)  # least squares
    spread = _ROBUST * np.median(np.abs(level - np.median(level, axis=1, keepdims=True)), axis=1)
    stuck = top - bottom < FLAT_UV
    reasons = np.where(spread > NOISY_UV, "noisy", "")
    reasons = np.where(stuck | (at_rail > RAILING_SHARE), "railing", reasons)
    found: list[str] = np.where(stuck & (np.abs(mean) < RAIL_FROM_UV), "flat", reasons).tolist()
    return found


def _share_at(channels: np.ndarray, value: np.ndarray) -> np.ndarray:
    """How much of each channel (n_channels, n_samples) stands exactly at its value (n_channels,)."""
    return np.asarray((channels == value[:, None]).mean(axis=1))


class QualityMonitor:
    """Keeps the last verdict on each channel.

    Parameters
    ----------
    labels : sequence of str
    rate : float
        Samples a second.
    """

    def __init__(self, labels: Sequence[str], rate: float):
        self.labels = tuple(labels)
        self.reasons: dict[str, str] = dict.fromkeys(labels, "")
        self.amplitude_uv = 0.0  # median |x| over channels and the last second, mean removed
        self.amplitudes_uv = np.zeros(len(labels))  # of each channel
        self._window = np.zeros((max(2, round(rate)), len(labels)))
        self._missing = np.zeros(len(labels), np.int64)  # values of the window that are none
        self._filled = 0

    def push(self, microvolt: np.ndarray, missing: np.ndarray | None = None) -> None:
        """Take samples (n_samples, n_channels) in µV, unfiltered, and which of them are missing."""
        start = 0
        while start < len(microvolt):
            taken = min(len(microvolt) - start, len(self._window) - self._filled)
            self._window[self._filled : self._filled + taken] = microvolt[start : start + taken]
            if missing is not None:
                self._missing += np.count_nonzero(missing[start : start + taken], axis=0)
            self._filled += taken
            start += taken
            if self._filled == len(self._window):
                self._conclude()

    def _conclude(self) -> None:
        """Judge the second that is full, and begin the next."""
        channels = np.ascontiguousarray(self._window.T)
        away = np.abs(channels - np.median(channels, axis=1, keepdims=True))
        self.amplitude_uv, self.amplitudes_uv = float(np.median(away)), np.median(away, axis=1)
        mostly = self._missing > _MISSING_SHARE * len(self._window)
        reasons = judge(self._window)
        said = {"railing", "flat"}  # says more than that it is missing
        self.reasons = {
            label: "missing" if gone and reason not in said else reason
            for label, reason, gone in zip(self.labels, reasons, mostly, strict=True)
        }
        self._filled, self._missing = 0, np.zeros_like(self._missing)
