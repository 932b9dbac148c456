"""From an EEG source into the ring of its grid, called by one thread."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from realtime.config import ConditioningConfig, GridConfig
from realtime.eeg.bad_values import KINDS, in_words
from realtime.eeg.channels import gains_uv
from realtime.eeg.conditioning import Conditioner, RunningScale, choose_channels
from realtime.eeg.quality import QualityMonitor
from realtime.eeg.side import SideChannels
from realtime.eeg.units import flag_amplitude
from realtime.ring import GridRing
from realtime.sources import EegSource
from realtime.taps import Taps
from realtime.time.interpolation import GridInterpolator, kernel_for
from realtime.time.stamps import StampFitter
from realtime.types import ClockOffset, EegChunk, EegHealth, EegInfo, RawChunk


class EegIntake:
    """Source → stamps → conditioning → grid.

    Parameters
    ----------
    source : EegSource
        Already open; `info` is what `open` returned.
    history_s : float
        How much conditioned EEG the ring keeps.
    """

    def __init__(
        self,
        source: EegSource,
        info: EegInfo,
        config: ConditioningConfig,
        grid: GridConfig,
        history_s: float = 60.0,
        scales_kept: int = 32,
    ):
        self.info = info
        self.source = source
        self.fitter = StampFitter(info.rate_nominal)
        chosen = choose_channels(info.labels, config.channels, info.kinds)
        gains = np.ones(info.n_channels)
        gains[chosen] = gains_uv(info, chosen, config.unit)
        self.conditioner = Conditioner(config, info.labels, gains, info.rate_nominal, info.kinds)
        n_channels = len(self.conditioner.labels)
        self.ring = GridRing(round(history_s * grid.eeg_hz), n_channels)
        self.scale = RunningScale(n_channels, info.rate_nominal, config.scale_s, scales_kept)
        self.quality = QualityMonitor(self.conditioner.labels, info.rate_nominal)
        self.taps: Taps[RawChunk] = Taps()  # called in this intake's thread; must not block
        self.offset: ClockOffset | None = None  # the sender's clock as last measured, before the newest chunk
        self.side = SideChannels(info, chosen, grid.eeg_hz, history_s)
        highest = None if config.band_hz is None else config.band_hz[1]
        kernel = kernel_for(highest, info.rate_nominal)
        self._interpolator = GridInterpolator(grid.eeg_hz, self.ring, kernel)
        self._flushed = False

    def pump(self, timeout_s: float = 0.0) -> bool:
        """Take what the source has, waiting up to `timeout_s` for it; True if samples came."""
        raw = self.source.read(timeout_s)
        if raw is not None:
            self.taps(raw)
            if raw.offsets:
                self.offset = raw.offsets[-1]
            self._take(self.fitter.push(raw))
        elif self.source.finished and not self._flushed:
            self._flushed = True
            self._take(self.fitter.flush())
        return raw is not None

    def _take(self, chunks: list[EegChunk]) -> None:
        for chunk in chunks:
            if not len(chunk.samples):
                continue
            judged = self.conditioner.judge(chunk.samples)
            self.quality.push(judged.microvolt, judged.bad)
            conditioned = self.conditioner.push(chunk, judged)
            self.scale.push(conditioned)
            self._interpolator.push(conditioned)
            self.side.push(chunk)

    def missing(self) -> list[str]:
        """Say of each channel which values are taken for missing, and why."""
        return in_words(self.conditioner.labels, self.conditioner.bad_values.counts, self.fitter.samples)

    def channels(self) -> list[dict[str, Any]]:
        """Describe each channel: amplitude in the last second, what is wrong with it, values by fault."""
        quality, counts = self.quality, self.conditioner.bad_values.counts
        rows = zip(quality.labels, quality.amplitudes_uv, quality.reasons.values(), counts.T, strict=True)
        return [
            {
                "label": label,
                "amplitude_uv": float(amplitude),
                "fault": fault,
                "missing": dict(zip(KINDS, map(int, column), strict=True)),
            }
            for label, amplitude, fault, column in rows
        ]

    def health(self) -> EegHealth:
        """Return the source's health with what was counted here."""
        fitter = self.fitter
        health = self.source.health()
        return replace(
            health,
            n_channels=self.ring.width,
            rate_nominal=self.info.rate_nominal,
            rate_effective=fitter.rate_effective,
            drift_ppm=fitter.drift_ppm,
            gaps=fitter.gaps,
            lost_samples=fitter.lost_samples,
            samples=fitter.samples,
            note=health.note or fitter.note or flag_amplitude(self.quality.amplitude_uv),
            clock_steps=len(fitter.clock_steps),
            warnings=(*health.warnings, *filter(None, [fitter.note]), *self.missing()),
        )
