"""Recording a session: from its first sample by a command, or from any moment by the window's button."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from experiment.remote import RemoteControl
from experiment.run import Running, opening
from experiment.state import RecordingForm
from realtime.errors import RunError, SessionError
from realtime.feedback.controller import Feedback
from realtime.lsl.selector import StreamSelector
from realtime.sources import TellsEvents
from realtime.time.clock import LslClock
from realtime.types import EegInfo
from realtime.view import PipelineView
from recordings.lsl_streams import LslStreams
from recordings.pipeline_recording import PipelineRecording
from recordings.report.page import write_report
from recordings.session.headers import FEEDBACK, feedback_header, feedback_row
from recordings.session.naming import TEMPLATE, session_folder
from recordings.session.options import RecordingOptions
from recordings.xdf.writer import StreamHeader

ALL_STREAMS = "*"  # as a selection: every stream on the network


class SessionRecording:
    """Starts and ends recordings of one session, each into a folder of its own below `root`.

    Where the session's loop is closed, the feedback, its events and its parameters are recorded as well.

    Parameters
    ----------
    running : Running
    root : Path
        Where the folders go, named by `recordings.session.naming`.
    streams : sequence of str
        Further LSL streams to record as they are (`type=Markers`, `name=Eyes`): of each all that fit, from
        when they are there. `ALL_STREAMS` among them takes every stream on the network.
    options : RecordingOptions
        Its entities (sub, ses, task, run) make the folder's name.
    template : str
        Of the folder's name, see `recordings.session.naming`.
    """

    def __init__(
        self,
        running: Running,
        root: Path,
        streams: Sequence[str] = (),
        options: RecordingOptions | None = None,
        template: str = TEMPLATE,
    ):
        self._pipeline, self._view = running.pipeline, running.view
        self._root, self._streams, self._template = root, tuple(streams), template
        self._options = options or RecordingOptions()
        self._left_out: tuple[str, ...] = ()
        self._switching = threading.RLock()  # by the window's button and by remote control
        self._recording: PipelineRecording | None = None
        self._ended: BaseException | None = None  # why an earlier recording ended by itself
        self._warnings = running.warnings
        self._others: LslStreams | None = None
        self._feedback, self._clock = running.feedback, LslClock()
        self.folders: list[Path] = []
        if self._feedback is not None:
            self._feedback.taps.attach(self._take_feedback)

    def name_next(
        self, entities: Mapping[str, str], root: Path | None = None, template: str | None = None
    ) -> None:
        """Name the next recording: its entities, where its folder goes, and the template of its name.

        What is not given stays as it is.
        """
        merged = {**self._options.entities, **entities}
        self._options = self._options.model_copy(update={"entities": merged})
        self._root, self._template = root or self._root, template or self._template

    def form(self) -> RecordingForm:
        """Return what is asked before a recording, as it stands now; the run is the next that is free."""
        entities = {name: value for name, value in self._options.entities.items() if name != "run"}
        return RecordingForm(entities, self._root, self._options.notes, self._left_out)

    def begin(self, form: RecordingForm) -> Path:
        """Begin a recording as the form has it, of every stream that is not left out; returns its folder.

        Raises
        ------
        SessionError, ConfigError, StreamNotFound
        """
        left_out = tuple(form.left_out)
        for text in left_out:
            StreamSelector.parse(text)
        self._options = self._options.model_copy(
            update={"entities": dict(form.entities), "notes": form.notes}
        )
        self._root, self._left_out = form.root, left_out
        self.take_all_streams(on=True)
        return self.start()

    @property
    def saved(self) -> Path | None:
        """Folder of the recording that was finished last."""
        finished = self.folders if self._recording is None else self.folders[:-1]
        return finished[-1] if finished else None

    def take_all_streams(self, *, on: bool) -> None:
        """Record every LSL stream on the network from the next recording on, or only those chosen."""
        chosen = tuple(text for text in self._streams if text != ALL_STREAMS)
        self._streams = (*chosen, ALL_STREAMS) if on else chosen

    def marker(self, text: str, stamp: float | None = None) -> None:
        """Mark a moment, this one by default, in the window and, while one runs, in the recording."""
        stamp = self._clock.now() if stamp is None else stamp
        if isinstance(self._view, PipelineView):
            self._view.add_marker(stamp, text)
        if (recording := self._recording) is not None:
            recording.recorder.marker(stamp, text)

    @property
    def current(self) -> Path | None:
        """Folder that is recorded into; None while nothing is."""
        return None if self._recording is None else self.folders[-1]

    def start(self, entities: Mapping[str, str] | None = None) -> Path:
        """Begin a recording, with these entities in its name beside those that are set; returns its folder.

        Raises
        ------
        SessionError
            One runs already, or the folder cannot be made.
        ConfigError, StreamNotFound
        """
        with self._switching:
            if (folder := self.current) is not None:
                raise SessionError(f"{folder} is being recorded: end that recording first")
            return self._start({**self._options.entities, **(entities or {})})

    def _start(self, entities: Mapping[str, str]) -> Path:
        options = self._options.model_copy(update={"entities": dict(entities)})
        folder = session_folder(self._root, options.entities, self._template)
        everything = ALL_STREAMS in self._streams
        selectors = [StreamSelector.parse(text) for text in self._streams if text != ALL_STREAMS]
        but_not = [_exactly(self._pipeline.eeg_info), *map(StreamSelector.parse, self._left_out)]
        others = LslStreams(selectors, everything=everything, but_not=but_not)
        headers: dict[str, StreamHeader | str] = {}
        if self._feedback is not None:
            headers[FEEDBACK] = feedback_header(self._feedback.parameters())
        headers |= others.open()
        try:
            recording = PipelineRecording(self._pipeline, folder, options, headers).start()
        except BaseException:
            others.close()
            raise
        others.feed(recording.recorder)
        self._recording, self._others = recording, others
        self.folders.append(folder)
        return folder

    def stop(self) -> None:
        """End the recording, if there is one, and close its files."""
        with self._switching, ExitStack() as closing:
            recording, others = self._recording, self._others
            self._recording, self._others = None, None
            if recording is not None:
                closing.callback(self._finish, recording)
            if others is not None:
                closing.callback(self._close_others, others)

    def _close_others(self, others: LslStreams) -> None:
        others.close()
        self._warnings.extend(others.warnings)

    def _finish(self, recording: PipelineRecording) -> None:
        """Close its files, and say what it lost."""
        recording.stop()
        losses = list(recording.recorder.losses)
        if (why := self._ended or recording.recorder.failure) is None and losses:
            why = RunError(losses.pop(0))
        self._ended = why
        self._warnings.extend([*losses, *recording.recorder.restored])
        for name, n_frames in recording.recorder.health().frames_dropped.items():
            if n_frames:
                self._warnings.append(
                    f"{recording.recorder.folder}: {n_frames} frames of {name} were dropped, since the disk "
                    "or the encoder did not keep up; their numbers are left out"
                )

    def toggle(self) -> None:
        """Do what the window's button asks for."""
        if self._recording is None:
            self.start()
        else:
            self.stop()

    def seconds(self) -> float | None:
        """Return how long the recording is so far; None while nothing is recorded."""
        return None if self._recording is None else self._recording.recorder.health().seconds

    def _take_feedback(self, feedback: Feedback) -> None:
        """Record feedback. Called in the scoring thread, after it has left."""
        if (recording := self._recording) is None:
            return
        row = np.array([feedback_row(feedback, self._clock.now())])
        recording.recorder.samples(FEEDBACK, np.array([feedback.end]), row)
        for event in feedback.events:
            recording.recorder.marker(feedback.end, event)

    @property
    def failure(self) -> BaseException | None:
        """Why a recording ended by itself, or could not be closed."""
        recording = self._recording
        return self._ended or (recording.recorder.failure if recording is not None else None)

    def open_report(self) -> None:
        """Write the report of the last recording and show it in the browser.

        Raises
        ------
        SessionError
            Nothing was recorded yet, or the recording is not closed.
        """
        if not self.folders or self._recording is not None:
            raise SessionError("there is no finished recording yet: record, stop, and then open the report")
        webbrowser.open(write_report(self.folders[-1]).resolve().as_uri())


