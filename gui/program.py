"""One window for the whole life of the program.

┌─▶ first page ──choice──▶ progress ──▶ session ──▶ what came of it ─┬─▶ report (in the browser)
│       ▲                     │                           ▲          │         │
│       └──── what failed ────┘                           └──────────┼─────────┘
└────────────────────────────────────────────────────────────────────┴─▶ replay of it ─▶ progress …
"""

from __future__ import annotations

import webbrowser
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from enum import Enum
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

from PySide6.QtCore import QEventLoop, QSettings, QTimer
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog

from experiment.demo import open_attend_demo, open_demo
from experiment.feedback_options import FeedbackChoice
from experiment.interrupt import interruptible
from experiment.model_choice import ModelChoice
from experiment.run import Running, run
from experiment.state import Actions, Mode
from gui.app import application, draw_while, remembered
from gui.main_window import MainWindow
from gui.pages.first_run import FirstRun
from gui.pages.outcome import Next, Outcome
from gui.pages.progress import ProgressPage
from gui.setup.choices import Lookout, Setup
from gui.setup.openers import PRESETS, open_recorded, open_streams
from gui.setup.stream_dialog import StreamDialog
from realtime.errors import PhospheneError
from realtime.lsl.discovery import list_eeg_streams
from realtime.lsl.isolation import confined, hush
from realtime.video.listing import list_cameras

T = TypeVar("T")
_TICK_MS = 50
_INTERRUPT_MS = 200  # Python hears of a signal only where Qt lets it run


class Offer(Enum):
    """What the first page offers, by the name of its action."""

    DEMO = "start_headset"
    ATTEND = "start_attend"
    EXAMPLE = "open_example"
    STREAMS = "set_up"
    SESSION = "open_session"


