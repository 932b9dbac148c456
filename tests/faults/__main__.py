"""Do every fault, each really, and write the table: `python -m tests.faults [--kills N] [NAME …]`.

Names are those of the functions in `signals`, `killed` and `around`; all by default, and 50 kills. What each
came to is kept in docs/faults.json, and docs/faults.md is made of that: a fault that fails is taken out of
both, and named. Ends with 1 where one did not come to what it should.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import astuple
from functools import partial
from pathlib import Path

import tests.conftest  # noqa: F401 - an LSL of its own, and settings of its own
from tests.faults.around import AROUND
from tests.faults.bench import Bench, Row
from tests.faults.killed import kills
from tests.faults.signals import SIGNALS

Fault = Callable[[Bench], list[Row]]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "faults.md"
KEPT = PAGE.with_suffix(".json")
_HEAD = """\
# What is done to a recording, and what comes of it

Each row is done to a running `phosphene record` (or `live`), with an LSL sender in another process whose
samples carry their number, and looked at afterwards. `python -m tests.faults` does all of it, fails where one
comes to something else, and writes this page. “Seconds” is the longest time without a reading from the fault
on, or until the next one once what failed is back; a dash where there is nothing to come back to.

| what is done | what is seen | what is in the file | seconds |
|---|---|---|---|
"""


def run(fault: Fault, name: str) -> list[Row]:
    """Do one fault in a folder of its own; empty where it failed."""
    begun = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder, Bench(Path(folder)) as bench:
            rows = [_plain(row, bench) for row in fault(bench)]
    except Exception:
        traceback.print_exc()
        rows = []
    print(f"{name}: {len(rows) or 'FAILED'}, {time.monotonic() - begun:.0f} s", flush=True)
    return rows


def _plain(row: Row, bench: Bench) -> Row:
    """Without what tells the senders of two runs apart, and where a run wrote."""
    tag, folder = re.compile(rf"-{bench.tag}\b|\b{bench.tag}-"), f"{bench.folder}/"
    return Row(*(tag.sub("", cell.replace(folder, "")) for cell in astuple(row)))


def page(kept: dict[str, list[list[str]]], known: Iterable[str]) -> str:
    """Return the table of all that was done and held, in the order in which the faults are known."""
    rows = [row for name in known for row in kept.get(name, [])]
    missing = [name for name in known if name not in kept]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if missing:
        lines += ["", f"Not in the table, for want of a run that held: {', '.join(missing)}."]
    return _HEAD + "\n".join(lines) + "\n"


def main(*words: str) -> int:
    """Do the faults, and write down what they came to."""
    known: dict[str, Callable[[Bench], list[Row]]] = {
        fault.__name__: fault for fault in (*SIGNALS, kills, *AROUND)
    }
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--kills", type=int, default=50, help="how often the recorder is killed")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    asked = parser.parse_args(words)
    failed = []
    for name in asked.names or known:
        rows = run(partial(kills, n_kills=asked.kills) if name == "kills" else known[name], name)
        kept = json.loads(KEPT.read_text("utf-8")) if KEPT.exists() else {}
        kept.pop(name, None)
        if rows:
            kept[name] = [list(astuple(row)) for row in rows]
        else:
            failed.append(name)
        KEPT.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        PAGE.write_text(page(kept, known), encoding="utf-8")
    print(f"failed: {', '.join(failed) or 'none'}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
