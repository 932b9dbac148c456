"""The window: panels in splitters, bars above and below, keys, theme and a remembered layout."""

from __future__ import annotations

from PySide6.QtCore import QSettings, Qt
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QMainWindow, QSplitter, QVBoxLayout, QWidget

from gui import theme as themes
from gui.attention_view import AttentionView
from gui.eeg_view import EegView
from gui.film_strip import FilmStrip
from gui.header_bar import HeaderBar
from gui.health_bar import HealthBar
from gui.keys import KEYS, KeyList
from gui.panel import Panel, label, set_text
from gui.scalp_view import ScalpView
from gui.similarity_view import STALE_S, SimilarityView
from gui.state import Actions, Mode, View
from gui.transport_bar import TransportBar
from gui.video_view import VideoView

SLOW_EVERY = 15  # health figures are refreshed at every 15th drawing: twice a second
_LAYOUT_VERSION = "1"


class MainWindow(QMainWindow):
    """Shows one `View`. `draw()` is called by the drawing timer; nothing else moves.

    Parameters
    ----------
    view : View
        What is polled.
    mode : Mode
        Said in the header.
    settings : QSettings
        Where layout and theme are remembered.
    """

    def __init__(self, view: View, mode: Mode, actions: Actions, settings: QSettings):
        super().__init__()
        self.setWindowTitle(f"Phosphene · {mode.value}")
        self.view, self.can, self.settings = view, actions, settings
        self.theme = themes.LIGHT
        self._draws = 0
        self.header, self.health, self.transport = HeaderBar(mode, actions), HealthBar(), TransportBar()
        self.banner = label(role="banner", tone="alarm")
        self.banner.setWordWrap(True)
        self.banner.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner.hide()
        self.eeg, self.video, self.strip = EegView(), VideoView(), FilmStrip()
        self.similarity, self.attention, self.scalp = SimilarityView(), AttentionView(), ScalpView()
        self.panels: dict[str, Panel] = {
            "eeg": self.eeg, "video": self.video, "strip": self.strip,
            "similarity": self.similarity, "attention": self.attention, "scalp": self.scalp,
        }  # fmt: skip
        self._offer_actions()
        self._arrange()
        self._bind_keys()
        self._fill_menu()
        self.reset_layout()
        self._restore()

    # ------------------------------------------------------------------ layout
    def _arrange(self) -> None:
        self._pictures = _splitter(Qt.Orientation.Vertical, self.video, self.strip)
        self._top = _splitter(Qt.Orientation.Horizontal, self.eeg, self._pictures)
        self._bottom = _splitter(Qt.Orientation.Horizontal, self.similarity, self.attention, self.scalp)
        self._rows = _splitter(Qt.Orientation.Vertical, self._top, self._bottom)
        self._splitters = {
            "rows": self._rows,
            "top": self._top,
            "bottom": self._bottom,
            "pictures": self._pictures,
        }
        page = QWidget()
        page.setObjectName("page")
        column = QVBoxLayout(page)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        for widget, stretch in (
            (self.header, 0), (self.banner, 0), (self._rows, 1), (self.transport, 0), (self.health, 0),
        ):  # fmt: skip
            column.addWidget(widget, stretch)
        self.setCentralWidget(page)
        self.setMinimumSize(900, 560)

    def _offer_actions(self) -> None:
        """Buttons in the empty panels for what would fill them."""
        if self.can.start_headset is not None:
            self.eeg.empty.offer("Start the virtual headset", self.can.start_headset)
        if self.can.set_up is not None:
            self.video.empty.offer("Choose streams", self.can.set_up)

    def reset_layout(self) -> None:
        """Every panel in its usual place and size."""
        for panel in self.panels.values():
            panel.show()
        for splitter in (self._pictures, self._top, self._bottom):
            splitter.show()
        self._rows.setSizes([580, 420])
        self._top.setSizes([520, 480])
        self._bottom.setSizes([520, 270, 210])
        self._pictures.setSizes([690, 310])
        self._tick_menu()

    def toggle_panel(self, name: str) -> None:
        """Show or hide a panel; a row without panels gives its room to the other."""
        panel = self.panels[name]
        panel.setVisible(panel.isHidden())
        self._close_empty_rows()
        self._tick_menu()

    def _close_empty_rows(self) -> None:
        for splitter in (self._pictures, self._top, self._bottom):
            parts = (splitter.widget(n) for n in range(splitter.count()))
            splitter.setVisible(any(part is not None and not part.isHidden() for part in parts))

    def _fill_menu(self) -> None:
        self._panel_actions = {}
        for name, panel in self.panels.items():
            action = QAction(panel.caption.title, self, checkable=True, checked=True)
            action.triggered.connect(lambda _=False, name=name: self.toggle_panel(name))
            self._panel_actions[name] = action
            self.header.menu.addAction(action)
        self.header.menu.addSeparator()
        self.header.menu.addAction("Usual layout", self.reset_layout)
        self.header.menu.addAction("Full screen", self.toggle_full_screen)
        self.header.menu.addAction("Tour", self.start_tour)

    def _tick_menu(self) -> None:
        for name, action in self._panel_actions.items():
            action.setChecked(not self.panels[name].isHidden())

    # ------------------------------------------------------------------ drawing
    def draw(self) -> None:
        """Take what is new and show it. Called 30 times a second by one timer."""
        for panel in self.panels.values():
            if panel.isVisible():
                panel.refresh(self.view)
        if self._draws % SLOW_EVERY == 0:
            self.header.refresh(self.view)
            self.health.refresh(self.view)
            self.transport.refresh_past(self.view)
            self._show_failure()
            self._show_age()
        self.transport.refresh(self.view)
        self._draws += 1

    def _show_failure(self) -> None:
        failure = self.view.failure
        self.banner.setVisible(failure is not None)
        if failure is not None:
            set_text(self.banner, f"✕  Stopped: {failure}")

    def _show_age(self) -> None:
        """A stream that stopped must not look alive: what was made of it says how old it is."""
        newest = self.view.readings.get()
        age = 0.0 if newest is None else self.view.now() - newest.value.end
        stale = age if age > STALE_S else None
        for panel in (self.strip, self.similarity, self.attention, self.scalp):
            panel.show_age(stale if panel.has_content else None)
        self.video.show_stale(stale is not None)

    # ------------------------------------------------------------------ actions
    def _bind_keys(self) -> None:
        for key in KEYS:
            action = QAction(key.text, self)
            action.setShortcuts([QKeySequence(key.key)] + ([QKeySequence("=")] if key.key == "+" else []))
            method = getattr(self, key.method)
            action.triggered.connect(
                (lambda _=False, m=method, v=key.value: m(v))
                if key.value is not None
                else (lambda _=False, m=method: m())
            )
            self.addAction(action)
        self.header.theme_switch.clicked.connect(self.toggle_theme)
        self.header.help.clicked.connect(self.show_keys)

    def show_keys(self) -> None:
        KeyList(self).open()

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def leave(self) -> None:
        if self.isFullScreen():
            self.toggle_full_screen()

    def start_tour(self) -> None:
        """Explain the panels one after the other."""

    def change_scale(self, step: int) -> None:
        self.eeg.change_scale(step)

    def toggle_overlay(self) -> None:
        self.video.switch.toggle()

    def toggle_amplitude(self) -> None:
        self.scalp.switch.toggle()

    def toggle_recording(self) -> None:
        if self.can.toggle_recording is not None:
            self.can.toggle_recording()

    def set_up(self) -> None:
        if self.can.set_up is not None:
            self.can.set_up()

    def play_pause(self) -> None:
        self.transport.toggle()

    def step(self) -> None:
        self.transport.one_step()

    def skip(self, steps: int) -> None:
        self.transport.skip(steps)

    def rewind(self) -> None:
        self.transport.rewind()

    def change_speed(self, step: int) -> None:
        self.transport.change_speed(step)

    def toggle_loop(self) -> None:
        self.transport.toggle_loop()

    # ------------------------------------------------------------------ theme and memory
    def toggle_theme(self) -> None:
        self.apply_theme(themes.DARK if self.theme.name == "light" else themes.LIGHT)

    def apply_theme(self, theme: themes.Theme) -> None:
        self.theme = theme
        self.setFont(themes.font())
        self.setStyleSheet(themes.style_sheet(theme))
        self.header.apply_theme(theme)
        self.transport.apply_theme(theme)
        for panel in self.panels.values():
            panel.apply_theme(theme)

    def _restore(self) -> None:
        name = str(self.settings.value("theme", ""))
        self.apply_theme(themes.THEMES.get(name) or themes.system_theme())
        if str(self.settings.value("layout/version", "")) != _LAYOUT_VERSION:
            self.resize(1280, 800)
            return
        self.restoreGeometry(self.settings.value("layout/geometry"))
        for part, splitter in self._splitters.items():
            splitter.restoreState(self.settings.value(f"layout/{part}"))
        hidden = str(self.settings.value("layout/hidden", "")).split()
        for part, panel in self.panels.items():
            panel.setVisible(part not in hidden)
        self._close_empty_rows()
        self._tick_menu()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.settings.setValue("theme", self.theme.name)
        self.settings.setValue("layout/version", _LAYOUT_VERSION)
        self.settings.setValue("layout/geometry", self.saveGeometry())
        for name, splitter in self._splitters.items():
            self.settings.setValue(f"layout/{name}", splitter.saveState())
        self.settings.setValue("layout/hidden", " ".join(n for n, p in self.panels.items() if p.isHidden()))
        super().closeEvent(event)


def _splitter(orientation: Qt.Orientation, *widgets: QWidget) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(8)
    splitter.setChildrenCollapsible(False)
    for widget in widgets:
        splitter.addWidget(widget)
    return splitter
