"""The second demo: somebody attends one of several objects, and the program finds which."""

from __future__ import annotations

import math
import threading
import uuid
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from experiment.demo.person import Person, trained_for
from experiment.model_choice import ModelChoice
from experiment.state import AttendedShown, Mode
from realtime.chance import wilson
from realtime.lsl.isolation import isolate
from realtime.types import Attention, Reading, Rectangle

if TYPE_CHECKING:
    from experiment.run import Running
    from realtime.time.clock import Clock
    from realtime.virtual.film.objects import ObjectsFilm

SEED = 7
_MARKERS_S = 2.0  # markers have come by then
_STANDS_OUT = 0.5  # of the attention that falls on objects: from here on the object is lit up


def open_attend_demo(
    model: ModelChoice,
    seed: int = SEED,
    n_objects: int = 4,
    closed_loop: bool = True,
    tour: bool = False,
) -> Running:
    """Have a virtual attender look at one of several objects after another; its EEG comes by LSL.

    The object that is found attended is lit up. In a closed loop the attender hears of it over LSL: its
    attention fades in each turn unless its object is lit up; else it follows the clock.
    """
    isolate()
    source_id = f"phosphene-attend-{uuid.uuid4().hex[:12]}"
    attended_id = f"{source_id}-attended"
    listens = ["--feedback", f"source_id={attended_id}"] if closed_loop else []
    options = ["--attend", "--objects", str(n_objects), "--film-seed", str(seed), *listens]
    attender = Person.wake(source_id, options)
    from experiment.compose import go_faster, live_session, show_markers  # a second: the attender wakes up
    from realtime.feedback.attended import AttendedOutlet
    from realtime.lsl.eeg import StreamSelector
    from realtime.time.clock import LslClock
    from realtime.virtual.film.effects import Spotlight
    from realtime.virtual.film.objects import ObjectsFilm
    from realtime.virtual.film.source import FilmSource

    clock = LslClock()
    film = ObjectsFilm(seed, n_objects=n_objects)
    spotlight = Spotlight(film)
    pipeline = attender.connect(FilmSource(film, clock, spotlight), trained_for("attend", model))
    running, view = live_session("Phosphene attend demo", Mode.DEMO, pipeline, clock)
    running.closing.callback(attender.end)
    go_faster(running, model)
    running.tour = tour
    outlet = AttendedOutlet(clock, attended_id)
    running.closing.callback(outlet.close)
    homes = [film.home(index) for index in range(n_objects)]
    truth = AttendedTruth(homes, pipeline.grid.interval_s + pipeline.grid.lag_s)

    def reading(new: Reading) -> None:
        found, share = truth.reading(new)
        lit = found if share >= _STANDS_OUT else None
        spotlight.set(lit)
        outlet.send(lit, share, new.end)

    pipeline.taps.attach(reading)
    show_markers(running, view, StreamSelector(source_id=f"{source_id}-markers"), truth.marker)
    running.entries |= {
        "attended_hit_rate": lambda: truth.hits().rate,
        "attended_hit_rate_ci": lambda: truth.hits().ci,
        "attended_n": lambda: truth.hits().n,
    }
    running.actions = replace(running.actions, attended=partial(_shown, truth, film, clock))
    return running


def _shown(truth: AttendedTruth, film: ObjectsFilm, clock: Clock) -> AttendedShown:
    attended, (found, share), hits = truth.now(), truth.newest, truth.hits()
    stands_out = found is not None and share >= _STANDS_OUT
    return AttendedShown(
        truth=attended,
        found=found if stands_out else None,
        outline=None if attended is None else film.rectangle(attended, clock.now()),
        home=film.home(found) if found is not None and stands_out else None,
        hit_rate=hits.rate,
        ci=hits.ci,
        n=hits.n,
        chance=1 / film.n_objects,
    )


def object_of(attention: Attention, homes: Sequence[Rectangle]) -> tuple[int | None, float]:
    """Find the object that has most of the attention, and its share of what falls on objects.

    Parameters
    ----------
    attention : Attention
    homes : sequence of Rectangle
        The part of the picture that each object keeps to.

    Returns
    -------
    (int or None, float)
        None and 0 where no attention falls on any.
    """
    on_objects = np.array([_within(attention.places, home) for home in homes])
    total = float(on_objects.sum())
    if not total > 0:
        return None, 0.0
    found = int(on_objects.argmax())
    return found, float(on_objects[found]) / total


