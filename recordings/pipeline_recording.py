"""Records what a pipeline takes in and what it says, from any moment on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

from realtime.model import ModelCard
from realtime.pipeline import Pipeline
from realtime.types import RawChunk
from recordings.recorder import Recorder
from recordings.session.headers import video_stream
from recordings.session.options import RecordingOptions
from recordings.xdf.writer import StreamHeader

EEG = "eeg"


class PipelineRecording:
    """A recording of a running pipeline: its EEG and the frames of each video as they came, and its readings.

    Begun with the pipeline, the recording replays to the same intervals; begun later, it starts with the
    sender's clock as it was last measured. Further streams are fed to `recorder` by whoever reads them.

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
        self.recorder = Recorder(
            folder, {EEG: pipeline.eeg_info}, videos, others, options,
            notes={"model": _told(pipeline.model.card)},
        )  # fmt: skip
        self._eeg_tap = self._record_eeg
        self._heard = False
        self._video_taps = [partial(self.recorder.frame, name) for name in videos]
        self._reading_tap = self.recorder.reading

    def start(self) -> PipelineRecording:
        """Begin to record."""
        self.recorder.start()
        pipeline = self._pipeline  # lists are replaced, not changed: other threads go through them
        pipeline.eeg.taps = [*pipeline.eeg.taps, self._eeg_tap]
        for video, tap in zip(pipeline.videos, self._video_taps, strict=True):
            video.taps = [*video.taps, tap]
        pipeline.taps = [*pipeline.taps, self._reading_tap]
        return self

    def stop(self) -> None:
        """Write everything and close the files; the pipeline goes on."""
        pipeline = self._pipeline
        pipeline.eeg.taps = [tap for tap in pipeline.eeg.taps if tap is not self._eeg_tap]
        for video, ours in zip(pipeline.videos, self._video_taps, strict=True):
            video.taps = [tap for tap in video.taps if tap is not ours]
        pipeline.taps = [tap for tap in pipeline.taps if tap is not self._reading_tap]
        self.recorder.close()

    def __enter__(self) -> PipelineRecording:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _record_eeg(self, chunk: RawChunk) -> None:
        """Called in the EEG's thread, so no measurement can come between the last one and the first chunk."""
        known = self._pipeline.eeg.offset
        if not self._heard and known is not None:
            chunk = replace(chunk, offsets=(known, *chunk.offsets))
        self._heard = True
        self.recorder.eeg(EEG, chunk)


def _told(card: ModelCard) -> dict[str, object]:
    """Which network gave the readings, for the manifest."""
    return {"name": card.name, "weights": card.weights, "backend": card.backend}
