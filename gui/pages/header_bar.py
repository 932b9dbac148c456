"""The top of the window: are the streams alive, is it recording, what am I looking at."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from experiment.state import Actions, Mode, Transport, View
from gui import captions
from gui.icons import icon
from gui.overload import BEHIND_S
from gui.panel import ElidedLabel, label, set_text, set_tone, tool_button
from gui.theme import Theme
from gui.words import clock
from realtime.types import EegHealth, StreamState, VideoHealth

# A sign, a word and a tone for each state: colour alone says nothing.
_SIGNS = {
    StreamState.SEARCHING: ("○", "SEARCHING", "muted"),
    StreamState.LIVE: ("●", "LIVE", ""),
    StreamState.STALLED: ("▲", "STALLED", "warn"),
    StreamState.LOST: ("✕", "LOST", "alarm"),
    StreamState.FINISHED: ("■", "ENDED", "muted"),
}

_BUTTON_PX = 28  # of every button of the line, whatever its kind
_SAID_FOR = 6  # refreshes: three seconds


class StreamSign(QWidget):
    """Name of a stream, its state as sign and word, and what it delivers."""

    def __init__(self, title: str, measure: captions.Measure):
        super().__init__()
        self._measure = measure
        self.state = label(role="chip")
        self.what = ElidedLabel(role="note")
        self.what.explain(measure.tip)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(label(title, role="title"))
        row.addWidget(self.state)
        row.addWidget(self.what, 1)  # the rest of the line: title and chip keep their own width
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)  # moved by no neighbour

    def show_state(
        self, health: EegHealth | VideoHealth, what: str, note: str, behind_s: float = 0.0
    ) -> None:
        """Show the state of a stream, what it delivers, and a note on it.

        What comes so late that it is `behind_s` seconds behind does not pass for live.
        """
        state, age_s = health.state, health.age_s
        sign, word, tone = _SIGNS[state]
        if state is StreamState.LIVE and behind_s > BEHIND_S:
            sign, word, tone = "▲", f"{behind_s:.0f} s BEHIND", "warn"
        waiting = state in (StreamState.STALLED, StreamState.LOST) and age_s < 1e6
        aged = waiting and what  # a video without words has its age in its own panel
        set_text(self.state, f"{sign} {word}" + (f" {age_s:.0f} s" if aged else ""))
        set_tone(self.state, tone)
        self.what.say(what)
        self.setToolTip(f"{what}\n{note}".strip() + f"\n{self._measure.tip}")

    def show_recorded(self, state: StreamState, what: str, note: str) -> None:
        """Show what a recorded stream delivers; nothing of it is live."""
        set_text(self.state, "■ ENDED" if state is StreamState.FINISHED else "● RECORDED")
        set_tone(self.state, "muted")
        self.what.say(what)
        self.setToolTip(f"{what}\n{note}".strip() + f"\n{self._measure.tip}")


def eeg_words(health: EegHealth) -> str:
    """Name, channels and rate of an EEG stream."""
    if not health.n_channels:
        return health.name
    rate = health.rate_effective or health.rate_nominal
    return f"{health.name} · {health.n_channels} ch · {rate:.1f} Hz"


def video_words(health: VideoHealth) -> str:
    """Size and rate of a video."""
    if not health.width:
        return health.name
    return f"{health.width}×{health.height} · {health.fps_effective or health.fps_nominal:.1f}/s"


class HeaderBar(QFrame):
    """One line of states and switches."""

    def __init__(self, mode: Mode, actions: Actions, n_others: int = 0):
        super().__init__()
        self.setObjectName("bar")
        self._actions = actions
        self.eeg = StreamSign("EEG", captions.EEG_STREAM)
        self.video = StreamSign("Video", captions.VIDEO_STREAM)
        self.others = [StreamSign(f"Video {number + 2}", captions.VIDEO_STREAM) for number in range(n_others)]
        self.recording: QLabel = label(role="chip")
        self.recording.setToolTip(captions.RECORDED.tip)
        self.time = label(role="note")
        self.time.setToolTip(captions.SESSION_TIME.tip)
        self._begun: float | None = None
        self.mode = label(mode.value, role="chip")
        self.mode.setToolTip(
            {
                Mode.LIVE: "Streams as they arrive",
                Mode.REPLAY: "A recorded session, played as if it were live",
                Mode.DEMO: "A simulated subject watches a film: no headset is connected",
            }[mode]
        )
        self.done = ElidedLabel(role="note")
        self._said = 0
        self.playing = label(role="chip")
        self.playing.hide()
        self.record = QPushButton("Record")
        self.record.setToolTip("Begin or end a recording (R)")
        self.end = QPushButton("End")
        self.end.setToolTip("End the session and see what came of it (Ctrl+E)")
        self.end.clicked.connect(lambda: actions.end and actions.end())
        self.panels = tool_button("View")
        self.panels.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.panels.setToolTip("Show and hide panels")
        self.menu = QMenu(self.panels)
        self.panels.setMenu(self.menu)
        self.theme_switch = QToolButton()
        self.theme_switch.setToolTip("Light or dark (D)")
        self.help = tool_button("?")
        self.help.setToolTip("All keys (?)")
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 5, 6, 5)
        row.setSpacing(8)
        row.addWidget(self.mode)
        row.addWidget(self.playing)
        row.addSpacing(4)
        row.addWidget(self.eeg)
        row.addSpacing(10)
        row.addWidget(self.video)
        for sign in self.others:
            row.addSpacing(10)
            row.addWidget(sign)
        row.addStretch()
        row.addWidget(self.done)
        row.addWidget(self.time)
        row.addWidget(self.recording)
        row.addWidget(self.record)
        row.addWidget(self.end)
        for button in (self.panels, self.theme_switch, self.help):
            row.addWidget(button)
        for each in (self.record, self.end, self.panels, self.theme_switch, self.help):
            each.setFixedHeight(_BUTTON_PX)
        self.record.setVisible(actions.toggle_recording is not None)
        self.end.setVisible(actions.end is not None)

    def refresh(self, view: View, eeg_behind_s: float = 0.0) -> None:
        """Show how the streams stand, the EEG so many seconds behind; called twice a second."""
        eeg, video = view.eeg_health(), view.video_health()
        if view.transport is not None:
            self.eeg.show_recorded(eeg.state, eeg_words(eeg), eeg.note)
            self.video.show_recorded(video.state, video_words(video), video.note or video.name)
        else:
            self.eeg.show_state(eeg, eeg_words(eeg), eeg.note, eeg_behind_s)
            self.video.show_state(video, video_words(video), video.note or video.name)
        for sign, other in zip(self.others, view.other_video_health(), strict=True):
            words = other.note or f"{other.name} · {video_words(other)}"
            sign.show_state(other, "", words)
        self.show_playing(view.transport)
        self._show_time(view)
        self._said -= 1
        if self._said == 0:
            self.done.say("")
        recorded = self._actions.recorded_s() if self._actions.recorded_s else None
        self.recording.setVisible(recorded is not None)
        if recorded is not None:
            set_text(self.recording, f"● REC {clock(recorded)}")
            set_tone(self.recording, "alarm")
        if self.record.isEnabled():
            self.record.setText("Record" if recorded is None else "Stop")

    def _show_time(self, view: View) -> None:
        if view.transport is not None:
            self._begun = view.transport.start
        elif self._begun is None:
            self._begun = view.now()
        set_text(self.time, f"◷ {clock(view.now() - self._begun)}")

    def show_starting(self, *, starting: bool) -> None:
        """Say that a recording is being opened: its streams are looked for."""
        self.record.setEnabled(not starting)
        self.record.setText("Starting …" if starting else "Record")

    def say(self, text: str) -> None:
        """Say for a moment what was done."""
        self.done.say(text)
        self._said = _SAID_FOR

    def show_playing(self, transport: Transport | None) -> None:
        """Say of a replay that it stands still, so that what is shown does not pass for new."""
        still = transport is not None and not transport.playing
        self.playing.setVisible(still)
        if transport is not None and still:
            set_text(self.playing, "■ END" if transport.at_end else "❚❚ PAUSED")
            set_tone(self.playing, "accent")

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.theme_switch.setIcon(icon("moon" if theme.name == "light" else "sun", theme.colour("text")))
