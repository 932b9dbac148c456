"""What another busy program costs a training, and what is done about it.

    python docs/busy.py SESSION

Seconds a step of the default training takes, and a fit of the linear responses, alone and while one other
process keeps a core busy: with as many threads as there are cores, and as the program does it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from models.inference.machine import FreeCores
from models.learning.baselines import LinearModels
from models.learning.data.flicker import films_flicker
from models.learning.train import Material, configured, learner_of, prepare
from models.learning.training.fit import Split, fit
from models.learning.training.recipe import Recipe

STEPS = 20
BUSY = [sys.executable, "-c", "while True: pass"]
RECIPE = Recipe(steps=STEPS, match=0.0, validation=0)


def main() -> None:
    """Measure, and print the table."""
    with TemporaryDirectory() as scratch:
        material = Material([sys.argv[1]], cache=Path(scratch))
        config = configured("demo", flickers=films_flicker(material.sessions))
        _, recordings = prepare(material, config, RECIPE)
        learner, spans = learner_of(recordings, config, RECIPE), recordings.spans()
        models = LinearModels(recordings)
        models.fit_responses(spans)  # reads the film

        def steps() -> None:
            fit(learner.make(spans), recordings, Split(spans, [], {}), RECIPE)

        def responses(on_all: bool) -> None:
            how = LinearModels.fit_responses
            (how.__wrapped__ if on_all else how)(models, spans)  # type: ignore[attr-defined]

        print("| | a step, s | linear responses, s |\n|---|---|---|")
        for words, beside in (("alone", False), ("beside a busy process", True)):
            for way, on_all in (("as many threads as cores", True), ("as it is", False)):
                with busy(beside), threads(on_all):
                    step, linear = taken(steps) / STEPS, taken(partial(responses, on_all))
                print(f"| {words}, {way} | {step:.3f} | {linear:.2f} |", flush=True)


def taken(work: Callable[[], None]) -> float:
    """Seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


@contextmanager
def busy(wanted: bool) -> Iterator[None]:
    """Keep a core busy meanwhile."""
    other = subprocess.Popen(BUSY, start_new_session=True) if wanted else None
    try:
        yield
    finally:
        if other is not None:
            other.kill()
            other.wait()


@contextmanager
def threads(all_of_them: bool) -> Iterator[None]:
    """Never look what others take, where all threads are to be used."""
    usual = FreeCores.FIRST_S
    FreeCores.FIRST_S = float("inf") if all_of_them else usual
    try:
        yield
    finally:
        FreeCores.FIRST_S = usual


if __name__ == "__main__":
    main()
