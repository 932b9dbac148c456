"""What every combination of the family costs on this machine: the numbers behind `phosphene models --table`.

Each row builds a network and runs it through the engine, as live. Floating-point operations are those of
matrix products, convolutions and attention (a multiply and an add count as two); element-wise work, such as
the scan of Mamba, shows in the time alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from models.bench.published_shapes import SHAPES, write_random
from models.bench.setting import interval
from models.config import NetworkConfig, preset
from models.inference.engine import Engine
from models.inference.machine import machine
from models.network.eeg.cbramod import PRETRAINED_ORDER
from models.network.vision import whole_clip

EEG = ("compact", "cbramod", "cbramod+compact")
MIXERS = ("tcn", "gru", "s4d", "mamba", "none")
COMPRESSIONS = ("resampler", "pma", "mean")
FUSIONS = ("gated", "perceiver", "qformer")
HEAD = (
    *("EEG", "frames", "mixer", "compression", "fusion", "parameters", "trained"),
    *("MFLOP a tick", "ms a tick", "MFLOP a frame", "ms a frame"),
)
_IMAGE = (240, 320)  # height and width of the frames that are timed


@dataclass(frozen=True)
class Row:
    """One combination.

    Attributes
    ----------
    parts : tuple of str
        EEG encoder, frame encoders, mixer, compression, fusion, by their words.
    parameters : int
        Of the whole network, frozen ones included.
    trained : int
        Of those, how many are trained.
    tick_mflop, tick_ms : float
        One interval scored: both towers and the fusion, on frames already encoded.
    frame_mflop, frame_ms : mapping of path to float
        One frame of each path encoded, from its pixels as they come from a camera.
    """

    parts: tuple[str, str, str, str, str]
    parameters: int
    trained: int
    tick_mflop: float
    tick_ms: float
    frame_mflop: Mapping[str, float] = field(default_factory=dict)
    frame_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The words of its parts, in the order of the network."""
        return " · ".join(self.parts)


def rows(labels: Sequence[str] = PRETRAINED_ORDER, seconds: float = 0.3) -> Iterator[Row]:
    """Measure the family, row by row: every published encoder, then every combination of the other parts.

    Published encoders are built with random weights of the published shape, so nothing is downloaded.

    Parameters
    ----------
    labels : sequence of str
        Electrodes; CBraMod's cost grows with their number.
    seconds : float
        How long each time is measured, after a first run that is not counted.
    """
    with TemporaryDirectory(prefix="phosphene-table-") as folder:
        yield from _sights(labels, seconds, Path(folder))
    for eeg, mixer, compression, fusion in product(EEG, MIXERS, COMPRESSIONS, FUSIONS):
        changes = {"eeg": eeg, "mixer": mixer, "compression": compression, "fusion": fusion}
        yield measure(preset("demo", changes), labels, "tiny", seconds)


def _sights(labels: Sequence[str], seconds: float, folder: Path) -> Iterator[Row]:
    """Each published encoder alone and in its preset, one checkpoint on the disk at a time."""
    for shape, (kind, *_) in SHAPES.items():
        part = {"kind": kind, "source": str(write_random(shape, folder / kind / shape.replace("/", "-")))}
        place = "clip" if kind in whole_clip.CLASSES else "slow"
        yield measure(preset("demo", {"fast": None, place: part}), labels, shape, seconds)
        for name, own in (("laptop", "clip B/32"), ("lab", "clip B/16")):
            if shape == own:
                yield measure(preset(name, {"slow": part}), labels, f"tiny + {shape}", seconds)
        for file in Path(part["source"]).iterdir():
            file.unlink()


def measure(config: NetworkConfig, labels: Sequence[str], sight: str, seconds: float = 0.3) -> Row:
    """Build a network and measure it; `sight` is what the row calls its frame encoders."""
    engine = Engine.from_preset(config, tuple(labels))
    counts = [(p.numel(), p.requires_grad) for p in engine.network.parameters()]
    engine.network.requires_grad_(
        requires_grad=False
    )  # the counter would follow gradients, and here are none
    image = [np.random.default_rng(0).integers(0, 256, (*_IMAGE, 3), dtype=np.uint8)]
    frame_mflop, frame_ms, embeddings = {}, {}, {}
    for path, every in config.paths.items():

        def encode(path: str = path) -> Any:
            return engine.encode(image, path)

        frame_mflop[path] = _mflop(encode)
        frame_ms[path] = _milliseconds(encode, seconds)
        embeddings[path] = np.repeat(encode(), config.grid.n_slots // every, axis=0)
    scored = iter(range(10**9))

    def score() -> Any:
        return engine.score(interval(engine, next(scored)), embeddings)

    return Row(
        parts=(config.eeg.kind, sight, config.mixer.kind, config.compression.kind, config.fusion.kind),
        parameters=sum(n for n, _ in counts),
        trained=sum(n for n, trained in counts if trained),
        tick_mflop=_mflop(score),
        tick_ms=_milliseconds(score, seconds),
        frame_mflop=frame_mflop,
        frame_ms=frame_ms,
    )


def _mflop(run: Callable[[], Any]) -> float:
    """Millions of floating-point operations of one run; attention written out, so that it is counted."""
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        run()
    return float(counter.get_total_flops() / 1e6)


def _milliseconds(run: Callable[[], Any], seconds: float) -> float:
    """Median time of one run over at least three and `seconds`, after one that is not counted.

    Where that first one took ten times `seconds` it is the figure: minutes would not make it truer.
    """
    times: list[float] = []
    while len(times) < 4 or sum(times[1:]) < seconds:
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
        if times[0] > 10 * seconds:
            return times[0] * 1e3
    return median(times[1:]) * 1e3


def measured_on() -> str:
    """Say in words what the times were measured on."""
    return f"{machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def as_markdown(measured: Sequence[Row], accuracy: Mapping[str, str] | None = None) -> str:
    """Write the rows as a table for the docs; `accuracy` gives what was trained, by a row's name."""
    head = [*HEAD, "accuracy"] if accuracy else list(HEAD)
    rule = ["---"] * 5 + ["---:"] * (len(head) - 5)
    lines = [head, rule]
    for row in measured:
        sizes = (f"{row.parameters / 1e6:.2f} M", f"{row.trained / 1e6:.2f} M")
        tick = (f"{row.tick_mflop:,.1f}", f"{row.tick_ms:,.1f}")
        frame = (" + ".join(f"{cost:,.1f}" for cost in by.values()) for by in (row.frame_mflop, row.frame_ms))
        trained = [accuracy.get(row.name, "–")] if accuracy else []
        lines.append([*row.parts, *sizes, *tick, *frame, *trained])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
