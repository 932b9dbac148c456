"""Which of 32 flickering objects is looked at? The network's own map, judged on a real recording.

    python -m models.learning.studies.attended GRID_SESSION --json
    python -m models.learning.studies.attended GRID_SESSION --train FULL_FIELD_SESSION
    python -m models.learning.studies.attended GRID_SESSION --inner --set recipe.noise=0.3

Blocks of trials are left out in turn. With `--train` the network learns from the other blocks of a session in
which one object fills the screen: no cue, and no layout seen. A window is one pass of the codes. The film
repeats at each pass, so impostors of the match are the same film at another phase, at least 0.2 s off.
`--inner` is for choosing settings: for each block that is to be left out, each of the others is judged by
what learned from the rest, so a setting is chosen without the block it is judged on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import special

from models.combination import PLACE_SCALE, over_places
from models.config import NetworkConfig, preset
from models.learning.baselines import LinearModels
from models.learning.crossval import trained
from models.learning.data.dataset import Recordings, Span, Windows
from models.learning.judging.attended import Hits, by_place, cued
from models.learning.judging.metrics import Contest, interval
from models.learning.judging.views import see
from models.learning.studies.progress import on_stderr
from models.learning.studies.trials import CUES, PASS_S, Trials, changed
from models.learning.train import Material, prepare
from models.learning.training.recipe import Recipe
from models.light_features import SHAPE
from models.network.network import Network

Floats = NDArray[np.float64]
APART_S = 0.2  # between two phases of the film
NETWORK: Mapping[str, Any] = {
    "grid.slots_hz": 100,
    "grid.interval_s": PASS_S,
    "grid.lag_s": 0.3,
    "places": 8,
    "eeg.spatial": 3,
    "eeg.kernel_s": 0.4,
    "mixer.dilations": (1, 2, 4, 8),
}
"""What differs from the preset: the flicker's rate, places as fine as the objects, filters of electrodes."""
RECIPE = Recipe(
    steps=160, batch=32, lr=3e-3, warmup=15, noise=0.1, channel_drop=0.0, validation=0,
    repeats_s=PASS_S, near_s=APART_S, match_from=0.5,
)  # fmt: skip
"""Batch and noise were chosen by `--inner` (docs/learning.md)."""


@dataclass(frozen=True)
class Said:
    """What a scorer says of n passes.

    Attributes
    ----------
    hits : Hits or None
        Of its map; None for a scorer without one.
    scores : array of shape (n, 1 + n_phases)
        Each pass against its own film, then the same film at other phases.
    """

    hits: Hits | None
    scores: Floats

    def __add__(self, other: Said) -> Said:
        """Join both."""
        hits = self.hits + other.hits if self.hits is not None and other.hits is not None else None
        return Said(hits, np.concatenate([self.scores, other.scores]))

    def contest(self) -> Contest:
        """Own film against the other phases."""
        own, others = self.scores[:, :1], self.scores[:, 1:]
        below = ((others < own) + 0.5 * (others == own)).sum(axis=1)
        return Contest(below, np.full(len(below), others.shape[1], np.int64))

    def told(self) -> dict[str, Any]:
        """Figures for JSON."""
        found: dict[str, Any] = {} if self.hits is None else {"attended": self.hits.told()}
        for word, n in (("two_way", 2), ("ten_way", 10)):
            values = self.contest().n_way(n)
            found[word] = round(float(values.mean()), 4)
            found[f"{word}_ci"] = [round(x, 4) for x in interval(values)]
        return found


def attended(
    material: Material,
    config: NetworkConfig,
    recipe: Recipe = RECIPE,
    n_blocks: int = 4,
    tell: Callable[[str], None] = lambda words: None,
) -> dict[str, Any]:
    """Leave blocks of trials out in turn; learn from the others, of the last session given.

    Parameters
    ----------
    material : Material
        The session with the objects side by side, and, if another one is to be learned from, that one.

    Returns
    -------
    dict
        By scorer (`match`, `agreement` by place without the fusion, `similarity` of the whole frame, `linear`
        by place, `linear_frame`, and the `sum` of match and linear by place): how often the attended object
        has the highest share, and the match in time; `gain` is the match's over the similarity's, with its
        interval.
    """
    recordings, shown, source = sides(material, config, recipe)
    found: dict[str, Said] = {}
    for k in range(n_blocks):
        spans = source.spans(source.blocks(n_blocks) != k)
        network = trained(config, recipe, recordings, spans)
        found = joined(found, judge(network, recordings, spans, shown, shown.blocks(n_blocks) == k))
        tell(f"block {k + 1} of {n_blocks}: {_line(found)}")
    return {name: said.told() for name, said in found.items()} | {"gain": gain(found)}


