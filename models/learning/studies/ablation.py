"""The family of models side by side: one part changed at a time, everything else as in the preset.

    python -m models.learning.studies.ablation SESSIONS... --folds 7-11 --out docs/ablation.md
    python -m models.learning.studies.ablation --virtual --out docs/ablation_virtual.md

Only what touches the fusion is trained with the match, which costs several times the similarity alone.
Rows that were measured before are read from the JSON beside the table, so a long run can be broken off.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from models.config import preset as configured
from models.learning.crossval import Watch, cross_validate
from models.learning.studies.demo import write_people
from models.learning.studies.video_transformers import NAMES, write_small_transformer
from models.learning.train import Material
from models.learning.training.recipe import PLAIN, Recipe

N_PEOPLE, SECONDS = 5, 200.0
"""Virtual subjects to learn from, and how long each watches."""

_CLIPS = "video transformer, small"
_FUSED = ("places", "agreement", "preset", "match", "compression", "fusion", "readout", "time")


@dataclass(frozen=True)
class Variant:
    """What differs from the preset: parts of the network, and of the recipe."""

    group: str
    name: str
    network: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fuses(self) -> bool:
        """Whether it touches the match."""
        return self.group in _FUSED


@dataclass(frozen=True)
class AblationRow:
    """A variant's figures; accuracies with their 95 % intervals.

    `minutes` a fold took to train and judge; None where it was halted meanwhile.
    """

    group: str
    name: str
    similarity: float
    similarity_ci: tuple[float, float]
    similarity_ten: float
    match: float | None
    match_ci: tuple[float, float] | None
    match_ten: float | None
    minutes: float | None


def variants() -> list[Variant]:
    """Every part of the family that trains from scratch; video transformers small and random at first."""
    rows = [Variant("preset", "as it is")]
    rows.append(Variant("match", "trained from the start", recipe={"match_from": 0.0}))
    rows += [
        Variant("places", "the whole frame alone", {"places": 1}),
        Variant("agreement", "no agreement in the scores", {"fusion.agreement": None}),
        Variant("spatial filters", "3 components of the electrodes", {"eeg.spatial": 3}),
    ]
    rows.append(Variant("compression", "a latent a slot", {"compression.latents_per_s": 40}))
    rows += [Variant("compression", word, {"compression": word}) for word in ("pma", "resampler")]
    rows += [Variant("fusion", word, {"fusion": word}) for word in ("qformer", "perceiver")]
    rows += [Variant("readout", word, {"fusion.readout": word}) for word in ("linear", "mlp")]
    rows += [
        Variant("time", "no rotary", {"fusion.rotary": False}),
        Variant("time", "no own-time bias", {"fusion.time_bias_s": None}),
        Variant("EEG encoder", "CBraMod, 4 layers", {"eeg": {"kind": "cbramod", "layers": 4}}),
        Variant(
            "EEG encoder",
            "CBraMod, 4 layers + compact",
            {"eeg": {"kind": "cbramod+compact", "cbramod": {"layers": 4}}},
        ),
        Variant("grid", "no EEG after the video", {"grid.lag_s": 0.0}),
        Variant("grid", "20 slots a second", {"grid.slots_hz": 20, "compression.latents_per_s": 16}),
    ]
    rows += [Variant("mixer", word, {"mixer": word}) for word in ("gru", "s4d", "mamba", "none")]
    rows += [
        Variant("loss", word, recipe={"loss": word}) for word in ("infonce", "multi_positive", "joint_ce")
    ]
    rows += [
        Variant("distillation", word, recipe={"distil": word})
        for word in ("distribution", "multi_positive", "feature")
    ]
    rows.append(Variant("distillation", "masked patches", recipe={"reconstruct": 0.1}))
    rows += [
        Variant(_CLIPS, name, {"fast": None, "clip": {"kind": kind, "frozen": False}})
        for kind, name in NAMES.items()
    ]
    return rows


def ablation(
    material: Material,
    preset: str = "demo",
    recipe: Recipe | None = None,
    how: str = "runs",
    chosen: Sequence[Variant] | None = None,
    tell: Callable[[str], None] | None = None,
    weights: Path | None = None,
) -> Iterator[AblationRow]:
    """Train and judge each variant over the same folds.

    Parameters
    ----------
    how : str
        See `folds.folds_of`.
    weights : Path, optional
        Where random weights of the video transformers may be written.
    """
    base = recipe or Recipe()
    for variant in chosen if chosen is not None else variants():
        begin = time.monotonic()
        match = {} if variant.fuses else {"match": 0.0}
        changed = Recipe(**{**base.model_dump(), **match, **variant.recipe})
        config = configured(preset, with_weights(variant, weights))
        found = cross_validate(material, config, changed, how, linear=False, watch=Watch(tell))
        minutes = (time.monotonic() - begin) / 60 / len(found["split"]["folds"])
        yield _row(variant, found, minutes)


def with_weights(variant: Variant, weights: Path | None) -> dict[str, Any]:
    """Give what a variant changes in the network, a video transformer's random weights written and named."""
    changed = dict(variant.network)
    if variant.group == _CLIPS and weights is not None:
        clip = dict(changed["clip"])
        changed["clip"] = {
            **clip,
            "source": str(write_small_transformer(clip["kind"], weights / clip["kind"])),
        }
    return changed


