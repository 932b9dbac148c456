"""A recording that never happened: a virtual subject and its film, without waiting."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.types import FloatArray, Frame, TimeArray
from realtime.virtual.film.film import ClockFilm
from realtime.virtual.headset import VirtualHeadset
from realtime.virtual.subject.engagement import Phase
from realtime.virtual.subject.features import FeatureTrack
from realtime.virtual.subject.subject import PersonOptions, SubjectOptions, VirtualSubject, worn_by


@dataclass(frozen=True)
class SimulatedSession:
    """A recording that never happened.

    Attributes
    ----------
    samples : array of shape (n_samples, n_channels), float32 µV
    stamps : array of shape (n_samples,), float64 s on the LSL clock
    engagement : array of shape (n_samples,), float64, 0 to 1
        (n_samples, n_objects) where one of several objects is attended.
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
    film: ClockFilm
    first_frame: int
    n_frames: int

    def frames(self) -> Iterator[Frame]:
        """Give the frames on show, in order, drawn as they are asked for."""
        for number in range(self.first_frame, self.first_frame + self.n_frames):
            yield Frame(self.film.frame(number), self.film.stamp(number), number)


def simulate_session(
    seconds: float,
    options: PersonOptions | None = None,
    size: tuple[int, int] = (480, 270),
    start: float = 1000.0,
    seen: Sequence[FeatureTrack] | None = None,
) -> SimulatedSession:
    """Record a virtual subject without waiting: what its headset and the film give from `start` on.

    Parameters
    ----------
    options : PersonOptions, optional
        Who sees what; somebody who watches film 0 by default.
    size : (int, int)
        Width and height of the frames that the session gives, pixels.
    seen : sequence of FeatureTrack, optional
        The features of that film, to share between sessions: `options.seen(memory)`. They take most of the
        time.
    """
    options = options or SubjectOptions()
    film = options.film(size)
    subject = VirtualSubject(options, start, seen)
    headset = VirtualHeadset(worn_by(options), start, subject)
    n = round(seconds * options.rate)
    step = round(10 * options.rate)
    chunks = [headset.read(min(step, n - first)) for first in range(0, n, step)]
    samples, stamps = (np.concatenate(parts) for parts in zip(*chunks, strict=True))
    stop = float(subject.times(n, 1)[0])
    truth, first_frame = options.truth(), film.number_at(start)
    return SimulatedSession(
        samples=samples.astype(np.float32),
        stamps=stamps,
        labels=subject.labels,
        rate=options.rate,
        engagement=truth.at(stamps),
        markers=[(start, truth.phase(start)), *truth.phases(start, stop)],
        film=film,
        first_frame=first_frame,
        n_frames=film.number_at(stop) - first_frame + 1,
    )
