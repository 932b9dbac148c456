"""Video transformers in place of the video tower: small random checkpoints, read by the real code."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from models.config import NetworkConfig, preset
from models.network import hub
from models.network.vision.whole_clip import ClipPixels, WholeClipTower, between, resampled
from realtime.errors import WeightsError
from tests.support.checkpoints import write_checkpoint

KINDS = ("vivit", "videomae", "timesformer", "vjepa2")
every_kind = pytest.mark.parametrize("kind", KINDS)
N_FRAMES = {"vivit": 32, "videomae": 16, "timesformer": 8, "vjepa2": 16}  # as in their checkpoints


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: write_checkpoint(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


def settings_of(kind: str, source: Path | str) -> NetworkConfig:
    clip = {"kind": kind, "source": str(source)}
    return preset("demo", {"fast": None, "clip": clip, "compression.latents_per_s": 8})


def tower_of(kind: str, checkpoints: dict[str, Path]) -> WholeClipTower:
    config = settings_of(kind, checkpoints[kind])
    assert config.clip is not None
    torch.manual_seed(0)
    return WholeClipTower(config.clip, config).eval()


def shown(tower: WholeClipTower, n: int = 2) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    """Sixteen frames of two intervals, and which of their 80 slots show one."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (16 * n, 40, 32, 3), dtype=torch.uint8, generator=generator)
    patches = tower.frames(tower.frames.preprocess(list(images)))
    return {"clip": patches.unflatten(0, (n, 16))}, torch.ones(n, 80, dtype=torch.bool)


def test_pixels_survive_being_cut_into_patches(checkpoints: dict[str, Path]) -> None:
    pixels: ClipPixels = tower_of("videomae", checkpoints).frames
    images = torch.randn(3, 3, 32, 32)
    patches = pixels(images)
    assert patches.shape == (3, 4, pixels.width)
    assert torch.equal(patches[0, 1], images[0, :, :16, 16:].flatten())
    assert torch.equal(pixels.images(patches), images)


@every_kind
def test_an_interval_becomes_a_grid_latents_and_attention(checkpoints: dict[str, Path], kind: str) -> None:
    tower = tower_of(kind, checkpoints)
    frames, valid = shown(tower)
    with torch.no_grad():
        view = tower(frames, valid, explain=True)
    assert view.grid.shape == (2, 80, 16)
    assert torch.allclose(view.grid.norm(dim=-1), torch.ones(2, 80), atol=1e-4)
    assert view.latents.shape == (2, 17, 16, 32)
    assert view.places.shape == (2, 17, 80, 16)
    assert tower.latent_times.shape == (16,)
    assert view.attention is not None
    assert view.attention.shape == (2, 17, 16, 16)
    assert torch.allclose(view.attention.sum(dim=3), torch.ones(2, 17, 16), atol=1e-5)


@every_kind
def test_tokens_are_told_apart_by_time_and_place(checkpoints: dict[str, Path], kind: str) -> None:
    """Against the tokens themselves, in their documented orders: by time, but by patch in TimeSformer."""
    tower = tower_of(kind, checkpoints)
    frames, valid = shown(tower, 1)
    n_frames, n_slices = N_FRAMES[kind], len(tower.times)
    with torch.no_grad():
        ours = tower.slices(frames["clip"], valid[:, ::5])[0]
        images = tower.frames.images(frames["clip"][0])
        clip = torch.stack([images[int((i + 0.5) * 16 / n_frames)] for i in range(n_frames)])
        tokens = tower.network(clip[None]).last_hidden_state[0]
    first = len(tokens) - 4 * n_slices
    assert first == (0 if kind in ("videomae", "vjepa2") else 1)
    for s in range(n_slices):
        for p in range(4):
            at = first + (p * n_slices + s if kind == "timesformer" else s * 4 + p)
            assert torch.allclose(ours[s, p], F.layer_norm(tokens[at], (32,)), atol=1e-5)


@every_kind
def test_a_frame_that_is_not_there_changes_nothing(checkpoints: dict[str, Path], kind: str) -> None:
    tower = tower_of(kind, checkpoints)
    frames, valid = shown(tower)
    valid[0, 10:25] = False
    valid[1] = False
    missing = ~valid[:, ::5, None, None]
    poisoned = {"clip": torch.where(missing, float("nan"), frames["clip"])}
    with torch.no_grad():
        view, other = tower(frames, valid), tower(poisoned, valid)
    assert torch.equal(view.grid, other.grid)
    assert torch.equal(view.latents, other.latents)
    assert not view.latents[1].any()
    assert not view.grid[~valid].any()
    assert view.grid_valid.equal(valid)


@every_kind
def test_gradients_reach_what_is_trained_and_nothing_frozen(checkpoints: dict[str, Path], kind: str) -> None:
    tower = tower_of(kind, checkpoints).train()
    view = tower(*shown(tower))
    (view.latents.square().sum() + view.grid[:, :, 0].sum()).backward()
    assert tower.enter.weight.grad is not None
    assert torch.isfinite(tower.enter.weight.grad).all()
    assert all(p.grad is None for p in tower.network.parameters())
    assert not tower.network.training
    assert tower.network.stored_elsewhere


@every_kind
def test_it_exports_and_the_graph_gives_the_same(checkpoints: dict[str, Path], kind: str) -> None:
    tower = tower_of(kind, checkpoints)
    frames, valid = shown(tower, 1)
    with torch.no_grad():
        program = torch.export.export(tower, (frames, valid))
        exported, eager = program.module()(frames, valid), tower(frames, valid)
    torch.testing.assert_close(exported.latents, eager.latents, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(exported.grid, eager.grid, atol=1e-5, rtol=1e-4)


def test_vivit_pixels_span_minus_one_to_one_before_mean_and_deviation(checkpoints: dict[str, Path]) -> None:
    preprocess = tower_of("vivit", checkpoints).frames.preprocess
    white = torch.full((32, 32, 3), 255, dtype=torch.uint8)
    assert torch.allclose(preprocess([white]), torch.tensor((1 - 0.5) / 0.5))
    assert torch.allclose(preprocess([0 * white]), torch.tensor((-1 - 0.5) / 0.5))


def test_frames_are_repeated_or_left_out_evenly() -> None:
    assert resampled(4, 8).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert resampled(16, 8).tolist() == [1, 3, 5, 7, 9, 11, 13, 15]
    assert resampled(5, 5).tolist() == [0, 1, 2, 3, 4]


def test_slots_between_slices_are_interpolated_and_held_at_the_ends() -> None:
    weights = between(torch.tensor([0.0, 1.5, 2.0, 9.0]), torch.tensor([1.0, 2.0, 3.0]))
    assert weights.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0, 1]]


@every_kind
def test_offline_the_error_names_hub_id_folder_and_command(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hub.WEIGHTS_HOME, str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    config = settings_of(kind, "")
    assert config.clip is not None
    with pytest.raises(WeightsError, match=rf"hf download \S+/{kind}-\S+ --local-dir {tmp_path}"):
        WholeClipTower(config.clip, config)
