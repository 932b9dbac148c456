"""The virtual attender: somebody in front of several objects who attends one of them at a time.

Its brain answers to the changes of the attended object, and only weakly to those of the others: whoever looks
at an object has it in the fovea, which visual cortex magnifies many times over its surroundings (Horton &
Hoyt 1991, doi:10.1001/archopht.1991.01080060080030), and attention adds to that (Morgan, Hansen & Hillyard
1996, doi:10.1073/pnas.93.10.4770).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from realtime.feedback.attended import CHANNELS
from realtime.virtual.film.objects import ObjectsFilm
from realtime.virtual.subject.features import FeatureTrack, Part, Remembered
from realtime.virtual.subject.focus import ResponsiveFocus, ScheduledFocus
from realtime.virtual.subject.response import Brain
from realtime.virtual.subject.subject import WATCHED, Listening, PersonOptions

_GAIN = 0.4  # brings the answer to an attended object to a standard deviation of 1 at Oz


class AttenderOptions(PersonOptions):
    """Somebody who attends one of several objects, another one every two thirds to four thirds of `turn_s`.

    `ignored` is how strongly what is not attended is answered, as a share of what is. `drifts` is the share
    of turns in which the mind is off all objects.
    """

    snr: float = Field(default=0.5, ge=0)
    n_objects: Literal[2, 4, 6, 9] = 4
    ignored: float = Field(default=0.15, ge=0, le=1)
    turn_s: float = Field(default=15.0, ge=4)
    drifts: float = Field(default=0.15, ge=0, le=1 / 3)

    def film(self, size: tuple[int, int] = (480, 270)) -> ObjectsFilm:
        """Return the film of objects, in a size in pixels."""
        return ObjectsFilm(self.film_seed, size=size, n_objects=self.n_objects)

    def seen(self, memory: int = 512) -> tuple[FeatureTrack, ...]:
        """Return the home of each object, as it is seen by somebody who looks at it."""
        film = self.film(WATCHED)
        frames = Remembered(film, memory)
        return tuple(FeatureTrack(Part(frames, film.home(i)), memory) for i in range(self.n_objects))

    def brains(self, seen: Sequence[FeatureTrack]) -> tuple[Brain, ...]:
        """Return what answers to each object."""
        return tuple(Brain(one, self.electrodes, self.lag_s) for one in seen)

    def gains(self, attention: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how strongly each object is answered, array of shape (n_times, n_objects)."""
        return _GAIN * (self.ignored + (1 - self.ignored) * attention)

    def truth(self) -> ScheduledFocus:
        """Return which object is attended, by the clock alone."""
        return ScheduledFocus(self.seed, self.n_objects, self.turn_s, self.drifts)

    def listening(self, start: float) -> Listening:
        """Return attention that fades in each turn; the attended object's being lit up holds it."""
        schedule = ScheduledFocus(self.seed, self.n_objects, self.turn_s, 0.0)
        focus = ResponsiveFocus(schedule, start)

        def hear(lit: float | None, now: float) -> None:
            focus.feedback(float(lit == schedule.object_of(schedule.turn_at(now))), now)

        return Listening(focus, CHANNELS.index("object"), hear)
