"""The virtual subject: EEG made from what is on the screen, with a truth that is known.

    eeg = snr · Σ objects  gain(t) · answer to the object + 1/f background + alpha that falls with engagement
          + blinks + muscle + mains + drift

Who watches a film attends one object, all of it. What engagement does follows attention in people who watch
films: the answers that a film evokes shrink when the mind is elsewhere (Ki, Kelly & Parra 2016,
doi:10.1523/JNEUROSCI.2942-15.2016), and alpha grows (Foxe & Snyder 2011, doi:10.3389/fpsyg.2011.00154).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from realtime.config import Frozen
from realtime.eeg.electrodes import HEADSETS
from realtime.feedback.outlet import CHANNELS
from realtime.types import FloatArray, Rectangle, TimeArray
from realtime.virtual.background import Artefacts, Background
from realtime.virtual.film.film import ClockFilm, Film
from realtime.virtual.head_model import direction
from realtime.virtual.headset import HeadsetOptions
from realtime.virtual.subject.engagement import (
    AlwaysEngaged,
    Engagement,
    ResponsiveEngagement,
    ScheduledEngagement,
)
from realtime.virtual.subject.features import FeatureTrack, Part
from realtime.virtual.subject.response import Brain, Folding

Sees = Literal["all", "left", "right"]
Hear = Callable[[float | None, float], None]
"""Given what feedback says (None: nothing any more) and now, seconds on the LSL clock."""

WATCHED = (160, 90)  # pixels: all that `features` measures is there, at a sixth of the cost of the full film
_HALVES = {"left": Rectangle(0.0, 0.0, 0.5, 1.0), "right": Rectangle(0.5, 0.0, 1.0, 1.0)}


@dataclass(frozen=True)
class Listening:
    """Attention that depends on feedback: the channel of the feedback's stream, and what hears it."""

    engagement: Engagement
    channel: int
    hear: Hear


