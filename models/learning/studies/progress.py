"""How far a study is, on standard error: its figures go to standard output."""

from __future__ import annotations

import sys

from models.learning.training.fit import Progress

_EVERY = 50  # steps


def on_stderr(words: str) -> None:
    """Say how far a study is."""
    print(words, file=sys.stderr)


def steps_on_stderr(progress: Progress) -> None:
    """Say how far a training is, now and then."""
    if progress.step % _EVERY == 0:
        terms = ", ".join(f"{name} {value:.3f}" for name, value in progress.terms.items())
        on_stderr(f"step {progress.step} of {progress.steps}: {terms}")
