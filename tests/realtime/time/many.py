"""Many generated streams against the truth, a seed each.

python -m tests.realtime.time.many [N] [FIRST_SEED]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from random import Random

from tests.realtime.time.draw import draw_sender
from tests.realtime.time.judge import faults


def of_seed(seed: int) -> tuple[int, list[str]]:
    """What is wrong with the stream of a seed."""
    random = Random(seed)
    sender = draw_sender(random)
    try:
        return seed, faults(sender, random.randint(16, 200))
    except Exception as error:
        return seed, [repr(error)]


def failures(seeds: range) -> Iterator[tuple[int, list[str]]]:
    """Seeds whose streams are not taken as they are, and why; on all processors."""
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for seed, found in pool.map(of_seed, seeds, chunksize=20):
            if found:
                yield seed, found


def main() -> int:
    """Print what fails."""
    n, first = [*map(int, sys.argv[1:]), 10_000, 0][:2] if len(sys.argv) != 2 else (int(sys.argv[1]), 0)
    failed = 0
    for seed, found in failures(range(first, first + n)):
        failed += 1
        print(seed, "; ".join(found), draw_sender(Random(seed)), flush=True)
    print(f"{n} streams, {failed} of them not taken as they were sent")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
