"""Figures as words, the same in every part of the window."""

from __future__ import annotations

from realtime.model import ModelCard


def clock(seconds: float) -> str:
    """Hours, minutes, seconds."""
    whole = int(max(seconds, 0))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def runs_words(card: ModelCard) -> str:
    """Say what runs the network, and what that brought where it was measured."""
    return card.backend if card.gain is None else f"{card.backend} · {card.gain:.1f} × eager"
