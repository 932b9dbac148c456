"""The network on a GPU, as far as it can be told without one.

Here the device is the CPU: exported graphs in fp16, buffers that stand between the program and the device,
static inputs and results, batches of frames. What is left out is the card itself: the recording and replay of
CUDA graphs, and pinned memory. `pytest -m gpu` runs those where there is one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from experiment.doctor import examine
from models.inference import backends
from models.inference.engine import Engine
from models.inference.gpu import card
from models.inference.gpu.captured import Captured
from models.inference.gpu.card import Card, find_card, gpu_steps, lacking
from models.inference.gpu.device import Device
from models.inference.gpu.half import export_for_gpu
from models.inference.gpu.on_cuda import Cuda
from models.inference.stages import CompiledStages, compile_stages
from models.network.network import Network
from realtime.errors import ConfigError
from realtime.model import OtherVideo
from tests.models.test_model_family import moment
from tests.support.networks import small_network


class OnCpu(Cuda):
    """The backend as it is, on a device that is here."""

    def __init__(self) -> None:
        super().__init__("cpu")

    def missing(self) -> str:
        return ""


@pytest.fixture(scope="module")
def network() -> Network:
    return small_network(masks="past")


@pytest.fixture(scope="module")
def compiled(network: Network, tmp_path_factory: pytest.TempPathFactory) -> CompiledStages:
    """All stages, for two videos; the device is staged as a card would be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(backends.BACKENDS, "cuda", f"{__name__}:OnCpu")
        made = compile_stages(network, "cuda", folder=tmp_path_factory.mktemp("compiled"), n_videos=2)
    made.stages.device = Device("cpu", staged=True)
    return made


def engine_on(compiled: CompiledStages, network: Network) -> Engine:
    engine = Engine(network)
    engine.stages, engine.n_videos = compiled.stages, 2
    return engine


# ---------------------------------------------------------------- the way there and back
def test_what_goes_up_and_down_is_what_was_given_and_stays_so() -> None:
    device = Device("cpu", staged=True)
    sent = np.arange(6, dtype=np.float32).reshape(2, 3)
    first, mask = device.up("it", [sent, sent > 2])
    back = device.down("it", [first, mask, first[0, :0], first.sum()])
    sent[:] = -1  # the caller's array is its own again
    (second,) = device.up("it", [sent])
    assert first.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert mask.dtype == torch.bool
    assert [part.shape for part in back] == [(2, 3), (2, 3), (0,), ()]
    assert back[1].tolist() == [[0, 0, 0], [1, 1, 1]]
    assert back[3] == 15
    (later,) = device.down("it", [second * 0])
    assert back[0].tolist() == [[0, 1, 2], [3, 4, 5]]  # results of one tick are not those of the next
    assert not later.any()


def test_a_captured_program_keeps_its_buffers_and_gives_new_results() -> None:
    seen: list[int] = []

    def program(x: Tensor) -> tuple[Tensor, ...]:
        seen.append(x.data_ptr())
        return (x,)  # a graph's own memory: what a careless wrapper would hand out

    captured = Captured(program, [torch.zeros(3)], "cpu")
    (one,), (two,) = captured(torch.ones(3)), captured(torch.full((3,), 2.0))
    assert len(set(seen)) == 1
    assert (one.tolist(), two.tolist()) == ([1, 1, 1], [2, 2, 2])


def test_weights_of_products_are_kept_in_fp16_once() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 8)).eval()
    module[2].weight = module[0].weight  # shared
    with torch.no_grad():
        program = export_for_gpu(Tupled(module), (torch.randn(2, 8),), "fp16")
    kept = {name: value.dtype for name, value in program.state_dict.items()}
    assert sorted(map(str, kept.values())) == ["torch.float16"] * 3 + ["torch.float32"] * 2  # the norm's stay
    given = torch.randn(2, 8)
    torch.testing.assert_close(program.module()(given)[0], module(given), rtol=1e-2, atol=1e-2)


