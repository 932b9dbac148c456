"""Records what a pipeline takes in and what it says, from any moment on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy as np

from realtime.model import ModelCard
from realtime.pipeline import Pipeline
from realtime.types import RawChunk, Reading
from recordings.recorder import Recorder
from recordings.session.headers import (
    ATTENTION,
    READINGS,
    attention_header,
    attention_row,
    readings_header,
    video_stream,
)
from recordings.session.options import RecordingOptions
from recordings.xdf.writer import StreamHeader

EEG = "eeg"


class PipelineRecording:
    """A recording of a running pipeline: its EEG and the frames of each video as they came, and its readings.

    Begun with the pipeline, the recording replays to the same intervals; begun later, it starts with the
    sender's clock as it was last measured. Those who read further streams feed them to `recorder`.

    Parameters
    ----------
    pipeline : Pipeline
    folder : str or Path
        Made here; must not hold a session yet.
    others : mapping of str to StreamHeader or str
        Headers of further streams.

    Raises
    ------
    SessionError, ConfigError
        See `Recorder`.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        folder: str | Path,
        options: RecordingOptions | None = None,
        others: Mapping[str, StreamHeader | str] | None = None,
    ):
        self._pipeline = pipeline
        videos = {video_stream(number): info for number, info in enumerate(pipeline.video_infos)}
        readings = readings_header(len(videos), pipeline.labels)
        self.recorder = Recorder(
            folder, {EEG: pipeline.eeg_info}, videos, {**(others or {}), READINGS: readings}, options,
            notes={"model": _named(pipeline.model.card)},
        )  # fmt: skip
        self._heard = self._attends = False
        self._names = tuple(videos)
        self._detach: list[Callable[[], None]] = []

    def start(self) -> PipelineRecording:
        """Begin to record."""
        self.recorder.start()
        pipeline = self._pipeline
        self._detach = [
            pipeline.eeg.taps.attach(self._record_eeg),
            *(
                video.taps.attach(partial(self.recorder.frame, name))
                for video, name in zip(pipeline.videos, self._names, strict=True)
            ),
            pipeline.taps.attach(self._record_reading),
        ]
        return self

    def stop(self) -> None:
        """Write everything and close the files; the pipeline goes on."""
        for detach in self._detach:
            detach()
        self.recorder.warnings += self._pipeline.eeg.health().warnings
        self.recorder.close()

    def __enter__(self) -> PipelineRecording:
        """Begin to record."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the recording."""
        self.stop()

    def _record_reading(self, reading: Reading) -> None:
        """Record a reading, and what it attends where places are told apart. In the scoring thread."""
        self.recorder.reading(reading)
        rows, columns = reading.attention.places.shape
        if rows * columns < 2:
            return
        if not self._attends:
            self._attends = True
            self.recorder.add_stream(ATTENTION, attention_header((rows, columns)))
        row = np.array([attention_row(reading.attention)])
        self.recorder.samples(ATTENTION, np.array([reading.end]), row)

    def _record_eeg(self, chunk: RawChunk) -> None:
        """Record a chunk; in the EEG's thread, so no measurement is lost between the last and this."""
        known = self._pipeline.eeg.offset
        if not self._heard and known is not None:
            chunk = replace(chunk, offsets=(known, *chunk.offsets))
        self._heard = True
        self.recorder.eeg(EEG, chunk)


def _named(card: ModelCard) -> dict[str, object]:
    """Which network gave the readings, for the manifest."""
    return {"name": card.name, "weights": card.weights, "backend": card.backend}
