"""The page of a running session: panels in splitters, bars above and below."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from experiment.state import Actions, Mode, View
from gui.overload import Overload
from gui.pages.header_bar import HeaderBar
from gui.pages.health_bar import HealthBar
from gui.panel import STALE_S, Panel, label, set_text, set_tone
from gui.panels.attention import AttentionPanel
from gui.panels.eeg import EegPanel
from gui.panels.feedback_meter import FeedbackMeter
from gui.panels.film_strip import FilmStrip
from gui.panels.scalp import ScalpPanel
from gui.panels.similarity import SimilarityPanel
from gui.panels.video import OtherVideoPanel, VideoPanel
from gui.replay.transport_bar import TransportBar
from gui.theme import Theme
from gui.verdict import Judge
from realtime.errors import PhospheneError
from realtime.types import StreamState

SLOW_EVERY = 15  # health figures are refreshed at every 15th drawing: twice a second
NOTICE_FOR = 450  # drawings: a quarter of a minute
_LAYOUT_VERSION = "1"


class SessionPage(QWidget):
    """Shows one `View`; `draw` takes what is new.

    Parameters
    ----------
    view : View
    mode : Mode
        Said in the header.
    actions : Actions
        What the buttons of header and empty panels do.
    open_feedback : callable
        Opens or closes the participant's window.
    """

    def __init__(self, view: View, mode: Mode, actions: Actions, open_feedback: Callable[[], object]):
        super().__init__()
        self.setObjectName("page")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # so that no button of it catches Space or Enter
        self.view, self._can = view, actions
        self._draws = 0
        self._notice, self._notice_until = "", 0
        n_others = len(view.other_previews)
        self.header = HeaderBar(mode, actions, n_others)
        self.health, self.transport = HealthBar(), TransportBar()
        self.feedback = FeedbackMeter(open_feedback)
        self.caption = label(role="caption")
        self.caption.setToolTip("What is happening, in plain words (C)")
        self._judge, self._overload = Judge(), Overload()
        self.banner = label(role="banner", tone="alarm")
        self.banner.setWordWrap(True)
        self.banner.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner.hide()
        self.eeg, self.video, self.strip = EegPanel(), VideoPanel(), FilmStrip()
        self.others = [OtherVideoPanel(number) for number in range(n_others)]
        self.similarity, self.attention, self.scalp = SimilarityPanel(), AttentionPanel(), ScalpPanel()
        self.panels: dict[str, Panel] = {
            "eeg": self.eeg, "video": self.video, "strip": self.strip,
            "similarity": self.similarity, "attention": self.attention, "scalp": self.scalp,
            **{f"video{number}": other for number, other in enumerate(self.others, 2)},
        }  # fmt: skip
        self._arrange()
        self._offer_actions()
        self.reset_layout()
        self.caption.setVisible(mode is Mode.DEMO)

    @property
    def places(self) -> dict[str, QWidget]:
        """The widgets that a tour may point at, by name."""
        return {**self.panels, "health": self.health}

    def _arrange(self) -> None:
        self._column = _splitter(Qt.Orientation.Vertical, *self.others)
        self._videos = _splitter(Qt.Orientation.Horizontal, self.video, self._column)
        self._pictures = _splitter(Qt.Orientation.Vertical, self._videos, self.strip)
        self._top = _splitter(Qt.Orientation.Horizontal, self.eeg, self._pictures)
        self._bottom = _splitter(Qt.Orientation.Horizontal, self.similarity, self.attention, self.scalp)
        self._rows = _splitter(Qt.Orientation.Vertical, self._top, self._bottom)
        self._splitters = {
            "rows": self._rows, "top": self._top, "bottom": self._bottom, "pictures": self._pictures,
            f"videos{len(self.others)}": self._videos, f"column{len(self.others)}": self._column,
        }  # fmt: skip
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.header)
        column.addWidget(self.caption)
        column.addWidget(self.banner)
        column.addWidget(self._rows, 1)
        column.addWidget(self.feedback)
        column.addWidget(self.transport)
        column.addWidget(self.health)

        self.video.switch.toggled.connect(self._show_age)

    def _offer_actions(self) -> None:
        """Buttons in the empty panels for what would fill them."""
        if self._can.start_headset is not None:
            self.eeg.empty.offer("Start the virtual headset", self._can.start_headset)
        if self._can.set_up is not None:
            self.video.empty.offer("Choose streams", self._can.set_up)

    # ------------------------------------------------------------------ drawing
    def draw(self) -> None:
        """Take what is new and show it. Called 30 times a second by one timer."""
        for panel in self.panels.values():
            if panel.isVisible():
                panel.refresh(self.view)
        if self._can.attended is not None:
            self.video.show_attended(self._can.attended())
        self.transport.refresh(self.view)
        feedback = self._can.feedback() if self._can.feedback is not None else None
        self.feedback.show_state(feedback)
        if self._draws % SLOW_EVERY == 0:
            self._overload.follow(self.view)
            self.header.refresh(self.view, self._overload.behind_s)
            self.health.refresh(self.view, self._overload.rising)
            self.transport.refresh_past(self.view)
            self._show_trouble()
            self._show_age()
            self._judge.follow(self.view)
            self.similarity.show_verdict(self._judge)
            set_text(self.caption, self._judge.sentence(feedback))
        self._draws += 1

    def toggle_caption(self) -> None:
        """Show or hide the sentence on what is happening."""
        self.caption.setVisible(self.caption.isHidden())

    def show_notice(self, text: str) -> None:
        """Say for a while what went wrong with something that was asked for."""
        self._notice, self._notice_until = text, self._draws + NOTICE_FOR
        self._show_trouble()

    def _show_trouble(self) -> None:
        """Show what ended a worker for good, a notice for a while, or that the machine is too slow."""
        failure = self.view.failure
        slow = self._overload.sentence(self.view.eeg_health().state is StreamState.LIVE)
        if failure is not None:
            tone, words = "alarm", f"✕  Stopped: {_words(failure)}"
        elif self._draws < self._notice_until:
            tone, words = "warn", f"▲  {self._notice}"
        else:
            tone, words = "warn", f"▲  {slow}" if slow else ""
        if words:
            set_tone(self.banner, tone)
            set_text(self.banner, words)
        self.banner.setVisible(bool(words))

    def _age_s(self) -> float:
        """How long ago the newest reading's interval ended; 0 before the first."""
        newest = self.view.readings.get()
        return 0.0 if newest is None else self.view.now() - newest.value.end

    def _show_age(self, *_: object) -> None:
        """Say how old readings are: a stream that stopped must not look alive."""
        age = self._age_s()
        stale = age if age > STALE_S else None
        for panel in (self.strip, self.similarity, self.attention, self.scalp):
            panel.show_age(stale if panel.has_content else None)
        self.video.show_stale(stale is not None)
        bare = stale is not None or not self.video.switch.isChecked()
        for other, health in zip(self.others, self.view.other_video_health(), strict=True):
            other.show_state(bare, health)

    def age_chips(self) -> list[str]:
        """Return what panels say of the age of what they show; empty where all is new."""
        return [panel.age.text() for panel in self.panels.values() if not panel.age.isHidden()]

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        self.header.apply_theme(theme)
        self.transport.apply_theme(theme)
        self.feedback.apply_theme(theme)
        for panel in self.panels.values():
            panel.apply_theme(theme)

    # ------------------------------------------------------------------ layout
    def reset_layout(self) -> None:
        """Every panel in its usual place and size."""
        for panel in self.panels.values():
            panel.show()
        self._close_empty_rows()
        self._rows.setSizes([580, 420])
        self._top.setSizes([520, 480])
        self._bottom.setSizes([440, 370, 190])
        self._pictures.setSizes([690, 310])
        self._videos.setSizes([640, 360])
        self._column.setSizes([100] * len(self.others))

    def toggle_panel(self, name: str, *_: object) -> None:
        """Show or hide a panel; a row without panels gives its room to the other."""
        self.panels[name].setVisible(self.panels[name].isHidden())
        self._close_empty_rows()

    def hidden(self) -> set[str]:
        """Names of the panels that are put away."""
        return {name for name, panel in self.panels.items() if panel.isHidden()}

    def _close_empty_rows(self) -> None:
        for splitter in (self._column, self._videos, self._pictures, self._top, self._bottom):
            parts = (splitter.widget(n) for n in range(splitter.count()))
            splitter.setVisible(any(part is not None and not part.isHidden() for part in parts))

    def keep_layout(self, settings: QSettings) -> None:
        """Keep sizes and hidden panels for the next window."""
        settings.setValue("layout/version", _LAYOUT_VERSION)
        for name, splitter in self._splitters.items():
            settings.setValue(f"layout/{name}", splitter.saveState())
        settings.setValue("layout/hidden", " ".join(sorted(self.hidden())))

    def recall_layout(self, settings: QSettings) -> None:
        """Take the kept layout, where one of this version is."""
        if str(settings.value("layout/version", "")) != _LAYOUT_VERSION:
            return
        for name, splitter in self._splitters.items():
            if settings.contains(f"layout/{name}"):  # kept with another number of videos otherwise
                splitter.restoreState(settings.value(f"layout/{name}"))
        put_away = str(settings.value("layout/hidden", "")).split()
        for name, panel in self.panels.items():
            panel.setVisible(name not in put_away)
        self._close_empty_rows()


def _words(failure: BaseException) -> str:
    """Errors of ours say what to do; of any other only what it was is known."""
    if isinstance(failure, PhospheneError):
        return str(failure)
    what = f"{type(failure).__name__}: {failure}"
    return f"an error in the program ({what}). What was recorded is kept: close the window and start again."


def _splitter(orientation: Qt.Orientation, *widgets: QWidget) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(8)
    splitter.setChildrenCollapsible(False)
    for widget in widgets:
        splitter.addWidget(widget)
    return splitter