class Tupled(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return (self.inner(x),)


# ---------------------------------------------------------------- the engine over it
def test_an_engine_on_cuda_gives_what_eager_gives_tick_by_tick(
    compiled: CompiledStages, network: Network
) -> None:
    assert (compiled.label, compiled.notes) == ("cuda fp16", ())
    assert set(compiled.parts) == {
        "frames fast", "frames fast ×8", "video", "project", "eeg", "fuse", "fuse 2 videos"
    }  # fmt: skip
    engine, eager = engine_on(compiled, network), Engine(network)
    for tick in range(3):
        ours, theirs = (each.score(*two_videos(each, tick)) for each in (engine, eager))
        assert ours.similarity == pytest.approx(theirs.similarity, abs=2e-3)
        assert ours.match == pytest.approx(theirs.match, abs=5e-3)
        assert ours.share == pytest.approx(theirs.share, abs=5e-3)
        np.testing.assert_allclose(ours.impostors, theirs.impostors, atol=5e-3)
        for name in ("matrix", "frames", "places", "channels", "agreement"):
            one, other = (getattr(each.attention, name) for each in (ours, theirs))
            np.testing.assert_allclose(one, other, atol=1e-2, err_msg=name)


def two_videos(engine: Engine, tick: int) -> tuple[Any, ...]:
    """The interval of a tick with its video, and another video that shows the same pictures later."""
    interval, embeddings = moment(engine)
    eeg = np.roll(interval.eeg, 7 * tick, axis=1)
    interval = replace(interval, index=40 + 20 * tick, end=10.0 + 2.0 * tick, eeg=eeg)
    shifted = {path: np.roll(rows, 3 + tick, axis=0) for path, rows in embeddings.items()}
    return interval, embeddings, [OtherVideo(interval.frame_seq, interval.frame_valid, shifted)]


@pytest.mark.parametrize("n_frames", [1, 5, 8, 11])
def test_waiting_frames_are_embedded_in_batches(
    compiled: CompiledStages, network: Network, n_frames: int
) -> None:
    images = [np.full((40, 60, 3), 20 * i, np.uint8) for i in range(n_frames)]
    expected = Engine(network).encode(images, "fast")
    given = engine_on(compiled, network).encode(images, "fast")
    assert given.shape == expected.shape
    np.testing.assert_allclose(given, expected, atol=2e-2)


# ---------------------------------------------------------------- what a machine lacks
@pytest.mark.parametrize(
    ("card_seen", "built_for", "sees", "there", "advice"),
    [
        (Card("", driven=False), "", False, False, []),
        (Card("NVIDIA GPU", driven=False), "", False, False, [card.DRIVER, card.TORCH, card.TENSORRT]),
        (Card("NVIDIA L4", driven=True), "", False, True, [card.TORCH]),
        (Card("NVIDIA L4", driven=True), "13.0", False, True, ["update NVIDIA's driver"]),
        (Card("NVIDIA L4", driven=True), "13.0", True, False, [card.TENSORRT]),
        (Card("NVIDIA L4", driven=True), "13.0", True, True, []),
    ],
)
def test_what_a_gpu_lacks_is_told_in_the_order_of_doing(
    card_seen: Card, built_for: str, sees: bool, there: bool, advice: list[str]
) -> None:
    steps = gpu_steps(card_seen, built_for, lambda: sees, lambda _: there)
    given = [step.advice for step in steps if step.advice]
    assert len(given) == len(advice)
    assert all(theirs in ours for ours, theirs in zip(given, advice, strict=True))


def test_a_card_is_found_by_its_driver_and_without_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card.shutil, "which", lambda _: None)
    assert find_card(tmp_path / "nothing") == Card("", driven=False)
    device = tmp_path / "sys/bus/pci/devices/0000:01:00.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text("0x030000\n")
    assert find_card(tmp_path) == Card("NVIDIA GPU", driven=False)
    find_card.cache_clear()
    told = tmp_path / "proc/driver/nvidia/gpus/0000:01:00.0/information"
    told.parent.mkdir(parents=True)
    told.write_text("Model: \t\t NVIDIA GeForce RTX 4060\nIRQ: 1\n")
    assert find_card(tmp_path) == Card("NVIDIA GeForce RTX 4060", driven=True)
    find_card.cache_clear()


@pytest.mark.skipif(torch.version.cuda is not None, reason="this torch is built for a GPU")
def test_a_torch_for_processors_beside_a_card_is_told_by_doctor_and_by_the_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(card, "find_card", lambda: Card("NVIDIA L4", driven=True))
    assert card.TORCH in lacking(*card.NEEDS_CUDA)
    with pytest.raises(ConfigError, match=r"'cuda' cannot be used here.*for processors alone.*pip install"):
        compile_stages(small_network(), "cuda")
    findings = {finding.name: finding for finding in examine()}
    assert findings["GPU"].ok
    assert findings["GPU: torch"].advice == card.TORCH


def test_without_a_card_there_is_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card, "find_card", lambda: Card("", driven=False))
    assert [finding.ok for finding in examine() if finding.name.startswith("GPU")] == [True]
    with pytest.raises(ConfigError, match="needs an NVIDIA GPU, and this machine shows none"):
        compile_stages(small_network(), "tensorrt")


@pytest.mark.gpu
def test_a_card_gives_what_eager_gives(tmp_path: Path) -> None:
    if not torch.cuda.is_available():
        pytest.skip("no NVIDIA GPU here: CUDA graphs and pinned memory have not been run")
    network = small_network()
    engine, eager = Engine(network).compile("cuda"), Engine(network)
    assert (engine.card.backend, engine.notes) == ("cuda fp16", ())
    for _ in range(3):
        ours, theirs = (each.score(*moment(each)) for each in (engine, eager))
        assert ours.similarity == pytest.approx(theirs.similarity, abs=2e-3)
