"""Fuzz the readers: `python -m tests.fuzz [TARGET …] --runs 100000 --out counts.json`.

Mutates whole examples and counts what was read, refused in one line, crashed, hung (over 5 s), took more
memory than ten times its size (and 32 MB that Python takes for itself), or wrote outside its folder. With
`--coverage`, atheris chooses the mutations by the lines they reach. What is found is kept in `--keep`.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

from tests.fuzz.bounds import Writes, bounded
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS, try_once

_FOUND = {TimeoutError: "hangs", MemoryError: "memory"}
_FAULTS = ("crashes", "hangs", "memory", "written_outside")
_CLEARED_EVERY = 1000


def fuzz(name: str, runs: int, keep: Path, seed: int = 0) -> dict[str, Any]:
    """Try one target so many times."""
    target, dice, counts = TARGETS[name], random.Random(f"{name} {seed}"), Counter[str]()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        (where := Path(scratch) / "seeds").mkdir()
        (folder := Path(scratch) / "input").mkdir()
        seeds, writes = target.seeds(where), Writes(folder)
        for whole in seeds:  # what is imported and set up once is no input's memory
            try_once(target, whole, folder)
        begun, longest = time.monotonic(), 0.0
        for run in range(runs):
            data, start = mutated(seeds, dice), time.monotonic()
            try:
                with bounded(len(data), writes, memory=target.memory):
                    outcome = try_once(target, data, folder)
            except Exception as error:
                outcome = _FOUND.get(type(error), "crashes")
                _keep(keep, name, run, data)
            counts[outcome] += 1
            longest = max(longest, time.monotonic() - start)
            if run % _CLEARED_EVERY == _CLEARED_EVERY - 1:
                shutil.rmtree(folder)
                folder.mkdir()
    return {
        "inputs": runs,
        **{kind: counts[kind] for kind in ("read", "refused", "crashes", "hangs", "memory")},
        "written_outside": len(writes.outside),
        "slowest_s": round(longest, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "seconds": round(time.monotonic() - begun),
    }


def by_coverage(name: str, runs: int, keep: Path) -> dict[str, Any]:
    """Let atheris try one target so many times, in a process of its own."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        command = [sys.executable, "-m", "tests.fuzz.by_coverage", name, str(runs), scratch]
        ended = subprocess.run(command, capture_output=True, text=True, errors="replace")
        found = [path for path in Path(scratch).glob(f"{name}-*") if path.is_file()]
        for path in found:
            keep.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, keep / f"{path.name}.bin")
        if found or ended.returncode:
            keep.mkdir(parents=True, exist_ok=True)
            (keep / f"{name}-coverage.txt").write_text(ended.stdout[-4000:] + ended.stderr[-8000:], "utf-8")
    units = re.search(r"number_of_executed_units:\s*(\d+)", ended.stderr)
    reached = re.findall(r"cov: (\d+)", ended.stderr)
    return {
        "inputs": int(units[1]) if units else 0,
        "reached_first": int(reached[0]) if reached else 0,
        "reached_last": int(reached[-1]) if reached else 0,
        "crashes": len(found) or int(ended.returncode != 0),
    }


def _keep(folder: Path, name: str, run: int, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{run}.bin").write_bytes(data)
    (folder / f"{name}-{run}.txt").write_text(traceback.format_exc(), "utf-8")


def main() -> None:
    """Run the targets named, or all; exit code 1 where anything was found."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("targets", nargs="*", default=list(TARGETS), choices=[*TARGETS, []])
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options.add_argument("--out", type=Path)
    options.add_argument("--coverage", action="store_true", help="let atheris choose the mutations")
    given = options.parse_args()
    found = {}
    for name in given.targets:
        if given.coverage:
            found[name] = by_coverage(name, given.runs, given.keep)
        else:
            found[name] = fuzz(name, given.runs, given.keep, given.seed)
        print(name, json.dumps(found[name]), flush=True)
        if given.out:
            given.out.write_text(json.dumps(found, indent=2), "utf-8")
    sys.exit(any(one.get(fault) for one in found.values() for fault in _FAULTS))


if __name__ == "__main__":
    main()
