"""Pictures of the window in every state, light and dark, at three sizes: `python docs/screenshots.py OUT`.

Names of scenes after OUT take these alone; QT_SCALE_FACTOR=2 before it takes them for a screen of small
pixels. The session shown is the tests' own, made of formulas, so that the same pictures come out each time.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication, QDialog, QWidget

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiment.person.calibration import CalibrationNow
from experiment.person.form import PersonForm
from experiment.person.training import TrainingNow
from experiment.state import Actions, AttendedShown, FeedbackShown, Mode, Newcomer, RecordingForm
from gui import theme as themes
from gui.app import application
from gui.docks import ASIDE
from gui.eeg.channels import ChannelList
from gui.keys import KeyList
from gui.main_window import MainWindow
from gui.pages.outcome import Outcome
from gui.pages.progress import ProgressPage
from gui.setup.choices import Lookout
from gui.setup.person_form import PersonDialog
from gui.setup.session_form import SessionForm
from gui.setup.stream_dialog import StreamDialog
from realtime.lsl.selector import StreamSummary
from realtime.types import Rectangle, StreamState
from realtime.video.listing import CameraSummary
from tests.support.fake_view import TEN_TEN, FakeTransport, FakeView

SIZES = ((1024, 700), (1280, 800), (1920, 1080))
SUMMARY = {
    "errors": [], "readings": 1180, "skipped_ticks": 0, "backend": "OpenVINO fp32", "weights": "demo",
    "eeg": {"name": "Muse", "channels": ["TP9", "AF7", "AF8", "TP10"], "gaps": 1, "lost_samples": 12},
    "video": {"name": "film.mp4", "frames": 9012, "dropped": 0}, "latency_ms": {"p50": 31.0, "p95": 44.0},
    "warnings": ["EEG Muse: 1 gaps, 12 samples lost"],
    "recordings": ["sessions/sub-01_ses-01_task-watch_run-01"],
}  # fmt: skip
Scene = tuple[FakeView | None, Mode, Actions]


def live() -> Scene:
    view = FakeView()
    view.marker_list = [(1071.0, "target"), (1073.5, "non-target")]
    return view, Mode.LIVE, Actions(toggle_recording=print, recorded_s=lambda: 754.0)


def two_videos() -> Scene:
    return FakeView(n_others=1), Mode.LIVE, Actions(toggle_recording=print)


def three_videos() -> Scene:
    """The further ones stand still."""
    view = FakeView(n_others=2)
    view.others_until = 1072.0
    return view, Mode.LIVE, Actions(toggle_recording=print)


def stalled() -> Scene:
    view = FakeView(bad={"AF8": "railing"})
    view.eeg_until, view.state = 1072.0, StreamState.STALLED
    return view, Mode.LIVE, Actions(toggle_recording=print)


def many() -> Scene:
    return FakeView(TEN_TEN, bad={"C3": "flat", "P7": "noisy"}), Mode.LIVE, Actions()


def untrained() -> Scene:
    return FakeView(weights="untrained"), Mode.DEMO, Actions()


def replay() -> Scene:
    view = FakeView(transport=FakeTransport(1000.0, 180.0))
    view.marker_list = [(1000 + 7.3 * n, "target") for n in range(10)]
    return view, Mode.REPLAY, Actions()


def feedback() -> Scene:
    state = FeedbackShown(0.72, 0.6, "running", rewarded=True)
    return FakeView(), Mode.LIVE, Actions(feedback=lambda: state)


def empty() -> Scene:
    view = FakeView()
    view.eeg_from, view.eeg_until, view.state = 2000.0, 900.0, StreamState.SEARCHING
    return view, Mode.LIVE, Actions(start_headset=print, set_up=print)


def failed() -> Scene:
    view = FakeView()
    view.failure = RuntimeError("camera 0 gave no frame for 10 s. Plug it in again or choose another")
    return view, Mode.LIVE, Actions()


def tour() -> Scene:
    return FakeView(), Mode.DEMO, Actions()


def attend() -> Scene:
    shown = AttendedShown(
        1, 1, Rectangle(0.6, 0.1, 0.78, 0.4), Rectangle(0.5, 0, 1, 0.5), 0.9, (0.7, 0.97), 20, 0.25
    )
    return FakeView(), Mode.DEMO, Actions(attended=lambda: shown, end=print)


def paused() -> Scene:
    view, mode, actions = replay()
    view.transport.pause()
    return view, mode, actions


def slow() -> Scene:
    """The machine does not keep up: readings are skipped and frames lost."""
    view = FakeView()
    counters = view.counters
    view.counters = lambda: counters() | {"skipped_ticks": 3 * view.now(), "frames_dropped": 9 * view.now()}
    return view, Mode.LIVE, Actions(toggle_recording=print)


def blind() -> Scene:
    state = FeedbackShown(0.42, 0.6, "watching")
    return FakeView(blind=True, weights="untrained"), Mode.LIVE, Actions(feedback=lambda: state)


def all_panels() -> Scene:
    """Everything that comes when it is asked for, at once."""
    view, mode, actions = live()
    view.marker_list = [(1000 + 4.3 * n, "target") for n in range(18)]
    return view, mode, actions


def newcomer() -> Scene:
    view, mode, _ = stalled()
    offer = Newcomer("Muse · 4 ch · 256 Hz · on lab-pc", print)
    return view, mode, Actions(toggle_recording=print, newcomer=lambda: offer, end=print)


def outcome() -> Scene:
    return None, Mode.LIVE, Actions()


def progress() -> Scene:
    return None, Mode.LIVE, Actions()


def form() -> Scene:
    return FakeView(), Mode.LIVE, Actions()


def channels() -> Scene:
    return FakeView(bad={"AF8": "railing"}), Mode.LIVE, Actions()


def first_run() -> Scene:
    offers = Actions(
        set_up=print, open_session=print, open_example=print, start_headset=print, start_attend=print
    )
    return None, Mode.LIVE, offers


def person() -> Scene:
    """What is asked before a model of whoever sits there is made."""
    return FakeView(), Mode.LIVE, Actions(toggle_recording=print)


def learning() -> Scene:
    return FakeView(), Mode.LIVE, Actions(toggle_recording=print, recorded_s=lambda: 754.0)


def learned() -> Scene:
    return FakeView(), Mode.LIVE, Actions(toggle_recording=print)


def keys() -> Scene:
    return FakeView(), Mode.LIVE, Actions()


def set_up() -> Scene:
    return FakeView(), Mode.LIVE, Actions()


SCENES = (
    live, two_videos, three_videos, stalled, many, untrained, replay, paused, feedback, attend, slow, blind,
    all_panels, newcomer, empty, failed, tour, first_run, progress, outcome, keys, set_up, form, channels,
    person, learning, learned,
)  # fmt: skip


def dialog_of(scene: str, window: MainWindow) -> QDialog | None:
    """What stands over the window in this scene."""
    if scene == "tour":
        window.start_tour()
        window.tour.go(3)
    if scene == "keys":
        return KeyList(window)
    if scene == "set_up":
        muse = StreamSummary("Muse", "EEG", 5, 256.0, "float32", "lab-pc", "muse-2A41", "1")
        cap = StreamSummary("ActiCHamp", "EEG", 64, 1000.0, "float32", "amp-pc", "acti-77", "2")
        camera = CameraSummary(0, "Integrated Camera", "/dev/video0")
        lookout = Lookout(lambda: (cap, muse), lambda: (camera,))
        lookout.look()
        dialog = StreamDialog(lookout, ("demo", "laptop", "lab"), window.settings, window)
        dialog.streams.selectRow(1)
        return dialog
    if scene == "form":
        return session_form(window)
    if scene == "person":
        return PersonDialog(PersonForm(120.0, Path("models/sub-07"), "07"), "film.mp4", window)
    if scene == "channels":
        return ChannelList(window.page.channels, window.page.view, window.page)
    return None


def session_form(window: MainWindow) -> SessionForm:
    """What is asked before a recording, with a marker stream and an eye tracker on the network."""
    markers = StreamSummary("PsychoPy", "Markers", 1, 0.0, "string", "stim-pc", "psy-1", "3")
    gaze = StreamSummary("Pupil", "Gaze", 3, 120.0, "float32", "eye-pc", "pupil-1", "4")
    lookout = Lookout(lambda: (markers, gaze), lambda: ())
    lookout.look()
    asked = RecordingForm({"sub": "01", "ses": "01", "task": "watch"}, Path("sessions"))
    return SessionForm(asked, lookout, window.settings, window)


class Calibrated:
    """A calibration that stands where it stands."""

    def __init__(self, now: CalibrationNow):
        self._now = now

    def now(self) -> CalibrationNow:
        return self._now

    poll = now


def calibration_of(scene: str) -> Calibrated | None:
    """How the making of a model stands in this scene."""
    if scene == "learning":
        training = TrainingNow("part 2 of 3, step 125 of 248", 0.41, 97.0)
        return Calibrated(CalibrationNow("training", 0.41, 97.0, training))
    if scene == "learned":
        judged = {"network+responses": {"two_way": 0.883, "two_way_ci": [0.80, 0.95]}}
        done = {"runs": {"name": "network+responses", "judged": judged}}
        return Calibrated(CalibrationNow("ready", 1.0, training=TrainingNow("done", 1.0, done=done)))
    return None


def page_of(scene: str) -> QWidget | None:
    """The page of a scene that is no session."""
    if scene == "outcome":
        return Outcome(SUMMARY, print)
    return ProgressPage("Connecting", "source_id=muse-2A41 and film.mkv") if scene == "progress" else None


def take(folder: Path, names: list[str]) -> None:
    """Save one PNG for each scene, theme and size."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        if names and scene.__name__ not in names:
            continue
        for theme in themes.THEMES.values():
            for size in SIZES:
                take_one(scene, theme, size, folder / f"{scene.__name__}-{theme.name}-{size[0]}.png")


