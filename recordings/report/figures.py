"""What the eye finds first in a session's report: whose it is, when it was, and the figures with their n."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape
from typing import Any

import numpy as np

from realtime.chance import LEAST_WINDOWS, wilson
from recordings.report.charts import Look
from recordings.report.parts import card
from recordings.report.svg import Words, clock_words
from recordings.session.outcome import FeedbackOutcome, Readings


def clock_of(audit: dict[str, Any]) -> Words:
    """Return what a second of the session is called: its session time and, where known, the time of day."""
    begun = _begun(audit)
    if begun is None:
        return clock_words
    return lambda seconds: f"{clock_words(seconds)} · {begun + timedelta(seconds=seconds):%H:%M:%S}"


def head(audit: dict[str, Any], duration: float) -> str:
    """Write the session's name, when it was, whose it is, and what gave its readings."""
    options, begun = (audit["manifest"] or {}).get("options") or {}, _begun(audit)
    when = f"{begun:%d %B %Y, %H:%M:%S} ({begun:%Z}), " if begun is not None else ""
    entities = ", ".join(f"{name} {value}" for name, value in (options.get("entities") or {}).items())
    line = f"{when}{clock_words(duration)} long" + (f", {entities}" if entities else "")
    if network := network_of(audit):
        line += f" · network {network['name']}, weights {network['weights']}, {network['backend']}"
    words = [f"<h1>{escape(audit['name'])}</h1>", f'<p class="muted">{escape(line)}</p>']
    if notes := str(options.get("notes") or ""):
        words.append(f"<p>{escape(notes)}</p>")
    if begun is not None:
        words.append('<p class="explain">Times: of the session · of the day, where the page was made.</p>')
    return f"<header>{''.join(words)}</header>"


def _begun(audit: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str((audit["manifest"] or {}).get("begun", ""))).astimezone()
    except ValueError:
        return None


def network_of(audit: dict[str, Any]) -> dict[str, str]:
    """Name what gave the readings, as the manifest states it; empty where it does not."""
    return (audit["manifest"] or {}).get("model") or {}


def figures(readings: list[Readings], looks: list[Look], feedback: FeedbackOutcome, duration: float) -> str:
    """Write what the eye should find first."""
    cards = [card for r, look in zip(readings, looks, strict=True) for card in _model_figures(r, look)]
    if feedback.spans or feedback.baseline_over is not None:
        on = sum(stop - start for start, stop in feedback.spans)
        share = f"{on:.0f} s of {duration:.0f} s ({on / duration:.0%} of the session)"
        cards.append(card(f"{len(feedback.spans)} ×", f"feedback, {share}"))
    for latency in [r.latency_ms for r in readings if len(r.latency_ms)][:1]:
        p50, p95 = np.percentile(latency, [50, 95])
        words = f"latency of 95 % of n = {len(latency)} readings (median: {p50:.0f} ms)"
        cards.append(card(f"{p95:.0f} ms", words))
    return f'<div class="figures">{"".join(cards)}</div>' if cards else ""


def _model_figures(readings: Readings, look: Look) -> list[str]:
    accent = "model" if look.accent else ""
    cards = []
    if accuracy := readings.accuracy():
        share, n, interval = accuracy
        if n < LEAST_WINDOWS:
            cards.append(card("–", f"2-way accuracy: n = {n} windows of the {LEAST_WINDOWS} it takes"))
        else:
            sure = f", 95 % interval {interval[0]:.0%} to {interval[1]:.0%}" if interval else ""
            cards.append(
                card(f"{share:.0%}", f"2-way accuracy{sure}, n = {n} windows (chance: 50 %)", accent)
            )
    if n := len(windows := readings.apart("chance_high")):
        above = int(np.sum(readings["similarity"][windows] > readings["chance_high"][windows]))
        low, high = wilson(above, n)
        words = (
            f"windows above chance's 95 %: {above / n:.0%} [{low:.0%}, {high:.0%}], n = {n} "
            f"(by chance {n * 0.05:.1f}); none overlap"
        )
        cards.append(card(f"{above} of {n}", words, accent if low > 0.05 else ""))
    cards.append(card(f"{len(readings.time)}", f"readings in {clock_words(_length(readings))}"))
    return cards


def _length(readings: Readings) -> float:
    return float(round(readings.time[-1] - readings.time[0]))