class PersonOptions(Frozen):
    """Who somebody is and what they wear, whatever they do. µV, seconds, samples a second; events a minute.

    `snr` is the standard deviation, at Oz, of the answer to what is fully attended, as a share of the
    background's (`background_uv`, 1/f above 0.5 Hz). `drift_ppm`, `dropouts` and `dropout_s` are those of
    `HeadsetOptions`.
    """

    seed: int = 0
    film_seed: int = 0
    electrodes: tuple[str, ...] = HEADSETS["unicorn"]
    rate: float = Field(default=250.0, ge=100)
    snr: float = Field(default=0.4, ge=0)
    lag_s: float = Field(default=0.0, ge=0, le=1)
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
    def _known_electrodes(self) -> PersonOptions:
        for label in self.electrodes:
            direction(label)
        return self

    @abstractmethod
    def film(self, size: tuple[int, int] = (480, 270)) -> ClockFilm:
        """Return what is shown, in a size in pixels."""

    @abstractmethod
    def seen(self, memory: int = 512) -> tuple[FeatureTrack, ...]:
        """Return what reaches the brain of each object of the film, with features kept for so many frames."""

    @abstractmethod
    def brains(self, seen: Sequence[FeatureTrack]) -> tuple[Brain, ...]:
        """Return what answers to each object, given what reaches it."""

    @abstractmethod
    def gains(self, attention: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how strongly each object is answered, from the attention it has: (n_times, n_objects)."""

    @abstractmethod
    def truth(self) -> Engagement:
        """Return the attention of somebody who does not listen to feedback: by the clock alone."""

    @abstractmethod
    def listening(self, start: float) -> Listening:
        """Return the attention of somebody who does, from `start` on, and what it is held by."""


class SubjectOptions(PersonOptions):
    """Somebody who watches the film, engaged or with the mind elsewhere.

    `sees` is the half of the picture that reaches the subject's brain, or all of it. `face_weight` is that of
    `Brain`, and `folding_deg` says how far its sources lie from where they lie in others (`Folding`).
    """

    folding_deg: float = Field(default=0.0, ge=0, le=180)
    face_weight: float = Field(default=0.0, ge=0, le=1)
    sees: Sees = "all"
    phase_s: float = Field(default=15.0, ge=4)
    always_engaged: bool = False

    def film(self, size: tuple[int, int] = (480, 270)) -> ClockFilm:
        """Return the film, in a size in pixels."""
        return Film(self.film_seed, size=size)

    def seen(self, memory: int = 512) -> tuple[FeatureTrack, ...]:
        """Return the film as the subject's eyes take it: small, each frame once, only the part they see."""
        film = self.film(WATCHED)
        return (FeatureTrack(film if self.sees == "all" else Part(film, _HALVES[self.sees]), memory),)

    def brains(self, seen: Sequence[FeatureTrack]) -> tuple[Brain, ...]:
        """Return what answers to the film."""
        folding = Folding(self.seed, self.folding_deg)
        return tuple(Brain(one, self.electrodes, self.lag_s, self.face_weight, folding) for one in seen)

    def gains(self, attention: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the attention, array of shape (n_times, 1): a film is answered as far as it is attended."""
        return attention

    def truth(self) -> Engagement:
        """Return engagement by the clock alone."""
        return AlwaysEngaged() if self.always_engaged else ScheduledEngagement(self.seed, self.phase_s)

    def listening(self, start: float) -> Listening:
        """Return engagement that falls by itself; the level of the feedback brings it back."""
        engagement = ResponsiveEngagement(start)
        return Listening(
            engagement,
            CHANNELS.index("feedback"),
            lambda level, now: engagement.feedback(0.0 if level is None else level, now),
        )


class VirtualSubject:
    """A person in front of a film, sample by sample.

    Parameters
    ----------
    options : PersonOptions
    start : float
        Time of sample 0, seconds on the LSL clock.
    seen : sequence of FeatureTrack, optional
        What is seen of each object; `options.seen()` by default.
    engagement : Engagement, optional
        `options.truth()` by default.
    """

    def __init__(
        self,
        options: PersonOptions,
        start: float = 0.0,
        seen: Sequence[FeatureTrack] | None = None,
        engagement: Engagement | None = None,
    ):
        self.options, self.start = options, start
        self.engagement = engagement or options.truth()
        self._brains = options.brains(options.seen() if seen is None else seen)
        self._artefacts = Artefacts(
            options.electrodes, options.seed, options.blinks_per_min, options.blink_uv,
            options.bursts_per_min, options.line_hz, options.line_uv, options.drift_uv,
        )  # fmt: skip
        self._blocks = Background(options.electrodes, options.rate, options.seed).blocks()
        self._left = tuple(np.empty((0, len(options.electrodes))) for _ in range(3))
        self._taken = 0

    @property
    def labels(self) -> tuple[str, ...]:
        """Electrodes, in the order of the samples' columns."""
        return self.options.electrodes

    def times(self, first: int, n: int) -> TimeArray:
        """Return when samples `first` to `first + n - 1` are taken: shape (n,), s on the LSL clock."""
        rate = self.options.rate * (1 + self.options.drift_ppm * 1e-6)
        return self.start + np.arange(first, first + n) / rate

    def read(self, n: int) -> FloatArray:
        """Return the next `n` samples, the same however they are cut.

        Returns
        -------
        array of shape (n, n_channels), float32 µV
        """
        if n <= 0:
            return np.empty((0, len(self.labels)), np.float32)
        options, times = self.options, self.times(self._taken, n)
        self._taken += n
        brain, alpha, muscle = self._background(n)
        attention = self.engagement.at(times).reshape(n, -1)  # a column an object
        eeg = options.background_uv * brain + options.alpha_uv * (1 - 0.7 * attention.sum(1))[:, None] * alpha
        if options.snr > 0:
            amplitudes = options.snr * options.background_uv * options.gains(attention)
            for brain_of_one, amplitude in zip(self._brains, amplitudes.T, strict=True):
                eeg += amplitude[:, None] * brain_of_one.respond(times)
        eeg += options.burst_uv * self._artefacts.tension(times)[:, None] * muscle
        self._artefacts.add(times, eeg)
        return np.asarray(eeg, np.float32)

    def _background(self, n: int) -> tuple[NDArray[np.float64], ...]:
        parts = [self._left]
        while sum(len(part[0]) for part in parts) < n:
            parts.append(next(self._blocks))
        joined = tuple(np.concatenate(column) for column in zip(*parts, strict=True))
        self._left = tuple(column[n:] for column in joined)
        return tuple(column[:n] for column in joined)


def worn_by(options: PersonOptions, **changes: Any) -> HeadsetOptions:
    """Return the headset on the subject's head; `changes` are further options of it, such as its name."""
    same = {name: getattr(options, name) for name in ("rate", "drift_ppm", "dropouts", "dropout_s", "seed")}
    return HeadsetOptions(**{"name": "Virtual subject", "channels": options.electrodes, **same, **changes})
