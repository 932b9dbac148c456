"""Every EEG encoder with every way to see, and the other parts in turn: one network, one set of rules.

`test_network.py` crosses mixers, compressions and fusions on the demo's encoders; here encoders are crossed,
from small random checkpoints in the published formats, through the same code that loads real ones.
"""

from __future__ import annotations

from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models.checkpoint import load_checkpoint, save_checkpoint
from models.inference.engine import Engine
from models.network import interfaces
from models.network.network import Batch, Network, Output
from realtime.types import Interval
from tests.models.family import COMPRESSIONS, EEG, FUSIONS, MIXERS
from tests.support import braindecode_stand_in
from tests.support.checkpoints import write_checkpoint
from tests.support.networks import LABELS, SMALL, small_batch, small_config, small_network
from tests.support.tensorrt.lists import convertible, lowering, operations

VISION = ("clip", "siglip", "dinov2", "dinov3")
VIDEO = ("vivit", "videomae", "timesformer", "vjepa2")
SIGHTS = ("tiny", *VISION, "tiny and clip", *VIDEO)
MASKS = ("own", "own+1", "past", "global")
Changes = dict[str, Any]
NOT_A_NUMBER = float("nan")


@pytest.fixture(scope="module", autouse=True)
def stand_in() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        braindecode_stand_in.install(patch)
        yield


@pytest.fixture(scope="module")
def sights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Changes]:
    """What each way to see changes in the configuration."""
    folder = tmp_path_factory.mktemp("checkpoints")
    source = {kind: str(write_checkpoint(kind, folder / kind)) for kind in (*VISION, *VIDEO)}
    slow = {kind: {"kind": kind, "source": source[kind], "pooled": kind == "siglip"} for kind in VISION}
    changes: dict[str, Changes] = {"tiny": {}, "tiny and clip": {"slow": slow["clip"]}}
    changes |= {kind: {"fast": None, "slow": slow[kind]} for kind in VISION}
    changes |= {kind: {"fast": None, "clip": {"kind": kind, "source": source[kind]}} for kind in VIDEO}
    return changes


def combinations() -> list[Any]:
    """Every EEG encoder with every sight; the other parts take turns, so that each meets many."""
    turns = (cycle(MIXERS), cycle(COMPRESSIONS), cycle(FUSIONS), cycle(MASKS))
    cases = []
    for eeg, sight in product(EEG, SIGHTS):
        parts = tuple(next(turn) for turn in turns)
        cases.append(pytest.param(eeg, sight, *parts, id=f"{eeg}-{sight}-{'-'.join(parts)}"))
    return cases


def build(sights: dict[str, Changes], eeg: str, sight: str, **parts: Any) -> Network:
    network = small_network(eeg=EEG[eeg], **sights[sight], **parts)
    with torch.no_grad():  # CBraMod's part of the sum starts at 0: let it speak
        for name, value in network.named_parameters():
            if "spread.out" in name:
                value.add_(torch.randn_like(value) * 0.05)
    return network


def first(batch: Batch, n: int) -> Batch:
    """The first n samples of a batch."""
    return Batch(
        *(
            None
            if part is None
            else {k: v[:n] for k, v in part.items()}
            if isinstance(part, dict)
            else part[:n]
            for part in batch
        )
    )


def with_holes(batch: Batch) -> Batch:
    """Slots 6 to 15 of the first sample without a frame, and a stretch of one electrode without EEG."""
    frame_valid, eeg_valid = batch.frame_valid.clone(), batch.eeg_valid.clone()
    frame_valid[0, :, 6:16] = False
    eeg_valid[0, :, 2, 150:280] = False
    return batch._replace(frame_valid=frame_valid, eeg_valid=eeg_valid)


def poisoned(network: Network, batch: Batch) -> Batch:
    """The same batch with NaN wherever something is marked as missing."""
    frames = {}
    for path, every in network.config.paths.items():
        there = batch.frame_valid[:, :, ::every, None, None]
        frames[path] = torch.where(there, batch.frames[path], NOT_A_NUMBER)
    return batch._replace(frames=frames, eeg=torch.where(batch.eeg_valid, batch.eeg, NOT_A_NUMBER))


def numbers(out: Output) -> list[Tensor]:
    return [
        out.eeg.grid,
        out.eeg.tokens,
        out.video.grid,
        out.video.latents,
        out.similarity,
        out.fused.tokens,
        out.fused.pooled,
        out.fused.logit,
    ]


