"""Which of the codes on the screen is attended? Trials of a code-modulated speller, one video a trial.

    python -m models.learning.studies.codes SESSION --json

Each trial begins with a marker and shows the attended object's code twice. A window is one pass of it; the
candidates are the videos of all trials at the same pass, so chance is one in the number of trials.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.config import NetworkConfig, preset
from models.learning.baselines import LinearModels
from models.learning.crossval import trained
from models.learning.judging.scoring import see_windows
from models.learning.studies.progress import on_stderr
from models.learning.studies.trials import PASS_S, PASSES, Trials, changed
from models.learning.train import Material, prepare
from models.learning.training.recipe import Recipe
from realtime.chance import wilson

Scores = NDArray[np.float64]
NETWORK: Mapping[str, Any] = {
    "grid.slots_hz": 100,
    "grid.interval_s": PASS_S,
    "grid.lag_s": 0.3,
    "places": 1,
    "eeg.spatial": 3,
    "eeg.kernel_s": 0.4,
    "mixer.dilations": (1, 2, 4, 8),
}
"""What differs from the preset: the flicker's rate, the frame as a whole, filters of electrodes."""
RECIPE = Recipe(
    steps=160, batch=32, lr=3e-3, warmup=15, noise=0.1, channel_drop=0.0, validation=0, match=0.0,
    repeats_s=PASS_S, near_s=0.2,
)  # fmt: skip
"""Batch and noise as inner splits of the attended study chose them."""


def attended(
    material: Material,
    config: NetworkConfig,
    recipe: Recipe,
    n_folds: int = 4,
    tell: Callable[[str], None] = lambda words: None,
) -> dict[str, dict[str, Any]]:
    """Leave blocks of trials out in turn; how often the attended code scores highest, by model.

    Returns
    -------
    dict of model to dict
        `correct` of `n` single passes, their share with its 95 % interval (Wilson), and `correct_trials` of
        `n_trials` with the passes summed.
    """
    _, recordings = prepare(material, config, recipe)
    trials, models = Trials.of(recordings), LinearModels(recordings)
    recordings.show(0, trials.stamps(recordings), (1 + trials.targets).tolist())
    every = trials.windows(np.ones(len(trials), bool))
    found: dict[str, Scores] = {}
    for fold in range(n_folds):
        left_out = trials.blocks(n_folds) == fold
        spans = trials.spans(~left_out)
        network = trained(config, recipe, recordings, spans)
        seen = see_windows(network.eval(), recordings, every, match=False)
        said = {"network": (seen.eeg.flatten(1) @ seen.video.flatten(1).T).double().numpy()}
        for name, model in models.fit(spans).items():
            said[name] = model.scores(*models.sides(name, every))
        for name, scores in said.items():
            kept = found.setdefault(name, np.zeros((len(trials), PASSES, len(trials))))
            kept[left_out] = same_pass(scores, len(trials))[left_out]
        tell(f"block {fold + 1} of {n_folds}")
    return {name: told(scores) for name, scores in found.items()}


def same_pass(scores: Scores, n_trials: int) -> Scores:
    """Scores of all windows with all (n·p, n·p), as (n, p, n): each pass with every trial's same pass."""
    by_pass = scores.reshape(n_trials, PASSES, n_trials, PASSES)
    same: Scores = np.einsum("apbp->apb", by_pass)
    return same


def told(scores: Scores) -> dict[str, Any]:
    """How often the own trial's video scores highest, of one pass and of all passes together."""
    own = np.arange(len(scores))
    single = scores.argmax(axis=2) == own[:, None]
    whole = scores.sum(axis=1).argmax(axis=1) == own
    return {
        "correct": int(single.sum()),
        "n": single.size,
        "share": round(float(single.mean()), 4),
        "share_ci": [round(x, 4) for x in wilson(int(single.sum()), single.size)],
        "correct_trials": int(whole.sum()),
        "n_trials": len(whole),
        "chance": round(1 / len(scores), 4),
    }


def main() -> None:
    """Judge one session, and print what was found."""
    parser = argparse.ArgumentParser(description="Tell which of the codes on the screen is attended.")
    parser.add_argument("session", type=Path)
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="recipe.steps=200 …")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--cache", type=Path)
    asked = parser.parse_args()
    material, found = Material([asked.session], cache=asked.cache), []
    for seed in range(asked.seeds):
        changes, recipe = changed(asked.set, NETWORK, RECIPE, seed)
        result = attended(material, preset("demo", changes), recipe, asked.folds, on_stderr)
        found.append({"seed": seed, **result})
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