class Program:
    """The window, and what it goes through until it is closed. Everything is called in the main thread.

    Parameters
    ----------
    out : Path
        Where the record button of a live session puts its folders.
    feedback : FeedbackChoice, optional
        What a live session gives whatever the dialog says.
    settings : QSettings, optional
        Where layout, theme and choices are remembered; the user's by default.
    """

    def __init__(self, out: Path, feedback: FeedbackChoice | None = None, settings: QSettings | None = None):
        application()
        self._out, self._feedback = out, feedback
        self._settings = settings or remembered()
        self._notice = ""
        self._ended = self._interrupted = False
        self._to_replay: Path | None = None
        self.window = MainWindow(None, Mode.LIVE, Actions(), self._settings)

    def run(
        self, session: Running | None = None, seconds: float | None = None, *, stay: bool = True
    ) -> Mapping[str, Any] | None:
        """Show a session, or ask for one, then what came of it, and so on.

        Closing the window ends it, and so do Ctrl-C and the system's request to end.

        Parameters
        ----------
        seconds : float, optional
            A session ends after so long.
        stay : bool
            Go on after the first session has ended; a script wants its summary instead.

        Returns
        -------
        mapping or None
            The summary of the last session; None where there was none.
        """
        if session is None:
            hush()
        self.window.show()
        try:
            with interruptible() as interrupted:
                leaving = QTimer(self.window)
                leaving.timeout.connect(
                    lambda: QApplication.closeAllWindows() if interrupted.is_set() else None
                )
                leaving.start(_INTERRUPT_MS)
                return self._go_through(session, seconds, stay)
        finally:
            self.window.close()
            self.window.deleteLater()

    def _go_through(
        self, session: Running | None, seconds: float | None, stay: bool
    ) -> Mapping[str, Any] | None:
        summary: Mapping[str, Any] | None = None
        while self.window.isVisible():
            if session is None:
                session = self._ask()
                continue
            summary = run(session, self.show, seconds)
            if self._interrupted or (not stay and self._to_replay is None):
                break
            session = self._offer_next(summary) if self.window.isVisible() else None
        return summary

    def show(self, session: Running, over: Callable[[], bool], interrupted: Event) -> dict[str, Any]:
        """Show a session until it is over, the user ends it or the window is closed.

        The `experiment.run.Surface` of the window.
        """
        self._ended = False
        if session.ask_of_newcomers is not None:
            session.ask_of_newcomers()
        actions = replace(session.actions, end=self._end, replay=self._replay_next)
        self.window.feedback_style = session.feedback_style
        self.window.show_view(session.view, session.mode, actions)
        if session.tour:
            self.window.start_tour()
        stats = draw_while(self.window, lambda: not (over() or self._ended))
        self._interrupted = interrupted.is_set()
        if self.window.isVisible():
            self.window.show_page(
                ProgressPage("Closing the session", "What was recorded is being completed.")
            )
            application().processEvents()
        return {"window": stats}

    def _end(self) -> None:
        self._ended = True

    def _replay_next(self, folder: Path) -> None:
        self._to_replay, self._ended = folder, True

    # ------------------------------------------------------------------ questions
    def _wait(self, ask: Callable[[Callable[[T], None]], None]) -> T | None:
        """Return what the user chooses on a page; None where the window is closed instead."""
        loop, chosen = QEventLoop(), list[T]()

        def choose(what: T) -> None:
            chosen.append(what)
            loop.quit()

        ask(choose)
        self.window.closed.connect(loop.quit)
        loop.exec()
        self.window.closed.disconnect(loop.quit)
        return chosen[0] if chosen else None

    def _ask(self) -> Running | None:
        """Show the first page and open what is chosen there; None where there is nothing to show yet."""

        def ask(choose: Callable[[Offer], None]) -> None:
            offers = [offer for offer in Offer if offer is not Offer.STREAMS or not confined()]
            taken: dict[str, Any] = {offer.value: partial(choose, offer) for offer in offers}
            actions = Actions(**taken)
            self.window.show_page(FirstRun(actions, self._notice))
            self._notice = ""

        offer = self._wait(ask)
        if offer is Offer.DEMO:
            words = "It watches a film; its EEG comes over LSL like that of a headset."
            return self._work("The virtual subject wakes up", words, lambda: open_demo(ModelChoice()))
        if offer is Offer.ATTEND:
            words = "It attends one of several objects after another."
            return self._work("The virtual attender wakes up", words, lambda: open_attend_demo(ModelChoice()))
        if offer is Offer.EXAMPLE:
            from recordings.session.example import EXAMPLE  # what reads and writes films takes half a second

            return self._open_recorded(EXAMPLE)
        if offer is Offer.SESSION:
            folder = QFileDialog.getExistingDirectory(self.window, "Folder with session.xdf and its video")
            return self._open_recorded(Path(folder)) if folder else None
        return self._ask_streams() if offer is Offer.STREAMS else None

    def _ask_streams(self) -> Running | None:
        """Ask, and ask again with what went wrong where the choice does not open."""
        while (setup := self._choose_streams()) is not None:
            opener = partial(open_streams, setup, self._out, self._feedback)
            session = self._work("Connecting", f"{setup.eeg} and {' and '.join(setup.videos)}", opener)
            if session is not None or not self.window.isVisible():
                return session
        return None

    def _choose_streams(self) -> Setup | None:
        dialog = StreamDialog(
            Lookout(list_eeg_streams, list_cameras), PRESETS, self._settings, self.window, self._notice
        )
        self._notice = ""
        accepted = dialog.exec() == QDialog.DialogCode.Accepted
        return dialog.setup if accepted and self.window.isVisible() else None

    def _open_recorded(self, folder: Path) -> Running | None:
        return self._work("Opening the recording", str(folder), partial(open_recorded, folder))

    def _offer_next(self, summary: Mapping[str, Any]) -> Running | None:
        """Show what came of a session; None leads back to the first page, a session is the next to show."""
        wanted, self._to_replay = self._to_replay, None
        replay = self._open_recorded(wanted) if wanted is not None and not summary["errors"] else None
        if replay is not None:
            return replay
        from recordings.report.page import write_report  # not sooner, as the example

        while self.window.isVisible():
            what, folder = self._wait(partial(self._show_outcome, summary)) or (Next.START, None)
            if what is Next.START or folder is None:
                break
            if what is Next.REPORT:
                page = self._work("Writing the report", str(folder), partial(write_report, folder))
                if page is not None:
                    webbrowser.open(page.resolve().as_uri())
            elif (session := self._open_recorded(folder)) is not None:
                return session
        return None

    def _show_outcome(
        self, summary: Mapping[str, Any], choose: Callable[[tuple[Next, Path | None]], None]
    ) -> None:
        page = Outcome(summary, lambda what, folder: choose((what, folder)))
        if self._notice:
            page.say(self._notice)
            self._notice = ""
        self.window.show_page(page)

    # ------------------------------------------------------------------ work that takes a while
    def _work(self, title: str, words: str, job: Callable[[], T]) -> T | None:
        """Do it in a thread while a page says so; None, with a notice, where it fails.

        Where the window is closed meanwhile, a session that has opened is closed again.
        """
        page = ProgressPage(title, words)
        self.window.show_page(page)
        with ThreadPoolExecutor(1) as beside:
            future = beside.submit(job)
            self._follow(future, page)
        try:
            result = future.result()
        except PhospheneError as error:
            self._notice = str(error)
            return None
        except Exception as error:
            self._notice = f"an error in the program ({type(error).__name__}: {error})"
            return None
        if isinstance(result, Running) and not self.window.isVisible():
            result.closing.close()
            result.pipeline.close()
            return None
        return result

    def _follow(self, future: Future[Any], page: ProgressPage) -> None:
        loop, timer = QEventLoop(), QTimer(interval=_TICK_MS)

        def tick() -> None:
            page.tick()
            if future.done():
                loop.quit()

        timer.timeout.connect(tick)
        timer.start()
        loop.exec()
        timer.stop()
