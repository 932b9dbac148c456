"""Runs a pipeline on live streams: a thread each for the EEG, every video, their encoding and the scoring.

Where the machine is too slow, quality yields in this order, and each step is counted: frames are encoded less
often (`VideoIntake.thinned`), then ticks are left out (`Pipeline.skipped_ticks`).
"""

from __future__ import annotations

import threading
from functools import partial

from realtime.pipeline import Pipeline
from realtime.taps import Taps
from realtime.time.clock import Clock
from realtime.video.intake import VideoIntake
from realtime.worker import Worker

_READ_S = 0.02  # a source is asked again at least this often, so that a stop is quick
_NAP_S = 0.002  # while an interval has ended and what it lacks is on its way; EEG that comes ends it
_REST_S = 0.05  # the longest the scoring sleeps without looking
_ENCODING_SHARE = 0.5  # of a hop, that one batch of a path's frames may take, of all videos together


class LiveRunner:
    """Starts and stops the threads around a pipeline.

    Parameters
    ----------
    pipeline : Pipeline
    clock : Clock

    Attributes
    ----------
    watches : Taps of float
        Given the time, at least twenty times a second, in the scoring thread: for what has to notice that
        no reading comes.
    """

    def __init__(self, pipeline: Pipeline, clock: Clock):
        self.pipeline = pipeline
        self.clock = clock
        self.watches: Taps[float] = Taps()
        self._eeg_came, self._frame_came = threading.Event(), threading.Event()
        self._encode_s = pipeline.grid.hop_s * _ENCODING_SHARE / len(pipeline.videos)
        self._workers = [
            Worker("EEG", self._read_eeg, on_exit=pipeline.eeg.source.close),
            *(self._reader(video) for video in pipeline.videos),
            Worker("encoding", self._encode),
            Worker("scoring", self._score),
        ]

    def _reader(self, video: VideoIntake) -> Worker:
        name = f"video {video.number + 1}" if video.number else "video"
        return Worker(name, partial(self._read_video, video), on_exit=video.source.close)

    def launch(self) -> LiveRunner:
        """Start every thread. A session begins with what has come since its sources were opened."""
        for video in self.pipeline.videos:
            video.begin_at(self.clock.now())
        for worker in self._workers:
            worker.start()
        return self

    def stop(self) -> None:
        """End the threads, the scoring first; the sources close in the threads that read them."""
        for worker in reversed(self._workers):
            worker.stop()

    @property
    def failure(self) -> BaseException | None:
        """What ended a worker, or None while all are well."""
        return next((worker.failure for worker in self._workers if worker.failure is not None), None)

    def raise_failure(self) -> None:
        """Raise `WorkerFailed` from what ended a worker, if anything did."""
        for worker in self._workers:
            worker.raise_failure()

    @property
    def finished(self) -> bool:
        """The EEG or the main video has ended (a file that is not looped)."""
        return self.pipeline.eeg.source.finished or self.pipeline.video.source.finished

    def _read_eeg(self) -> None:
        if self.pipeline.eeg.pump(_READ_S):
            self._eeg_came.set()

    def _read_video(self, video: VideoIntake) -> None:
        if video.pump(_READ_S):
            self._frame_came.set()

    def _encode(self) -> None:
        self._frame_came.wait(_READ_S)  # a frame may also come on show by time alone
        self._frame_came.clear()
        for video in self.pipeline.videos:
            video.encode(self.clock.now(), self._encode_s)

    def _score(self) -> None:
        self._eeg_came.clear()
        now = self.clock.now()
        self.watches(now)
        if self.pipeline.step(now) is not None:
            return
        due = self.pipeline.next_end(now)
        if now < due:
            self.clock.sleep_until(min(due, now + _REST_S))
        else:
            self._eeg_came.wait(_NAP_S)
