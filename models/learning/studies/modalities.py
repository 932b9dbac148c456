"""One sigmoid a pair, or one softmax over all modalities? The notes' question, measured.

    python -m models.learning.studies.modalities SESSIONS... --folds 7-11 --out docs/modalities.md

The EEG is compared with two streams at once: the frames, and the film's linear features, which stand for any
second stream that may be missing (sound, text). The derivation is in docs/learning.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.config import preset
from models.film_features import FEATURES
from models.learning.baselines import FilmFeatures
from models.learning.data.dataset import Recordings, Windows
from models.learning.data.folds import Fold, folds_of
from models.learning.judging.metrics import Scored, summary
from models.learning.train import Material, prepare
from models.learning.training import losses
from models.learning.training.fit import freeze_encoders
from models.learning.training.recipe import Recipe
from models.network.network import Network
from models.network.towers import unit

LOSSES = ("a sigmoid a pair", "a softmax a modality", "one softmax over all")
Sides = tuple[Tensor, Tensor, Tensor]


class SecondTower(nn.Module):
    """Film features (B, G, F) on the grid of the towers (B, G, E): a linear map and a causal convolution."""

    def __init__(self, width: int, embed: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(len(FEATURES))
        self.enter = nn.Linear(len(FEATURES), width)
        self.mix = nn.Conv1d(width, width, 5)
        self.head = nn.Linear(width, embed)

    def forward(self, film: Tensor) -> Tensor:
        """See film features (B, G, F) as a grid (B, G, E)."""
        hidden = F.elu(self.enter(self.norm(film.transpose(1, 2)).transpose(1, 2)))
        mixed = self.mix(F.pad(hidden.transpose(1, 2), (4, 0))).transpose(1, 2)
        return unit(self.head(hidden + F.elu(mixed)))


class TwoStreams(nn.Module):
    """An EEG tower, and a tower for each of two streams, each pair of towers with its own t and b."""

    def __init__(self, network: Network, batch: int) -> None:
        super().__init__()
        self.network = network
        self.second = SecondTower(network.config.width, network.config.embed)
        self.log_scale = nn.Parameter(torch.full((2,), float(np.log(10.0))))
        self.bias = nn.Parameter(torch.full((2,), losses.bias_for(batch)))

    def forward(self, recordings: Recordings, film: FilmFeatures, windows: Windows) -> Sides:
        """EEG, video and second stream as vectors (B, G·E), each slot of length 1/√G."""
        batch = recordings.batch(windows)
        eeg = self.network.encode_eeg(batch.eeg, batch.eeg_valid, batch.eeg_scale).grid
        video = self.network.encode_video(batch.frames, batch.frame_valid).grid
        grids = eeg, video, self.second(torch.from_numpy(film(windows)))
        eeg, video, second = (grid.flatten(1) / grid.shape[1] ** 0.5 for grid in grids)
        return eeg, video, second

    def loss(self, kind: str, sides: Sides, labels: Tensor, there: Tensor) -> Tensor:
        """One of `LOSSES`; `there` (B,) says where the second stream is not missing."""
        eeg, *streams = sides
        both = [labels, torch.where(there[None, :] & there[:, None], labels, torch.zeros_like(labels))]
        cosines = [eeg @ stream.T for stream in streams]
        logits = [c * self.log_scale[m].exp() for m, c in enumerate(cosines)]
        if kind == LOSSES[0]:
            pairs = zip(logits, self.bias, both, strict=True)
            return torch.stack([losses.siglip(x + b, y) for x, b, y in pairs]).sum()
        if kind == LOSSES[1]:
            kept = [(logits[0], both[0]), (logits[1][there][:, there], both[1][there][:, there])]
            return torch.stack([losses.infonce(x, y) for x, y in kept]).sum()
        return losses.joint_ce(logits, both)


@dataclass(frozen=True)
class ModalityFigures:
    """2-way accuracy from the EEG to each stream, and from both together, with intervals."""

    kind: str
    missing: float
    video: dict[str, Any]
    second: dict[str, Any]
    together: dict[str, Any]


def compare(
    material: Material, recipe: Recipe, how: str, kind: str, missing: float, preset_name: str = "demo"
) -> ModalityFigures:
    """Train with one of `LOSSES`, the second stream missing in a share of the windows; judge over folds."""
    config = preset(preset_name)
    _, recordings = prepare(material, config, recipe)
    film = FilmFeatures(recordings)
    found: list[list[Scored]] = [[], [], []]
    for fold in folds_of(recordings, how):
        torch.manual_seed(recipe.seed)
        model = TwoStreams(Network(config, recordings.labels), recipe.batch)
        train(model, recordings, film, fold, recipe, kind, missing)
        for part, runs in zip(found, judge(model, recordings, film, fold), strict=True):
            part += runs
    names = ("two_way", "two_way_ci", "ten_way")
    video, second, together = ({name: summary(runs)[name] for name in names} for runs in found)
    return ModalityFigures(kind, missing, video, second, together)


def train(
    model: TwoStreams,
    recordings: Recordings,
    film: FilmFeatures,
    fold: Fold,
    recipe: Recipe,
    kind: str,
    missing: float,
) -> None:
    """Plain steps of the recipe: no match, no held-out block."""
    model.train()
    freeze_encoders(model.network)
    weights = [p for p in model.parameters() if p.requires_grad]
    matrices, vectors = ([p for p in weights if (p.ndim > 1) is wanted] for wanted in (True, False))
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}],
        lr=recipe.lr,
    )
    for step in range(recipe.last_step):
        rng = np.random.default_rng([recipe.seed, step])
        windows = recordings.random(list(fold.train), recipe.batch, rng)
        there = torch.from_numpy(rng.random(recipe.batch) >= missing)
        session, end = (torch.from_numpy(part) for part in windows)
        labels = losses.three_state(session, end, recordings.grid.n_slots)
        for group in optimizer.param_groups:
            rise = min(1.0, (step + 1) / recipe.warmup)
            group["lr"] = recipe.lr * rise * 0.5 * (1 + np.cos(np.pi * step / recipe.last_step))
        loss = model.loss(kind, model(recordings, film, windows), labels, there)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(weights, recipe.clip)
        optimizer.step()


@torch.inference_mode()
def judge(
    model: TwoStreams, recordings: Recordings, film: FilmFeatures, fold: Fold
) -> tuple[list[Scored], list[Scored], list[Scored]]:
    """All pairs of each session: EEG with video, with the second stream, and the sum of both logits."""
    model.eval()
    runs: tuple[list[Scored], list[Scored], list[Scored]] = ([], [], [])
    for span in fold.test:
        windows = recordings.every([span], recordings.grid.n_slots)
        eeg, *streams = model(recordings, film, windows)
        cosines = [(eeg @ stream.T).double().numpy() for stream in streams]
        scales = model.log_scale.exp().tolist()
        cosines.append(scales[0] * cosines[0] + scales[1] * cosines[1])
        for part, scores in zip(runs, cosines, strict=True):
            part.append(Scored(scores, recordings.starts(windows), recordings.names[span.session]))
    return runs


def as_markdown(outcomes: Sequence[ModalityFigures]) -> str:
    """Return a table for the docs."""
    lines = ["| second stream missing | loss | EEG–video | EEG–second | together |", "|---|---|---|---|---|"]
    for o in outcomes:
        cells = [
            f"{p['two_way']:.3f} ({p['two_way_ci'][0]:.3f}–{p['two_way_ci'][1]:.3f})"
            for p in (o.video, o.second, o.together)
        ]
        lines.append(f"| {o.missing:.0%} | {o.kind} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every loss, with the second stream always there and half the time missing."""
    parser = argparse.ArgumentParser(description="One sigmoid a pair, or one softmax over all modalities?")
    parser.add_argument("sessions", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--folds", default="runs")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    outcomes = []
    for missing in (0.0, 0.5):
        for kind in LOSSES:
            material = Material(asked.sessions, cache=asked.cache)
            outcomes.append(compare(material, Recipe(steps=asked.steps), asked.folds, kind, missing))
            asked.out.write_text(as_markdown(outcomes), encoding="utf-8")
            sys.stderr.write(f"{outcomes[-1]}\n")


if __name__ == "__main__":
    main()
