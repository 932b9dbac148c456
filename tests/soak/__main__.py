"""A long session: memory, handles, threads and times stay flat.

    python -m tests.soak [HOURS]              # of stream time, under an injected clock
    python -m tests.soak --window [MINUTES]   # of wall time, recorded and shown in the window

Writes docs/soak.json and docs/soak.svg (docs/soak_window.*), and ends with 1 where something grows. Ctrl-C
ends it early.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import tests.conftest  # noqa: F401 - an LSL of its own, and settings of its own


def main() -> int:
    """Run, write down what was seen, and say whether anything grew."""
    parser = argparse.ArgumentParser(description="A long session: what it needs stays what it was.")
    parser.add_argument("hours", nargs="?", type=float, default=8.0)
    parser.add_argument("--window", nargs="?", type=float, const=30.0, metavar="MINUTES")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.window:
            from tests.soak import window

            return window.KIND.conclude(window.soak(asked.window, Path(folder)))
        from tests.soak import stream

        return stream.KIND.conclude(stream.soak(asked.hours, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