def _row(variant: Variant, found: Mapping[str, Any], minutes: float) -> AblationRow:
    match = found.get("match", {})
    return AblationRow(
        variant.group,
        variant.name,
        found["two_way"],
        tuple(found["two_way_ci"]),
        found["ten_way"],
        match.get("two_way"),
        tuple(match["two_way_ci"]) if match else None,
        match.get("ten_way"),
        round(minutes, 2),
    )


def as_markdown(rows: Sequence[AblationRow]) -> str:
    """Return a table for the docs: accuracies of 2 with their intervals, of 10, and minutes a fold."""
    lines = [
        "| part | variant | similarity of 2 | of 10 | match of 2 | of 10 | min a fold |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        match = _accuracy(row.match, row.match_ci), "–" if row.match_ten is None else f"{row.match_ten:.3f}"
        minutes = "–" if row.minutes is None else f"{row.minutes:.1f}"
        lines.append(
            f"| {row.group} | {row.name} | {_accuracy(row.similarity, row.similarity_ci)} | "
            f"{row.similarity_ten:.3f} | {match[0]} | {match[1]} | {minutes} |"
        )
    return "\n".join(lines) + "\n"


def in_order(rows: Sequence[AblationRow]) -> list[AblationRow]:
    """Rows as `variants` lists them, whenever they were measured."""
    places = {(variant.group, variant.name): place for place, variant in enumerate(variants())}
    return sorted(rows, key=lambda row: places.get((row.group, row.name), len(places)))


def accuracies(kept: Path) -> dict[str, str]:
    """2-way accuracy of the similarity and of the match by a row's name in `bench.table`, from the JSON."""
    places = {"mixer": 2, "compression": 3, "fusion": 4}
    found = {}
    for row in read(kept):
        if row.group == "preset" or (row.group in places and row.name.isalnum()):
            own = ["compact", "tiny", "tcn", "mean", "gated"]
            if row.group in places:
                own[places[row.group]] = row.name
            match = "" if row.match is None else f" / {row.match:.3f}"
            found[" · ".join(own)] = f"{row.similarity:.3f}{match}"
    return found


def read(kept: Path) -> list[AblationRow]:
    """Rows that were measured before."""
    return (
        [AblationRow(**row) for row in json.loads(kept.read_text(encoding="utf-8"))] if kept.is_file() else []
    )


def _accuracy(value: float | None, ci: tuple[float, float] | None) -> str:
    return "–" if value is None or ci is None else f"{value:.3f} ({ci[0]:.3f}–{ci[1]:.3f})"


def main() -> None:
    """Measure what is not yet in the JSON beside the table, and write both after every row."""
    parser = argparse.ArgumentParser(description="Measure the family of models, one part changed at a time.")
    parser.add_argument("sessions", type=Path, nargs="*")
    parser.add_argument("--virtual", action="store_true", help="Five virtual subjects, judged on a sixth.")
    parser.add_argument("--out", type=Path, required=True, help="The table, Markdown; JSON goes beside it.")
    parser.add_argument("--folds", default="runs", help="runs, '5 blocks', or groups such as 1-6/7-11.")
    parser.add_argument("--parts", nargs="+", help="Only these of the table's first column: mixer loss …")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--precision", default="32-true", help="bf16-mixed is twice as fast on newer CPUs.")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    if bool(asked.sessions) is asked.virtual:
        parser.error("give sessions, or --virtual")
    kept = asked.out.with_suffix(".json")
    rows = read(kept)
    done = {(row.group, row.name) for row in rows}
    wanted = [v for v in variants() if asked.parts is None or v.group in asked.parts]
    left = [v for v in wanted if (v.group, v.name) not in done]
    recipe = Recipe(steps=asked.steps, match_from=0.5, validation=0, precision=asked.precision, **PLAIN)
    with tempfile.TemporaryDirectory(prefix="phosphene-ablation-") as scratch:
        people = write_people(Path(scratch), N_PEOPLE, SECONDS) if asked.virtual else []
        material = Material(people or asked.sessions, cache=asked.cache)
        folds = f"{len(people)}" if people else asked.folds
        for row in ablation(material, "demo", recipe, folds, left, weights=Path(scratch) / "weights"):
            rows = in_order([*rows, row])
            kept.write_text(json.dumps([asdict(row) for row in rows], indent=1))
            asked.out.write_text(as_markdown(rows), encoding="utf-8")
            sys.stderr.write(f"{row.group}, {row.name}: {row.similarity} / {row.match}\n")


if __name__ == "__main__":
    main()
