"""torch-tensorrt's own lowering, validators and partitioner over every stage of the whole family, on a CPU.

`pytest -m partition`, in an environment that has torch-tensorrt: `tests/support/tensorrt/stand_in.py` says
what is stood in for and what stays unknown. A stage depends on some of the parts alone (the EEG
tower on the EEG encoder, the fusion on the fusion and what it is given …): combinations are made of these.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from torch import nn

from models.config import preset
from models.inference.backends import Tensors
from models.inference.examples import StageExamples, film_pictures, picture_examples
from models.inference.gpu.half import export_for_gpu
from models.inference.gpu.on_tensorrt import SETTINGS
from models.inference.modules import EegModule, FramesModule, FuseModule, ProjectModule, VideoModule
from models.network.network import Network
from tests.models.test_model_family import COMPRESSIONS, EEG, FUSIONS, MIXERS
from tests.support.checkpoints import write_checkpoint
from tests.support.networks import small_network
from tests.support.tensorrt.stand_in import Partition, partition, torch_tensorrt

pytestmark = pytest.mark.partition
FRAMES = ("clip", "siglip", "siglip2", "dinov2", "dinov2_with_registers", "dinov3")
CLIPS = ("vivit", "videomae", "timesformer", "vjepa2")
ENCODERS = tuple(name for name in EEG if name != "braindecode")  # whose networks are another project's
SHORT = {"grid__interval_s": 0.5}  # recurrent mixers are unrolled, step by step
PRESETS = ("demo", "laptop", "lab")
STAGES = ("frames", "video", "project", "eeg", "fuse", "fuse 2 videos")
Case = tuple[str, str, tuple[tuple[str, Any], ...]]  # a stage, what it sees by, other parts that differ


def cases() -> Iterator[Case]:
    for sight in ("tiny", *FRAMES, *CLIPS):
        yield "frames", sight, ()
    for mixer, compression in product(MIXERS, COMPRESSIONS):
        yield "video", "tiny", (("mixer", mixer), ("compression", compression))
    for sight in ("clip", "tiny and clip", *CLIPS):
        yield "video", sight, ()
    for eeg in ENCODERS:
        yield "eeg", "tiny", (("eeg", eeg),)
    for fusion in FUSIONS:
        yield "project", "tiny", (("fusion", fusion),)
        for eeg, n_videos in product(ENCODERS, ("fuse", "fuse 2 videos")):
            yield n_videos, "tiny", (("eeg", eeg), ("fusion", fusion))
    for name, stage in product(PRESETS, STAGES):
        yield stage, f"preset {name}", ()


def spoken(case: Case) -> str:
    stage, sight, parts = case
    return " ".join((stage, sight, *(value for _, value in parts)))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Small random checkpoints, each written when it is first asked for."""
    folder = tmp_path_factory.mktemp("checkpoints")
    return cache(lambda kind: str(write_checkpoint(kind, folder / kind)))


def network_of(sight: str, parts: dict[str, Any], sources: Any) -> Network:
    """The network of a case; its size is small, its operations are those of the large one."""
    if sight.startswith("preset"):
        name = sight.removeprefix("preset ")
        changes = {} if name == "demo" else {"slow.source": sources("clip"), "eeg.cbramod.layers": 2}
        changes = {field: value for field, value in changes.items() if name == "lab" or "eeg" not in field}
        torch.manual_seed(0)
        return Network(preset(name, changes), ("Fp1", "Fz", "Cz", "Pz", "Oz")).eval()
    changes = {name: EEG.get(value, value) if name == "eeg" else value for name, value in parts.items()}
    if sight in CLIPS:
        changes |= {"fast": None, "clip": {"kind": sight, "source": sources(sight)}}
    elif sight != "tiny":
        kind = sight.removeprefix("tiny and ")
        word = {"siglip2": "siglip", "dinov2_with_registers": "dinov2"}.get(kind, kind)
        changes["slow"] = {"kind": word, "source": sources(kind), "pooled": False}
        changes |= {} if sight.startswith("tiny") else {"fast": None}
    return small_network(**({} if "eeg" in changes else SHORT), **changes)


def stage_of(stage: str, network: Network) -> tuple[nn.Module, Tensors]:
    """A stage's module, and what it is traced with."""
    if stage == "frames":
        encoder = network.frame_encoders[list(network.frame_encoders)[-1]]
        return FramesModule(encoder).eval(), picture_examples(encoder, film_pictures(1, (64, 48)))[0][0]
    examples = StageExamples(network)
    if stage.startswith("fuse"):
        return FuseModule(network).eval(), examples.fuse(2 if "2" in stage else 1)[0]
    kinds: dict[str, Any] = {"video": VideoModule, "project": ProjectModule, "eeg": EegModule}
    return kinds[stage](network).eval(), getattr(examples, stage)()[0]


@pytest.fixture(scope="module")
def partitions(request: pytest.FixtureRequest) -> Iterator[list[Partition]]:
    """What was seen; how much it was is printed at the end."""
    torch_tensorrt()  # or the test is skipped
    seen: list[Partition] = []
    yield seen
    n_operations, n_subgraphs = (sum(getattr(part, name) for part in seen) for name in Partition._fields[:2])
    line = f"{len(seen)} stages, {n_operations} operations, {n_subgraphs} TensorRT subgraphs"
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\n{line}")


@pytest.mark.parametrize("case", list(cases()), ids=spoken)
def test_a_stage_is_one_engine(case: Case, sources: Any, partitions: list[Partition]) -> None:
    stage, sight, parts = case
    module, inputs = stage_of(stage, network_of(sight, dict(parts), sources))
    with torch.no_grad():
        found = partition(export_for_gpu(module, inputs, "fp16"), inputs, **SETTINGS)
    partitions.append(found)
    assert (found.n_subgraphs, found.in_torch) == (1, ())


def test_what_tensorrt_has_no_converter_for_is_told(partitions: list[Partition]) -> None:
    class Gated(nn.Module):
        def forward(self, x: torch.Tensor) -> Tensors:
            return (nn.functional.glu(2 * x) + 1,)

    inputs = (torch.randn(2, 8),)
    program = torch.export.export(Gated(), inputs)
    found = partition(program, inputs, **{**SETTINGS, "require_full_compilation": False})
    assert found.n_subgraphs == 2
    assert any("aten.glu" in name for name in found.in_torch)
    with pytest.raises(AssertionError, match="require_full_compilation"):
        partition(program, inputs, **SETTINGS)
