"""What each part of the attention brings where there is something to choose: 32 objects, one attended.

    python -m models.learning.studies.ablation_grid GRID_SESSION --out docs/ablation_grid.md

One part changed at a time, everything else as in the study `attended`, on the same blocks of trials left out
and learned from the grid's other blocks. Rows that were measured before are read from the JSON beside the
table, so a long run can be broken off.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.config import preset
from models.learning.studies.attended import NETWORK, RECIPE, attended
from models.learning.studies.progress import on_stderr
from models.learning.studies.trials import CUES
from models.learning.train import Material


@dataclass(frozen=True)
class Taken:
    """What is taken away or changed: settings of the network, and of the recipe."""

    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)


PARTS = (
    Taken("as it is: cues, 8 × 8 places, agreement, 3 spatial filters"),
    Taken("cues not used", recipe={"cue": 0.0}),
    Taken("the whole frame alone", {"places": 1}),
    Taken("4 × 4 places", {"places": 4}),
    Taken("no agreement in the scores", {"fusion.agreement": None}),
    Taken("no spatial filters", {"eeg.spatial": 0}),
    Taken("Q-Former", {"fusion": "qformer"}),
    Taken("Perceiver", {"fusion": "perceiver"}),
    Taken("readout linear", {"fusion.readout": "linear"}),
    Taken("readout MLP", {"fusion.readout": "mlp"}),
)


def measure(
    material: Material, part: Taken, n_blocks: int = 4, tell: Callable[[str], None] = lambda words: None
) -> dict[str, Any]:
    """Train and judge one row; what `attended` gives, under the row's name."""
    recipe = type(RECIPE)(**{**RECIPE.model_dump(), **part.recipe})
    config = preset("demo", {**NETWORK, **part.network})
    return {"name": part.name, **attended(material, config, recipe, n_blocks, tell)}


def as_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table for the docs: objects found, their share, and the match in time with its intervals."""
    lines = [
        "| part | attended | its share | match of 2 | of 10 | agreements of 2 | of 10 | whole frame of 2 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        seen = row["match"].get("attended", {})
        hits = f"{seen['hits']} of {seen['n']}" if seen else "–"
        share = f"{seen['share']:.2f}" if seen else "–"
        agreed = row.get("agreement")
        own = f"{agreed['two_way']:.3f} | {agreed['ten_way']:.3f}" if agreed else "– | –"
        low, high = row["match"]["two_way_ci"]
        lines.append(
            f"| {row['name']} | {hits} | {share} | {row['match']['two_way']:.3f} [{low:.3f}, {high:.3f}] "
            f"| {row['match']['ten_way']:.3f} | {own} | {row['similarity']['two_way']:.3f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure what is not yet in the JSON beside the table, and write both after every row."""
    parser = argparse.ArgumentParser(description="Take away one part of the attention at a time.")
    parser.add_argument("session", type=Path, help="The objects side by side (cvep32-grid).")
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown; JSON goes beside it.")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    kept = asked.out.with_suffix(".json")
    rows = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
    with tempfile.TemporaryDirectory() as scratch:
        cues = Path(scratch) / "cues.json"
        cues.write_text(json.dumps(CUES), encoding="utf-8")
        material = Material([asked.session], cache=asked.cache, cues=cues)
        for part in PARTS:
            if part.name in {row["name"] for row in rows}:
                continue
            on_stderr(part.name)
            rows.append(measure(material, part, tell=on_stderr))
            kept.write_text(json.dumps(rows, indent=1), encoding="utf-8")
            asked.out.write_text(as_markdown(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
