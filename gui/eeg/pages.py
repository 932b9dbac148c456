"""Which channels are shown at a time: rows stay legible."""

from __future__ import annotations

from collections.abc import Sequence

PAGE = 16  # channels shown at a time where there are more than two pages of them


class Pages:
    """Turns through the channels.

    Attributes
    ----------
    needed : bool
        Whether there are more channels than are shown at a time.
    words : str
        Which are shown, of how many.
    """

    def __init__(self) -> None:
        self._first, self._all, self._n = 0, False, 0
        self.needed, self.words = False, ""

    def turn(self, step: int) -> None:
        """Go to the next channels, or to those before."""
        if self.needed and not self._all:
            self._first = min(max(self._first + step * PAGE, 0), (self._n - 1) // PAGE * PAGE)

    def toggle(self) -> None:
        """Show all channels at once, or a page of them again."""
        self._all, self._first = not self._all, 0

    def of(self, names: Sequence[str]) -> Sequence[str]:
        """Return those of these channels that are shown."""
        self._n = len(names)
        self.needed = self._n > 2 * PAGE
        paged = self.needed and not self._all
        first = min(self._first, max(self._n - 1, 0) // PAGE * PAGE) if paged else 0
        shown = names[first : first + PAGE] if paged else names
        self.words = f"{first + 1} – {first + len(shown)} of {self._n}"
        return shown
