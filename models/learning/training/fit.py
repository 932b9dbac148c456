"""Training of a network by gradient steps. Lightning Fabric runs it on one process or many.

What is judged and kept is a running average of the weights (`training.average`). A step depends on the seed
and its number alone: windows, augmentation and dropout are drawn anew from them, so a training that was
killed goes on as if nothing had happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from models.inference.machine import FreeCores, n_cores
from models.learning.data.dataset import Recordings, Span, WindowBatch
from models.learning.data.sampling import ahead, augment, draw, with_context
from models.learning.data.teacher import Teacher
from models.learning.judging.metrics import Scored
from models.learning.training.average import Average
from models.learning.training.objective import Objective
from models.learning.training.recipe import Recipe
from models.learning.training.state import load_state, save_state
from models.learning.training.validation import Best, HeldWindows, Validation, look_at
from models.network.network import Network, is_trained


@dataclass(frozen=True)
class Progress:
    """What a training says of itself.

    Attributes
    ----------
    terms : mapping
        Each term of the loss, weighted.
    shares : mapping
        Share of each term, shape (), in the sum of the gradients' lengths; only at some steps.
    validation : Validation or None
        When there was a look at the held-out block.
    phase : str
        Which part of the work this is, where it has several.
    before, parts : int
        How many such parts are behind it, and how many there are.
    """

    step: int
    steps: int
    loss: float
    terms: Mapping[str, float]
    lr: float
    seconds: float
    shares: Mapping[str, float] = field(default_factory=dict)
    validation: Validation | None = None
    phase: str = ""
    before: int = 0
    parts: int = 1

    @property
    def share(self) -> float:
        """How much of the whole work is done, 0 to 1."""
        return (self.before + self.step / max(self.steps, 1)) / self.parts

    @property
    def words(self) -> str:
        """Which part, which step, and the loss there."""
        return (
            f"{self.phase}{', ' if self.phase else ''}step {self.step} of {self.steps}, loss {self.loss:.3f}"
        )


@dataclass(frozen=True)
class Trained:
    """How a training ended.

    Attributes
    ----------
    steps : int
        Steps behind it.
    best_step : int
        Whose weights the network holds.
    reason : str
        `finished`, `early` (no better validation for long) or `interrupted`.
    history : list of dict
        Looks at the held-out block: step, and the fields of `Validation`.
    """

    steps: int
    best_step: int
    reason: str
    seconds: float
    history: list[dict[str, Any]]


class Split(NamedTuple):
    """What a training learns from.

    Attributes
    ----------
    train, held : sequence of Span
        What is learned from, and the blocks for early stopping (may be empty: then the last average stays).
    words : mapping
        The split as it is written down; what was kept of another split is refused.
    """

    train: Sequence[Span]
    held: Sequence[Span] = ()
    words: Mapping[str, Any] = MappingProxyType({})


def fit(
    network: Network,
    recordings: Recordings,
    split: Split,
    recipe: Recipe,
    state: Path | None = None,
    report: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Trained:
    """Train a network in place; it ends with the average of weights that did best on the held-out block.

    Parameters
    ----------
    network : Network
        Fresh, or trained before: then what it was counts as the first look.
    recordings : Recordings
        Embedded with this network (`Recordings.embed`).
    state : Path, optional
        Where to keep what a killed training goes on from; one found there is gone on from.
    report : callable, optional
        Called after every step.
    stop : callable, optional
        Asked before every step; True ends the training with usable weights.
    """
    return fit_with_looks(network, recordings, split, recipe, state, report, stop)[0]


def fit_with_looks(
    network: Network,
    recordings: Recordings,
    split: Split,
    recipe: Recipe,
    state: Path | None = None,
    report: Callable[[Progress], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> tuple[Trained, dict[int, Scored]]:
    """Train as `fit` does; gives by step also what each look at the held-out blocks saw."""
    recipe = recipe.for_minutes(recordings.minutes(split.train))
    fabric = Fabric(
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        num_nodes=recipe.nodes,
        precision=recipe.precision,
        strategy="ddp_find_unused_parameters_true" if recipe.devices * recipe.nodes > 1 else "auto",
    )
    if recipe.devices * recipe.nodes > 1:
        fabric.launch()
    work = Fit(fabric, network, recordings, split, recipe, state)
    return work.run(report, stop), work.looks


class Fit:
    """One training: what changes from step to step, and the step."""

    def __init__(
        self,
        fabric: Fabric,
        network: Network,
        recordings: Recordings,
        split: Split,
        recipe: Recipe,
        state: Path | None,
    ) -> None:
        self.fabric, self.network, self.recipe = fabric, network, recipe
        self.recordings, self.train_spans = recordings, split.train
        self.held = HeldWindows.of(recordings, split.held)
        self.average = Average(network, recipe.ema)
        self.looks: dict[int, Scored] = {}
        self.teachers = [Teacher(name, recordings) for name in recipe.teachers]
        torch.manual_seed(recipe.seed)
        freeze_encoders(network)
        plain = Objective(network, recipe, [each.width for each in self.teachers])
        optimizer = torch.optim.AdamW(parameter_groups(plain, recipe), lr=recipe.lr)
        self.objective, self.optimizer = fabric.setup(plain, optimizer)
        self.state_path, self.step = state, 0
        self.identity = {"split": dict(split.words), **recipe.model_dump(mode="json")}
        self.kept: dict[str, Tensor] | None = None
        self.best = Best()
        if state is not None and state.is_file():
            self.resume(state)

    # ------------------------------------------------------------ the loop
    def run(self, report: Callable[[Progress], None] | None, stop: Callable[[], bool] | None) -> Trained:
        """Train until the last step, or until it is stopped."""
        begin, reason, cores = time.monotonic(), "finished", FreeCores()
        if self.step == 0:
            self.look()
        core_is_free = self.fabric.device.type != "cpu" or torch.get_num_threads() < n_cores()
        for batch in ahead(self.cut, range(self.step, self.recipe.last_step), core_is_free):
            if stop is not None and stop():
                reason = "interrupted"
                break
            cores.share()
            progress = self.one(batch, begin)
            if self.best.waited(self.step) >= self.recipe.waits:
                reason = "early"
            if report is not None and self.fabric.is_global_zero:
                report(progress)
            if reason == "early":
                break
        if reason == "interrupted" and self.step not in self.looks:
            self.look()
        cores.end()
        self.keep()
        self.network.load_state_dict(self.average.copy() if self.kept is None else self.kept, strict=False)
        self.network.eval()
        best_step = self.step if self.kept is None else self.best.step
        return Trained(self.step, best_step, reason, time.monotonic() - begin, self.best.history)

    def one(self, batch: WindowBatch, begin: float) -> Progress:
        """One optimiser step, and what falls due after it."""
        recipe, step = self.recipe, self.step
        lr = self.set_rate()
        torch.manual_seed(_mixed(recipe.seed, step, self.fabric.global_rank))
        self.objective.train()
        freeze_encoders(self.network)
        batch = batch.to(self.fabric.device)
        taught = [teacher(batch) for teacher in self.teachers]
        grid = self.recordings.grid
        batch = augment(batch, recipe, grid.per_slot)
        terms = self.objective(batch, step, taught)
        loss = torch.stack(list(terms.values())).sum()
        shares = self.shares(batch, taught) if step % recipe.log_every == 0 and len(terms) > 1 else {}
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        if step < recipe.layer_first:
            hold_all_but_subjects(self.objective, self.network)
        self.fabric.clip_gradients(self.objective, self.optimizer, max_norm=recipe.clip)
        self.optimizer.step()
        self.step += 1
        self.average.take(self.step)
        due = self.step % recipe.check_every == 0 or self.step == recipe.last_step
        found = self.look() if due else None
        if self.step % recipe.save_every == 0:
            self.keep()
        values = {name: float(term.detach()) for name, term in terms.items()}
        seconds = time.monotonic() - begin
        return Progress(self.step, recipe.last_step, float(loss.detach()), values, lr, seconds, shares, found)

    def set_rate(self) -> float:
        """Learning rate of this step: up over the warm-up, then down along a cosine."""
        recipe = self.recipe
        assert recipe.steps is not None
        rise = min(1.0, (self.step + 1) / max(recipe.warmup, 1))
        lr = recipe.lr * rise * 0.5 * (1 + float(np.cos(np.pi * self.step / recipe.steps)))
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        return lr

    def cut(self, step: int) -> WindowBatch:
        """Cut the windows of a step and their context: a function of seed, step and process alone."""
        rng = np.random.default_rng([self.recipe.seed, step, self.fabric.global_rank])
        n = max(2, self.recipe.batch // self.fabric.world_size)
        drawn = draw(self.recordings, self.train_spans, n, self.recipe, rng)
        windows, there = with_context(self.recordings, drawn, self.network.config.n_context)
        batch = self.recordings.batch(windows)
        batch.frame_valid[~torch.from_numpy(there)] = False
        return batch

    def shares(self, batch: WindowBatch, taught: Sequence[Tensor]) -> dict[str, float]:
        """Share of each term, shape (), in the sum of the lengths of their gradients.

        In a forward of its own: what Fabric has wrapped can only be differentiated as a whole.
        """
        with self.fabric.autocast():
            terms: dict[str, Tensor] = self.objective.module(batch, self.step, taught)
        weights = [p for p in self.network.parameters() if p.requires_grad]
        lengths = {}
        for name, term in terms.items():
            grads = torch.autograd.grad(term, weights, retain_graph=True, allow_unused=True)
            lengths[name] = float(sum(g.square().sum() for g in grads if g is not None)) ** 0.5
        total = sum(lengths.values()) or 1.0
        return {name: length / total for name, length in lengths.items()}

    def look(self) -> Validation | None:
        """Score the held-out block with the average; keep it where it is the best so far."""
        if self.held is None:
            return None
        match = self.recipe.match > 0 and self.step > self.recipe.match_begins
        with self.average.worn():
            cued = self.recipe.cue > 0
            found = look_at(self.network, self.recordings, self.held, self.fabric.device, match, cued=cued)
        if found is None:
            return None
        self.looks[self.step] = found.similarity
        if self.best.take(self.step, found.figures):
            self.kept = self.average.copy()
        return found.figures

    # ------------------------------------------------------------ going on after a kill
    def keep(self) -> None:
        """Write what a killed training goes on from."""
        if self.state_path is None or not self.fabric.is_global_zero:
            return
        arrays = {
            "objective": self.objective.module.state_dict(),
            "best": self.kept or {},
            "average": self.average.values,
            "looks": {step: torch.from_numpy(run.scores) for step, run in self.looks.items()},
        }
        facts = {"step": self.step, "best": self.best.as_dict(), "identity": self.identity}
        save_state(self.state_path, arrays, self.optimizer.state_dict(), facts)

    def resume(self, path: Path) -> None:
        """Go on from what an earlier training has kept."""
        arrays, optimizer, facts = load_state(path, self.identity)
        self.objective.module.load_state_dict(arrays["objective"])
        self.optimizer.load_state_dict(optimizer)
        self.kept = arrays["best"] or None
        self.average.values = arrays["average"]
        if self.held is not None:
            self.looks = {step: self.held.judged(x.numpy()) for step, x in arrays["looks"].items()}
        self.step, self.best = facts["step"], Best(**facts["best"])


def freeze_encoders(network: Network) -> None:
    """Frames of frozen encoders come embedded from the cache; they take no part in the training."""
    for encoder in network.frame_encoders.values():
        if not is_trained(encoder):
            encoder.eval()


def hold_all_but_subjects(objective: nn.Module, network: Network) -> None:
    """Take the gradients of all weights but those of the people's spatial layers, where there are any."""
    if network.eeg_tower.subjects is not None:
        theirs = set(network.eeg_tower.subjects.parameters())
        for weights in objective.parameters():
            weights.grad = weights.grad if weights in theirs else None


def parameter_groups(objective: Objective, recipe: Recipe) -> list[dict[str, Any]]:
    """Matrices with weight decay; vectors, t′ and b without."""
    trained = [p for p in objective.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _mixed(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(list(numbers)).generate_state(1, np.uint64)[0] >> 1)
