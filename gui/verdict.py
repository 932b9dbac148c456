"""One state from which chip, sentence and figures follow, so that they never contradict each other."""

from __future__ import annotations

from enum import Enum

from experiment.state import FeedbackShown, View
from gui.panel import STALE_S
from realtime.types import Reading

HOLD_S = 2.5  # a verdict stands at least this long: long enough to be read


class Verdict(Enum):
    """What a reading means: the word of its chip, the chip's tone, and a plain sentence."""

    WAITING = ("", "", "Waiting for the first reading: it takes two and a half seconds of both streams.")
    STANDING = (
        "standing still", "muted",
        "Nothing new has come for a moment: one of the two streams stands still.",
    )  # fmt: skip
    UNTRAINED = (
        "untrained", "warn",
        "The network is untrained: it compares signal and film, but does not know yet what to look for.",
    )  # fmt: skip
    BLIND = (
        "", "",
        "Brain signal and film are being compared. This session is blind: how well they fit is not shown.",
    )  # fmt: skip
    TOO_EARLY = (
        "chance not known", "muted",
        "Brain signal and film are being compared. What chance would give is known in a few seconds: "
        "it takes some past film.",
    )  # fmt: skip
    ABOVE = (
        "▲ above chance", "accent",
        "The brain signal fits this film better than other moments of it: the subject is with the film.",
    )  # fmt: skip
    WITHIN = (
        "● within chance", "muted",
        "Just now the brain signal fits this moment of the film no better than it fits others.",
    )  # fmt: skip
    BELOW = (
        "▼ below chance", "muted",
        "The brain signal fits other moments of the film better than this one.",
    )  # fmt: skip

    @property
    def word(self) -> str:
        """What the chip beside the figure says."""
        return self.value[0]

    @property
    def tone(self) -> str:
        """Tone of the chip."""
        return self.value[1]

    @property
    def sentence(self) -> str:
        """What it means, for a person who sees the program for the first time."""
        return self.value[2]


_DIMMED = {
    Verdict.ABOVE: "The brain signal fits the film again; in a moment the film is as bright as before.",
    Verdict.WITHIN: "The mind has wandered: the signal no longer follows the film, which is dimmed to "
    "call it back.",
}
_DIMMED[Verdict.BELOW] = _DIMMED[Verdict.WITHIN]


def judge(reading: Reading | None, view: View, *, stale: bool) -> Verdict:
    """Say what a reading means in this session; trouble first, then what it cannot mean, then the match."""
    if reading is None:
        return Verdict.WAITING
    if stale:
        return Verdict.STANDING
    if view.card.weights == "untrained":
        return Verdict.UNTRAINED
    if view.blind:
        return Verdict.BLIND
    if reading.chance.band is None:
        return Verdict.TOO_EARLY
    low, high = reading.chance.band
    if reading.similarity > high:
        return Verdict.ABOVE
    return Verdict.BELOW if reading.similarity < low else Verdict.WITHIN


class Judge:
    """Keeps a verdict for a while, and the reading it was made of, so that neither words nor figures flicker.

    Attributes
    ----------
    verdict : Verdict
    reading : Reading or None
        The newest reading of which the verdict is true: the one whose figures are shown.
    """

    def __init__(self) -> None:
        self.verdict = Verdict.WAITING
        self.reading: Reading | None = None
        self._since = float("-inf")

    def follow(self, view: View) -> None:
        """Take the newest reading, if it means what stands already or that has stood long enough."""
        slot, now = view.readings.get(), view.now()
        newest = slot.value if slot is not None else None
        stale = newest is not None and now - newest.end > STALE_S
        found = judge(newest, view, stale=stale)
        if found is not self.verdict and self._stands(newest, view, now):
            return
        if found is not self.verdict:
            self.verdict, self._since = found, now
        self.reading = newest

    def _stands(self, newest: Reading | None, view: View, now: float) -> bool:
        """Whether the verdict has to stand a little longer; not while a replay is paused, or after a jump."""
        paused = view.transport is not None and not view.transport.playing
        jumped = newest is None or self.reading is None or newest.end < self.reading.end
        return not (paused or jumped) and 0 <= now - self._since < HOLD_S

    def sentence(self, feedback: FeedbackShown | None) -> str:
        """Say in plain words what stands, and why the film is dimmed where it is."""
        if feedback is not None and feedback.rewarded:
            return _DIMMED.get(self.verdict, self.verdict.sentence)
        return self.verdict.sentence
