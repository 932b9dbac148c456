"""The window: a session's page or the first-run page, keys, theme, and what is remembered."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import fields, replace
from functools import partial
from operator import attrgetter
from typing import Any, TypeVar

from PySide6.QtCore import QSettings, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractButton, QApplication, QInputDialog, QMainWindow, QMessageBox, QWidget

from experiment.person.form import PersonForm
from experiment.state import Actions, FeedbackStyle, Mode, RecordingForm, View
from gui import theme as themes
from gui.keys import KEYS, Key, KeyList
from gui.pages import layouts
from gui.pages.first_run import FirstRun
from gui.pages.session_page import SessionPage
from gui.pages.tour import Tour
from gui.qt_thread import beside
from gui.setup.choices import Lookout
from gui.setup.person_form import PersonDialog
from gui.setup.session_form import SessionForm, marker_names
from gui.stimulus.feedback_window import FeedbackWindow
from realtime.errors import PhospheneError
from realtime.lsl.discovery import list_all_streams
from realtime.types import Frame

_WITHOUT_WINDOW = {
    FeedbackStyle.TONE: "The participant hears the feedback, louder with the level: it has no window.",
    FeedbackStyle.SPEED: "The participant sees the feedback as the speed of the film: it has no window.",
}
T = TypeVar("T")
# Actions that only tell, or whose errors are said by who calls them.
_NEWS = (
    "recorded_s",
    "feedback",
    "attended",
    "recording_form",
    "begin_recording",
    "saved",
    "newcomer",
    "calibrate",
)


def _guarded(actions: Actions, tell: Callable[[str], None]) -> Actions:
    """Return the same actions, but with our errors shown in the window; Qt would print them and go on."""

    def guard(action: Callable[..., Any]) -> Callable[..., None]:
        def guarded(*given: object) -> None:
            try:
                action(*given)
            except PhospheneError as error:
                tell(str(error))

        return guarded

    asked = {f.name: getattr(actions, f.name) for f in fields(actions) if f.name not in _NEWS}
    kept: dict[str, Any] = {name: guard(action) for name, action in asked.items() if action is not None}
    return replace(actions, **kept)


class MainWindow(QMainWindow):
    """Shows one `View`, or without one what can be started. `draw` is called by the one drawing timer.

    Parameters
    ----------
    view : View or None
    mode : Mode
        Said in the header.
    actions : Actions
        What the window can ask of the program.
    settings : QSettings
        Where layout, theme and choices are remembered.
    """

    closed = Signal()

    def __init__(self, view: View | None, mode: Mode, actions: Actions, settings: QSettings):
        super().__init__()
        self.can, self.settings = _guarded(actions, self.tell), settings
        self._page_keys: list[QAction] = []
        self.page: SessionPage | None = None
        self.tour: Tour | None = None
        self.feedback_window: FeedbackWindow | None = None
        self.feedback_style = FeedbackStyle.BAR
        self._person = PersonForm()  # as it was filled in last
        stored = str(settings.value("theme", ""))
        self.theme = themes.THEMES.get(stored) or themes.system_theme()
        self.setMinimumSize(960, 600)
        self.resize(1280, 800)
        if settings.contains("layout/geometry"):
            self.restoreGeometry(settings.value("layout/geometry"))
        self._bind_keys()
        if view is None:
            self.show_page(FirstRun(self.can))
        else:
            self.show_view(view, mode, actions)

    def show_page(self, page: QWidget) -> None:
        """Show a page that is no session: what can be started, progress, what came of a session."""
        self._leave_session()
        self.can = Actions()
        self.setWindowTitle("Phosphene")
        self.setCentralWidget(page)
        self.apply_theme(self.theme)
        page.setFocus()

    def _leave_session(self) -> None:
        self._end_tour()
        if self.feedback_window is not None:
            self.feedback_window.close()
            self.feedback_window = None
        if self.page is not None:
            self.page.keep_layout(self.settings)
            self.page = None
        self._enable_session_keys(on=False)

    def show_view(self, view: View, mode: Mode, actions: Actions) -> None:
        """Show a session from now on."""
        self._leave_session()
        self.can = _guarded(actions, self.tell)
        self.page = SessionPage(view, mode, self.can, self.toggle_feedback)
        self._enable_session_keys(on=True)
        self.page.recall_layout(self.settings)
        self.page.header.record.clicked.connect(self.toggle_recording)
        self.page.header.theme_switch.clicked.connect(self.toggle_theme)
        self.page.header.help.clicked.connect(self.show_keys)
        self._fill_menu(self.page)
        self.setCentralWidget(self.page)
        self.page.setFocus()
        self.setWindowTitle(f"Phosphene · {mode.value}")
        self.apply_theme(self.theme)

    @property
    def at_work(self) -> bool:
        """Whether the session shown is making a reading."""
        return self.page is not None and self.page.view.at_work

    def draw(self) -> None:
        """Take what is new and show it."""
        if self.page is not None:
            self.page.draw()
        if self.feedback_window is not None and self.feedback_window.isVisible():
            self.feedback_window.draw()
        if self.tour is not None:
            self.tour.follow_page()

    def tell(self, text: str) -> None:
        """Say what went wrong with something the user asked for."""
        if self.page is not None:
            self.page.show_notice(text)
        else:
            QMessageBox.warning(self, "Phosphene", text)

    # ------------------------------------------------------------------ keys and menu
    def _bind_keys(self) -> None:
        for key in KEYS:
            action = QAction(key.text, self)
            action.setShortcuts([QKeySequence(text) for text in key.keys])
            action.triggered.connect(lambda _=False, key=key: self._press(key))
            self.addAction(action)
            if key.method.startswith("page."):
                self._page_keys.append(action)

    def _enable_session_keys(self, *, on: bool) -> None:
        """Leave Space, arrows and the like to the page where there is no session."""
        for action in self._page_keys:
            action.setEnabled(on)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Enter press the button that has the focus, as Space does; Qt calls this."""
        button = self.focusWidget()
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(button, QAbstractButton):
            button.click()
        else:
            super().keyPressEvent(event)

    def _press(self, key: Key) -> None:
        if self.page is not None or not key.method.startswith("page."):
            method = attrgetter(key.method)(self)
            method() if key.value is None else method(key.value)

    def _fill_menu(self, page: SessionPage) -> None:
        menu = page.header.menu
        panels: dict[str, QAction] = {}
        for name, panel in page.panels.items():
            panels[name] = menu.addAction(panel.caption.title)
            panels[name].setCheckable(True)
            panels[name].triggered.connect(partial(page.toggle_panel, name))

        def tick() -> None:
            for name, entry in panels.items():
                entry.setChecked(name in page.docks.shown())

        menu.aboutToShow.connect(tick)
        menu.addSeparator()
        layouts.fill(menu.addMenu("Layouts"), page.docks, self.settings)
        for text, method in (
            ("Usual layout", page.reset_layout), ("Full screen", self.toggle_full_screen),
            ("Tour", self.start_tour),
        ):  # fmt: skip
            menu.addAction(text, method)
        if self.can.open_report is not None:
            menu.addAction("Report", self.can.open_report)
        if self.can.calibrate is not None:
            menu.addAction("Make a model of this person", self.calibrate)
        if self.can.end is not None:
            menu.addSeparator()
            menu.addAction("End the session", self.can.end)

    def keep_layout(self) -> None:
        """Ask for a name and keep the places and sizes of the panels under it."""
        if self.page is not None:
            layouts.ask_and_keep(self.page.docks, self.settings)

    def show_keys(self) -> None:
        """Open the list of keys."""
        KeyList(self).open()

    def toggle_full_screen(self) -> None:
        """Fill the screen, or be a window again."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def leave(self) -> None:
        """Out of the tour, else out of full screen."""
        if self.tour is not None:
            self._end_tour()
        elif self.isFullScreen():
            self.toggle_full_screen()

    def start_tour(self) -> None:
        """Begin the walk through the panels of a session."""
        if self.page is not None and self.tour is None:
            self.tour = Tour(self.page, self.page.places, self.theme)
            self.tour.ended.connect(self._end_tour)

    def _end_tour(self) -> None:
        if self.tour is not None:
            self.tour.hide()
            self.tour.deleteLater()
            self.tour = None

    def toggle_feedback(self) -> None:
        """Open or close the participant's window."""
        if self.can.feedback is None:
            return
        if self.feedback_style in _WITHOUT_WINDOW:
            self.tell(_WITHOUT_WINDOW[self.feedback_style])
            return
        if self.feedback_window is None:
            self.feedback_window = FeedbackWindow(self.can.feedback, self.feedback_style, self._newest_frame)
        if self.feedback_window.isVisible():
            self.feedback_window.hide()
        else:
            self.feedback_window.appear()

    def _newest_frame(self) -> Frame | None:
        newest = self.page.view.preview.get() if self.page is not None else None
        return newest.value if newest is not None else None

    def toggle_recording(self) -> None:
        """Ask what is recorded and begin, or end the recording that runs."""
        can = self.can
        if can.toggle_recording is None or self.page is None or not self.page.header.record.isEnabled():
            return
        runs = can.recorded_s is not None and can.recorded_s() is not None
        if runs or can.recording_form is None:
            can.toggle_recording()
        else:
            self._ask_and_record(can.recording_form())

    def _ask_and_record(self, form: RecordingForm) -> None:
        dialog = SessionForm(form, Lookout(list_all_streams, lambda: ()), self.settings, self)
        dialog.accepted.connect(lambda: self._record(dialog.form))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _record(self, form: RecordingForm) -> None:
        """Begin beside the window: the streams are looked for, which takes a second."""
        if (begin := self.can.begin_recording) is not None:
            self._start_beside(lambda: begin(form), lambda _: None)

    def _start_beside(self, job: Callable[[], T], then: Callable[[T], None]) -> None:
        """Start a recording in a thread of its own, and show so; what keeps it from starting is told."""
        page = self.page
        if page is None:
            return
        page.header.show_starting(starting=True)

        def started(result: Future[T]) -> None:
            page.header.show_starting(starting=False)
            failure = result.exception()
            if failure is None:
                then(result.result())
            elif isinstance(failure, PhospheneError):
                page.show_notice(str(failure))
            else:
                raise failure

        beside(job, started, page)

    def calibrate(self) -> None:
        """Ask how a model of the person who sits there is made, and begin."""
        page = self.page
        if self.can.calibrate is None or page is None or page.calibration.works:
            return
        dialog = PersonDialog(self._person, page.view.video_health().name, self)
        dialog.accepted.connect(lambda: self._calibrate(dialog.form))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _calibrate(self, form: PersonForm) -> None:
        begin, page = self.can.calibrate, self.page
        if begin is not None and page is not None:
            self._person = form
            self._start_beside(lambda: begin(form), page.calibration.begin)

    def mark_key(self, key: int) -> None:
        """Mark this moment with the words of a marker key."""
        self.mark(marker_names(self.settings)[key])

    def mark(self, text: str) -> None:
        """Mark this moment, where there is a recording to be made."""
        if self.can.mark is not None:
            self.can.mark(text)
            self.tell_done(f"marked: {text}")

    def note(self) -> None:
        """Ask for a note and mark the moment the key was pressed with it."""
        if self.can.mark is None:
            return
        text, given = QInputDialog.getText(self, "Note", "What happens now; it goes into the recording:")
        if given and text.strip():
            self.mark(f"note: {text.strip()}")

    def tell_done(self, text: str) -> None:
        """Say for a moment what was done."""
        if self.page is not None:
            self.page.header.say(text)

    def end_session(self) -> None:
        """End the session, where it does not end with its window."""
        if self.can.end is not None:
            self.can.end()

    def set_up(self) -> None:
        """Choose streams, where they can be chosen."""
        if self.can.set_up is not None:
            self.can.set_up()

    # ------------------------------------------------------------------ theme and memory
    def toggle_theme(self) -> None:
        """Change between light and dark."""
        self.apply_theme(themes.DARK if self.theme.name == "light" else themes.LIGHT)

    def apply_theme(self, theme: themes.Theme) -> None:
        """Take the theme's colours."""
        self.theme = theme
        QApplication.setPalette(themes.palette(theme))
        self.setFont(themes.font())
        self.setStyleSheet(themes.style_sheet(theme))
        if self.page is not None:
            self.page.apply_theme(theme)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Keep theme and layout, and close the participant's window; Qt calls this."""
        self.settings.setValue("theme", self.theme.name)
        self.settings.setValue("layout/geometry", self.saveGeometry())
        if self.page is not None:
            self.page.keep_layout(self.settings)
        if self.feedback_window is not None:
            self.feedback_window.close()
        super().closeEvent(event)
        self.closed.emit()