def _exactly(info: EegInfo) -> StreamSelector:
    """Select one stream, as far as it can be told from others."""
    return StreamSelector(info.name, info.type, info.source_id or None, info.host or None)


def offer_recording(
    running: Running,
    root: Path,
    streams: Sequence[str] = (),
    options: RecordingOptions | None = None,
    template: str = TEMPLATE,
    *,
    at_once: bool = False,
    remote: int | None = None,
) -> SessionRecording:
    """Give a session its record button; `at_once` begins with its first sample.

    With `remote`, a port of this machine, other programs may start and stop recordings (`experiment.remote`).

    Raises
    ------
    ConfigError
        The port is taken.
    """
    recording = SessionRecording(running, root, streams, options, template)
    running.actions = replace(
        running.actions,
        toggle_recording=recording.toggle,
        recording_form=recording.form,
        begin_recording=recording.begin,
        saved=lambda: recording.saved,
        recorded_s=recording.seconds,
        open_report=recording.open_report,
        mark=recording.marker,
    )
    source = running.pipeline.video.source
    if isinstance(source, TellsEvents):
        running.closing.callback(source.events.attach(lambda event: recording.marker(event[1], event[0])))
    running.entries["recordings"] = lambda: [str(folder) for folder in recording.folders]
    running.workers.append(recording)
    running.closing.callback(recording.stop)
    with opening(running):
        if remote is not None:
            control = RemoteControl(recording, remote).launch()
            running.workers.append(control)
            running.closing.callback(control.stop)
        if at_once:
            recording.start()
    return recording