@pytest.mark.parametrize(("eeg", "sight", "mixer", "compression", "fusion", "masks"), combinations())
def test_every_combination_keeps_the_rules(
    sights: dict[str, Changes], eeg: str, sight: str, mixer: str, compression: str, fusion: str, masks: str
) -> None:
    network = build(sights, eeg, sight, mixer=mixer, compression=compression, fusion=fusion, masks=masks)
    batch = with_holes(small_batch(network, n_intervals=2))
    with torch.no_grad():
        out = network(batch, explain=True)
        other = network(poisoned(network, batch), explain=True)
        alone = network(first(batch, 1), explain=True)
    # Shapes and shares.
    n_latents, n_frames = network.config.n_latents, 40 // min(network.config.paths.values())
    assert out.video.attention.shape == (2, 2, 17, n_latents, n_frames)
    assert out.fused.attention.shape[-1] == 2 * 17 * n_latents
    assert out.agreement.shape == out.fused.shares.shape == (2, 2, 2, 17)
    for share in (out.fused.attention.sum(dim=-1), out.eeg.channels.sum(dim=-1)):
        torch.testing.assert_close(share, torch.ones_like(share), rtol=1e-4, atol=1e-4)
    # What is missing has no influence on any bit; a sample does not depend on the batch it came in.
    for ours, theirs, own in zip(numbers(out), numbers(other), numbers(alone), strict=True):
        assert torch.equal(ours, theirs)
        assert torch.isfinite(ours).all()
        torch.testing.assert_close(own, ours[:1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("eeg", "sight", "mixer", "compression", "fusion", "masks"), combinations()[::3])
def test_gradients_are_finite_and_reach_all_that_is_trained(
    sights: dict[str, Changes], eeg: str, sight: str, mixer: str, compression: str, fusion: str, masks: str
) -> None:
    network = build(
        sights, eeg, sight, mixer=mixer, compression=compression, fusion=fusion, masks=masks
    ).train()
    out = network(with_holes(small_batch(network)))
    (
        network.logit(out.similarity).square().sum()
        + out.fused.logit.square().sum()
        + out.fused.tokens.square().sum()
    ).backward()
    reached = {name: p.grad for name, p in network.named_parameters() if p.grad is not None}
    assert all(torch.isfinite(grad).all() for grad in reached.values())
    waiting = {name for name, p in network.named_parameters() if p.requires_grad} - set(reached)
    # CBraMod's head serves its reconstruction, and frame embeddings come ready into a forward.
    assert all("proj_out" in name or name.startswith("frame_encoders.") for name in waiting)
    assert all(not p.requires_grad for p in network.frame_encoders.parameters())


@pytest.mark.parametrize(("eeg", "sight"), list(zip(cycle(EEG), SIGHTS, strict=False)))
def test_the_engine_runs_it_and_its_checkpoint_comes_back_to_the_bit(
    sights: dict[str, Changes], eeg: str, sight: str, tmp_path: Path
) -> None:
    network = build(sights, eeg, sight)
    save_checkpoint(tmp_path, network, "a test")
    stored = {
        name for name in load_checkpoint(tmp_path).network.state_dict() if "frame_encoders.slow" in name
    }
    engines = [Engine(network), Engine.from_checkpoint(tmp_path)]
    scores = [engine.score(*moment(engine)) for engine in engines]
    assert scores[0].similarity == scores[1].similarity
    assert scores[0].match == scores[1].match
    assert np.isclose(scores[0].attention.frames.sum(), 1, atol=1e-4)
    assert np.isclose(scores[0].attention.places.sum() + scores[0].attention.whole, 1, atol=1e-4)
    published = sum(v.numel() for name, v in network.state_dict().items() if name in stored)
    size = next(tmp_path.glob("*.safetensors")).stat().st_size
    whole = 4 * sum(value.numel() for value in network.state_dict().values())
    assert size < whole - 4 * published + 50_000  # frozen published weights are not written again


def moment(engine: Engine) -> tuple[Interval, dict[str, Any]]:
    """An interval with a picture every quarter of a second, encoded by the engine itself."""
    grid = engine.card.grid
    random = np.random.default_rng(0)
    eeg = (20 * random.standard_normal((len(LABELS), grid.n_times))).astype(np.float32)
    images = [random.integers(0, 256, (60, 80, 3), dtype=np.uint8) for _ in range(4)]
    shown = np.repeat(np.arange(4), grid.n_slots // 4)
    embeddings = {
        path: engine.encode(images, path)[shown[::every]] for path, every in engine.card.paths.items()
    }
    interval = Interval(
        index=40,
        end=10.0,
        eeg=eeg,
        eeg_valid=np.ones_like(eeg, dtype=bool),
        frame_seq=shown.astype(np.int64),
        eeg_scale=np.full(len(LABELS), 20, dtype=np.float32),
        frame_valid=np.ones(grid.n_slots, dtype=bool),
    )
    return interval, embeddings


# ---------------------------------------------------------------- compilation
class EegStage(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, eeg: Tensor, valid: Tensor, scale: Tensor) -> Any:
        return self.network.encode_eeg(eeg, valid, scale, explain=True)


class VideoStage(EegStage):
    def forward(self, frames: dict[str, Tensor], valid: Tensor) -> Any:  # type: ignore[override]
        return self.network.encode_video(frames, valid, explain=True)


def exported(stage: nn.Module, inputs: tuple[Any, ...]) -> torch.export.ExportedProgram:
    """Export a stage, and check that the graph gives the same."""
    with torch.no_grad():
        program = torch.export.export(stage, inputs)
        results = [torch.utils._pytree.tree_leaves(run(*inputs)) for run in (stage, program.module())]
        for ours, theirs in zip(*results, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    return program


def foreign(program: torch.export.ExportedProgram, golden: Path) -> set[str]:
    """The operations of a program, lowered as torch-tensorrt does, that it does not convert."""
    can = convertible(golden)
    return {name for name in operations(program, lowering(golden)) if not can(name)}


@pytest.mark.parametrize("eeg", [name for name in EEG if name != "braindecode"])
def test_every_eeg_encoder_exports_to_ops_that_tensorrt_converts(golden: Path, eeg: str) -> None:
    network = small_network(eeg=EEG[eeg])
    batch = small_batch(network, n_batch=1)
    program = exported(EegStage(network), (batch.eeg[0], batch.eeg_valid[0], batch.eeg_scale[0]))
    assert not foreign(program, golden)


@pytest.mark.parametrize("mixer", ["gru", "s4d", "mamba"])
def test_every_recurrent_mixer_exports_to_ops_that_tensorrt_converts(golden: Path, mixer: str) -> None:
    network = small_network(mixer=mixer, grid__interval_s=0.5)  # 20 steps unrolled
    batch = small_batch(network, n_batch=1)
    program = exported(VideoStage(network), ({"fast": batch.frames["fast"][0]}, batch.frame_valid[0]))
    assert not foreign(program, golden)


@pytest.mark.parametrize("sight", VISION)
def test_every_published_frame_encoder_exports_to_ops_that_tensorrt_converts(
    sights: dict[str, Changes], golden: Path, sight: str
) -> None:
    slow = {**sights[sight]["slow"], "pooled": False}
    network = small_network(fast=None, slow=slow, places=2)
    program = exported(network.frame_encoders["slow"], (torch.randn(1, 3, 48, 48),))
    assert not foreign(program, golden)


@pytest.mark.parametrize("sight", VIDEO)
def test_every_video_transformer_exports(sights: dict[str, Changes], sight: str) -> None:
    network = small_network(**sights[sight])
    batch = small_batch(network, n_batch=1)
    exported(VideoStage(network), ({"clip": batch.frames["clip"][0]}, batch.frame_valid[0]))


def test_every_word_of_the_configuration_is_crossed_here() -> None:
    assert set(interfaces.EegConfig.words()) == set(EEG)
    assert set(interfaces.FrameConfig.words()) == {"tiny", *VISION}
    assert set(interfaces.WholeClipConfig.words()) == set(VIDEO)
    assert set(interfaces.MixerConfig.words()) - {"of my own"} == set(MIXERS)
    assert set(interfaces.CompressionConfig.words()) == set(COMPRESSIONS)
    assert set(interfaces.FusionConfig.words()) == set(FUSIONS)
    assert small_config(masks="past").masks == "past"
    assert SMALL["grid.interval_s"] == 1.0
