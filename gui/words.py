"""Figures as words, the same in every part of the window."""

from __future__ import annotations


def clock(seconds: float) -> str:
    """Hours, minutes, seconds."""
    whole = int(max(seconds, 0))
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
