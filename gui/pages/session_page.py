"""The page of a running session: panels in docks, bars above and below."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QInputDialog, QVBoxLayout, QWidget

from experiment.state import Actions, Mode, View
from gui.docks import Docks
from gui.eeg.average import AveragePanel
from gui.eeg.channels import ChannelList, Channels
from gui.eeg.panel import EegPanel
from gui.eeg.spectrum import SpectrumPanel
from gui.eeg.view_filter import band
from gui.overload import Overload
from gui.pages.calibration_bar import CalibrationBar
from gui.pages.header_bar import HeaderBar
from gui.pages.health_bar import HealthBar
from gui.pages.layouts import LAST
from gui.pages.newcomer_bar import NewcomerBar
from gui.pages.panel_menu import PanelMenu
from gui.pages.saved_bar import SavedBar
from gui.panel import STALE_S, Panel, label, set_text, set_tone
from gui.panels.attention import AttentionPanel
from gui.panels.event_log import LogPanel
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
        self.caption.setToolTip("What is happening, in plain words (P)")
        self._judge, self._overload = Judge(), Overload()
        self.saved, self.newcomer = SavedBar(actions), NewcomerBar(actions)
        self.calibration = CalibrationBar()
        self.banner = label(role="banner", tone="alarm")
        self.banner.setWordWrap(True)
        self.banner.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.banner.hide()
        self.channels = Channels(self._channels_changed)
        self.eeg, self.video, self.strip = EegPanel(self.channels), VideoPanel(), FilmStrip()
        self.spectrum, self.average = SpectrumPanel(self.channels), AveragePanel(self.channels)
        self.log = LogPanel()
        self.others = [OtherVideoPanel(number) for number in range(n_others)]
        self.similarity, self.attention, self.scalp = SimilarityPanel(), AttentionPanel(), ScalpPanel()
        self.panels: dict[str, Panel] = {
            "eeg": self.eeg, "video": self.video, "strip": self.strip,
            "similarity": self.similarity, "attention": self.attention, "scalp": self.scalp,
            "spectrum": self.spectrum, "average": self.average, "log": self.log,
            **{f"video{number}": other for number, other in enumerate(self.others, 2)},
        }  # fmt: skip
        self.docks = Docks(self.panels)
        for name, panel in self.panels.items():
            PanelMenu(name, panel, self.docks, view, self.say)
        self._arrange()
        self._offer_actions()
        self.caption.setVisible(mode is Mode.DEMO)

    @property
    def places(self) -> dict[str, QWidget]:
        """The widgets that a tour may point at, by name."""
        return {**self.panels, "health": self.health}

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.header)
        column.addWidget(self.caption)
        column.addWidget(self.banner)
        column.addWidget(self.newcomer)
        column.addWidget(self.calibration)
        column.addWidget(self.saved)
        column.addWidget(self.docks, 1)
        column.addWidget(self.feedback)
        column.addWidget(self.transport)
        column.addWidget(self.health)

        self.video.switch.toggled.connect(self._show_age)
        self.eeg.channel_button.clicked.connect(self.list_channels)

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
            set_tone(self.caption, self._judge.verdict.tone)
            self.average.collect(self.view)
            self.log.follow(self.view)
            for happened in filter(None, self._bars_say()):
                self._note_down(happened)
        self._draws += 1

    def _bars_say(self) -> tuple[str, ...]:
        """Have the bars follow what happens; returns what they have to say of it."""
        return self.saved.follow(), self.newcomer.follow(), self.calibration.follow()

    # ------------------------------------------------------------------ channels
    def list_channels(self) -> None:
        """Open the list of channels."""
        ChannelList(self.channels, self.view, self).open()

    def choose_band(self) -> None:
        """Ask for the band of the drawn EEG."""
        text, given = QInputDialog.getText(self, "Band of the drawn EEG", "From – to, Hz:", text="1 – 40")
        if given:
            self._set_band(text)

    def _set_band(self, text: str) -> None:
        try:
            low, high = (
                float(part.replace(",", ".")) for part in text.replace("–", " ").replace("-", " ").split()
            )
        except ValueError:
            low = high = 0.0
        if 0 < low < high < self.view.grid.eeg_hz / 2:
            self.eeg.set_filter(band(low, high))
        else:
            most = self.view.grid.eeg_hz / 2
            self.show_notice(
                f"“{text}” is no band: two numbers, from above 0 to below {most:g} Hz, such as 1 – 40"
            )

    def _channels_changed(self) -> None:
        """Have the network do without what is called bad, where that was chosen; the recording says so."""
        wanted = frozenset(self.channels.bad) if self.channels.for_network else frozenset()
        before = self.view.left_out
        if wanted != before:
            self.view.leave_out(wanted)
            for name in sorted(wanted ^ before):
                what = f"channel {name} {'left out' if name in wanted else 'used again'}"
                (self._can.mark or self._note_down)(what)

    def _note_down(self, what: str) -> None:
        self.log.note_down(self.view, what)

    def say(self, text: str) -> None:
        """Say for a moment what was done, and write it into the log."""
        self.header.say(text)
        self._note_down(text)

    def toggle_caption(self) -> None:
        """Show or hide the sentence on what is happening."""
        self.caption.setVisible(self.caption.isHidden())

    def show_notice(self, text: str) -> None:
        """Say for a while what went wrong with something that was asked for."""
        self._notice, self._notice_until = text, self._draws + NOTICE_FOR
        self._note_down(text)
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
        self.docks.reset()

    def toggle_panel(self, name: str, *_: object) -> None:
        """Show or hide a panel."""
        self.docks.toggle(name)

    def hidden(self) -> set[str]:
        """Names of the panels of the usual layout that are put away."""
        return self.docks.hidden()

    def keep_layout(self, settings: QSettings) -> None:
        """Keep places and sizes for the next window."""
        self.docks.keep(settings, LAST)

    def recall_layout(self, settings: QSettings) -> None:
        """Take the layout of the window before, where one is kept."""
        self.docks.recall(settings, LAST)


def _words(failure: BaseException) -> str:
    """Errors of ours say what to do; of any other only what it was is known."""
    if isinstance(failure, PhospheneError):
        return str(failure)
    what = f"{type(failure).__name__}: {failure}"
    return f"an error in the program ({what}). What was recorded is kept: close the window and start again."
