"""Compiles a module from outside: builds, checks it against eager, keeps it on disk, falls back in words.

module ─▶ found on disk? ─no─▶ build ─▶ load ─▶ equal to eager? ─yes─▶ Compiled(backend)
               └──yes──────────────────▶ load ──────┘   └─no─▶ Compiled(eager, note), never tried again

`load_module` takes the lower way alone: what an earlier start has built, or nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from statistics import quantiles

import torch
from torch import nn

from models.inference.backends import Run, Tensors, available, get_backend, versions
from models.inference.cache import Entry, compiled_folder, digest_arrays, entry, identity_of, key_of
from models.inference.machine import machine, n_threads
from models.inference.parity import EQUAL, Parity, compare
from realtime.errors import ConfigError

Progress = Callable[[str], None]
_RACE_S, _TURNS = 0.4, 12  # how long `auto` times its candidates, together; and turns at least
_ON_REQUEST = ("inductor",)  # takes no part in `auto`: it builds for minutes, with every core there is


@dataclass(frozen=True)
class Compiled:
    """A module in the form it will run in.

    Attributes
    ----------
    run : callable
        The module's arguments, on any device, and results, flat tensors.
    backend, precision : str
        What runs it, after a fall-back where there was one.
    parity : Parity
        Against eager, over all examples.
    note : str
        Why it is not what was asked for; empty where it is.
    raced_ms : (float, float) or None
        Milliseconds of eager and of this one, taken in turns, where `auto` chose it.
    device : str
        Where the results are.
    batch : int
        How many waiting frames are best run at once.
    """

    run: Run
    backend: str = "eager"
    precision: str = "fp32"
    parity: Parity = EQUAL
    note: str = ""
    raced_ms: tuple[float, float] | None = None
    device: str = "cpu"
    batch: int = 1


def compile_module(
    module: nn.Module,
    examples: Sequence[Tensors],
    backend: str,
    precision: str = "fp32",
    *,
    name: str = "module",
    calibration: Sequence[Tensors] = (),
    folder: Path | None = None,
    progress: Progress | None = None,
) -> Compiled:
    """Compile a module of flat tensors in, a tuple of tensors out, for the shapes of its examples.

    Parameters
    ----------
    module : nn.Module
        In evaluation mode. It is not changed.
    examples : sequence of tuples of tensors
        Of equal shapes; the first is traced, all are compared with eager.
    backend : str
        `eager`, `inductor`, `openvino`, `cuda`, `tensorrt`, or `auto`: the fastest on this machine that
        equals eager, measured once and remembered.
    precision : str
        `fp32`, `fp16` (cuda, tensorrt) or `int8` (openvino).
    name : str
        What progress and notes call it.
    calibration : sequence of tuples of tensors
        What int8 is calibrated on.
    folder : Path, optional
        Where compiled files are kept.
    progress : callable, optional
        Told, in a few words, what is being built: that may take minutes.

    Returns
    -------
    Compiled
        Eager, with a note, where the build failed or does not give what eager gives.

    Raises
    ------
    ConfigError
        The backend is unknown, cannot compute in that precision, or is not installed.
    """
    if backend == "eager":
        return Compiled(partial(_eager, module))
    job = _Job(module, tuple(examples), name, tuple(calibration), _made(folder), progress)
    return _by(job, backend, precision)


def load_module(
    module: nn.Module,
    examples: Sequence[Tensors],
    backend: str,
    precision: str = "fp32",
    *,
    name: str = "module",
    calibration: Sequence[Tensors] = (),
    folder: Path | None = None,
) -> Compiled | None:
    """Load what `compile_module` built at an earlier start; None where that did not happen, or is stale.

    Raises
    ------
    ConfigError
        As `compile_module`.
    """
    job = _Job(module, tuple(examples), name, tuple(calibration), _made(folder), None, may_build=False)
    try:
        return _by(job, backend, precision)
    except _NotBuiltError:
        return None


class _NotBuiltError(Exception):
    """A file is not there, and may not be built."""


def _made(folder: Path | None) -> Path:
    folder = folder or compiled_folder()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _by(job: _Job, backend: str, precision: str) -> Compiled:
    if backend == "auto":
        return _fastest(job)
    chosen = get_backend(backend)
    if precision not in chosen.precisions:
        raise ConfigError(
            f"backend {backend!r} computes in {' or '.join(chosen.precisions)}, not in {precision}"
        )
    if lack := chosen.missing():
        raise ConfigError(f"backend {backend!r} cannot be used here: {lack}")
    return _compile(job, backend, precision)


@dataclass(frozen=True)
class _Job:
    module: nn.Module
    examples: tuple[Tensors, ...]
    name: str
    calibration: tuple[Tensors, ...]
    folder: Path
    progress: Progress | None
    may_build: bool = True

    @cached_property
    def identity(self) -> str:
        """Digest of the module and its shapes; over all weights, so it is made once."""
        return identity_of(self.module, self.examples[0])

    def tell(self, text: str) -> None:
        if self.progress is not None:
            self.progress(text)

    def key(self, **more: object) -> str:
        more |= {"machine": machine(), "threads": n_threads()}
        return key_of(self.identity, **more)


def _eager(module: nn.Module, *inputs: torch.Tensor) -> Tensors:
    return tuple(module(*inputs))


def _compile(job: _Job, backend: str, precision: str) -> Compiled:
    """From disk or anew; eager with a note where that does not lead to an equal."""
    told = get_backend(backend)
    calibrated = digest_arrays(part.numpy() for sample in job.calibration for part in sample)
    key = job.key(backend=backend, precision=precision, versions=versions(told), calibration=calibrated)
    place = entry(job.folder, key, told.suffix)
    reason = place.given_up
    if not reason and place.read() is not None:
        found = _loaded(job, backend, precision, place)
        if isinstance(found, Compiled):
            return found
        place.remove()  # one that does not load, or is not equal any more, is built anew once
    if not reason:
        if not job.may_build:
            raise _NotBuiltError
        found = _built(job, backend, precision, place)
        if isinstance(found, Compiled):
            return found
        reason = found
    note = f"{job.name}: {backend} {precision} {reason}"
    job.tell(f"{note}; running it eager")
    return Compiled(partial(_eager, job.module), note=note)


def _loaded(job: _Job, backend: str, precision: str, place: Entry) -> Compiled | str:
    """Load a file that is there; or say why what it gives is not what eager gives."""
    try:
        told = get_backend(backend)
        run = told.load(place.path)
        parity = _parity(job, run)
    except Exception as error:  # whatever a compiler raises: it must not keep the program from running
        return _words(error)
    if parity.within(precision):
        return Compiled(run, backend, precision, parity, device=told.device, batch=told.batch)
    return f"differs from eager by {parity.difference:.1e}, cosine {parity.cosine:.4f}"


def _built(job: _Job, backend: str, precision: str, place: Entry) -> Compiled | str:
    """Build a file and load it; or say why that is given up, now and for later starts with these versions."""
    try:
        _build(job, backend, precision, place)
    except ConfigError:
        raise
    except (OSError, MemoryError) as error:  # of the machine as it is now: another start may have more luck
        return _words(error)
    except Exception as error:
        found: Compiled | str = _words(error)
    else:
        found = _loaded(job, backend, precision, place)
    if isinstance(found, str):
        place.give_up(found)
    return found


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0][:160]}"


def _build(job: _Job, backend: str, precision: str, place: Entry) -> None:
    job.tell(f"building {job.name} for {backend} {precision} …")
    begin = time.perf_counter()
    unfinished = place.path.with_name(f"{os.getpid()}-{place.path.name}")  # another process may build it too
    try:
        get_backend(backend).build(job.module, job.examples[0], precision, job.calibration, unfinished)
        os.replace(unfinished, place.path)
    finally:
        unfinished.unlink(missing_ok=True)
    place.write({"name": job.name, "backend": backend, "precision": precision, "machine": machine()})
    job.tell(f"built {job.name} for {backend} {precision} in {time.perf_counter() - begin:.1f} s")


def _parity(job: _Job, run: Run) -> Parity:
    worst = EQUAL
    with torch.inference_mode():
        for inputs in job.examples:
            worst = worst.worse(compare(run(*inputs), tuple(job.module(*inputs))))
    return worst


def _fastest(job: _Job) -> Compiled:
    """Give the winner of an earlier race on this machine, or of one now."""
    candidates = [name for name in available() if name not in _ON_REQUEST]
    remembered = job.folder / f"auto-{job.key(candidates=candidates)}.json"
    with suppress(OSError, ValueError, KeyError, TypeError, ConfigError):
        told = json.loads(remembered.read_text(encoding="utf-8"))
        won = Compiled(partial(_eager, job.module))
        if told["backend"] != won.backend:
            won = _compile(job, told["backend"], told["precision"])
        if not won.note:
            return replace(won, raced_ms=(told["of"]["eager"], told["ms"]))
    if not job.may_build:
        raise _NotBuiltError
    return _raced(job, candidates, remembered)


def _raced(job: _Job, candidates: Sequence[str], remembered: Path) -> Compiled:
    """Build every candidate, time those that equal eager beside it, and remember the fastest."""
    wanted = [(name, get_backend(name).precisions[0]) for name in candidates]
    runners = [Compiled(partial(_eager, job.module)), *(_compile(job, *each) for each in wanted)]
    runners = [runner for i, runner in enumerate(runners) if i == 0 or not runner.note]
    times = race([runner.run for runner in runners], job.examples[0])
    winner, ms = min(zip(runners, times, strict=True), key=lambda pair: pair[1])
    told = {"backend": winner.backend, "precision": winner.precision, "ms": ms, "name": job.name}
    told["of"] = {runner.backend: time for runner, time in zip(runners, times, strict=True)}
    remembered.write_text(json.dumps({**told, "parity": asdict(winner.parity)}, indent=2))
    job.tell(f"{job.name}: {winner.backend} is fastest, {ms:.2f} ms against {times[0]:.2f} ms eager")
    return replace(winner, raced_ms=(times[0], ms))


def race(runs: Sequence[Run], inputs: Tensors, seconds: float = _RACE_S) -> list[float]:
    """Milliseconds of each, taken in turns so that a busy moment meets all of them.

    The lower quartile, not the median: a session and others run beside it and can only make a turn longer.
    """
    took: list[list[float]] = [[] for _ in runs]
    with torch.inference_mode():
        for run in runs:
            run(*inputs)
        stop = time.perf_counter() + seconds
        while time.perf_counter() < stop or len(took[0]) < _TURNS:
            for run, times in zip(runs, took, strict=True):
                begin = time.perf_counter()
                _ = [part.cpu() for part in run(*inputs)]  # a GPU is done when its results are here
                times.append((time.perf_counter() - begin) * 1e3)
    return [quantiles(times, n=4, method="inclusive")[0] for times in took]