def take_one(scene: Callable[[], Scene], theme: themes.Theme, size: tuple[int, int], path: Path) -> None:
    """Save one scene in one theme and size."""
    app, (view, mode, actions) = application(), scene()
    settings = QSettings(f"{tempfile.mkdtemp()}/layout.ini", QSettings.Format.IniFormat)
    window = MainWindow(view, mode, actions, settings)
    window.apply_theme(theme)
    window.resize(*size)
    window.show()
    play(app, window, view)
    if (page := page_of(scene.__name__)) is not None:
        window.show_page(page)
    if scene is all_panels:
        for name in sorted(ASIDE):
            window.page.docks.toggle(name)
    if (calibration := calibration_of(scene.__name__)) is not None:
        window.page.calibration.begin(calibration)
    dialog = dialog_of(scene.__name__, window)
    if dialog is not None:
        dialog.show()
    for _ in range(17):  # what is drawn twice a second has its turn as well
        window.draw()
        app.processEvents()
    (dialog or window).grab().save(str(path))
    if dialog is not None:
        dialog.reject()
    window.close()
    window.deleteLater()


def play(app: QApplication, window: MainWindow, view: FakeView | None) -> None:
    """Seventy-five seconds of session, of which the last are drawn as they come."""
    if view is not None:
        view.size = (640, 360)
        for n in range(300):
            view.advance(1000.0 + n * 0.25)
            if n > 285:
                window.draw()
                app.processEvents()


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2:])
