"""The live view for a terminal: where there is no display, the same questions answered in text."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from experiment.run import Running
from experiment.state import BLIND, AttendedShown, View
from realtime.types import EegHealth, Reading, StreamState, VideoHealth

_BARS = " ▁▂▃▄▅▆▇█"
_STATE_STYLE = {
    StreamState.LIVE: "green",
    StreamState.SEARCHING: "yellow",
    StreamState.STALLED: "bold yellow",
    StreamState.LOST: "bold red",
    StreamState.FINISHED: "dim",
}
REFRESH_HZ = 4


def curve(values: Sequence[float], low: float, high: float, width: int) -> str:
    """Values as one line of bars, the newest at the right; `low` is an empty cell, `high` a full one."""
    shown = list(values)[-width:]
    top = len(_BARS) - 1
    cells = [_BARS[round(min(max((v - low) / (high - low), 0.0), 1.0) * top)] for v in shown]
    return "".join(cells).rjust(width)


def _health(kind: str, health: EegHealth | VideoHealth, figures: str) -> Text:
    line = Text.assemble((f"{kind:6}", "bold"), ("● " + health.state.value, _STATE_STYLE[health.state]))
    line.append(f"  {health.name}  {figures}")
    if health.note:
        line.append(f"  {health.note}", style="yellow")
    return line


def _video(number: int, health: VideoHealth) -> Text:
    figures = f"{health.width}×{health.height} · {health.fps_effective:.1f}/s · dropped {health.dropped}"
    return _health("video" if number == 1 else f"video{number}", health, figures)


def _similarity(
    reading: Reading | None, history: list[Reading], width: int, untrained: bool
) -> RenderableType:
    if reading is None:
        return Text("Waiting for the first 2.5 s that both streams can fill …", style="dim")
    figures = Table.grid(padding=(0, 3))
    figures.add_row(f"similarity {reading.similarity:+.3f}", f"match {reading.match:.2f}", _chance(reading))
    for number, video in enumerate(reading.others, 2):
        known = (f"{video.similarity:+.3f}", f"match {video.match:.2f}") if video.enough else ("missing", "")
        figures.add_row(f"video {number}    {known[0]}", known[1], f"{video.share:.0%} of the attention")
    rows: list[RenderableType] = [
        Text(curve([r.similarity for r in history], -0.3, 0.5, width), style="cyan"),
        figures,
    ]
    if untrained:
        rows.append(Text("untrained weights: these figures mean nothing yet", style="bold yellow"))
    return Group(*rows)


def _chance(reading: Reading) -> str:
    chance = reading.chance
    if chance.two_way is None or chance.two_way_ci is None:
        return "2-way: not enough video passed yet"
    low, high = chance.two_way_ci
    return f"2-way {chance.two_way:.2f} [{low:.2f}, {high:.2f}] n={chance.n}, chance 0.50"


def render(view: View, title: str, width: int, attended: AttendedShown | None = None) -> RenderableType:
    """Return the whole text view at this moment."""
    eeg, video, counters = view.eeg_health(), view.video_health(), view.counters()
    slot = view.readings.get()
    latency = counters["latency_p95_ms"]
    health = Group(
        _health(
            "EEG",
            eeg,
            f"{eeg.n_channels} ch · {eeg.rate_effective:.1f} Hz · gaps {eeg.gaps} · "
            f"lost {eeg.lost_samples} · drift {eeg.drift_ppm:+.0f} ppm",
        ),
        *(_video(number, each) for number, each in enumerate((video, *view.other_video_health()), 1)),
        Text(
            f"latency p95 {latency:.0f} ms · skipped {counters['skipped_ticks']:.0f} · "
            f"{view.runs_on} · weights {view.card.weights}",
            style="dim",
        ),
    )
    similarity: RenderableType = Text(BLIND, style="dim")
    if not view.blind:
        untrained = view.card.weights == "untrained"
        similarity = _similarity(slot.value if slot else None, view.history(60.0), width - 4, untrained)
        if attended is not None:
            similarity = Group(similarity, Text(attended.words, style="cyan"))
    return Panel(Group(similarity, Text(), health), title=title, subtitle="Ctrl-C ends", width=width)


def show_line(
    session: Running, over: Callable[[], bool], stop: threading.Event, console: Console | None = None
) -> dict[str, Any]:
    """Show how far a session has come, in one line: an `experiment.run.Surface`."""
    view = session.view
    with (console or Console(stderr=True)).status("connecting") as status:
        while not over() and not stop.wait(1 / REFRESH_HZ):
            counters, eeg, video = view.counters(), view.eeg_health(), view.video_health()
            status.update(
                f"{counters['readings']:.0f} readings · EEG {eeg.state.value}, {eeg.samples} samples, "
                f"gaps {eeg.gaps} · video {video.state.value}, {video.frames} frames"
            )
    return {}


def show_text(
    session: Running, over: Callable[[], bool], stop: threading.Event, console: Console | None = None
) -> dict[str, Any]:
    """Show the live view as text: the `experiment.run.Surface` of a terminal."""
    console = console or Console(stderr=True)
    width = min(console.width, 100)

    def now() -> RenderableType:
        asked = session.actions.attended
        return render(session.view, session.title, width, None if asked is None else asked())

    with Live(now(), console=console, auto_refresh=False, transient=False) as live:
        while not over() and not stop.wait(1 / REFRESH_HZ):
            live.update(now(), refresh=True)
    return {}
