"""The virtual subject: EEG made from what is on the screen, with a truth that is known.

    eeg = engagement(t) · snr · answer to the film + 1/f background + alpha that falls with engagement
          + blinks + muscle + mains + drift

What engagement does follows attention in people who watch films: the answers that a film evokes shrink when
the mind is elsewhere (Ki, Kelly & Parra 2016, doi:10.1523/JNEUROSCI.2942-15.2016), and alpha grows
(Foxe & Snyder 2011, doi:10.3389/fpsyg.2011.00154).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from realtime.config import Frozen
from realtime.eeg.electrodes import HEADSETS
from realtime.types import FloatArray, TimeArray
from realtime.virtual.background import Artefacts, Background
from realtime.virtual.film.film import Film
from realtime.virtual.head_model import direction
from realtime.virtual.headset import HeadsetOptions
from realtime.virtual.subject.engagement import Engagement, Phase, ScheduledEngagement
from realtime.virtual.subject.features import FeatureTrack, Half
from realtime.virtual.subject.response import Brain

Sees = Literal["all", "left", "right"]

_WATCHED = (160, 90)  # pixels: all that `features` measures is there, at a sixth of the cost of the full film


class SubjectOptions(Frozen):
    """Who the subject is and what it wears. µV, seconds, samples a second; rates of events a minute.

    `snr` is the standard deviation of the answer to the film at Oz while engaged, as a share of the
    background's (`background_uv`, 1/f above 0.5 Hz). `drift_ppm`, `dropouts` and `dropout_s` are those of
    `HeadsetOptions`. `sees` is the half of the picture that reaches the subject's brain, or all of it.
    """

    seed: int = 0
    film_seed: int = 0
    electrodes: tuple[str, ...] = HEADSETS["unicorn"]
    rate: float = Field(default=250.0, ge=100)
    snr: float = Field(default=0.4, ge=0)
    lag_s: float = Field(default=0.0, ge=0, le=1)
    face_weight: float = Field(default=0.0, ge=0, le=1)
    sees: Sees = "all"
    phase_s: float = Field(default=15.0, ge=4)
    always_engaged: bool = False
    background_uv: float = Field(default=10.0, ge=0)
    alpha_uv: float = Field(default=8.0, ge=0)
    blinks_per_min: float = Field(default=12.0, ge=0)
    blink_uv: float = Field(default=90.0, ge=0)
    bursts_per_min: float = Field(default=2.0, ge=0)
    burst_uv: float = Field(default=15.0, ge=0)
    line_hz: float = Field(default=50.0, gt=0)
    line_uv: float = Field(default=2.0, ge=0)
    drift_uv: float = Field(default=20.0, ge=0)
    drift_ppm: float = Field(default=0.0, ge=-1000, le=1000)
    dropouts: float = Field(default=0.0, ge=0, le=1)
    dropout_s: float = Field(default=0.5, gt=0)

    @model_validator(mode="after")
    def _known_electrodes(self) -> SubjectOptions:
        for label in self.electrodes:
            direction(label)
        return self


class AlwaysEngaged:
    """Engagement that never falls, for tests and for learning curves."""

    def at(self, times: TimeArray) -> NDArray[np.float64]:
        return np.ones(np.shape(times))

    def phases(self, start: float, stop: float) -> list[Phase]:
        return []


class VirtualSubject:
    """A person in front of the film, sample by sample.

    Parameters
    ----------
    options : SubjectOptions
    start : float
        Time of sample 0, seconds on the LSL clock.
    seen : FeatureTrack, optional
        What is watched; the film of the options by default.
    engagement : Engagement, optional
        By the clock, unless told.
    """

    def __init__(
        self,
        options: SubjectOptions,
        start: float = 0.0,
        seen: FeatureTrack | None = None,
        engagement: Engagement | None = None,
    ):
        self.options, self.start = options, start
        self.engagement = engagement or engagement_of(options)
        seen = seen or watching(Film(options.film_seed), sees=options.sees)
        self._brain = Brain(seen, options.electrodes, options.lag_s, options.face_weight)
        self._artefacts = Artefacts(
            options.electrodes, options.seed, options.blinks_per_min, options.blink_uv,
            options.bursts_per_min, options.line_hz, options.line_uv, options.drift_uv,
        )  # fmt: skip
        self._blocks = Background(options.electrodes, options.rate, options.seed).blocks()
        self._left = tuple(np.empty((0, len(options.electrodes))) for _ in range(3))
        self._taken = 0

    @property
    def labels(self) -> tuple[str, ...]:
        return self.options.electrodes

    def times(self, first: int, n: int) -> TimeArray:
        """When samples `first` to `first + n - 1` are taken, seconds on the LSL clock."""
        rate = self.options.rate * (1 + self.options.drift_ppm * 1e-6)
        return self.start + np.arange(first, first + n) / rate

    def read(self, n: int) -> FloatArray:
        """The next `n` samples: array of shape (n, n_channels), float32 µV, the same however they are cut."""
        if n <= 0:
            return np.empty((0, len(self.labels)), np.float32)
        options, times = self.options, self.times(self._taken, n)
        self._taken += n
        brain, alpha, muscle = self._background(n)
        engaged = self.engagement.at(times)
        eeg = options.background_uv * brain + options.alpha_uv * (1 - 0.7 * engaged)[:, None] * alpha
        if options.snr > 0:
            eeg += (options.snr * options.background_uv * engaged)[:, None] * self._brain.respond(times)
        eeg += options.burst_uv * self._artefacts.tension(times)[:, None] * muscle
        self._artefacts.add(times, eeg)
        return eeg.astype(np.float32)

    def _background(self, n: int) -> tuple[NDArray[np.float64], ...]:
        parts = [self._left]
        while sum(len(part[0]) for part in parts) < n:
            parts.append(next(self._blocks))
        joined = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        self._left = tuple(column[n:] for column in joined)
        return tuple(column[:n] for column in joined)


def worn_by(options: SubjectOptions, **changes: Any) -> HeadsetOptions:
    """The headset on the subject's head; `changes` are further options of it, such as its name."""
    same = {name: getattr(options, name) for name in ("rate", "drift_ppm", "dropouts", "dropout_s", "seed")}
    return HeadsetOptions(**{"name": "Virtual subject", "channels": options.electrodes, **same, **changes})


def watching(film: Film, memory: int = 512, sees: Sees = "all") -> FeatureTrack:
    """A film as the subject's eyes take it: small, each frame once, and only the half that they see."""
    small = Film(film.seed, film.fps, _WATCHED)
    return FeatureTrack(small if sees == "all" else Half(small, sees), memory)


def engagement_of(options: SubjectOptions) -> Engagement:
    """The truth about a subject that does not listen to feedback, from its options and the clock alone."""
    return AlwaysEngaged() if options.always_engaged else ScheduledEngagement(options.seed, options.phase_s)
