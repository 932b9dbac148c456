"""Pictures of the window in every state, light and dark, at two sizes: `python docs/screenshots.py OUT`.

The session shown is the tests' own, made of formulas, so that the same pictures come out each time.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QSettings

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from fake_view import TEN_TEN, FakeTransport, FakeView

from gui import theme as themes
from gui.app import application
from gui.main_window import MainWindow
from gui.state import Mode
from realtime.types import StreamState

SIZES = ((1280, 800), (1920, 1080))


def live() -> tuple[FakeView, Mode]:
    view = FakeView()
    view.marker_list = [(1071.0, "target"), (1074.5, "non-target")]
    return view, Mode.LIVE


def stalled() -> tuple[FakeView, Mode]:
    view = FakeView(bad={"AF8": "railing"})
    view.eeg_until, view.state = 1072.0, StreamState.STALLED
    return view, Mode.LIVE


def many() -> tuple[FakeView, Mode]:
    return FakeView(TEN_TEN, bad={"C3": "flat", "P7": "noisy"}), Mode.LIVE


def untrained() -> tuple[FakeView, Mode]:
    return FakeView(weights="untrained"), Mode.DEMO


def replay() -> tuple[FakeView, Mode]:
    view = FakeView(transport=FakeTransport(1000.0, 180.0))
    view.marker_list = [(1000 + 7.3 * n, "target") for n in range(10)]
    return view, Mode.REPLAY


def empty() -> tuple[FakeView, Mode]:
    view = FakeView()
    view.eeg_from, view.eeg_until, view.state = 2000.0, 900.0, StreamState.SEARCHING
    return view, Mode.LIVE


def failed() -> tuple[FakeView, Mode]:
    view = FakeView()
    view.failure = RuntimeError(
        "camera 0 gave no frame for 10 s. Unplug it and start again, or choose another"
    )
    return view, Mode.LIVE


STATES = (live, stalled, many, untrained, replay, empty, failed)


def take(folder: Path, names: list[str]) -> None:
    """Save one PNG for each state, theme and size."""
    app = application()
    folder.mkdir(parents=True, exist_ok=True)
    for state in STATES:
        if names and state.__name__ not in names:
            continue
        for theme in themes.THEMES.values():
            for width, height in SIZES:
                view, mode = state()
                settings = QSettings(f"{tempfile.mkdtemp()}/layout.ini", QSettings.Format.IniFormat)
                window = MainWindow(view, mode, state_actions(), settings)
                window.apply_theme(theme)
                window.resize(width, height)
                window.show()
                for n in range(300):
                    view.advance(1000.0 + n * 0.25)
                    if n > 285:
                        window.draw()
                        app.processEvents()
                window._draws = 0
                window.draw()
                app.processEvents()
                window.grab().save(str(folder / f"{state.__name__}-{theme.name}-{width}.png"))
                window.close()
                window.deleteLater()


def state_actions():
    from gui.state import Actions

    return Actions(toggle_recording=lambda: None, recorded_s=lambda: None)


if __name__ == "__main__":
    take(Path(sys.argv[1]), sys.argv[2:])
