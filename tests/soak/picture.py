"""What a long session needed, as curves, and by how much it grew."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

DOCS = Path(__file__).resolve().parents[2] / "docs"
Seen = dict[str, list[float]]


@dataclass(frozen=True)
class Kind:
    """A long session of one kind.

    Attributes
    ----------
    name : str
        Of the files it leaves in docs.
    of : str
        What its hours are hours of.
    curves : mapping of str to (str, float)
        By the name of what is looked at: its title, and how much it may differ, as a median, between the
        first stretch after warming up and the last.
    warm_s, stretch_s : float
        Warming up, and the length of a stretch at most.
    """

    name: str
    of: str
    curves: Mapping[str, tuple[str, float]]
    warm_s: float
    stretch_s: float

    def grown(self, seen: Seen) -> dict[str, float]:
        """By how much each differs between the first stretch after warming up and the last, as medians."""
        hours, warm = np.array(seen["hours"]), self.warm_s / 3600
        width = min(self.stretch_s / 3600, (hours[-1] - warm) / 2)
        first = (hours > warm) & (hours <= warm + width)
        last = hours > hours[-1] - width
        return {name: _median(seen[name], last) - _median(seen[name], first) for name in self.curves}

    def conclude(self, seen: Seen) -> int:
        """Write down what was seen, draw it, print what grew; 1 where something did."""
        if not seen or seen["hours"][-1] * 3600 <= self.warm_s:
            print(f"ended within the {self.warm_s:g} s of warming up: nothing to compare, nothing written")
            return 1
        more = self.grown(seen)
        limits = {name: limit for name, (_, limit) in self.curves.items()}
        found = {"hours": seen["hours"][-1], "grown": more, "limits": limits, "seen": seen}
        (DOCS / f"{self.name}.json").write_text(json.dumps(found), encoding="utf-8")
        titles = {name: title for name, (title, _) in self.curves.items()}
        drawn = _drawn(seen, titles, f"{seen['hours'][-1]:.3g} h of {self.of}")
        (DOCS / f"{self.name}.svg").write_text(drawn, encoding="utf-8")
        print(json.dumps(more))
        return int(any(more[name] > limit for name, limit in limits.items()))


def note(seen: Seen, values: Mapping[str, float]) -> None:
    """Add one look to what was seen, and print it."""
    for name, value in values.items():
        seen.setdefault(name, []).append(value)
    print(*(f"{name} {value:.2f}" for name, value in values.items()), flush=True)


def _median(values: Sequence[float], chosen: np.ndarray) -> float:
    return float(np.nanmedian(np.array(values)[chosen]))


def _drawn(seen: Seen, titles: Mapping[str, str], foot_words: str) -> str:
    """Draw each over the hours, as SVG: its values, from 0 on."""
    width, height, left, top = 720, 130, 60, 28
    hours, shapes = np.array(seen["hours"]), []
    for row, (name, title) in enumerate(titles.items()):
        values, base = np.nan_to_num(np.array(seen[name])), row * height + height
        most = float(values.max()) * 1.15
        x = left + (width - left - 12) * hours / hours[-1]
        y = base - (height - top) * values / most
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        shapes += [
            f'<text x="{left}" y="{base - height + 20}" font-weight="bold">{title}</text>',
            f'<path d="M{left} {base - height + top}V{base}H{width - 12}" stroke="#999" fill="none"/>',
            f'<text x="{left - 6}" y="{y[-1]:.0f}" text-anchor="end">{values[-1]:.3g}</text>',
            f'<polyline points="{line}" stroke="#2a6f97" fill="none" stroke-width="1.5"/>',
        ]
    foot = len(titles) * height + 18
    shapes.append(f'<text x="{width - 12}" y="{foot}" text-anchor="end">{foot_words}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {foot + 8}" role="img" '
    style = 'aria-label="a long session" font-family="system-ui, sans-serif" font-size="13">'
    white = f'<rect width="{width}" height="{foot + 8}" fill="#fff"/>'
    return "\n".join([head + style, white, *shapes, "</svg>"]) + "\n"
