"""How a network is trained: every number that is not the network itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

from pydantic import Field, field_validator

from realtime.config import Frozen

_LEAST_LOOKS = 4  # without a better one, before a training ends

Loss = Literal["siglip", "infonce", "multi_positive", "joint_ce"]
Distillation = Literal["none", "distribution", "multi_positive", "feature"]

PLAIN: Mapping[str, float] = {"channel_drop": 0.0, "noise": 0.0}
"""No augmentation: how the comparisons of parts and the demo's weights were trained."""


class Recipe(Frozen):
    """The recipe that learned (docs/design.md), as far as it depends on the data open to change.

    Attributes
    ----------
    steps : int or None
        Optimiser steps; None takes them from the minutes of data (`steps_for`).
    until : int or None
        Ends after this step, on the way that the rate would take over `steps`: as a search found it.
    batch : int
        Windows in a step (over all processes).
    ema : float
        Decay of the running average of the weights, which is what is judged and kept; 0 for none.
    warmup : int
        Steps over which the learning rate rises; it then falls along a cosine to 0.
    weight_decay : float
        Of matrices; vectors, t′ and b have none.
    match_from : float
        Share of the steps after which the match head is trained as well.
    layer_first : int
        Steps at the beginning in which the spatial layers of people alone are trained (where there are any):
        somebody new learns theirs before the rest moves.
    negatives : int
        Mismatched videos a true pair is trained against in the match.
    fused : int
        Windows of a batch that go through the fusion, which costs more than all the rest.
    mixture : float
        Weight of the softmax over the batch of what the agreements by place say (log-sum-exp over places):
        it teaches the towers to keep places apart.
    seen_places : int or None
        Random places a step sees of each video, beside the whole frame and the place a cue names. None: four
        where cues are known, for they have to be told from others, and else a single one.
    share : float
        Weight of the share of attention that a video gets beside an impostor, from `match_from` on.
    cue : float
        Weight of the cross-entropy on the place that was attended, where it is known.
    near_s : float
        Windows of a session nearer than this beyond their overlap are neither positive nor negative.
    repeats_s : float
        The film repeats after so many seconds (codes that flicker): windows of another phase, at least
        `near_s` off, are mismatched though they overlap. 0 for film.
    twin_s : float
        With `multi_positive`: every second window is cut at most so far from the one before it, and counts
        as the same.
    distil, teacher : str
        Which distillation, and from what: `frames:PATH` (the frozen frames of a path) or a file beside each
        session (`.npz` with `stamps` (n,) and `embeddings` (n, D)); several with commas between, each with
        its weight among them behind it: `teacher-text.npz=2,frames:slow`.
    reconstruct : float
        Weight of masked-patch reconstruction.
    warm_up : int
        Steps over which the weights of distillation and reconstruction rise.
    channel_drop, noise, shift_slots
        Augmentation of the EEG: probability that an electrode is silenced (never all of them), noise in units
        of its scale, and by how many slots at most the EEG is shifted against the video.
    validation : float or None
        Share that is held out at a time to find when to stop and what to keep (`data.folds.held_parts`); 0
        for none: then all steps are gone. None: as much as it takes to judge two minutes.
    networks : int
        With 2, a second network of another seed is trained beside, and the mean of the two is one more
        candidate for what runs: twice the time, in training and live.
    refit : bool
        Whether the network is then trained again on all of the data, to the step that was found; else the
        best average in front of the held-out part is kept.
    check_every, patience : int
        Steps between two looks at it, and looks without a better one after which the training ends; by
        default a third of all steps, four looks at least.
    save_every : int
        Steps between two states a killed training can be resumed from.
    """

    steps: int | None = Field(None, ge=1)
    until: int | None = Field(None, ge=0)
    ema: float = Field(0.98, ge=0, lt=1)
    batch: int = Field(64, ge=2)
    lr: float = Field(5e-3, gt=0)
    warmup: int = Field(30, ge=0)
    weight_decay: float = Field(0.05, ge=0)
    clip: float = Field(1.0, gt=0)
    loss: Loss = "siglip"
    match: float = Field(1.0, ge=0)
    match_from: float = Field(0.3, ge=0, le=1)
    layer_first: int = Field(0, ge=0)
    negatives: int = Field(2, ge=1)
    fused: int = Field(32, ge=2)
    mixture: float = Field(1.0, ge=0)
    seen_places: int | None = Field(None, ge=0)
    share: float = Field(0.3, ge=0)
    cue: float = Field(1.0, ge=0)
    near_s: float = Field(0.0, ge=0)
    repeats_s: float = Field(0.0, ge=0)
    twin_s: float = Field(0.1, ge=0)
    distil: Distillation = "none"
    distil_weight: float = Field(0.3, ge=0)
    teacher: str = "frames:fast"
    reconstruct: float = Field(0.0, ge=0)
    warm_up: int = Field(100, ge=0)
    channel_drop: float = Field(0.2, ge=0, lt=1)
    noise: float = Field(0.6, ge=0)
    shift_slots: int = Field(0, ge=0)
    validation: float | None = Field(None, ge=0, lt=0.9)
    networks: int = Field(1, ge=1, le=2)
    refit: bool = True
    check_every: int = Field(25, ge=1)
    patience: int | None = Field(None, ge=1)
    save_every: int = Field(50, ge=1)
    log_every: int = Field(50, ge=1)
    seed: int = 0
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    devices: int = Field(1, ge=1)
    nodes: int = Field(1, ge=1)
    accelerator: Literal["auto", "cpu", "gpu"] = "cpu"

    @field_validator("teacher")
    @classmethod
    def _legal(cls, value: str) -> str:
        weighted(value)
        return value

    @property
    def teachers(self) -> dict[str, float]:
        """Each teacher that is listened to, with its weight; none without a distillation."""
        return {} if self.distil == "none" else weighted(self.teacher)

    def for_minutes(self, minutes: float) -> Recipe:
        """Return the recipe with its number of steps, taken from the data where it is not given."""
        return self if self.steps is not None else self.model_copy(update={"steps": steps_for(minutes)})

    @property
    def last_step(self) -> int:
        """After which step the training ends.

        Raises
        ------
        ValueError
            `steps` are not known yet (`for_minutes`).
        """
        if self.steps is None:
            raise ValueError("the steps of this recipe depend on the data: ask for_minutes first")
        return self.steps if self.until is None else min(self.until, self.steps)

    @property
    def waits(self) -> int:
        """Steps without a better look after which the training ends."""
        looks = _LEAST_LOOKS if self.patience is None else self.patience
        third = 0 if self.patience is not None or self.steps is None else self.steps // 3
        return max(looks * self.check_every, third)

    @property
    def match_begins(self) -> float:
        """From which step on the match is trained as well."""
        return self.match_from * self.last_step


def steps_for(minutes: float) -> int:
    """Count the steps that so many minutes of data bear: 160 and 44 a minute, at most 600 (from 10 min).

    Measured on real EEG: 250 steps served with 2 and 4 min, 600 with 10 to 20; of a weaker person's 6 min 150
    to 250 were best and 600 harmed, which a search on held-out parts has to find.
    """
    return round(min(600.0, 160.0 + 44.0 * minutes))


def weighted(teachers: str) -> dict[str, float]:
    """Read `NAME=WEIGHT,NAME` as weights by name; 1 where none stands.

    Raises
    ------
    ValueError
        A weight is no number above 0, a name is empty or stands twice.
    """
    found: dict[str, float] = {}
    for word in teachers.split(","):
        name, _, weight = (word if "=" in word else f"{word}=1").strip().rpartition("=")
        try:
            number = float(weight)
        except ValueError:
            number = 0.0
        if not name or name in found or not 0 < number < math.inf:
            raise ValueError(
                f"{word.strip()!r} is no teacher: write FILE or FILE=WEIGHT, each once, its weight above 0"
            )
        found[name] = number
    return found
