"""What stands on the participant's screen before the first item: a warning where one is due, a countdown."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gui.stimulus.words import picture_of

COUNTDOWN_S = 3.0
READ_S = 5.0  # longer, where there is something to read
ONLY_SCREEN = "This is the only screen: it is covered until the end. Press Escape to leave."


class LeadIn:
    """Counts down the seconds.

    Parameters
    ----------
    seconds : float
        0 for none: then no warning is shown either.
    warnings : sequence of str
    """

    def __init__(self, seconds: float, warnings: list[str]):
        self.warnings = [words for words in warnings if words] if seconds > 0 else []
        self._seconds = seconds + READ_S * len(self.warnings)
        self._begun: float | None = None
        self._said = 0

    def over(self, now: float) -> bool:
        """Whether what is to be seen may begin; the first call starts the count."""
        if self._begun is None:
            self._begun = now
        return now - self._begun >= self._seconds

    def picture(self, now: float) -> NDArray[np.uint8] | None:
        """Return the picture of this second, array of shape (540, 960, 4), once; None while it stands."""
        begun = now if self._begun is None else self._begun
        left = math.ceil(self._seconds - (now - begun))
        if left == self._said or left <= 0:
            return None
        self._said = left
        return picture_of("\n\n".join([*self.warnings, str(left)]), 26 if self.warnings else 90)
