"""What the window asks of whatever runs behind it. Everything is polled from the one drawing timer.

The pipeline satisfies `View`; nothing in this folder knows more of it than is written here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.chance import LEAST_WINDOWS
from realtime.config import GridConfig
from realtime.gaze import GazePoint
from realtime.latest import Latest
from realtime.model import ModelCard
from realtime.types import EegHealth, FloatArray, Frame, Reading, Rectangle, TimeArray, VideoHealth

if TYPE_CHECKING:
    from experiment.person.calibration import CalibrationRun
    from experiment.person.form import PersonForm

Thumbnail = tuple[int, NDArray[np.uint8]]

BLIND = (
    "Covered: this session is blind. Similarity and match are made and recorded as always; "
    "the report of the recording shows them."
)


class Transport(Protocol):
    """How a recorded session is played. Times are seconds on the session's own clock."""

    speed: float
    loop: bool

    @property
    def position(self) -> float:
        """Where it stands."""
        ...

    @property
    def start(self) -> float:
        """Where it begins."""
        ...

    @property
    def end(self) -> float:
        """Where it ends."""
        ...

    @property
    def playing(self) -> bool:
        """Whether it plays, or stands still."""
        ...

    @property
    def at_end(self) -> bool:
        """Whether all was played."""
        ...

    @property
    def gaps(self) -> Sequence[tuple[float, float]]:
        """Start and end of each stretch without EEG, as far as they are known."""
        ...

    @property
    def recorded(self) -> Sequence[tuple[float, float]]:
        """Time and similarity of the readings that were recorded with the session."""
        ...

    def play(self) -> None:
        """Go on; at the end, from the start."""
        ...

    def pause(self) -> None:
        """Stand still."""
        ...

    def step(self) -> None:
        """Go on by one hop and stand still."""
        ...

    def seek(self, t: float) -> None:
        """Go to `t`."""
        ...


class View(Protocol):
    """A session as the window sees it. Every call is cheap, copies out, and is made by the Qt thread."""

    @property
    def grid(self) -> GridConfig:
        """The network's time grids."""
        ...

    @property
    def card(self) -> ModelCard:
        """What runs."""
        ...

    @property
    def at_work(self) -> bool:
        """Whether a reading is being made: a drawing had better wait for it."""
        ...

    @property
    def runs_on(self) -> str:
        """What runs the network, since when, and what that brought."""
        ...

    @property
    def blind(self) -> bool:
        """Whether nobody may learn here how well signal and video fit (a sham could be told by it)."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Channels in the order of `eeg_window`."""
        ...

    @property
    def preview(self) -> Latest[Frame]:
        """The newest frame, as it came."""
        ...

    @property
    def other_previews(self) -> Sequence[Latest[Frame]]:
        """The newest frame of each further video; their number does not change."""
        ...

    @property
    def readings(self) -> Latest[Reading]:
        """The newest reading."""
        ...

    def now(self) -> float:
        """Return the session's time, seconds on its clock."""
        ...

    def eeg_window(self, seconds: float) -> tuple[TimeArray, FloatArray]:
        """Return the newest `seconds` of EEG.

        Returns
        -------
        times : array of shape (n,), float64 s
            On the grid of `grid.eeg_hz` points a second.
        samples : array of shape (n, n_channels), float32 µV
            NaN where nothing valid is known.
        """
        ...

    @property
    def side_channels(self) -> Sequence[tuple[str, str, str]]:
        """Label, kind (eog, emg, misc …) and unit of each channel the stream carries beside its EEG."""
        ...

    def side_window(self, seconds: float) -> tuple[TimeArray, FloatArray]:
        """Return the newest `seconds` of those: times (n,), samples (n, n_channels), NaN where missing."""
        ...

    @property
    def left_out(self) -> frozenset[str]:
        """Electrodes that the network does without."""
        ...

    def leave_out(self, labels: frozenset[str]) -> None:
        """Have the network do without these electrodes from now on."""
        ...

    def channel_quality(self) -> Mapping[str, str]:
        """Return for each label an empty word where the channel is good, else why not: flat, noisy."""
        ...

    def thumbnails(self, seqs: Sequence[int]) -> list[Thumbnail | None]:
        """Return small RGB pictures of frames by number; None where one is no longer held."""
        ...

    def history(self, seconds: float) -> list[Reading]:
        """Return the readings of the last `seconds`, oldest first."""
        ...

    def eeg_health(self) -> EegHealth:
        """Return the state of the EEG stream."""
        ...

    def video_health(self) -> VideoHealth:
        """Return the state of the main video."""
        ...

    def other_video_health(self) -> Sequence[VideoHealth]:
        """Return the states of the further videos."""
        ...

    def counters(self) -> Mapping[str, float]:
        """Return readings, intervals, skipped_ticks, late_intervals, latency_p95_ms, frames_dropped."""
        ...

    def gaze(self, seconds: float) -> list[GazePoint]:
        """Return where the participant looked in the last `seconds`, oldest first."""
        ...

    def markers(self, seconds: float) -> list[tuple[float, str]]:
        """Return markers of the last `seconds` as (stamp, text), oldest first."""
        ...

    @property
    def failure(self) -> BaseException | None:
        """What ended a worker, or None."""
        ...

    @property
    def transport(self) -> Transport | None:
        """The controls of a replay; None when live."""
        ...


