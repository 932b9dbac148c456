"""Is this machine fast enough for this session? Judged by what was lost in the last seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from experiment.state import View

SPAN_S = 10.0
MOST_LOST = 0.1  # share of readings or frames that may be lost before a hand is needed
BEHIND_S = 2.0  # EEG older than this at the right edge is no longer live

_ADVICE = "Close other programs, or end the session and choose a smaller preset (in the dialog, or --preset)."


class Overload:
    """Follows the counters of a session; asked twice a second.

    Attributes
    ----------
    rising : frozenset of str
        The counters that lost more than a tenth within `SPAN_S`.
    behind_s : float
        How far the newest EEG lies behind now, seconds.
    """

    def __init__(self) -> None:
        self._past: deque[tuple[float, Mapping[str, float]]] = deque()
        self.rising: frozenset[str] = frozenset()
        self.behind_s = 0.0

    def follow(self, view: View) -> None:
        """Look at the counters; a replay waits for the machine and is never too slow."""
        if view.transport is not None:
            return
        now, counters = view.now(), dict(view.counters())
        video = view.video_health()
        counters |= {"frames": video.frames, "thinned": video.thinned}
        self._past.append((now, counters))
        while now - self._past[0][0] > SPAN_S:
            self._past.popleft()
        lost = self._lost(self._past[0][1], counters, (now - self._past[0][0]) / view.grid.hop_s)
        self.rising = frozenset(name for name, share in lost.items() if share > MOST_LOST)
        times, _ = view.eeg_window(BEHIND_S)
        self.behind_s = max(0.0, now - float(times[-1])) if len(times) else 0.0

    @staticmethod
    def _lost(before: Mapping[str, float], after: Mapping[str, float], n_ticks: float) -> dict[str, float]:
        """Return what share of ticks or frames each counter lost in between."""

        def more(name: str) -> float:
            return after.get(name, 0.0) - before.get(name, 0.0)

        n_frames = max(more("frames") + more("frames_dropped"), 1.0)
        if n_ticks < SPAN_S / 2:  # too short a time to judge
            return {}
        return {
            "skipped_ticks": more("skipped_ticks") / n_ticks,
            "late_intervals": more("late_intervals") / n_ticks,
            "frames_dropped": more("frames_dropped") / n_frames,
            "thinned": more("thinned") / n_frames,
        }

    def sentence(self, eeg_live: bool) -> str:
        """Say what is too slow and what to do; empty where all is well."""
        words = {
            "skipped_ticks": "readings are skipped",
            "late_intervals": "intervals are late",
            "frames_dropped": "frames are lost",
            "thinned": "frames are not looked at",
        }
        found = [words[name] for name in words if name in self.rising]
        if eeg_live and self.behind_s > BEHIND_S:
            found.insert(0, f"the EEG is {self.behind_s:.0f} s behind")
        if not found:
            return ""
        return f"This machine is too slow for this session: {', '.join(found)}. {_ADVICE}"