def inner(
    material: Material,
    config: NetworkConfig,
    recipe: Recipe = RECIPE,
    n_blocks: int = 4,
    tell: Callable[[str], None] = lambda words: None,
) -> dict[str, Any]:
    """Leave two blocks of trials out at a time, and judge one of them on behalf of the other.

    Parameters
    ----------
    material : Material
        As in `attended`.

    Returns
    -------
    dict
        For each block, by number from 1: what `attended` gives (but for the gain), made of the others alone.
        So a setting that is best there was chosen without the block.
    """
    recordings, shown, source = sides(material, config, recipe)
    found: dict[int, dict[str, Said]] = {block: {} for block in range(n_blocks)}
    for both in combinations(range(n_blocks), 2):
        spans = source.spans(~np.isin(source.blocks(n_blocks), both))
        network = trained(config, recipe, recordings, spans)
        for left_out, judged in (both, both[::-1]):
            said = judge(network, recordings, spans, shown, shown.blocks(n_blocks) == judged)
            found[left_out] = joined(found[left_out], said)
        tell(f"without blocks {both[0] + 1} and {both[1] + 1}: {_line(said)}")
    return {
        str(block + 1): {name: said.told() for name, said in parts.items()} for block, parts in found.items()
    }


def sides(material: Material, config: NetworkConfig, recipe: Recipe) -> tuple[Recordings, Trials, Trials]:
    """Prepare the sessions; the trials that are judged, and those that are learned from."""
    _, recordings = prepare(material, config, recipe)
    shown = Trials.of(recordings, 0)
    source = Trials.of(recordings, len(recordings.paths) - 1)
    _declare_films(recordings, source)
    return recordings, shown, source


def joined(found: Mapping[str, Said], said: Mapping[str, Said]) -> dict[str, Said]:
    """Join what each scorer said of some passes to what it said of others."""
    return {name: found[name] + part if name in found else part for name, part in said.items()}


def gain(found: Mapping[str, Said]) -> dict[str, Any]:
    """How much better the match is than the similarity of the whole frame, on the same passes."""
    result: dict[str, Any] = {}
    for word, n in (("two_way", 2), ("ten_way", 10)):
        values = found["match"].contest().n_way(n) - found["similarity"].contest().n_way(n)
        result[word] = round(float(values.mean()), 4)
        result[f"{word}_ci"] = [round(x, 4) for x in interval(values)]
    return result


