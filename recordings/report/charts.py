"""The charts of a session's report."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from realtime.chance import LEAST_WINDOWS
from realtime.errors import SessionError
from recordings.report.svg import WIDTH, Chart, Words, clock_words, nice_ticks, time_ticks
from recordings.session.outcome import FeedbackOutcome, Readings, Values
from recordings.session.session import Marker, Session

_FIGURES = 52  # where the figures of the y axis end
_HALF = 460  # width of charts that stand side by side
_ROW = 26  # height of a stream in the chart of coverage
_NAMES = 150  # room for their names
_PAUSE_S = 0.25  # shorter ones cannot be seen


class Look(NamedTuple):
    """How charts of readings look: what a second is called, and whether they are accentuated.

    Nothing is that lies within chance, or comes from an untrained network.
    """

    words: Words
    accent: bool

    def name(self, shape: str) -> str:
        """Return the class of a shape."""
        return shape if self.accent else f"{shape} quiet"


def similarity(
    readings: Readings, duration: float, feedback: FeedbackOutcome, events: Sequence[Marker], look: Look
) -> Chart:
    """Similarity on the band of chance, with events and feedback behind it."""
    value = readings["similarity"]
    low, high = _span(value, readings["chance_low"], readings["chance_high"])
    chart = Chart("similarity over time", (0, duration), (low, high), 310, top=36 if events else 8)
    for start, stop in feedback.spans:
        chart.span(start, stop, "feedback", f"feedback {look.words(start)} to {look.words(stop)}")
    chart.axes(time_ticks(0, duration), nice_ticks(low, high, 5), look.words)
    chart.band(readings.time, readings["chance_low"], readings["chance_high"])
    chart.events([(marker.stamp, marker.text) for marker in events])
    return chart.line(readings.time, value, look.name("line"))


def match(readings: Readings, duration: float, look: Look) -> str:
    """Draw the probability that EEG and video belong together."""
    if not np.isfinite(readings["match"]).any():
        return ""
    chart = Chart("match over time", (0, duration), (0, 1), 130)
    chart.axes(time_ticks(0, duration), (0, 0.5, 1), look.words)
    line = chart.line(readings.time, readings["match"], look.name("line"))
    return f"<h3>Match: probability that they belong together</h3>{line}"


def similarity_histogram(readings: Readings, look: Look) -> Chart:
    """How often which similarity occurred, against the last band of chance."""
    value = readings["similarity"][np.isfinite(readings["similarity"])]
    low, high = _span(value, readings["chance_low"], readings["chance_high"])
    counts, edges = np.histogram(value, np.linspace(low, high, 41))
    chart = Chart("distribution of similarity", (low, high), (0, _room(counts)), 216, _HALF, top=20)
    bounds = readings.last("chance_low"), readings.last("chance_high")
    if bounds[0] is not None and bounds[1] is not None:
        chart.span(bounds[0], bounds[1], "band", "chance, 5 to 95 %")
        chart.text(chart.px((bounds[0] + bounds[1]) / 2), 14, "chance", "note middle")
    chart.axes(nice_ticks(low, high, 6), _counts(counts))
    return chart.bars(edges, counts, look.name("bar")).text(_FIGURES, 14, "readings", "note end")


def percentile_histogram(readings: Readings, look: Look) -> Chart:
    """Where readings lie among mismatched pairs; by chance evenly."""
    value = readings["percentile"][np.isfinite(readings["percentile"])]
    counts, edges = np.histogram(value, np.linspace(0, 1, 21))
    chart = Chart("share of mismatched pairs exceeded", (0, 1), (0, _room(counts)), 216, _HALF, top=20)
    chart.axes((0, 0.25, 0.5, 0.75, 1), _counts(counts), lambda x: f"{x:.0%}")
    return (
        chart.bars(edges, counts, look.name("bar"))
        .rule_y(len(value) / 20, "by chance")
        .text(_FIGURES, 14, "readings", "note end")
    )


def accuracy(readings: Readings, look: Look) -> Chart:
    """Draw the running 2-way accuracy."""
    stop = float(readings.time[-1])
    chart = Chart("running 2-way accuracy", (0, stop), (0, 1), 130)
    chart.axes(time_ticks(0, stop), (0, 0.5, 1), look.words, lambda y: f"{y:.0%}")
    known = _settled(readings)
    return chart.rule_y(0.5, "chance").line(readings.time, known, look.name("line"))


def _settled(readings: Readings) -> Values:
    """Return the running accuracy (n,), nan before it stands on ten windows."""
    windows = readings.apart("two_way")
    known = readings["two_way"].copy()
    if len(windows) < LEAST_WINDOWS:
        return np.full_like(known, np.nan)
    known[: windows[LEAST_WINDOWS - 1]] = np.nan
    return known


def latency(values: Values) -> Chart:
    """Draw how often which latency occurred, of `values` (n,) in ms without the slowest thousandth."""
    high = max(float(np.percentile(values, 99.9)), 1.0)
    counts, edges = np.histogram(values, np.linspace(0, high, 81))
    chart = Chart("distribution of latency", (0, high), (0, _room(counts)), 190, top=22)
    chart.axes(nice_ticks(0, high, 8), _counts(counts), lambda x: f"{x:g} ms")
    return (
        chart.bars(edges, counts)
        .rule_x(float(np.percentile(values, 95)), "95 %")
        .text(_FIGURES, 14, "readings", "note end")
    )


def coverage(
    session: Session, feedback: FeedbackOutcome, events: Sequence[Marker], words: Words = clock_words
) -> Chart:
    """When each stream was there."""
    rows: list[tuple[str, list[tuple[float, float]], str]] = []
    for info in session.eeg_streams:
        times = np.concatenate([piece.times for piece in session.eeg(f"id={info.stream_id}").pieces()])
        rows.append((info.name, _stretches(times - session.start), "there"))
    for info in session.video_streams:
        with contextlib.suppress(SessionError):  # its file is missing: the audit has said so
            times = session.video(f"id={info.stream_id}").times
            rows.append((info.name, _stretches(times - session.start), "there"))
    if feedback.spans:
        rows.append(("feedback", feedback.spans, "active"))
    if events:
        rows.append(("events", [(marker.stamp, marker.stamp) for marker in events], "tick"))
    height = _ROW * len(rows) + 34
    chart = Chart("when each stream was there", (0, session.duration), (0, 1), height, WIDTH, 6, _NAMES)
    chart.axes(time_ticks(0, session.duration), (), words)
    for k, (name, stretches, kind) in enumerate(rows):
        top = 8 + k * _ROW
        chart.text(_NAMES - 10, top + 14, name if len(name) <= 22 else name[:21] + "…", "name end")
        for start, stop in stretches:
            tip = f"{name} {words(start)}" + (f" to {words(stop)}" if stop > start else "")
            chart.box(start, stop, top, _ROW - 8, kind, tip)
    return chart


def _stretches(times: Values) -> list[tuple[float, float]]:
    """From where to where there were samples, pauses that can be seen left out."""
    steps = np.diff(times)
    pause = max(_PAUSE_S, 5 * float(np.median(steps))) if len(steps) else _PAUSE_S
    parts = np.split(times, np.flatnonzero(steps > pause) + 1)
    return [(float(part[0]), float(part[-1])) for part in parts]


def _span(*values: Values) -> tuple[float, float]:
    """From the lowest to the highest that is known, with some room."""
    known = np.concatenate([v[np.isfinite(v)] for v in values])
    if not len(known):
        return -1.0, 1.0
    low, high = float(known.min()), float(known.max())
    room = 0.06 * (high - low) or 0.1
    return low - room, high + room


def _room(counts: Values) -> float:
    return float(max(counts.max(initial=0), 1)) * 1.08


def _counts(counts: Values) -> list[float]:
    return [tick for tick in nice_ticks(0, _room(counts), 4) if tick == int(tick)]
