"""How much memory this process takes."""

from __future__ import annotations

import psutil


def rss_mb() -> float:
    """Resident memory of this process in MiB."""
    return float(psutil.Process().memory_info().rss / 2**20)
