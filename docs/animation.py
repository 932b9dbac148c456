"""The README's moving picture, taken from the running demo: `python docs/animation.py [OUT.webp]`.

The demo runs as it is, in a window that is drawn out of sight unless QT_QPA_PLATFORM says otherwise. The
picture begins some seconds before the film is dimmed, and shows what comes of it.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from pathlib import Path

from PIL import Image
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from experiment.demo import open_demo
from experiment.model_choice import ModelChoice
from experiment.run import Running
from gui import theme as themes
from gui.app import application
from gui.main_window import MainWindow
from gui.program import Program

SIZE, WIDTH = (1280, 800), 880
FPS, BEFORE_S, AFTER_S = 4, 6.0, 12.0
FULL_S = 45.0  # of curves, before anything is taken
LONGEST_S = 180.0


class Camera:
    """Takes pictures of the window: the last seconds before feedback begins, and what follows."""

    def __init__(self, session: Running):
        self._session = session
        self._before: deque[Image.Image] = deque(maxlen=round(BEFORE_S * FPS))
        self._after: list[Image.Image] = []
        self._dimmed = False
        self._timer = QTimer(interval=round(1000 / FPS))
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    @property
    def pictures(self) -> list[Image.Image]:
        return [*self._before, *self._after]

    def _look(self) -> None:
        window = next((w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow)), None)
        if window is None or not window.isVisible():
            return
        if window.theme is not themes.DARK:
            window.resize(*SIZE)
            window.apply_theme(themes.DARK)
            return
        state = self._session.actions.feedback()
        past = self._session.view.history(60.0)
        begins, self._dimmed = state.rewarded and not self._dimmed, state.rewarded
        if self._after or (begins and len(self._before) == self._before.maxlen):
            self._after.append(taken(window))
        elif past and past[-1].end - past[0].end > FULL_S:
            self._before.append(taken(window))
        if len(self._after) >= AFTER_S * FPS:
            self._timer.stop()
            window.close()


def taken(window: MainWindow) -> Image.Image:
    """A picture of the window."""
    scaled = window.grab().toImage().scaledToWidth(WIDTH, Qt.TransformationMode.SmoothTransformation)
    image = scaled.convertToFormat(QImage.Format.Format_RGB888)
    size = image.width(), image.height()
    return Image.frombytes("RGB", size, bytes(image.constBits()), "raw", "RGB", image.bytesPerLine())


def main(out: Path) -> None:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application()
    session = open_demo(ModelChoice())
    camera = Camera(session)
    summary = Program(Path("sessions")).run(session, LONGEST_S, stay=False)
    if summary["errors"] or not camera.pictures:
        raise SystemExit(f"nothing to show: {summary['errors'] or 'the film was never dimmed'}")
    first, *others = camera.pictures
    first.save(
        out, save_all=True, append_images=others, duration=round(1000 / FPS), loop=0, quality=40, method=4
    )
    print(f"{out}: {len(camera.pictures)} pictures, {out.stat().st_size / 2**20:.2f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("demo.webp"))
