"""Writes what is measured to the disk while it is measured, in a thread of its own.

    eeg, samples, marker, reading ─▶ queue of bounded bytes ──────────────┐
                                     (full: the recording ends, and says so) ├─▶ session.xdf
                                                          ┌─▶ numbers ────┘
    frame ─▶ queue of bounded bytes ─▶ encoder ───────────┴─▶ NAME.mkv
             (full: the frame is dropped, and counted)

Feeding never waits and is allowed from any thread. A recording that fails keeps everything up to that moment
readable and leaves its reason in `failure`.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from realtime.errors import RunError, SessionError
from realtime.time.clock import Clock, LslClock
from realtime.types import ClockOffset, EegInfo, Frame, RawChunk, Reading, TimeArray, VideoInfo
from realtime.worker import Worker
from recordings.recorder_queue import QueuedPart, RecorderQueue
from recordings.session.files import SessionFiles
from recordings.session.headers import (
    MARKERS,
    READINGS,
    eeg_header,
    marker_header,
    reading_row,
    readings_header,
)
from recordings.session.manifest import begin_manifest, end_manifest
from recordings.session.options import RecordingOptions
from recordings.xdf.writer import StreamHeader

_PERIOD_S = 0.25  # samples are written this often, what came in between as one chunk: fewer to look through
_REST_S = 0.05  # the longest sleep without looking
_OFFSETS_S = 5.0  # between two clock offsets of the program's own streams
_WATCH_S = 0.5  # how often the disk is looked at
_CLOSING_S = 60.0


@dataclass(frozen=True)
class RecorderHealth:
    """What a recording has come to so far.

    Attributes
    ----------
    seconds : float
        Since the recording began.
    samples : dict of str to int
        Samples handed over, by stream.
    frames_dropped : dict of str to int
        Pictures that came faster than they could be encoded, by source.
    queued : float
        Share of the samples' queue that is taken, 0 to 1.
    note : str
        A warning, empty while all is well.
    failure : str
        Why the recording ended before it was closed; empty if it did not.
    """

    seconds: float
    samples: dict[str, int]
    frames_written: int
    frames_dropped: dict[str, int]
    queued: float
    disk_free_mb: float
    note: str
    failure: str


class Recorder:
    """Records streams into a folder: `session.xdf`, a Matroska file for each video, `manifest.json`.

    Parameters
    ----------
    folder : str or Path
        Made here; must not hold a session yet.
    eeg : mapping of str to EegInfo
        EEG streams by the name they are fed under.
    video : mapping of str to VideoInfo
        Videos by the name they are fed under, which is also the file's.
    others : mapping of str to StreamHeader or str
        Further streams; a `str` is a header's XML as LSL gives it, kept as it is. `READINGS` stands in place
        of the header that names no electrodes.
    free_bytes : callable
        Returns the free bytes of the disk a folder is on.
    notes : mapping of str to JSON values
        Further entries of the manifest.

    Raises
    ------
    SessionError
        A session is in the folder already, it cannot be made, its disk is full, or two streams share a name.
    ConfigError
        The video encoder or its options are not known.
    """

    def __init__(
        self,
        folder: str | Path,
        eeg: Mapping[str, EegInfo],
        video: Mapping[str, VideoInfo] | None = None,
        others: Mapping[str, StreamHeader | str] | None = None,
        options: RecordingOptions | None = None,
        clock: Clock | None = None,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
        notes: Mapping[str, Any] | None = None,
    ):
        self.folder = Path(folder)
        self.options = options or RecordingOptions()
        self._clock, self._n_videos = clock or LslClock(), max(1, len(video or {}))
        self._free_bytes = free_bytes
        headers = _headers(eeg, video or {}, others or {})
        shown = headers[READINGS]
        self._reading_columns = shown.n_channels if isinstance(shown, StreamHeader) else 0
        self._files = SessionFiles(self.folder, headers, video or {}, self.options)
        limits = self.options.queue_mb * 1e6, self.options.pictures_mb * 1e6
        self._queue = RecorderQueue(headers, video or {}, *limits)
        self.warnings: list[str] = []  # any thread may append a sentence; they go into the manifest
        self.losses: list[str] = []  # what was to be recorded and is not in the files as it came
        self.restored: list[str] = []  # what was taken away meanwhile, and is whole again
        self._joining: dict[str, StreamHeader | str] = {}
        self._ending: RunError | None = None
        self._note, self._free_mb = "", float("inf")
        self._watch_disk()
        if self._ending is not None:
            self._files.take_back()
            free = f"only {self._free_mb:.0f} MB are free on the disk of {self.folder}"
            raise SessionError(f"{free}: nothing can be recorded. Make room, or choose another folder.")
        self._manifest = begin_manifest(
            self.folder, {**_manifest(eeg, video or {}, self.options), **(notes or {})}
        )
        self._own = tuple(
            name for name in headers if name not in eeg and isinstance(headers[name], StreamHeader)
        )
        self._begun = self._next_write = self._next_watch = self._next_offsets = self._clock.now()
        self._worker = Worker("recorder", self._step, on_exit=self._finish)

    # What is fed, from any thread; none of these waits.

    def eeg(self, name: str, chunk: RawChunk) -> None:
        """Record samples of an EEG stream, in their own format, and the clock offsets that came with them."""
        values = chunk.samples if chunk.raw is None else chunk.raw
        self.samples(name, chunk.stamps, values, chunk.offsets)

    def samples(self, name: str, stamps: TimeArray, values: Any, offsets: Sequence[ClockOffset] = ()) -> None:
        """Record samples of any stream: stamps (n,) as its sender gave them, values (n, n_channels)."""
        if not self._queue.put_samples(name, QueuedPart(stamps, values, offsets)):
            self._end(
                f"the disk does not keep up: {self.options.queue_mb:g} MB of samples wait to be written and "
                f"none is ever dropped. The recording has ended; what came before is in {self.folder}"
            )

    def add_stream(self, name: str, header: StreamHeader | str) -> None:
        """Let a further stream join while it is recorded; from now on samples may be fed under `name`."""
        self._joining = {**self._joining, name: header}
        self._queue.add_stream(name)

    def marker(self, stamp: float, text: str) -> None:
        """Record an event at `stamp`, seconds on the LSL clock."""
        self.samples(MARKERS, np.array([stamp]), [[text]])

    def reading(self, reading: Reading) -> None:
        """Record what the program said of an interval, at the interval's end."""
        row = reading_row(reading, self._n_videos)
        row += reading.channel_valid[: self._reading_columns - len(row)]
        self.samples(READINGS, np.array([reading.end]), np.array([row]))

    def frame(self, source: str, frame: Frame) -> None:
        """Record a picture; where too many wait already it is dropped and counted."""
        self._queue.put_frame(source, frame)

    # What a command or a window calls.

    def start(self) -> Recorder:
        """Begin to write; what was fed before waits in the queue."""
        self._worker.start()
        return self

    def close(self) -> None:
        """Write what is queued, the footers and the manifest. A second call does nothing."""
        self._queue.close()
        if not self._worker.stop(_CLOSING_S):
            self._ending = RunError(f"{self.folder} could not be closed in {_CLOSING_S:g} s: check the disk")

    @property
    def failure(self) -> BaseException | None:
        """Why the recording ended by itself; None while it runs or after it was closed."""
        return self._ending or self._worker.failure

    def health(self) -> RecorderHealth:
        """Return the counts so far; any thread may ask."""
        return RecorderHealth(
            seconds=self._clock.now() - self._begun,
            samples=dict(self._queue.samples),
            frames_written=self._files.n_frames,
            frames_dropped=dict(self._queue.dropped),
            queued=self._queue.fill,
            disk_free_mb=self._free_mb,
            note=self._note,
            failure=str(self.failure or ""),
        )

    def __enter__(self) -> Recorder:
        """Begin to write."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the recording."""
        self.close()

    # The recorder's own thread.

    def _step(self) -> bool | None:
        try:
            if (item := self._queue.take_frame(_REST_S)) is not None:
                self._files.write_frame(*item)
            now = self._clock.now()
            if now >= self._next_write:
                self._write_samples()
                self._next_write = now + _PERIOD_S
            if now >= self._next_watch:
                self._watch_disk()
                self._next_watch = now + _WATCH_S
        except (OSError, RunError) as failure:
            self._end(f"{self.folder} cannot be written any more ({failure}); what came before is in it")
        return False if self._ending else None

    def _write_samples(self) -> None:
        parts = self._queue.take_samples()
        joining, self._joining = self._joining, {}
        for name, header in joining.items():
            self._files.add_stream(name, header)
            if isinstance(header, StreamHeader):  # the program's own
                self._files.write_own_offsets((name,), self._clock.now())
                self._own += (name,)
        for name, part in parts.items():
            try:
                self._files.write_samples(name, *part)
            except ValueError as odd:  # one stream's nonsense does not end the others
                self._lose(f"samples of {name} could not be recorded: {odd}")
        self._files.write_numbers()
        self._write_offsets()
        self._queue.written(parts.values())

    def _write_offsets(self) -> None:
        """Say every few seconds that the program's own streams are on its own clock."""
        now = self._clock.now()
        if now >= self._next_offsets:
            self._files.write_own_offsets(self._own, now)
            self._next_offsets = now + _OFFSETS_S

    def _watch_disk(self) -> None:
        self.restored += self._files.still_there()
        with contextlib.suppress(FileNotFoundError):  # moved away: what is open is written all the same
            self._free_mb = self._free_bytes(self.folder) / 1e6
        free = f"only {self._free_mb:.0f} MB are free on the disk of {self.folder}"
        if self._free_mb < self.options.stop_free_mb:
            self._end(f"{free}: nothing is recorded any more, what came before is kept. Make room.")
        newest = (self.losses or self.restored or [""])[-1]
        self._note = free if self._free_mb < self.options.warn_free_mb else newest

    def _lose(self, what: str) -> None:
        """Say what is not in the files as it came; each thing once."""
        if what not in self.losses:
            self.losses.append(what)
            self._note = what

    def _end(self, reason: str) -> None:
        """End the recording from within; the first reason counts."""
        self._ending = self._ending or RunError(reason)
        self._queue.close()

    def _finish(self) -> None:
        """Write what is still queued and close every file, whatever fails on the way."""
        self._queue.close()
        failures: list[Exception] = []
        try:
            while (item := self._queue.take_frame(0.0)) is not None:
                self._files.write_frame(*item)
            self._write_samples()
        except (OSError, RunError) as failure:
            failures.append(failure)
        paths = self._files.paths
        failures += self._files.close()
        if failures:
            self._end(f"{self.folder} could not be closed ({failures[0]}): run `phosphene repair` on it")
        said = {
            "recording": asdict(self.health()),
            "warnings": [*self.warnings, *self.restored],
            "losses": list(self.losses),
            "complete": not self.losses,
        }
        end_manifest(paths[0].parent, paths, self._manifest, said)


def _headers(
    eeg: Mapping[str, EegInfo], video: Mapping[str, VideoInfo], others: Mapping[str, StreamHeader | str]
) -> dict[str, StreamHeader | str]:
    """Streams of samples by the name they are fed under."""
    names = [*eeg, *others, MARKERS, *video]
    if len(set(names)) < len(names):
        raise SessionError(
            f"two streams are to be recorded under one name, among {', '.join(names)}: rename one in its "
            "sender, or leave it out"
        )
    return {
        **{name: info.header or eeg_header(info) for name, info in eeg.items()},
        **others,
        MARKERS: marker_header(),
        READINGS: others.get(READINGS) or readings_header(max(1, len(video))),
    }


def _manifest(
    eeg: Mapping[str, EegInfo], video: Mapping[str, VideoInfo], options: RecordingOptions
) -> dict[str, Any]:
    return {
        "eeg": {name: asdict(replace(info, header="")) for name, info in eeg.items()},
        "video": {name: asdict(info) for name, info in video.items()},
        "options": options.model_dump(),
    }
