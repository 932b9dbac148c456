"""The pictures of the window in the docs: `python docs/pictures.py [FOLDER]`.

A virtual subject's session is made and replayed with the shipped weights in the real window, which is drawn
out of sight unless QT_QPA_PLATFORM says otherwise. The same pictures come out each time.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QSettings
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiment.compose import open_replay
from experiment.model_choice import ModelChoice
from experiment.state import Mode
from gui import theme as themes
from gui.app import application
from gui.main_window import MainWindow
from gui.panel import Panel
from gui.setup.choices import Lookout
from gui.setup.stream_dialog import StreamDialog
from realtime.lsl.selector import StreamSummary
from realtime.video.listing import CameraSummary
from recordings.session.example import make_example

SIZE = (1280, 800)
SECONDS, MOMENT, SEED = 75.0, 57.2, 11
SPEED = 1.0  # as a user plays it: the latency in the picture is that of such a session
STREAMS = (
    StreamSummary("Muse", "EEG", 5, 256.0, "float32", "lab-pc", "muse-2A41", "1"),
    StreamSummary("ActiCHamp", "EEG", 64, 1000.0, "float32", "amp-pc", "acti-77", "2"),
)


def window_of(folder: Path, app: QApplication) -> MainWindow:
    """Replay a session in a window and stop at one moment."""
    session = open_replay(folder, ModelChoice(weights="demo", backend="eager"), speed=SPEED)
    window = MainWindow(session.view, Mode.REPLAY, session.actions, settings(folder))
    window.apply_theme(themes.LIGHT)
    window.resize(*SIZE)
    window.show()
    session.runner.launch()
    transport = session.view.transport
    assert transport is not None
    while transport.position - transport.start < MOMENT:
        window.draw()
        app.processEvents()
        time.sleep(1 / 30)
    transport.pause()
    for _ in range(20):  # what is drawn twice a second has its turn as well
        window.draw()
        app.processEvents()
        time.sleep(1 / 30)
    session.runner.stop()
    return window


def dialog(folder: Path, window: MainWindow) -> StreamDialog:
    """Open the dialog in which streams are chosen, with two headsets and a camera."""
    camera = CameraSummary(0, "Integrated Camera", "/dev/video0")
    lookout = Lookout(lambda: STREAMS, lambda: (camera,))
    lookout.look()
    asked = StreamDialog(lookout, ("demo", "laptop", "lab"), settings(folder), window)
    asked.streams.selectRow(0)
    return asked


def settings(folder: Path) -> QSettings:
    """Keep the window's layout where it is gone afterwards."""
    return QSettings(str(folder / "layout.ini"), QSettings.Format.IniFormat)


def docked(panel: Panel) -> QWidget:
    """The panel with its header: the dock that holds both."""
    dock = panel.parentWidget()
    assert dock is not None
    return dock


def picture(widget: QWidget) -> Image.Image:
    """Take what a widget shows."""
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    size = image.width(), image.height()
    return Image.frombytes("RGB", size, bytes(image.constBits()), "raw", "RGB", image.bytesPerLine())


def beside(*images: Image.Image, gap: int = 12) -> Image.Image:
    """Put pictures next to each other, on the window's ground."""
    height = max(image.height for image in images)
    whole = Image.new("RGB", (sum(i.width for i in images) + gap * (len(images) - 1), height), "#e9edf0")
    x = 0
    for image in images:
        whole.paste(image, (x, (height - image.height) // 2))
        x += image.width + gap
    return whole


def main(out: Path) -> None:
    """Write all pictures."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = application()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "session"
        make_example(folder, seed=SEED, seconds=SECONDS)
        window = window_of(folder, app)
        page = window.page
        assert page is not None
        taken = {
            "window": picture(window),
            "similarity": picture(docked(page.similarity)),
            "map": beside(picture(docked(page.video)), picture(docked(page.attention))),
        }
        asked = dialog(folder, window)
        asked.show()
        app.processEvents()
        taken["streams"] = picture(asked)
        asked.reject()
        window.close()
    for name, image in taken.items():
        path = out / f"{name}.webp"
        image.save(path, quality=82, method=6)
        print(f"{path}: {image.width} × {image.height}, {path.stat().st_size / 1024:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("img"))