def _within(shares: NDArray[np.float32], part: Rectangle) -> float:
    """How much of a map, array of shape (rows, columns), falls on a part of the picture."""
    rows, columns = shares.shape
    down = _overlap(rows, part.top, part.bottom)
    across = _overlap(columns, part.left, part.right)
    return float(down @ shares @ across)


def _overlap(n: int, low: float, high: float) -> NDArray[np.float64]:
    """Which share of each of `n` equal steps from 0 to 1 lies between two bounds: array of shape (n,)."""
    edges = np.linspace(0, 1, n + 1)
    shared = np.minimum(edges[1:], high) - np.maximum(edges[:-1], low)
    return np.asarray(np.clip(shared, 0, None) * n)


@dataclass(frozen=True)
class HitCount:
    """How often the attended object was found.

    Attributes
    ----------
    n, right : int
        Intervals that do not overlap, and those whose object was found.
    last : float
        End of the last interval that was counted, seconds on the LSL clock.
    """

    n: int = 0
    right: int = 0
    last: float = -math.inf

    @property
    def rate(self) -> float | None:
        """Share found; None where nothing was counted yet."""
        return self.right / self.n if self.n else None

    @property
    def ci(self) -> tuple[float, float] | None:
        """95 % interval of the share (Wilson)."""
        return wilson(self.right, self.n) if self.n else None


class AttendedTruth:
    """Compares the object found with what the attender says of itself: `attends N` or `drifting`.

    Only intervals that lie in one phase as a whole, and do not overlap, count. Markers and readings come in
    two threads, and a third asks.

    Parameters
    ----------
    homes : sequence of Rectangle
    interval_s : float
        From the begin of an interval's video to the end of its EEG.

    Attributes
    ----------
    newest : (int or None, float)
        What the newest reading has found, as of `object_of`.
    """

    def __init__(self, homes: Sequence[Rectangle], interval_s: float):
        self.newest: tuple[int | None, float] = None, 0.0
        self._homes, self._interval_s = homes, interval_s
        self._lock = threading.Lock()
        self._changes: list[tuple[float, str]] = []
        self._found: deque[tuple[float, int | None]] = deque()
        self._settled = HitCount()

    def marker(self, stamp: float, phase: str) -> None:
        """Take what the attender says of itself."""
        with self._lock:
            self._changes.append((stamp, phase))

    def reading(self, reading: Reading) -> tuple[int | None, float]:
        """Take a reading; returns the object found and its share, as of `object_of`."""
        self.newest = object_of(reading.attention, self._homes)
        with self._lock:
            self._found.append((reading.end, self.newest[0]))
        return self.newest

    def now(self) -> int | None:
        """Return the object attended, as far as is known; None where there is none."""
        with self._lock:
            return _attended(self._changes[-1][1]) if self._changes else None

    def hits(self) -> HitCount:
        """Count how often the attended object was found so far."""
        with self._lock:
            self._changes.sort()
            while self._found and self._found[0][0] < self._found[-1][0] - _MARKERS_S:
                self._settled = self._counted(self._settled, *self._found.popleft())
            hits = self._settled
            for end, index in self._found:
                hits = self._counted(hits, end, index)
            return hits

    def _counted(self, hits: HitCount, end: float, index: int | None) -> HitCount:
        """Count one more interval, if it lies in one phase and does not overlap the last one counted."""
        before = bisect_right(self._changes, end - self._interval_s, key=itemgetter(0))
        until = bisect_right(self._changes, end, key=itemgetter(0))
        if before == 0 or before != until or end - hits.last < self._interval_s - 1e-6:
            return hits
        attended = _attended(self._changes[before - 1][1])
        return hits if attended is None else HitCount(hits.n + 1, hits.right + (index == attended), end)


def _attended(phase: str) -> int | None:
    return int(phase.removeprefix("attends ")) if phase.startswith("attends ") else None
