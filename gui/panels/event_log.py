"""What happened in the session, line by line, with its times."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from PySide6.QtWidgets import QPlainTextEdit

from experiment.state import View
from gui import captions
from gui.panel import Numbers, Panel
from gui.theme import Theme, font
from gui.words import clock, runs_words
from realtime.types import StreamState

_MOST = 5000  # lines; the oldest go
_LOOK_BACK_S = 30.0


class Happened(NamedTuple):
    """A line of the log: time of day (empty in a replay), seconds since the session began, what."""

    of_day: str
    second: float
    what: str


class LogPanel(Panel):
    """Markers, notes, streams that stop and come back, what was recorded and what went wrong."""

    def __init__(self) -> None:
        super().__init__(captions.LOG)
        self.text = QPlainTextEdit(readOnly=True)
        self.text.setAccessibleName(captions.LOG.title)
        self.text.setMaximumBlockCount(_MOST)
        self.text.setMinimumSize(160, 60)
        self.set_content(self.text)
        self.lines: list[Happened] = []
        self._begun: float | None = None
        self._runs: tuple[str, str] | None = None
        self._states: dict[str, StreamState] = {}
        self._seen: set[tuple[float, str]] = set()

    def follow(self, view: View) -> None:
        """Note what happened since the last call; called twice a second, shown or not."""
        if self._begun is None:
            self._begun = view.now() if view.transport is None else view.transport.start
        for stamp, text in view.markers(_LOOK_BACK_S):
            if stamp <= view.now() and (stamp, text) not in self._seen:
                self._seen.add((stamp, text))
                self._add(view, stamp, f"marker: {text}")
        self._follow_card(view)
        eeg = view.eeg_health()
        self._follow_state(view, eeg.name, eeg.state)
        for video in (view.video_health(), *view.other_video_health()):
            self._follow_state(view, video.name, video.state)

    def _follow_card(self, view: View) -> None:
        """Note that the network goes on by other means, or with other weights."""
        runs = runs_words(view.card), view.card.weights
        if self._runs not in (None, runs):
            self._add(view, view.now(), f"network: {runs[0]}, weights {runs[1]}")
        self._runs = runs

    def _follow_state(self, view: View, name: str, state: StreamState) -> None:
        if self._states.get(name) is not state:
            self._states[name] = state
            self._add(view, view.now(), f"{name}: {state.value.lower()}")

    def note_down(self, view: View, what: str) -> None:
        """Add a line of now."""
        self._add(view, view.now(), what)

    def _add(self, view: View, stamp: float, what: str) -> None:
        second = stamp - (self._begun if self._begun is not None else stamp)
        of_day = datetime.now().strftime("%H:%M:%S") if view.transport is None else ""
        line = Happened(of_day, second, what)
        self.lines = [*self.lines[1 - _MOST :], line]
        self.text.appendPlainText(f"{of_day or '–':8}  {clock(second)}  {what}")
        self.show_content(there=True)

    def refresh(self, view: View) -> None:
        """Nothing moves at each drawing: lines come by `follow`."""

    def numbers(self, view: View) -> Numbers:
        """Return the log as a table."""
        return Numbers(("time_of_day", "session_s", "what"), [tuple(line) for line in self.lines])

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.text.setFont(font(12))