def judge(
    network: Network, recordings: Recordings, train: Sequence[Span], shown: Trials, chosen: NDArray[np.bool_]
) -> dict[str, Said]:
    """Ask network and linear models about the passes of the chosen trials (n_trials,)."""
    passes = shown.windows(chosen)
    apart = round(APART_S * recordings.grid.slots_hz)
    shifts = np.arange(apart, shown.n_slots - apart + 1, apart // 2)
    others = shown.phases(int(np.flatnonzero(chosen)[0]), shifts)  # all trials show the same film
    both = Windows(*(np.concatenate(pair) for pair in zip(passes, others, strict=True)))
    n = len(passes.end)
    rivals = np.broadcast_to(n + np.arange(len(shifts)), (n, len(shifts)))
    columns = np.concatenate([np.arange(n)[:, None], rivals], axis=1)
    _, boxes, targets = cued(recordings, passes)
    match, agreed, maps = _by_network(network, recordings, both, columns)
    shape = network.config.places
    found = {"match": Said(None, match), "similarity": Said(None, agreed[:, :, 0])}
    if network.config.n_places > 1:
        alone = special.softmax(PLACE_SCALE * agreed[:, 0, 1:], axis=1)
        found["match"] = Said(Hits.of(maps, boxes, targets, shape), match)
        found["agreement"] = Said(Hits.of(alone, boxes, targets, shape), over_places(agreed[:, :, 1:]))
    by_place_scores, frame = _by_line(recordings, train, both, columns)
    shares = special.softmax(PLACE_SCALE * by_place_scores[:, 0], axis=1)
    hits = Hits.of(shares, boxes, targets, SHAPE)
    linear = over_places(by_place_scores)
    found["linear"] = Said(hits, linear)
    found["sum"] = Said(None, _in_spreads(match) + _in_spreads(linear))
    found["linear_frame"] = Said(None, frame)
    return found


@torch.inference_mode()
def _by_network(
    network: Network, recordings: Recordings, windows: Windows, columns: NDArray[np.int64]
) -> tuple[Floats, Floats, Floats]:
    """Match (n, 1 + n_phases), agreements (n, 1 + n_phases, P + 1), and the map of its own film (n, P)."""
    views = see(network.eval(), recordings, windows)
    n, width = columns.shape
    rows = torch.arange(n).repeat_interleave(width)
    outs = list(views.pairs(rows, torch.from_numpy(columns.reshape(-1)), explain=True))
    match = torch.cat([out.fused.logit[:, 0] for out in outs]).view(n, width)
    agreed = torch.cat([out.agreement[:, 0, -1] for out in outs]).view(n, width, -1)
    shares = torch.cat([out.fused.shares[:, 0, -1] for out in outs if out.fused.shares is not None])
    maps = by_place(shares.view(n, width, -1)[:, 0].double().numpy())
    return match.double().numpy(), agreed.double().numpy(), maps


def _by_line(
    recordings: Recordings, train: Sequence[Span], windows: Windows, columns: NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Scores by place (n, 1 + n_phases, places) and of the whole frame (n, 1 + n_phases)."""
    linear = LinearModels(recordings)
    model = linear.fit_responses(train)
    n = len(columns)
    eeg = linear.slots(Windows(*(part[:n] for part in windows)))
    whole = linear.light.over(windows, np.full((len(windows.end), 4), np.nan))
    every = model.by_place(eeg, linear.light.by_place(windows)), model.scores(eeg, whole)
    places, frame = (np.stack([row[own] for row, own in zip(s, columns, strict=True)]) for s in every)
    return places, frame


def _in_spreads(scores: Floats) -> Floats:
    """Each pass's scores (n, candidates) in standard deviations among its candidates."""
    apart = scores - scores.mean(axis=1, keepdims=True)
    return np.asarray(apart / np.maximum(scores.std(axis=1, keepdims=True), 1e-12))


def _declare_films(recordings: Recordings, source: Trials) -> None:
    """Each trial begins its film again: the same for all where the objects stand side by side, else its own.

    Where one object fills the screen there is nothing to cue.
    """
    if source.session:
        recordings.cues[source.session] = None
    films = np.ones(len(source), np.int64) if source.session == 0 else 2 + source.targets
    recordings.show(source.session, source.stamps(recordings), films.tolist())


def _line(found: Mapping[str, Said]) -> str:
    words = []
    for name, said in found.items():
        told = said.told()
        seen = f", {told['attended']['hits']} of {told['attended']['n']}" if "attended" in told else ""
        words.append(f"{name} {told['two_way']:.3f} / {told['ten_way']:.3f}{seen}")
    return "; ".join(words)


def main() -> None:
    """Judge one session, and print what was found."""
    parser = argparse.ArgumentParser(description="Tell which object is attended, from the network's own map.")
    parser.add_argument("session", type=Path, help="The objects side by side (cvep32-grid).")
    parser.add_argument("--train", type=Path, help="Learn from this session's blocks: one object at a time.")
    parser.add_argument("--cues", type=Path, help="A map of cues; 4 × 8 cells called target0 … by default.")
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="NAME=VALUE", help="places=4 recipe.steps=200 …"
    )
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--inner", action="store_true", help="Judge settings for each block without it.")
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cues = asked.cues or Path(scratch) / "cues.json"
        if asked.cues is None:
            cues.write_text(json.dumps(CUES), encoding="utf-8")
        sessions = [asked.session] + ([asked.train] if asked.train else [])
        material = Material(sessions, cache=asked.cache, cues=cues)
        study, found = inner if asked.inner else attended, []
        for seed in range(asked.seeds):
            changes, recipe = changed(asked.set, NETWORK, RECIPE, seed)
            result = study(material, preset("demo", changes), recipe, tell=on_stderr)
            found.append({"seed": seed, **result})
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
