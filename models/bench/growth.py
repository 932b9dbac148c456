"""How tick, memory and start grow with electrodes, places, context and slots, and a picture of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from models.bench.setting import LABELS, Section, Setting, embeddings, engine_of, interval
from models.bench.timing import interleaved, rounded, told
from models.inference.engine import Engine
from realtime.memory import rss_mb

_MORE = tuple(f"E{i}" for i in range(len(LABELS), 256))  # electrodes beyond the 10-20 system
AXES: dict[str, tuple[str, tuple[int, ...]]] = {
    "channels": ("electrodes", (8, 19, 32, 64, 128, 256)),
    "places": ("rows and columns", (1, 2, 4, 8)),
    "context": ("earlier intervals read", (0, 1, 2, 4, 8)),
    "frames": ("slots a second", (20, 40, 100)),  # a hop of 0.25 s is a whole number of them
}
_WIDTH, _HEIGHT, _LEFT, _TOP, _PLOT_W, _PLOT_H = 1000, 260, 46, 34, 190, 170
_INK, _QUIET, _LINE = "#30343b", "#8a9099", "#2f6fdb"


def growth(setting: Setting) -> Section:
    """Tick, memory and start of the demo's network along each axis, the others as in the preset.

    `memory_mb` is what this process took more once the engine had been built and had run, `start_s` how long
    that took; what was taken before is used again, so the memory is the least it may be.
    """
    numbers: dict[str, Any] = {}
    for axis, (_, places) in AXES.items():
        numbers[axis] = _along(axis, places[:2] if setting.quick else places, setting)
    return Section(numbers)


def _along(axis: str, places: Sequence[int], setting: Setting) -> list[dict[str, Any]]:
    """All places of one axis, timed in turns."""
    stack: dict[str, Engine] = {}
    beside: dict[str, dict[str, float]] = {}
    for place in places:
        labels = (LABELS + _MORE)[:place] if axis == "channels" else LABELS
        changed: dict[str, dict[str, Any]] = {
            "channels": {},
            "places": {"places": place},
            "context": {"masks": f"own+{place}" if place else "own"},
            "frames": {"grid.slots_hz": place},
        }
        before_mb, begin = rss_mb(), time.perf_counter()
        with engine_of("demo", changed[axis], labels) as engine:
            stack[f"{place}"] = engine
        took_s = time.perf_counter() - begin
        beside[f"{place}"] = {"memory_mb": rounded(rss_mb() - before_mb), "start_s": rounded(took_s)}
    counters = dict.fromkeys(stack, 0)

    def tick(name: str) -> None:
        engine = stack[name]
        engine.score(interval(engine, counters[name]), known[name])
        counters[name] += engine.card.grid.n_slots // engine.card.grid.hop_slots  # the next whole interval

    known = {name: embeddings(engine) for name, engine in stack.items()}
    for _ in range(max(places) if axis == "context" else 0):  # so that every place has its context to read
        for name in stack:
            tick(name)
    runs = {name: (lambda name=name: tick(name)) for name in stack}
    times = interleaved(runs, setting.seconds)
    return [{"at": int(name), **told("tick_ms", values), **beside[name]} for name, values in times.items()]


def as_svg(numbers: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Draw the curves side by side, with the spread as bars."""
    panels = [_panel(i, axis, numbers[axis]) for i, axis in enumerate(AXES)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="11" role="img" '
        f'aria-label="Milliseconds of a tick over electrodes, places, context and slots">'
    )
    return "\n".join(
        [head, f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>', *panels, "</svg>\n"]
    )


def _panel(i: int, axis: str, rows: Sequence[Mapping[str, Any]]) -> str:
    left = _LEFT + i * (_PLOT_W + 52)
    highest = 1.1 * max(row["tick_ms_spread"][1] for row in rows)
    furthest = max(row["at"] for row in rows)

    def x(row: Mapping[str, Any]) -> float:
        return float(round(left + row["at"] / furthest * _PLOT_W, 1))

    def y(ms: float) -> float:
        return float(round(_TOP + _PLOT_H * (1 - ms / highest), 1))

    bottom = _TOP + _PLOT_H
    parts = [
        f'<text x="{left}" y="{_TOP - 14}" fill="{_INK}">ms a tick, by {escape(AXES[axis][0])}</text>',
        f'<path d="M{left} {_TOP}V{bottom}H{left + _PLOT_W}" fill="none" stroke="{_QUIET}"/>',
        _text(left - 6, _TOP + 4, f"{highest:.3g}", "end"),
        _text(left - 6, bottom, "0", "end"),
    ]
    for row in rows:
        low, high = (y(ms) for ms in row["tick_ms_spread"])
        parts += [
            f'<path d="M{x(row)} {low}V{high}" stroke="{_LINE}" stroke-opacity="0.4" stroke-width="3"/>',
            f'<circle cx="{x(row)}" cy="{y(row["tick_ms"])}" r="3" fill="{_LINE}"/>',
            _text(x(row), bottom + 15, str(row["at"]), "middle"),
        ]
    points = " ".join(f"{x(row)},{y(row['tick_ms'])}" for row in rows)
    return "\n".join([*parts, f'<polyline points="{points}" fill="none" stroke="{_LINE}"/>'])


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{_QUIET}">{escape(text)}</text>'
