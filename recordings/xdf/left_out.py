"""What a reader stepped over, in sentences: each reason once, with how often and from which byte on."""

from __future__ import annotations

_LISTED = 20


class LeftOut:
    """Gathers chunks that could not be used, and why."""

    def __init__(self) -> None:
        self._reasons: dict[str, tuple[int, int]] = {}  # first byte, how often

    def add(self, offset: int, reason: str) -> None:
        """Note the chunk at byte `offset`."""
        first, n = self._reasons.get(reason, (offset, 0))
        self._reasons[reason] = first, n + 1

    def __bool__(self) -> bool:
        """Return whether anything was left out."""
        return bool(self._reasons)

    def sentences(self) -> list[str]:
        """List what was left out, one sentence a reason, at most 20 of them."""
        found = [
            f"byte {first}: {reason}" if n == 1 else f"{n} times from byte {first} on: {reason}"
            for reason, (first, n) in self._reasons.items()
        ]
        more = len(found) - _LISTED
        return [*found[:_LISTED], f"… and {more} further kinds of damage"] if more > 0 else found
