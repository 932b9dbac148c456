"""Fuzz the readers: `python -m tests.fuzz [TARGET …] --runs 100000 --out counts.json`.

Mutates whole examples (bits, bytes, lengths, numbers, pieces cut out, doubled, put elsewhere or joined with
another example's). Counts what was read, refused, crashed and hung (over 5 s); with `--coverage`, atheris
chooses the mutations by the lines they reach. An input that crashes is kept in `--keep`.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

from realtime.errors import PhospheneError
from tests.fuzz.targets import TARGETS, Target

HANG_S = 5
_EDGES = (
    b"\0",
    b"\xff",
    b"\xff" * 4,
    b"\xff" * 8,
    b"\0" * 8,
    b"\x7f\xff\xff\xff",
    b"nan",
    b"1e999",
    b"-1",
    b"null",
)


def mutated(seeds: list[bytes], dice: random.Random) -> bytes:
    """Make one input of the examples."""
    data = bytearray(dice.choice(seeds))
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        at, n = dice.randrange(len(data) + 1), dice.choice((1, 1, 2, 4, 8, 16, 64))
        way = dice.randrange(7)
        if way == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << dice.randrange(8)
        elif way == 1:
            data[at : at + n] = dice.randbytes(n)
        elif way == 2:
            del data[at : at + n]
        elif way == 3:
            data[at:at] = data[at : at + n]
        elif way == 4:
            edge = dice.choice(_EDGES)
            data[at : at + len(edge)] = edge
        elif way == 5:
            data = data[:at]
        else:
            other = dice.choice(seeds)
            cut = dice.randrange(len(other) + 1)
            data[at : at + n] = other[cut : cut + n]
    return bytes(data)


def try_once(target: Target, data: bytes, folder: Path) -> str:
    """Return "read" or "refused"; any other outcome is the exception itself."""
    try:
        target.read(data, folder)
    except PhospheneError as refusal:
        if "\n" in str(refusal).strip():
            raise RuntimeError("a refusal of more than one line") from refusal
        return "refused"
    return "read"


def fuzz(name: str, runs: int, keep: Path, seed: int = 0) -> dict[str, float]:
    """Try one target so many times."""
    target, dice, counts = TARGETS[name], random.Random(f"{name} {seed}"), Counter[str]()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        (where := Path(scratch) / "seeds").mkdir()
        seeds = target.seeds(where)
        folder = Path(scratch) / "input"
        begun, longest = time.monotonic(), 0.0
        for run in range(runs):
            data = mutated(seeds, dice)
            folder.mkdir(exist_ok=True)
            signal.alarm(HANG_S)
            start = time.monotonic()
            try:
                counts[try_once(target, data, folder)] += 1
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                kind = "hangs" if isinstance(error, TimeoutError) else "crashes"
                counts[kind] += 1
                _keep(keep, name, run, data)
            finally:
                signal.alarm(0)
            longest = max(longest, time.monotonic() - start)
            if name in ("xdf", "edf") and run % 1000 == 999:
                shutil.rmtree(folder)
        outside = sorted(p.name for p in Path(scratch).iterdir() if p.name not in ("seeds", "input"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    seconds = time.monotonic() - begun
    return {
        "runs": runs,
        **{kind: counts[kind] for kind in ("read", "refused", "crashes", "hangs")},
        "written_outside": len(outside),
        "slowest_s": round(longest, 2),
        "peak_mb": peak,
        "seconds": round(seconds),
    }


def _keep(folder: Path, name: str, run: int, data: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}-{run}.bin").write_bytes(data)
    (folder / f"{name}-{run}.txt").write_text(traceback.format_exc(), "utf-8")


def _by_coverage(name: str, runs: int) -> None:
    """Let atheris choose; it ends the process by itself."""
    import atheris

    with atheris.instrument_imports():
        import recordings.exchange.foreign.edf
        import recordings.xdf.reader
        import recordings.xdf.repair  # noqa: F401
    target, scratch = TARGETS[name], Path(tempfile.mkdtemp())
    (scratch / "corpus").mkdir()
    (scratch / "made").mkdir()
    for k, seed in enumerate(target.seeds(scratch / "made")):
        (scratch / "corpus" / str(k)).write_bytes(seed)
    (scratch / "input").mkdir()
    arguments = [
        sys.argv[0],
        f"-runs={runs}",
        f"-timeout={HANG_S}",
        "-rss_limit_mb=4096",
        str(scratch / "corpus"),
    ]
    atheris.Setup(arguments, lambda data: try_once(target, data, scratch / "input") and None)
    atheris.Fuzz()


def main() -> None:
    """Run the targets named, or all; exit code 1 where anything crashed or hung."""
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("targets", nargs="*", default=list(TARGETS), choices=[*TARGETS, []])
    options.add_argument("--runs", type=int, default=2000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    options.add_argument("--out", type=Path)
    options.add_argument("--coverage", action="store_true", help="let atheris choose the mutations")
    given = options.parse_args()
    if given.coverage:
        _by_coverage(given.targets[0], given.runs)
        return

    def late(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    found = {}
    for name in given.targets:
        found[name] = fuzz(name, given.runs, given.keep, given.seed)
        print(name, json.dumps(found[name]), flush=True)
        if given.out:
            given.out.write_text(json.dumps(found, indent=2), "utf-8")
    sys.exit(any(one["crashes"] or one["hangs"] for one in found.values()))


if __name__ == "__main__":
    main()
