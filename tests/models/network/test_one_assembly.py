"""Towers and fusion are put together in one place: training, scoring, engine and export go through it."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import torch

from models.network.towers import pick
from tests.support.networks import small_batch, small_network

ROOT = Path(__file__).resolve().parents[3]
ASKED = ("fuse", "junction", "fusion", "meet", "pair", "mixture")


def callers() -> dict[str, set[str]]:
    """Which files of the product call each of these names on a network, or on themselves."""
    found: dict[str, set[str]] = defaultdict(set)
    for room in ("models", "experiment", "commands", "gui"):
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.func if isinstance(node, ast.Call) else None
                if isinstance(called, ast.Attribute) and called.attr in ASKED:
                    owner = called.value
                    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                    if name in ("self", "network", "junction"):
                        found[called.attr].add(str(path.relative_to(ROOT / "models")))
    return found


def test_nobody_else_puts_towers_and_fusion_together() -> None:
    found = callers()
    assembly = "network/network.py"
    assert found["fusion"] == {assembly}
    assert found["junction"] == {assembly, "inference/modules.py"}  # what is compiled in its place
    assert found["fuse"] == {assembly, "inference/examples.py"}  # the gate, a constant of the weights
    assert found["meet"] == {assembly, "inference/engine.py"}
    assert found["pair"] == {"learning/training/objective.py", "learning/judging/views.py"}


def test_a_pair_of_windows_is_what_a_forward_over_them_gives() -> None:
    """With a context: interval 2 beside intervals 1 and 2 of its video, and beside those of another."""
    network = small_network(masks="own+1")
    batch = small_batch(network, n_batch=1, n_intervals=2, n_videos=2)
    whole = network(batch, explain=True)
    eeg, video = pick(whole.eeg, 0), pick(whole.video, 0)
    media = network.project(video.latents)
    rows, items = torch.tensor([1, 1]), torch.tensor([[[0, 1], [2, 3]], [[2, 3], [0, 1]]])
    both = network.pair(eeg, video, media, rows, items, explain=True)
    torch.testing.assert_close(both.fused.logit[0, 0], whole.fused.logit[0, 1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(both.fused.shares[0, 0], whole.fused.shares[0, 1], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        both.fused.shares[1, 0, :2], whole.fused.shares[0, 1, 2:], rtol=1e-4, atol=1e-5
    )
    alone = network.pair(eeg, video, media, rows[:1], torch.tensor([[[-1, 1]]]), explain=True)
    assert (alone.fused.shares[0, 0, 0] == 0).all()  # what was not seen cannot be read