class Mode(Enum):
    """What the window shows, as its header says it."""

    LIVE = "Live"
    REPLAY = "Replay"
    DEMO = "Demo"


class FeedbackStyle(Enum):
    """How the participant takes in a level: in a window of its own, or heard, or as the film's speed."""

    BAR = "bar"
    RING = "ring"
    BRIGHTNESS = "brightness"
    TONE = "tone"
    SPEED = "speed"


@dataclass(frozen=True)
class FeedbackShown:
    """What the feedback controller says now.

    Attributes
    ----------
    level : float or None
        0 to 1; None where there is nothing to show (baseline, artefact, too little signal).
    threshold : float or None
        On the scale of `level`.
    phase : str
        A word for the operator: baseline 0:12, running, artefact …
    rewarded : bool
        The level is over the threshold and hold and refractory times are kept.
    needs_hand : bool
        The operator should look at the electrodes.
    """

    level: float | None
    threshold: float | None = None
    phase: str = "running"
    rewarded: bool = False
    needs_hand: bool = False


LEAST_N = LEAST_WINDOWS  # windows that an accuracy stands on; of fewer none is shown


@dataclass(frozen=True)
class AttendedShown:
    """Which of several objects is attended, as the truth has it and as it was found.

    Attributes
    ----------
    truth, found : int or None
        Numbers from 0; None where the mind is off all objects, where nothing is known yet, and for `found`
        also where none stands out.
    outline : Rectangle or None
        Where the object that is truly attended is now.
    home : Rectangle or None
        The part of the picture that the object found keeps to.
    hit_rate : float or None
        Share of the intervals so far whose object was found, with `ci` (95 %, Wilson) over `n` that do not
        overlap; by chance it is `chance`.
    """

    truth: int | None
    found: int | None
    outline: Rectangle | None
    home: Rectangle | None
    hit_rate: float | None
    ci: tuple[float, float] | None
    n: int
    chance: float

    @property
    def words(self) -> str:
        """All of it in one line."""
        truth, found = ("none" if index is None else f"{index}" for index in (self.truth, self.found))
        words = f"attends {truth} · found {found}"
        if self.hit_rate is None or self.ci is None or self.n < LEAST_N:
            return f"{words} · right: n = {self.n} of {LEAST_N}"
        right = f"right {self.hit_rate:.2f} [{self.ci[0]:.2f}, {self.ci[1]:.2f}] n={self.n}"
        return f"{words} · {right}, chance {self.chance:.2f}"


@dataclass(frozen=True)
class RecordingForm:
    """What is asked before a recording begins.

    Attributes
    ----------
    entities : mapping of str to str
        `sub`, `ses`, `task` and `run`, letters and digits; without `run` the next free number is taken.
    root : Path
        Where its folder goes.
    notes : str
        Anything a person wants to say of it.
    left_out : tuple of str
        Streams (`source_id=…`, `name=…`) that are not recorded, of all that are on the network or join.
    """

    entities: Mapping[str, str]
    root: Path
    notes: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Newcomer:
    """A stream that may be the headset that was lost; `answer` takes it (True) or leaves it alone."""

    words: str
    answer: Callable[[bool], None]


@dataclass(frozen=True)
class Actions:
    """What the window can ask the program to do; a button whose action is None is not shown.

    Attributes
    ----------
    set_up : callable
        Choose streams (opens the set-up dialog).
    open_session, open_example, start_headset, start_attend, open_report : callable
        What the first page and the menus offer.
    end : callable
        Ends the session and shows what came of it.
    toggle_recording : callable
        Starts or ends a recording.
    recording_form, begin_recording : callable
        What is asked before a recording, as it was filled in last; and, given that, its beginning. Where
        there is none a recording begins without being asked about.
    saved : callable
        Folder of the recording that was finished last, or None.
    replay : callable
        Given a recording's folder, ends the session and plays it.
    mark : callable
        Given a text, marks this moment in the window and in the recording.
    recorded_s : callable
        Seconds recorded so far, or None while nothing is recorded.
    feedback : callable
        The newest `FeedbackShown`, or None while no controller runs.
    attended : callable
        The newest `AttendedShown`, in a session with several objects whose truth is known.
    newcomer : callable
        The `Newcomer` that waits for an answer, or None.
    calibrate : callable
        Given a `PersonForm`, begins to make a model of whoever sits there (`experiment.person.calibration`).
    """

    set_up: Callable[[], Any] | None = None
    open_session: Callable[[], Any] | None = None
    open_example: Callable[[], Any] | None = None
    start_headset: Callable[[], Any] | None = None
    start_attend: Callable[[], Any] | None = None
    end: Callable[[], Any] | None = None
    open_report: Callable[[], Any] | None = None
    toggle_recording: Callable[[], Any] | None = None
    recording_form: Callable[[], RecordingForm] | None = None
    begin_recording: Callable[[RecordingForm], Any] | None = None
    saved: Callable[[], Path | None] | None = None
    replay: Callable[[Path], Any] | None = None
    mark: Callable[[str], Any] | None = None
    recorded_s: Callable[[], float | None] | None = None
    feedback: Callable[[], FeedbackShown | None] | None = None
    attended: Callable[[], AttendedShown | None] | None = None
    newcomer: Callable[[], Newcomer | None] | None = None
    calibrate: Callable[[PersonForm], CalibrationRun] | None = None
