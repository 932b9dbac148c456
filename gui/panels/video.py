"""The newest picture of a video with the attention over its places."""

from __future__ import annotations

import math

import numpy as np

from experiment.state import AttendedShown, View
from gui import captions
from gui.overlay import FULL_RATIO, told
from gui.panel import STALE_S, Numbers, Panel, set_text, tool_button
from gui.panels.picture import Picture
from gui.ramp import Ramp
from gui.theme import Theme
from realtime.latest import Latest, Stamped
from realtime.types import Attention, Frame, OtherReading, Reading, VideoHealth

GAZE_S = 0.3  # of gaze that is drawn


class PicturePanel(Panel):
    """A panel of one video."""

    def __init__(self, caption: captions.Caption):
        super().__init__(caption)
        self.picture = Picture()
        self.set_content(self.picture)
        self._frame: Stamped[Frame] | None = None
        self._reading: Stamped[Reading] | None = None

    def show_overlay(self, shown: bool) -> None:
        """Lay the attention over the picture, or leave it bare."""
        self.picture.overlay = shown
        self.picture.update()

    def take_frame(self, preview: Latest[Frame]) -> None:
        """Show the newest frame, if it is not the one shown; after a seek the numbers begin again."""
        frame = preview.get()
        if frame is not None and frame is not self._frame:
            self._frame = frame
            self.picture.show_frame(frame.value)
            self.show_content(there=True)

    @property
    def shown_frame(self) -> Frame | None:
        """The frame on show."""
        return None if self._frame is None else self._frame.value

    def take_attention(self, view: View) -> None:
        """Lay the attention of the newest reading over the picture, and take it away where there is none."""
        newest = view.readings.get()
        if newest is not self._reading:
            self._reading = newest
            attention = None if newest is None else told(self.attention_of(newest.value), view)
            self.picture.show_attention(attention)

    def attention_of(self, reading: Reading) -> Attention:
        """Return the attention on this video in a reading."""
        return reading.attention

    def numbers(self, view: View) -> Numbers:
        """Return the share of each place of the picture in the newest reading."""
        newest = view.readings.get()
        if newest is None:
            return Numbers((), ())
        places = self.attention_of(newest.value).places
        return Numbers(
            ("row", "column", "share"),
            [(row, column, float(places[row, column])) for row, column in np.ndindex(*places.shape)],
        )

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.picture.theme = theme
        self.picture.update()


class VideoPanel(PicturePanel):
    """What is on the screen, and where the model looks."""

    def __init__(self) -> None:
        super().__init__(captions.VIDEO)
        self.switch = tool_button("Attention", checkable=True)
        self.switch.setChecked(True)
        self.switch.setToolTip("Lay the attention over the picture (O)")
        self.switch.toggled.connect(lambda on: self.show_stale(not on))
        self.ramp = Ramp()
        self.ramp.set_ends("even", f"{FULL_RATIO:.0f}×")
        self.ramp.setToolTip(captions.PLACES)
        self.add_to_header(self.ramp, gives_way=True)
        self.add_to_header(self.switch)
        self.gaze_switch = tool_button("Gaze", checkable=True)
        self.gaze_switch.setChecked(True)
        self.gaze_switch.setToolTip(captions.GAZE.tip + "\nKey: G")
        self.gaze_switch.hide()
        self.add_to_header(self.gaze_switch)
        self._attended: AttendedShown | None = None

    def show_stale(self, stale: bool) -> None:
        """Old attention does not belong on a new picture."""
        self.show_overlay(self.switch.isChecked() and not stale)

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        attended = self._attended
        self.note.say(view.video_health().name if attended is None else attended.words)
        self.take_frame(view.preview)
        self.take_attention(view)
        self._take_gaze(view)

    def _take_gaze(self, view: View) -> None:
        """Show where the participant looks, and how far that is from the place attended most."""
        gaze = view.gaze(GAZE_S)
        if gaze:
            self.gaze_switch.show()
        self.picture.show_gaze(gaze if self.gaze_switch.isChecked() else [])
        chosen = self.picture.chosen
        words = "Gaze"
        if gaze and chosen is not None:
            middle = (chosen.left + chosen.right) / 2, (chosen.top + chosen.bottom) / 2
            words += f" {math.hypot(gaze[-1].x - middle[0], gaze[-1].y - middle[1]):.2f}"
        set_text(self.gaze_switch, words)

    def show_attended(self, attended: AttendedShown | None) -> None:
        """Show the truth beside what is found, and how often it was found so far."""
        self._attended = attended
        self.ramp.setVisible(attended is None)  # its room is for the hit rate
        self.picture.show_attended(attended)

    def apply_theme(self, theme: Theme) -> None:
        """Take the theme's colours."""
        super().apply_theme(theme)
        self.ramp.theme = theme
        self.ramp.update()


class OtherVideoPanel(PicturePanel):
    """A further video with what is said of it.

    Parameters
    ----------
    number : int
        Its place among the further ones, from 0.
    """

    def __init__(self, number: int) -> None:
        super().__init__(captions.other_video(number + 2))
        self._number = number
        self._newest: OtherReading | None = None

    def show_state(self, stale: bool, health: VideoHealth) -> None:
        """Say what it comes to and how old it is; attention lies on it only while it is in the readings.

        Called twice a second.
        """
        self.picture.name = health.name
        if self._newest is not None:
            self.note.say(other_words(self._newest))
        old = self.has_content and health.age_s > STALE_S
        self.show_age(health.age_s if old else None)
        masked = self._newest is not None and not self._newest.enough
        self.show_overlay(not (masked or stale or old))

    def refresh(self, view: View) -> None:
        """Take what is new; called by the drawing timer."""
        self.take_frame(view.other_previews[self._number])
        self.take_attention(view)

    def attention_of(self, reading: Reading) -> Attention:
        """Return the attention on this video in a reading."""
        self._newest = reading.others[self._number]
        return self._newest.attention


def other_words(video: OtherReading) -> str:
    """Write a further video's similarity and its share of the attention."""
    if not video.enough:
        return "missing"
    similarity = f"{video.similarity:+.2f}".replace("-", "−")
    return f"{similarity} · {100 * video.share:.0f} % of attention"
