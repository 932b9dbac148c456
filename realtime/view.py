"""What a window may ask of a running pipeline. Reading only; every answer is a copy or cannot change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from realtime.config import GridConfig
from realtime.gaze import GazePoint
from realtime.latest import Latest
from realtime.model import ModelCard
from realtime.pipeline import Pipeline
from realtime.time.clock import Clock
from realtime.types import EegHealth, FloatArray, Frame, Reading, TimeArray, VideoHealth

_KEPT_GAZE = 20_000  # live: no more than the last seconds are asked for


def _stamp(point: GazePoint) -> float:
    return point.stamp


class PipelineView:
    """The one object the window polls (see experiment.state.View).

    Parameters
    ----------
    pipeline : Pipeline
    clock : Clock
        The session's clock: wall time live, the recording's own time in a replay.
    failure : callable
        Returns what ended a worker, or None.
    transport : object, optional
        play, pause, seek … of a replay (recordings.player.Player).

    Attributes
    ----------
    blind : bool
        Similarity and match are kept from whoever looks: a sham could be told by them.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        clock: Clock,
        failure: Callable[[], BaseException | None],
        transport: Any = None,
    ):
        self._pipeline = pipeline
        self._clock = clock
        self._failure = failure
        self._gaze: list[GazePoint] = []
        self._markers: deque[tuple[float, str]] = deque(maxlen=10_000)
        self.transport = transport
        self.blind = False

    @property
    def grid(self) -> GridConfig:
        """Time grids of the session."""
        return self._pipeline.grid

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        return self._pipeline.model.card

    @property
    def at_work(self) -> bool:
        """Whether a reading is being made."""
        return self._pipeline.at_work

    @property
    def runs_on(self) -> str:
        """What runs the network, how many times faster than plainly, and since when (the time of day)."""
        card, swapped = self.card, self._pipeline.swapped
        gain = "" if card.gain is None else f" · {card.gain:.1f} × eager"
        return f"{card.backend}{gain}" + ("" if swapped is None else f" · since {swapped:%H:%M:%S}")

    @property
    def labels(self) -> tuple[str, ...]:
        """Electrodes the network sees, in its order."""
        return self._pipeline.labels

    @property
    def preview(self) -> Latest[Frame]:
        """Newest frame of the main video."""
        return self._pipeline.video.preview

    @property
    def other_previews(self) -> tuple[Latest[Frame], ...]:
        """Newest frame of each further video."""
        return tuple(video.preview for video in self._pipeline.videos[1:])

    @property
    def readings(self) -> Latest[Reading]:
        """Newest reading."""
        return self._pipeline.readings

    @property
    def failure(self) -> BaseException | None:
        """What ended a worker, or None."""
        return self._failure()

    def now(self) -> float:
        """Seconds on the session's clock."""
        return self._clock.now()

    def eeg_window(self, seconds: float) -> tuple[TimeArray, FloatArray]:
        """Return the newest conditioned EEG: times (n,), samples (n, n_channels) in µV, NaN where missing."""
        ring = self._pipeline.eeg.ring
        hz = self.grid.eeg_hz
        stop = ring.head
        start = stop - round(seconds * hz)
        rows, valid = ring.read(start, stop)
        rows[~valid] = np.nan
        return np.arange(start, stop) / hz, rows

    @property
    def side_channels(self) -> tuple[tuple[str, str, str], ...]:
        """Label, kind and unit of each channel that the stream carries beside its EEG."""
        side = self._pipeline.eeg.side
        return tuple(zip(side.labels, side.kinds, side.units, strict=True))

    def side_window(self, seconds: float) -> tuple[TimeArray, FloatArray]:
        """Return their newest `seconds`: times (n,), samples (n, n_channels), NaN where missing."""
        ring, hz = self._pipeline.eeg.side.ring, self.grid.eeg_hz
        stop = ring.head
        start = stop - round(seconds * hz)
        rows, valid = ring.read(start, stop)
        rows[~valid] = np.nan
        return np.arange(start, stop) / hz, rows

    @property
    def left_out(self) -> frozenset[str]:
        """Electrodes that the network does without, because a person calls them bad."""
        return self._pipeline.left_out

    def leave_out(self, labels: frozenset[str]) -> None:
        """Have the network do without these electrodes from the next interval on."""
        self._pipeline.left_out = labels

    def channel_quality(self) -> dict[str, str]:
        """Verdict on each channel; empty where it is good."""
        return dict(self._pipeline.eeg.quality.reasons)

    def thumbnails(self, seqs: Sequence[int]) -> list[tuple[int, np.ndarray] | None]:
        """Small pictures of the frames with these numbers, None where they are gone."""
        images = self._pipeline.video.frames.images_of(np.asarray(seqs, np.int64))
        return [None if image is None else (int(s), image) for s, image in zip(seqs, images, strict=True)]

    def history(self, seconds: float) -> list[Reading]:
        """Return the readings of the last `seconds`."""
        since = self.now() - seconds
        return [reading for reading in self._pipeline.history if reading.end >= since]

    def eeg_health(self) -> EegHealth:
        """Health of the EEG stream."""
        return self._pipeline.eeg.health()

    def video_health(self) -> VideoHealth:
        """Health of the main video."""
        return self._pipeline.video.health()

    def other_video_health(self) -> tuple[VideoHealth, ...]:
        """Health of each further video."""
        return tuple(video.health() for video in self._pipeline.videos[1:])

    def counters(self) -> dict[str, float]:
        """Return the counts of the pipeline, by name."""
        pipeline = self._pipeline
        return {
            "readings": pipeline.published,
            "intervals": pipeline.intervals,
            "skipped_ticks": pipeline.skipped_ticks,
            "late_intervals": pipeline.masked_intervals,
            "latency_p95_ms": pipeline.latency_ms().get("p95", float("nan")),
            "frames_dropped": pipeline.video.health().dropped,
        }

    def add_gaze(self, point: GazePoint) -> None:
        """Show where was looked; called by whoever reads the gaze (two trackers need not keep an order)."""
        if len(self._gaze) >= _KEPT_GAZE:
            self._gaze = self._gaze[_KEPT_GAZE // 2 :]
        insort(self._gaze, point, key=_stamp)

    def add_all_gaze(self, points: Sequence[GazePoint]) -> None:
        """Show where was looked in a recording, in the order of time."""
        self._gaze = list(points)

    def gaze(self, seconds: float) -> list[GazePoint]:
        """Return where was looked in the last `seconds`, oldest first."""
        now, found = self.now(), self._gaze
        first = bisect_left(found, now - seconds, key=_stamp)
        return found[first : bisect_right(found, now, key=_stamp)]

    def add_marker(self, stamp: float, text: str) -> None:
        """Show a marker; called by whoever reads the marker stream."""
        self._markers.append((stamp, text))

    def markers(self, seconds: float) -> list[tuple[float, str]]:
        """Markers of the last `seconds`: (stamp, text)."""
        since = self.now() - seconds
        return [marker for marker in tuple(self._markers) if marker[0] >= since]
