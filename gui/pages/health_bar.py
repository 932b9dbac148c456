"""The bottom line: how late, and what was lost. Refreshed twice a second."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from experiment.state import View
from gui import captions
from gui.panel import ElidedLabel, label, set_text, set_tone
from gui.theme import font
from gui.words import clock
from realtime.model import ModelCard

LATE_MS = 100.0  # a reading later than this is no longer prompt
DRIFT_PPM = 500.0  # beyond any quartz: the sender's clock or its nominal rate is wrong


class Figure(QWidget):
    """One figure of the line: a quiet word, the value, a sign where it needs a hand."""

    def __init__(self, name: str, measure: captions.Measure, widest: str):
        super().__init__()
        self.value: QLabel = label()
        self.setToolTip(measure.tip)
        self.value.setMinimumWidth(_width(widest))  # a changing figure does not push its neighbours
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(5)
        row.addWidget(label(name, role="note"))
        row.addWidget(self.value)

    def say(self, text: str, needs_hand: bool = False) -> None:
        """Show this figure; with a sign where it needs a hand."""
        set_text(self.value, f"▲ {text}" if needs_hand else text)
        set_tone(self.value, "warn" if needs_hand else "")


def _width(text: str) -> int:
    probe = QLabel(text)
    probe.setFont(font())
    return probe.sizeHint().width()


class RunsSince(NamedTuple):
    """What runs the network, since when (s on the session's clock), and what ran it before."""

    card: ModelCard
    since: float
    before: str


class HealthBar(QFrame):
    """Latency, losses, drift, and what computes it."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("bar")
        self.setAccessibleName(captions.HEALTH.title)
        self.latency = Figure("latency", captions.LATENCY, "▲ 999 ms p95")
        self.skipped = Figure("skipped", captions.SKIPPED, "9999")
        self.late = Figure("late", captions.LATE, "9999")
        self.frames = Figure("frames lost", captions.FRAMES_LOST, "9999")
        self.thinned = Figure("thinned", captions.THINNED, "▲ 999")
        self.thinned.hide()
        self.gaps = Figure("gaps", captions.GAPS, "9")
        self.drift = Figure("drift", captions.DRIFT, "+999 ppm")
        self.backend, self.weights = ElidedLabel("note", Qt.TextElideMode.ElideMiddle), label(role="chip")
        self._runs: RunsSince | None = None
        self.weights.setToolTip("The trained weights in use")
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 8, 4)
        row.setSpacing(16)
        losses = self.skipped, self.late, self.frames, self.thinned
        self.figures = (self.latency, *losses, self.drift, self.gaps)
        for figure in self.figures:
            row.addWidget(figure)
        row.addStretch()
        row.addWidget(self.backend)
        row.addWidget(self.weights)

    def refresh(self, view: View, rising: frozenset[str] = frozenset()) -> None:
        """Show the figures, those of `rising` counters as in need of a hand; called twice a second."""
        counters, eeg, video = view.counters(), view.eeg_health(), view.video_health()
        latency = counters.get("latency_p95_ms")
        if latency is None or latency != latency:
            self.latency.say("–")
        else:
            self.latency.say(f"{latency:.0f} ms p95", latency > LATE_MS)
        self.skipped.say(f"{int(counters.get('skipped_ticks', 0))}", "skipped_ticks" in rising)
        self.late.say(f"{int(counters.get('late_intervals', 0))}", "late_intervals" in rising)
        others = (other.dropped for other in view.other_video_health())
        lost = (counters.get("frames_dropped", video.dropped), *others)
        self.frames.say(" · ".join(f"{int(n)}" for n in lost), "frames_dropped" in rising)
        thinned = [each.thinned for each in (video, *view.other_video_health())]
        self.thinned.setVisible(any(thinned))
        self.thinned.say(" · ".join(map(str, thinned)), "thinned" in rising)
        samples = f" · {eeg.lost_samples} samples" if eeg.lost_samples else ""
        self.gaps.say(f"{eeg.gaps}{samples}")
        drift = round(eeg.drift_ppm) + 0.0  # no minus before a zero
        self.drift.say(f"{drift:+.0f} ppm".replace("-", "−"), abs(eeg.drift_ppm) > DRIFT_PPM)
        self._show_backend(view)
        untrained = view.card.weights == "untrained"
        set_text(self.weights, "▲ untrained" if untrained else f"weights {view.card.weights}")
        set_tone(self.weights, "warn" if untrained else "")

    def _show_backend(self, view: View) -> None:
        """Say what runs the network, and in the tip what ran it before and for how long this has run."""
        card, now = view.card, view.now()
        if self._runs is None:
            self._runs = RunsSince(card, now, "")
        elif card.backend != self._runs.card.backend:
            self._runs = RunsSince(card, now, self._runs.card.backend)
        before = f"For {clock(now - self._runs.since)}; before, it ran on {self._runs.before}."
        self.backend.explain(f"{captions.BACKEND}\n{before}" if self._runs.before else captions.BACKEND)
        self.backend.say(view.runs_on)
