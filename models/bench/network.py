"""The network by backend: the frame encoder, the stages of a tick, and a tick with caches against without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from models.bench.setting import Section, Setting, embeddings, engine_of, interval, vision_weights
from models.bench.timing import Goal, Times, interleaved, middle, ratio, rounded, told
from models.inference.backends import Run, Tensors, get_backend
from models.inference.compile import Compiled, compile_module
from models.inference.engine import Engine
from models.inference.examples import StageExamples, film_pictures, picture_examples
from models.inference.modules import EegModule, FramesModule, FuseModule, VideoModule
from models.network.vision.pretrained import PretrainedVisionConfig
from models.network.vision.tiny import TinyVitConfig

_SHOWN_FPS = 30.0  # of the film whose frames a tick is timed with
_SIDE = 1024  # of the matrices that say what the machine can do


def frame_encoder(setting: Setting) -> Section:
    """One picture through ViT-B/16 by backend, and the time its products would take at the machine's best."""
    with TemporaryDirectory(prefix="phosphene-bench-") as folder:
        source = "" if setting.quick else vision_weights("lab", Path(folder))
        config: Any = TinyVitConfig() if setting.quick else PretrainedVisionConfig(kind="clip", source=source)
        encoder = config.build((4, 4)).eval().requires_grad_(requires_grad=False)
    checks, calibration = picture_examples(encoder, film_pictures(12 if setting.quick else 32))
    module = FramesModule(encoder).eval()
    found = _compiled(setting, "frames", module, checks)
    if "openvino" in found:
        found["openvino_int8"] = compile_module(
            module, checks, "openvino", "int8", name="frames", calibration=calibration,
            folder=setting.compiled, progress=setting.progress,
        )  # fmt: skip
    square = torch.randn(_SIDE, _SIDE)
    runs: dict[str, Callable[[], object]] = {name: _call(part.run, checks[0]) for name, part in found.items()}
    with torch.inference_mode():
        times = interleaved({**runs, "matmul": lambda: square @ square}, setting.seconds)
    gflops = 2 * _SIDE**3 / 1e6 / middle(times["matmul"])
    numbers = _by_backend(found, times) | {
        "encoder": "tiny" if setting.quick else "ViT-B/16, 224 px",
        "weights": "random" if setting.quick or source.startswith("/") else "published",
        "gflop": rounded(_gflop(module, checks[0])),
        "matmul_gflop_s": rounded(gflops),
        "matmul_limit_ms": rounded(_gflop(module, checks[0]) / gflops * 1e3),
        "cosine": {name: rounded(part.parity.cosine) for name, part in found.items()},
    }
    wanted = {"openvino_int8": 4.0, "openvino": 1.1}
    goals = [
        Goal(f"frame encoder: {name} against eager", middle(ratio(times, "eager", name)), goal)
        for name, goal in wanted.items()
        if name in found
    ]
    if "openvino_int8" in found:
        goals.append(Goal("frame encoder: cosine of int8", found["openvino_int8"].parity.cosine, 0.99, ""))
    return Section(numbers, tuple(goals))


def stages(setting: Setting, name: str) -> Section:
    """Each stage of a tick by backend, for a preset."""
    with engine_of(name) as engine:
        examples = StageExamples(engine.network)
        parts: dict[str, tuple[nn.Module, list[Tensors]]] = {
            "video": (VideoModule(engine.network), examples.video()),
            "eeg": (EegModule(engine.network), examples.eeg()),
            "fuse": (FuseModule(engine.network), examples.fuse()),
        }
        numbers: dict[str, Any] = {}
        goals = []
        for stage, (module, given) in parts.items():
            found = _compiled(setting, f"{name} {stage}", module.eval(), given)
            runs = {backend: _call(part.run, given[0]) for backend, part in found.items()}
            with torch.inference_mode():
                times = interleaved(runs, setting.seconds / 2)
            numbers[stage] = _by_backend(found, times)
            if stage == "fuse" and len(found) > 1:
                best = max(middle(ratio(times, "eager", other)) for other in found if other != "eager")
                goals.append(Goal(f"fusion of {name}: best backend against eager", best, 1.4))
    return Section(numbers, tuple(goals))


def tick(setting: Setting, name: str) -> Section:
    """Time an interval scored with what is remembered against all of its 2 s again, frames and all.

    Frames are encoded when they arrive, off the tick; `hop_ms` adds those of one hop to it.
    """
    with engine_of(name) as engine:
        times = _ticks(engine, setting)
    goal = {"demo": 4.0, "lab": 10.0}.get(name)
    faster = ratio(times, "naive", "cached")
    numbers = told("cached_ms", times["cached"]) | told("naive_ms", times["naive"])
    numbers |= told("hop_ms", times["hop"]) | told("ratio", faster)
    numbers |= told("hop_ratio", ratio(times, "naive", "hop"))
    goals = (Goal(f"tick of {name}: cached against anew", middle(faster), goal),) if goal else ()
    return Section(numbers, goals)


def _ticks(engine: Engine, setting: Setting) -> Times:
    grid, known, index = engine.card.grid, embeddings(engine), iter(range(10**9))
    pictures = film_pictures(4, (320, 240))

    def encode(seconds: float) -> dict[str, np.ndarray]:
        """Every frame of so many seconds once, as a film of 30 frames a second shows them to each path."""
        found = {}
        for path, every in engine.card.paths.items():
            n = round(seconds * min(_SHOWN_FPS, grid.slots_hz / every))
            embedded = engine.encode([pictures[i % 4] for i in range(n)], path)
            found[path] = embedded[np.linspace(0, n - 1, grid.n_slots // every).astype(int)]
        return found

    def cached() -> object:
        return engine.score(interval(engine, next(index)), known)

    def hop() -> object:
        encode(grid.hop_s)
        return cached()

    def naive() -> object:
        return engine.score(interval(engine, next(index)), encode(grid.interval_s))

    return interleaved({"cached": cached, "hop": hop, "naive": naive}, setting.seconds)


def _compiled(setting: Setting, name: str, module: nn.Module, examples: list[Tensors]) -> dict[str, Compiled]:
    """Eager, and what can be compiled here and equals it."""
    found = {"eager": compile_module(module, examples, "eager")}
    for backend in setting.backends:
        if not get_backend(backend).missing():
            part = compile_module(
                module, examples, backend, name=name, folder=setting.compiled, progress=setting.progress
            )
            if not part.note:
                found[backend] = part
    return found


def _by_backend(found: dict[str, Compiled], times: Times) -> dict[str, Any]:
    """`<backend>_ms` and, for compiled ones, how many times faster than eager."""
    numbers: dict[str, Any] = {}
    for backend in found:
        numbers |= told(f"{backend}_ms", times[backend])
        if backend != "eager":
            numbers |= told(f"{backend}_ratio", ratio(times, "eager", backend))
    return numbers


def _call(run: Run, inputs: Tensors) -> Callable[[], object]:
    return lambda: [part.cpu() for part in run(*inputs)]  # a GPU is done when its results are here


def _gflop(module: nn.Module, inputs: Tensors) -> float:
    with torch.no_grad(), FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        module(*inputs)
    return float(counter.get_total_flops() / 1e9)
