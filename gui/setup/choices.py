"""What a user chooses before a live session, and what there is to choose from."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QDialog

from realtime.latest import Latest
from realtime.lsl.selector import StreamSummary
from realtime.video.listing import CameraSummary
from realtime.worker import Worker

_KEY = "setup/choice"
_POLL_MS = 200


@dataclass(frozen=True)
class Setup:
    """The choice of streams, montage and model of a live session.

    Attributes
    ----------
    eeg : str
        As `--eeg` takes it, e.g. `source_id=…`.
    video : str
        A camera's number, a file or a URL.
    channels : tuple of str or None
        Electrode of each channel of the stream, in its order; None takes the stream's own names.
    notch_hz : float
        50, 60, or 0 for none.
    weights : str
        Folder with trained weights; empty takes those of the preset.
    beside : str
        A second video, such as the camera on the face; empty for none.
    full_screen : bool
        The video is a film that is played full screen to the participant.
    feedback : str
        The value of a `FeedbackStyle`; empty for no feedback.
    """

    eeg: str = ""
    video: str = ""
    channels: tuple[str, ...] | None = None
    reference: str = "as recorded"
    notch_hz: float = 50.0
    preset: str = "demo"
    weights: str = ""
    beside: str = ""
    full_screen: bool = False
    feedback: str = ""

    @property
    def videos(self) -> tuple[str, ...]:
        """What is shown, and what is beside it."""
        return (self.video, self.beside) if self.beside else (self.video,)

    def remember(self, settings: QSettings) -> None:
        """Keep the choice for the next time."""
        settings.setValue(_KEY, json.dumps(asdict(self)))

    @classmethod
    def recalled(cls, settings: QSettings) -> Setup:
        """Return the last choice; the usual one where there is none or it cannot be read."""
        try:
            stored = json.loads(str(settings.value(_KEY, "{}")))
            choice = cls(**stored)
        except (TypeError, ValueError):
            return cls()
        return replace(choice, channels=tuple(choice.channels) if choice.channels else None)


@dataclass(frozen=True)
class Found:
    """What is there to connect to; `error` says why the last look failed."""

    streams: Sequence[StreamSummary] = ()
    cameras: Sequence[CameraSummary] = ()
    error: str = ""


@dataclass
class Lookout:
    """Looks for streams and cameras again and again in a thread of its own, for a look at LSL takes a second.

    Parameters
    ----------
    streams, cameras : callable
        `realtime.lsl.discovery.list_eeg_streams` and `realtime.video.listing.list_cameras`, or the like.
    pause_s : float
        Rest between two looks.
    """

    streams: Callable[[], Sequence[StreamSummary]]
    cameras: Callable[[], Sequence[CameraSummary]]
    pause_s: float = 0.5
    found: Latest[Found] = field(default_factory=Latest)

    def __post_init__(self) -> None:
        """Make the worker; `start` lets it look."""
        self._ended = threading.Event()
        self._worker = Worker("lookout", self.look)

    def start(self) -> None:
        """Begin to look."""
        self._worker.start()

    def stop(self) -> None:
        """End the looking; waits for a look that is under way."""
        self._ended.set()
        self._worker.stop()

    def look(self) -> None:
        """Look once and hand over what was found."""
        try:
            self.found.put(Found(tuple(self.streams()), tuple(self.cameras())))
        except Exception as failure:
            self.found.put(Found(error=str(failure)))
        self._ended.wait(self.pause_s)


def look_while_open(dialog: QDialog, lookout: Lookout, refresh: Callable[[], None]) -> None:
    """Have `refresh` called now, and again and again, while a dialog stands and its lookout looks."""
    poll = QTimer(dialog, interval=_POLL_MS)
    poll.timeout.connect(refresh)
    dialog.finished.connect(poll.stop)
    dialog.finished.connect(lookout.stop)
    lookout.start()
    poll.start()
    refresh()


MONTAGES: dict[str, tuple[str, ...]] = {
    "Muse": ("TP9", "AF7", "AF8", "TP10"),
    "OpenBCI 8": ("Fp1", "Fp2", "C3", "C4", "P7", "P8", "O1", "O2"),
    "10-20, 19 electrodes": (
        "Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7", "P3", "Pz", "P4",
        "P8", "O1", "O2",
    ),
    "Emotiv EPOC": (
        "AF3", "F7", "F3", "FC5", "T7", "P7", "O1", "O2", "P8", "T8", "FC6", "F4", "F8", "AF4",
    ),
}  # fmt: skip


def names_of(text: str) -> tuple[str, ...] | None:
    """Electrodes from a line as it is typed, with commas or spaces; None where it is empty."""
    names = tuple(text.replace(",", " ").split())
    return names or None


def selector(stream: StreamSummary) -> str:
    """How `--eeg` and the like name this stream."""
    return f"source_id={stream.source_id}" if stream.source_id else f"name={stream.name}"
