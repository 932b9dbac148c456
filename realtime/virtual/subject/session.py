"""A recording that never happened: a virtual subject and its film, without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.types import FloatArray, Frame, TimeArray
from realtime.virtual.film.film import Film
from realtime.virtual.headset import VirtualHeadset
from realtime.virtual.subject.engagement import Phase, phase_at
from realtime.virtual.subject.features import FeatureTrack
from realtime.virtual.subject.subject import SubjectOptions, VirtualSubject, engagement_of, watching, worn_by


@dataclass(frozen=True)
class SimulatedSession:
    """A recording that never happened.

    Attributes
    ----------
    samples : array of shape (n_samples, n_channels), float32 µV
    stamps : array of shape (n_samples,), float64 s on the LSL clock
    engagement : array of shape (n_samples,), float64, 0 to 1
    markers : list of (float, str)
        The phase it begins with, and each change of phase.
    first_frame, n_frames : int
        The film's frames that were on show.
    """

    samples: FloatArray
    stamps: TimeArray
    labels: tuple[str, ...]
    rate: float
    engagement: NDArray[np.float64]
    markers: list[Phase]
    film: Film
    first_frame: int
    n_frames: int

    def frames(self) -> Iterator[Frame]:
        """The frames on show, in order, drawn as they are asked for."""
        for number in range(self.first_frame, self.first_frame + self.n_frames):
            yield Frame(self.film.frame(number), self.film.stamp(number), number)


def simulate_session(
    seconds: float,
    options: SubjectOptions | None = None,
    film: Film | None = None,
    start: float = 1000.0,
    seen: FeatureTrack | None = None,
) -> SimulatedSession:
    """Record a virtual subject without waiting: what its headset and the film give from `start` on.

    Parameters
    ----------
    film : Film, optional
        What is shown, in the size that `frames` shall have; the film of the options by default.
    seen : FeatureTrack, optional
        The features of that film, to share between sessions: `watching(film, memory)`. They take most of the
        time.
    """
    options = options or SubjectOptions()
    film = film or Film(options.film_seed)
    subject = VirtualSubject(options, start, seen or watching(film, sees=options.sees))
    headset = VirtualHeadset(worn_by(options), start, subject)
    n = round(seconds * options.rate)
    step = round(10 * options.rate)
    chunks = [headset.read(min(step, n - first)) for first in range(0, n, step)]
    samples, stamps = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    stop = float(subject.times(n, 1)[0])
    truth, first_frame = engagement_of(options), film.number_at(start)
    return SimulatedSession(
        samples=samples.astype(np.float32),
        stamps=stamps,
        labels=subject.labels,
        rate=options.rate,
        engagement=truth.at(stamps),
        markers=[phase_at(truth, start), *truth.phases(start, stop)],
        film=film,
        first_frame=first_frame,
        n_frames=film.number_at(stop) - first_frame + 1,
    )
