"""The page's part on attention: what was chosen, whether shares can be believed, filters on the head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from realtime.eeg.electrodes import positions
from recordings.report.parts import section, table
from recordings.report.svg import Chart, nice_ticks

Figures = Mapping[str, Any]


def attended_section(part: Figures) -> str:
    """Which object in the frame is attended, by the network's own map."""
    if not part.get("n"):
        return ""
    low, high = part["hit_rate_ci"]
    row = (
        f"{part['hits']} of {part['n']}", f"{part['hit_rate']:.3f}", f"{low:.3f}–{high:.3f}",
        f"{part['chance']:.3f}", f"{part['share']:.3f}", f"{part['share_even']:.3f}",
    )  # fmt: skip
    names = ("n found", "n rate", "n 95 %", "n chance", "n its share of attention", "n if spread evenly")
    words = "Windows in which a marker says what was attended; found is the object with the highest share."
    return section(
        "What in the picture was attended?", f'<p class="explain">{words}</p>', table(names, [row])
    )


def watched_section(parts: Figures) -> str:
    """Which of several videos is watched, by their shares of attention."""
    rows = [
        (
            f"1 of {n}", f"{part['right']:.3f}", f"{part['right_ci'][0]:.3f}–{part['right_ci'][1]:.3f}",
            f"{part['chance']:.3f}", f"{part['auc']:.3f}", f"{part['share']:.3f}",
        )
        for n, part in parts.items()
        if part.get("n_windows")
    ]  # fmt: skip
    names = ("", "n highest share", "n 95 %", "n chance", "n AUC", "n mean share")
    words = "The true video beside others of the same recording, all read at once."
    first = next(iter(parts.values()))
    return section(
        "Which video was watched?",
        f'<p class="explain">{words}</p>',
        table(names, rows),
        reliability(first["calibration"], "the share of attention a video gets", "it is the watched one"),
    )


def reliability(part: Figures, said: str, seen: str) -> str:
    """Return a reliability figure: what is said against what is so.

    Parameters
    ----------
    part : mapping
        From `metrics.Calibration.as_dict`.
    said, seen : str
        What lies across, and of what its frequency lies up.
    """
    chart = Chart("Calibration", (0, 1), (0, 1), 340, width=470, top=12)
    chart.axes(nice_ticks(0, 1, 5), nice_ticks(0, 1, 5))
    chart.line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "rule")
    chart.line(np.array(part["said"]), np.array(part["seen"]))
    words = (
        f"Across: {said}. Up: how often {seen}, at even odds. On average {part['error']:.3f} apart; Brier "
        f"score {part['brier']:.3f} (0.25 for one who always says a half)."
    )
    return f'<div class="two"><div>{chart}</div><p class="explain">{words}</p></div>'


def patterns_section(patterns: list[Mapping[str, float]]) -> str:
    """Draw each component of the spatial filters on the head, at electrodes whose place is known."""
    heads = [_head(pattern) for pattern in patterns]
    words = (
        "Components of the EEG that the network starts from, nose up: filled is one sign, empty the other, "
        "size is strength (patterns as in Haufe et al. 2014)."
    )
    return section("Where on the head it listens", *heads, f'<p class="explain">{words}</p>')


def _head(pattern: Mapping[str, float]) -> str:
    size, places = 150, positions(pattern)
    dots = []
    for label, (x, y) in places.items():
        value = pattern[label]
        at = f'cx="{size / 2 + 62 * x:.1f}" cy="{size / 2 - 62 * y:.1f}" r="{1 + 6 * abs(value):.1f}"'
        kind = "dot" if value > 0 else "low"
        dots.append(f'<circle class="{kind}" fill="none" {at}><title>{label} {value:+.2f}</title></circle>')
    ring = f'<circle class="axis" fill="none" cx="{size / 2}" cy="{size / 2}" r="68"/>'
    return f'<svg width="{size}" height="{size}" role="img">{ring}{"".join(dots)}</svg>'
