"""Says in one plain sentence what is happening, to a person who sees the program for the first time."""

from __future__ import annotations

from experiment.state import FeedbackShown
from realtime.types import Reading

HOLD_S = 2.5  # a sentence stands at least this long: long enough to be read

WAITING = "A virtual subject watches a film. The first comparison takes two and a half seconds of both."
STANDING = "Nothing new has come for a moment: one of the two streams stands still."
UNTRAINED = "The network is untrained: it compares signal and film, but does not know yet what to look for."
TOO_EARLY = (
    "Brain signal and film are being compared. What chance would give is known in a few seconds: "
    "it takes some past film."
)
BLIND = "Brain signal and film are being compared. This session is blind: how well they fit is not shown."
DIMMED = "The mind has wandered: the signal no longer follows the film, which is dimmed to call it back."
ABOVE = "The subject is with the film: its brain signal fits this film better than other moments of it."
WITHIN = "Just now the brain signal fits this moment of the film no better than it fits others."
BELOW = "The brain signal fits other moments of the film better than this one."


def sentence(
    reading: Reading | None,
    stale: bool,
    untrained: bool,
    feedback: FeedbackShown | None,
    blind: bool = False,
) -> str:
    """Say what the newest reading means in plain words; trouble first, then the loop, then the match."""
    if reading is None:
        return WAITING
    if stale:
        return STANDING
    if untrained:
        return UNTRAINED
    if blind:
        return BLIND
    if feedback is not None and feedback.rewarded:
        return DIMMED
    band = reading.chance.band
    if band is None:
        return TOO_EARLY
    if reading.similarity > band[1]:
        return ABOVE
    return WITHIN if reading.similarity >= band[0] else BELOW


class Narrator:
    """Lets a sentence stand for a while, so that the words do not flicker with the readings."""

    def __init__(self) -> None:
        self.text = WAITING
        self._since = float("-inf")

    def follow(self, text: str, now: float) -> str:
        """Return the sentence to show at `now`, seconds; where time went backwards, the new one."""
        if text != self.text and not 0 <= now - self._since < HOLD_S:
            self.text, self._since = text, now
        return self.text
