"""Train a network on a person's sessions, and judge it on another

A network learns from one session and is judged on one that it has not seen, beside linear models on the same
windows. The few steps here show how it is done and teach nothing: leave `steps` and `batch` out for a real
training, and give `Material` all sessions but the last.

    python examples/train_and_evaluate.py models/anna sessions/run-01 sessions/run-02
"""

import sys
from pathlib import Path
from typing import Any

import phosphene


def main(out: str, train: str, test: str) -> dict[str, Any]:
    cache = Path(out) / "cache"  # embedded frames, so that a second training need not embed them again
    recipe = phosphene.Recipe(steps=10, batch=8, validation=0)
    result = phosphene.train_sessions(phosphene.Material([train], cache=cache), out, "demo", recipe)
    print(f"{result.folder}: {result.trained.steps} steps on {result.minutes:.1f} min. {result.advice}")

    judged = phosphene.evaluate_checkpoint(out, phosphene.Material([test], cache=cache), with_controls=False)
    print(f"of 2: {judged['two_way']:.2f} {judged['two_way_ci']}, chance .50, {judged['n_windows']} windows")
    for name, linear in judged["baselines"].items():
        print(f"{name}: {linear['two_way']:.2f}")
    return judged


if __name__ == "__main__":
    main(*sys.argv[1:])
