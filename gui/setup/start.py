"""What is asked before a session runs: what to do on the first run, which streams, which recording."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from functools import partial
from pathlib import Path

from PySide6.QtCore import QEventLoop, QSettings
from PySide6.QtWidgets import QDialog, QFileDialog, QMessageBox

from experiment.state import Actions, Mode
from gui import theme as themes
from gui.app import application, remembered
from gui.main_window import MainWindow
from gui.setup.choices import Lookout, Setup
from gui.setup.stream_dialog import StreamDialog
from realtime.lsl.discovery import list_eeg_streams
from realtime.video.listing import list_cameras


class Offer(Enum):
    """What the first-run page offers."""

    DEMO = "start_headset"
    EXAMPLE = "open_example"
    STREAMS = "set_up"
    SESSION = "open_session"


def ask_offer(
    offers: Collection[Offer] = frozenset(Offer), settings: QSettings | None = None
) -> Offer | None:
    """Show the first-run page; return what was chosen, or None where the window was closed."""
    application()
    chosen: list[Offer] = []
    loop = QEventLoop()

    def choose(offer: Offer) -> None:
        chosen.append(offer)
        loop.quit()

    actions = Actions(**{offer.value: partial(choose, offer) for offer in offers})
    window = MainWindow(None, Mode.LIVE, actions, settings or remembered())
    window.closed.connect(loop.quit)
    window.show()
    loop.exec()
    window.close()
    window.deleteLater()
    return chosen[0] if chosen else None


def ask_setup(presets: Sequence[str], settings: QSettings | None = None) -> Setup | None:
    """Let the user choose streams, montage and model; None where the dialog was cancelled."""
    app = application()
    settings = settings or remembered()
    theme = themes.THEMES.get(str(settings.value("theme", ""))) or themes.system_theme()
    app.setPalette(themes.palette(theme))
    dialog = StreamDialog(Lookout(list_eeg_streams, list_cameras), presets, settings)
    dialog.setStyleSheet(themes.style_sheet(theme))
    return dialog.setup if dialog.exec() == QDialog.DialogCode.Accepted else None


def tell(text: str) -> None:
    """Say what went wrong, where there is no session's window to say it in."""
    application()
    QMessageBox.warning(None, "Phosphene", text)


def ask_session() -> Path | None:
    """Let the user choose the folder of a recorded session."""
    application()
    folder = QFileDialog.getExistingDirectory(None, "Folder with session.xdf and its video")
    return Path(folder) if folder else None
