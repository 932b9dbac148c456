"""One target with atheris, which chooses mutations by the lines they reach; `python -m tests.fuzz` starts it.

The readers are imported below the instrumentation: what is imported before it is not seen by it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["recordings", "realtime.eeg", "realtime.time", "realtime.video", "models"]
):
    from tests.fuzz.bounds import HANG_S
    from tests.fuzz.targets import TARGETS, try_once


def main() -> None:
    """Fuzz `TARGET RUNS FOLDER`; atheris ends the process, with another exit code than 0 after a finding."""
    name, runs, scratch = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    target = TARGETS[name]
    for part in ("corpus", "seeds", "input"):
        (scratch / part).mkdir()
    for k, seed in enumerate(target.seeds(scratch / "seeds")):
        (scratch / "corpus" / str(k)).write_bytes(seed)

    def once(data: bytes) -> None:
        try_once(target, data, scratch / "input")

    options = [f"-runs={runs}", f"-timeout={HANG_S}", "-rss_limit_mb=4096", "-print_final_stats=1"]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={scratch}/{name}-", str(scratch / "corpus")], once
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
