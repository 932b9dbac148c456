"""What a trained model is, for people: its electrodes, what runs, and the trainings it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

RECORD = "checkpoint.json"


def model_facts(folder: Path) -> dict[str, Any] | None:
    """Return what a model's folder says of itself; None where it is none.

    Raises
    ------
    WeightsError
        It is one, and damaged.
    """
    if not (folder / RECORD).is_file():
        return None
    from models.checkpoint import load_checkpoint
    from models.learning.ancestry import ancestry_of

    checkpoint = load_checkpoint(folder)
    return {
        "name": checkpoint.name,
        "network": checkpoint.network.config.name,
        "channels": list(checkpoint.network.labels),
        "runs": dict(checkpoint.metrics.get("runs", {})),
        "training": dict(checkpoint.metrics.get("training", {})),
        "ancestry": ancestry_of(checkpoint),
        "split": dict(checkpoint.split),
        "versions": dict(checkpoint.versions),
    }


def print_model(facts: Mapping[str, Any]) -> None:
    """Print it, the oldest training first."""
    typer.echo(f"{facts['name']}: network {facts['network']}, electrodes {', '.join(facts['channels'])}")
    runs = facts["runs"]
    if runs:
        typer.echo(f"  runs: {runs['name']}")
    for name, figures in (runs or {"judged": {}})["judged"].items():
        low, high = figures["two_way_ci"]
        typer.echo(f"    {name}: {figures['two_way']:.3f} [{low:.3f}, {high:.3f}] of 2 on held-out parts")
    for one in facts["ancestry"]:
        sessions = ", ".join(session["name"] for session in one["sessions"])
        typer.echo(
            f"  {one['name']}: {one['how']}, {one['steps']} steps on {one['minutes']} min ({sessions})"
        )
    if not facts["ancestry"]:
        typer.echo("  it does not say what it was trained on")
