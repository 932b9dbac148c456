"""Which of 32 flickering objects is looked at, by what would run: weights found on the other blocks.

    python -m models.learning.studies.attended_runs GRID_SESSION --out docs/attended_runs.md

As the study `attended`, with cues. For each block that is left out, network (its agreements by place), linear
responses by place and their sum are judged on each of the other blocks by models that learned from the rest,
as `phosphene train` does it on held-out parts; the best is what runs, with the weights found there, and is
then judged on the block itself beside the two it was made of.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from models.config import NetworkConfig, preset
from models.learning.candidates import Rivals, likeliest
from models.learning.crossval import trained
from models.learning.judging.metrics import interval
from models.learning.studies.attended import NETWORK, RECIPE, Said, joined, judge, sides
from models.learning.studies.progress import on_stderr
from models.learning.studies.trials import CUES, changed
from models.learning.train import Material
from models.learning.training.recipe import Recipe

NAMES = {"agreement": "network", "linear": "responses by place"}
"""Scorers of `attended` that can run, by what they are called among the candidates."""
CHOICES = (("agreement",), ("linear",), ("agreement", "linear"))
Blocks = dict[int, dict[str, Said]]


def runs(
    material: Material,
    config: NetworkConfig,
    recipe: Recipe = RECIPE,
    n_blocks: int = 4,
    tell: Callable[[str], None] = lambda words: None,
) -> dict[str, Any]:
    """Choose on the other blocks, judge on the one left out.

    Returns
    -------
    dict
        `chosen`: name and share of the network, by block; figures of `network`, `responses by place`,
        `even` (the sum with equal weights) and `runs`; `less_best`, by how much `runs` is better than the
        better of the two alone in 2-way and 10-way, with its interval.
    """
    recordings, shown, source = sides(material, config, recipe)
    there = source.blocks(n_blocks), shown.blocks(n_blocks)

    def judged(left_out: tuple[int, ...]) -> Blocks:
        spans = source.spans(~np.isin(there[0], left_out))
        network = trained(config, recipe, recordings, spans)
        return {block: judge(network, recordings, spans, shown, there[1] == block) for block in left_out}

    others: Blocks = {block: {} for block in range(n_blocks)}
    for one, other in combinations(range(n_blocks), 2):
        found = judged((one, other))
        others[one] = joined(others[one], found[other])
        others[other] = joined(others[other], found[one])
        tell(f"without blocks {one + 1} and {other + 1}")
    chosen, said = [], dict[str, Said]()
    for block in range(n_blocks):
        names, weights = choice(others[block])
        chosen.append(_told(names, weights))
        own = judged((block,))[block]
        mixed = {
            "runs": _weighed(own, names, weights),
            "even": _weighed(own, ("agreement", "linear"), np.ones(2)),
        }
        said = joined(said, {**{NAMES[name]: own[name] for name in NAMES}, **mixed})
        tell(f"block {block + 1}: {chosen[-1]}; " + _line(said))
    return {
        "chosen": chosen,
        **{name: part.told() for name, part in said.items()},
        "less_best": _less_best(said),
    }


def choice(said: Mapping[str, Said]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return which scorers make the true phase likeliest for what their weights cost, and the weights."""

    def worth(names: tuple[str, ...]) -> tuple[float, np.ndarray]:
        weights, gain = likeliest([_table([said[name] for name in names])])
        return gain - len(names), weights

    best = max(CHOICES, key=lambda names: worth(names)[0])
    return best, worth(best)[1]


def _table(said: list[Said]) -> Rivals:
    scores = np.stack([part.scores for part in said])
    return Rivals(scores, np.ones(scores.shape[1:], bool), np.zeros(scores.shape[1], np.int64))


def _weighed(said: Mapping[str, Said], names: tuple[str, ...], weights: np.ndarray) -> Said:
    shares = weights / weights.sum()
    return Said(None, sum(w * said[name].scores for w, name in zip(shares, names, strict=True)))


def _told(names: tuple[str, ...], weights: np.ndarray) -> dict[str, Any]:
    share = float(weights[0] / weights.sum()) if len(names) > 1 else float(names[0] == "agreement")
    return {"name": "+".join(NAMES[name] for name in names), "share": round(share, 3)}


def _less_best(said: Mapping[str, Said]) -> dict[str, Any]:
    """How much better what runs is than the better of the two alone, on the same passes."""
    found: dict[str, Any] = {}
    for word, n in (("two_way", 2), ("ten_way", 10)):
        alone = [said[name].contest().n_way(n) for name in NAMES.values()]
        values = said["runs"].contest().n_way(n) - max(alone, key=lambda each: float(each.mean()))
        found[word] = [round(float(values.mean()), 4), *(round(x, 4) for x in interval(values))]
    return found


def _line(said: Mapping[str, Said]) -> str:
    told = {name: part.told() for name, part in said.items()}
    return "; ".join(f"{name} {one['two_way']:.3f} / {one['ten_way']:.3f}" for name, one in told.items())


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table for the docs, a row for each seed."""
    names = (*NAMES.values(), "even", "runs")
    lines = [
        "| seed | " + " | ".join(names) + " | share of the network, by block | less the better one, of 10 |",
        "|---" * (len(names) + 3) + "|",
    ]
    for row in rows:
        cells = [f"{row[name]['two_way']:.3f} / {row[name]['ten_way']:.3f}" for name in names]
        shares = ", ".join(f"{one['share']:.2f}" for one in row["chosen"])
        mean, low, high = row["less_best"]["ten_way"]
        lines.append(
            f"| {row['seed']} | {' | '.join(cells)} | {shares} | {mean:+.3f} [{low:+.3f}, {high:+.3f}] |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure seeds that are not yet in the JSON beside the table, and write both after every one."""
    parser = argparse.ArgumentParser(description="Judge what would run on objects side by side.")
    parser.add_argument("session", type=Path, help="The objects side by side (cvep32-grid).")
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown; JSON goes beside it.")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="recipe.noise=0.3 …")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    kept = asked.out.with_suffix(".json")
    rows = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else []
    with tempfile.TemporaryDirectory() as scratch:
        cues = Path(scratch) / "cues.json"
        cues.write_text(json.dumps(CUES), encoding="utf-8")
        material = Material([asked.session], cache=asked.cache, cues=cues)
        for seed in set(range(asked.seeds)) - {row["seed"] for row in rows}:
            changes, recipe = changed(asked.set, NETWORK, RECIPE, seed)
            rows.append({"seed": seed, **runs(material, preset("demo", changes), recipe, tell=on_stderr)})
            kept.write_text(json.dumps(rows, indent=1), encoding="utf-8")
            asked.out.write_text(as_markdown(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
