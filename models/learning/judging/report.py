"""How good a model is, on one page that stands alone: no server, no script, no library; pictures are SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from models.learning.judging.report_choices import (
    attended_section,
    patterns_section,
    reliability,
    watched_section,
)
from realtime.errors import SessionError
from recordings.report.parts import card, folded, section, table
from recordings.report.style import STYLE
from recordings.report.svg import Chart

Figures = Mapping[str, Any]
NAMES = {
    "similarity": "network, similarity",
    "match": "network, match",
    "ridge": "ridge, one penalty",
    "banded": "banded ridge (mTRF)",
    "cca": "CCA",
    "responses": "CCA of rises and falls",
    "mne": "mne's ReceptiveField",
}
HERE = "trained on the tested person"
"""What linear models are called that learned from the sessions judged, not from the network's."""
_STYLE = """
svg .low { stroke: var(--muted); stroke-width: 1.5; } svg .dot { fill: var(--accent); }
svg .other { fill: var(--trace); }
"""


def worth_report(found: Figures, title: str = "What the model is worth") -> str:
    """Write a page from what `evaluate_checkpoint`, `cross_validate` or `baseline_sessions` give.

    Under `learning_curve` it takes what `crossval.learning_curve` gives.
    """
    scorers = scorers_of(found)
    parts = [_head(found, title), _cards(found, scorers), _comparison(scorers)]
    if found.get("lengths"):
        parts.append(_lengths(found))
    if found.get("by_run"):
        parts.append(_runs(found))
    if found.get("calibration"):
        parts.append(_calibration(found["calibration"]))
    if found.get("attended"):
        parts.append(attended_section(found["attended"]))
    if found.get("watched"):
        parts.append(watched_section(found["watched"]))
    if found.get("patterns"):
        parts.append(patterns_section(found["patterns"]))
    if found.get("controls"):
        parts.append(_controls(found["controls"]))
    if found.get("learning_curve"):
        parts.append(_curve(found["learning_curve"]))
    parts.append(_split(found))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}{_STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def write_worth(found: Figures, path: str | Path, title: str = "What the model is worth") -> Path:
    """Write the page to a file; an older one is replaced.

    Raises
    ------
    SessionError
        The file cannot be written.
    """
    path = Path(path)
    try:
        path.write_text(worth_report(found, title), encoding="utf-8")
    except OSError as error:
        raise SessionError(f"{path} cannot be written ({error.strerror}): name another file") from error
    return path


def scorers_of(found: Figures) -> dict[str, Figures]:
    """Everything that chose between videos, by its name for people."""
    parts = {name: found[name] for name in ("similarity", "match") if name in found}
    parts |= found.get("baselines", {})
    named = {NAMES.get(name, name): part for name, part in parts.items()}
    here = found.get("baselines_here", {}).items()
    return named | {f"{NAMES.get(name, name)}, {HERE}": part for name, part in here}


def _head(found: Figures, title: str) -> str:
    kind = "network" if "similarity" in found else "linear models"
    weights = f"weights {found['weights']}" if "weights" in found else kind
    how = found.get("split", {}).get("how", "sessions that were not learned from")
    return f'<header><h1>{escape(title)}</h1><p class="muted">{escape(f"{weights}; {how}")}</p></header>'


def _cards(found: Figures, scorers: Mapping[str, Figures]) -> str:
    figures = next(iter(scorers.values()))
    low, high = figures["two_way_ci"]
    null = figures["null_two_way"]
    return (
        '<div class="figures">'
        + card(
            f"{figures['two_way']:.3f}",
            f"of two videos, the right one; 95 % {low:.3f}–{high:.3f}: {figures['verdict']}",
            "model",
        )
        + card(f"{figures['ten_way']:.3f}", "of ten videos, the right one; chance 0.100")
        + card(f"{null:.3f}", f"with the video shifted against the EEG (± {figures['null_two_way_sd']:.3f})")
        + card(str(figures["n_windows"]), "windows that do not overlap")
        + "</div>"
    )


def _comparison(scorers: Mapping[str, Figures]) -> str:
    names = ("", "n of 2", "n 95 %", "in words", "n of 5", "n of 10", "n 95 %", "n first of all", "n null")
    rows = [
        (
            name,
            f"{part['two_way']:.3f}", _ci(part["two_way_ci"]), part["verdict"], f"{part['five_way']:.3f}",
            f"{part['ten_way']:.3f}", _ci(part["ten_way_ci"]), f"{part['top_1']:.3f}",
            f"{part['null_two_way']:.3f}",
        )
        for name, part in scorers.items()
        if part.get("n_windows")
    ]  # fmt: skip
    chance = next(iter(scorers.values()))["top_1_chance"]
    rows.append(("chance", "0.500", "", "", "0.200", "0.100", "", f"{chance:.3f}", "0.500"))
    words = (
        "Impostors come from the same recording, at least 4 s away. All rows judge windows cut alike; linear "
        f"models learned from what the network did, or, where it says so, were {HERE}."
    )
    return section("Which video was being watched?", f'<p class="explain">{words}</p>', table(names, rows))


def _lengths(found: Figures) -> str:
    rows = [(float(s), part) for s, part in found["lengths"].items() if part.get("n_windows")]
    chart = _accuracy_chart(
        "Accuracy by window length", [s for s, _ in rows], (0, max(s for s, _ in rows) * 1.05)
    )
    for seconds, part in rows:
        _point(chart, seconds, part)
    return section("Longer windows", str(chart), '<p class="explain">Seconds of video; bars are 95 %.</p>')


def _runs(found: Figures) -> str:
    runs = [(name, part) for name, part in found["by_run"]["similarity"].items() if part.get("n_windows")]
    chart = Chart("Accuracy by run", (0.5, len(runs) + 0.5), (0.4, 1.0), 240, top=24)
    chart.axes(range(1, len(runs) + 1), (0.5, 0.75, 1.0), lambda k: runs[int(k) - 1][0])
    chart.rule_y(0.5, "chance")
    for k, (_, part) in enumerate(runs, 1):
        _point(chart, k, part)
    return section("Run by run", str(chart))


def _calibration(part: Figures) -> str:
    shown = reliability(part, "the probability the match head says", "the two belong together")
    return section("Can the probability be taken at its word?", shown)


def _controls(part: Figures) -> str:
    said = {
        "without_frontal": "without frontal and eye electrodes",
        "frontal_only": "frontal and eye electrodes alone",
        "eeg_only": "the same (empty) video for all",
        "video_only": "the same (empty) EEG for all",
    }
    rows = [
        (
            said.get(name, name),
            f"{both['similarity']['two_way']:.3f}", _ci(both["similarity"]["two_way_ci"]),
            f"{both['match']['two_way']:.3f}", _ci(both["match"]["two_way_ci"]),
        )
        for name, both in part.items()
    ]  # fmt: skip
    names = ("", "n similarity of 2", "n 95 %", "n match of 2", "n 95 %")
    return section("Controls: could it be something else?", table(names, rows))


def _curve(rows: Sequence[Figures]) -> str:
    minutes = [float(row["minutes"]) for row in rows]
    chart = _accuracy_chart("Accuracy by minutes of training data", minutes, (0, max(minutes) * 1.05))
    for name, style in (("network", "line"), ("ridge", "rule"), ("cca", "axis")):
        chart.line(np.array(minutes), np.array([row[name]["two_way"] for row in rows]), style)
    for row in rows:
        _point(chart, float(row["minutes"]), row["network"])
    words = "Line: the network. Dashed: ridge. Thin: CCA. Minutes of training data across."
    return section("How much data it takes", str(chart), f'<p class="explain">{words}</p>')


def _split(found: Figures) -> str:
    split = found.get("split", {})
    rows = [
        (part["session"], f"{part['from_s']:.1f}", f"{part['to_s']:.1f}") for part in split.get("test", [])
    ]
    return section(
        "What was judged", folded(f"{len(rows)} stretches", table(("session", "n from, s", "n to, s"), rows))
    )


def _accuracy_chart(title: str, x_ticks: Sequence[float], x: tuple[float, float]) -> Chart:
    return (
        Chart(title, x, (0.4, 1.0), 270, top=24)
        .axes(x_ticks, (0.5, 0.6, 0.7, 0.8, 0.9, 1.0))
        .rule_y(0.5, "chance")
    )


def _point(chart: Chart, x: float, part: Figures) -> None:
    """Return an accuracy with its interval."""
    low, high = part["two_way_ci"]
    chart.line(np.array([x, x]), np.array([low, high]), "low")
    at = chart.py(part["two_way"])
    chart.text(chart.px(x), chart.py(high) - 5, f"{part['two_way']:.3f}", "note middle")
    wide = (chart.px(x + 1) - chart.px(x)) or 1.0
    chart.box(x - 3 / wide, x + 3 / wide, at - 3, 6, "dot", f"{part['two_way']:.3f}")


def _ci(pair: Sequence[float]) -> str:
    return f"{pair[0]:.3f}–{pair[1]:.3f}"
