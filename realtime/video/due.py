"""Which frames have to be embedded: those that a slot of the time grid shows. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from realtime.types import TimeArray


def frames_due(stamps: TimeArray, slots_hz: int, every: int, now: float) -> list[int]:
    """Find the frames that a slot of a path shows, as far as time has passed.

    Parameters
    ----------
    stamps : array of shape (n_frames,), float64 s, rising
        When each frame came on show; the last one is on show until `now`.
    slots_hz : int
        Slots a second of the grid, counted from time 0.
    every : int
        The path uses every k-th of them.
    now : float
        Slots after this have not come yet, s.

    Returns
    -------
    list of int
        Positions in `stamps`, rising.
    """
    return [i for i in range(len(stamps)) if _shown(stamps, i, slots_hz, every, now)]


def _shown(stamps: TimeArray, i: int, slots_hz: int, every: int, now: float) -> bool:
    slot = int(stamps[i] * slots_hz) // every * every
    while slot / slots_hz < stamps[i]:
        slot += every
    shown_at = slot / slots_hz
    return bool(shown_at < stamps[i + 1] if i + 1 < len(stamps) else shown_at <= now)


def within_budget(due: Sequence[int], budget_s: float, cost_s: float) -> list[int]:
    """Choose as many of `due` as the budget suffices for, at least the newest, evenly spread.

    Parameters
    ----------
    budget_s : float
        What they may take together.
    cost_s : float
        What one took last.
    """
    if cost_s * len(due) <= budget_s:
        return list(due)
    most = max(1, int(budget_s / cost_s))
    return [due[-1 - i * len(due) // most] for i in reversed(range(most))]
