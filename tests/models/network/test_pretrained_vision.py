"""Published vision models: small random checkpoints in the published format, read by the real code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional as F

from models.network import hub
from models.network.vision.pretrained import PretrainedVision, PretrainedVisionConfig
from models.network.vision.published import Preprocessing
from realtime.errors import ConfigError, WeightsError
from tests.support.checkpoints import (
    CLIP_SETTINGS,
    DINO_SETTINGS,
    NAFLEX_SETTINGS,
    SIGLIP_SETTINGS,
    write_checkpoint,
)

KINDS = {"clip": "clip", "siglip": "siglip", "siglip2": "siglip", "dinov2": "dinov2", "registers": "dinov2"}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {kind: write_checkpoint(kind, tmp_path_factory.mktemp(kind)) for kind in KINDS}


def encoder(
    checkpoints: dict[str, Path], kind: str, places: tuple[int, int] = (4, 4), **changes: Any
) -> PretrainedVision:
    config = PretrainedVisionConfig(kind=KINDS[kind], source=str(checkpoints[kind]), **changes)
    built: Any = config.build(places)
    return built.eval()


def picture(height: int, width: int, seed: int = 0) -> torch.Tensor:
    """A smooth picture with an edge, (height, width, 3) uint8."""
    y, x = np.mgrid[:height, :width] / min(height, width)
    phases = np.random.default_rng(seed).uniform(0, 6, 3)
    waves = [127.5 + 90 * np.sin(9 * x + p) * np.cos(7 * y) + 37 * (x > y) for p in phases]
    return torch.from_numpy(np.clip(np.stack(waves, axis=-1), 0, 255).astype(np.uint8))


# ---------------------------------------------------------------- preprocessing
@pytest.mark.parametrize(("height", "width"), [(60, 80), (90, 61), (48, 48), (33, 40), (480, 640)])
@pytest.mark.parametrize(
    ("processor", "settings"),
    [
        ("CLIPImageProcessorPil", CLIP_SETTINGS),
        ("SiglipImageProcessorPil", SIGLIP_SETTINGS),
        ("BitImageProcessorPil", DINO_SETTINGS),
    ],
)
def test_pixels_equal_the_reference_processor_within_one_grey_level(
    processor: str, settings: dict[str, Any], height: int, width: int
) -> None:
    reference = getattr(transformers, processor)(**settings)
    image = picture(height, width)
    ours = Preprocessing(settings)([image])
    theirs = torch.from_numpy(np.stack(reference([image.numpy()])["pixel_values"]))
    one_level = 1 / 255 / torch.tensor(settings["image_std"]).view(3, 1, 1)
    apart = ((ours - theirs).abs() / one_level).round()
    squeezed_tall = settings is SIGLIP_SETTINGS and height > width  # PIL then resizes heights first
    assert ours.shape == theirs.shape
    assert apart.max() <= 1
    assert (apart > 0).float().mean() < (0.1 if squeezed_tall else 0.01)


def test_a_picture_of_the_right_size_is_not_resampled() -> None:
    image = picture(48, 48)
    mean, std = (torch.tensor(CLIP_SETTINGS[f"image_{name}"]) for name in ("mean", "std"))
    expected = (image / 255 - mean) / std
    assert torch.allclose(Preprocessing(CLIP_SETTINGS)([image])[0], expected.permute(2, 0, 1), atol=1e-6)


# ---------------------------------------------------------------- the encoders
@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_gives_a_grid_of_patches_of_the_order_of_one(
    checkpoints: dict[str, Path], kind: str
) -> None:
    vision = encoder(checkpoints, kind, places=(3, 3))
    pixels = vision.preprocess([picture(60, 80), picture(50, 50)])
    with torch.no_grad():
        out = vision(pixels)
    assert out.shape == (2, 9, vision.width) == (2, 9, 32)
    assert vision.patch_grid == (3, 3)
    assert torch.allclose(out.std(dim=-1, unbiased=False), torch.ones(2, 9), atol=1e-3)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "siglip2"])
def test_each_cell_is_the_mean_of_its_own_patch_tokens(checkpoints: dict[str, Path], kind: str) -> None:
    vision = encoder(checkpoints, kind, places=(3, 3))
    pixels = vision.preprocess([picture(48, 48)])
    with torch.no_grad():
        out = vision(pixels)[0]
        tokens = vision.network(pixels).last_hidden_state[0]
        if kind == "clip":
            tokens = vision.network.vision_model.post_layernorm(tokens)
    n_before = {"clip": 1, "siglip": 0, "dinov2": 1, "registers": 4}[kind]
    assert len(tokens) == n_before + 36  # 6 × 6 patches
    for row in range(3):
        for column in range(3):
            cell = [n_before + 6 * (2 * row + i) + 2 * column + j for i in range(2) for j in range(2)]
            expected = F.layer_norm(tokens[cell].mean(dim=0), (32,))
            assert torch.allclose(out[3 * row + column], expected, atol=1e-5)


@pytest.mark.parametrize("side", [48, 60])
def test_siglip_2_for_all_shapes_sees_a_square_as_its_own_processor_gives_it(
    checkpoints: dict[str, Path], side: int
) -> None:
    image = picture(side, side)
    processor = transformers.Siglip2ImageProcessorPil(**NAFLEX_SETTINGS)
    given = processor([image.numpy()], return_tensors="pt")
    network = transformers.Siglip2VisionModel.from_pretrained(checkpoints["siglip2"]).eval()
    by_patch = encoder(checkpoints, "siglip2", places=(6, 6))
    whole = encoder(checkpoints, "siglip2", pooled=True)
    assert given["spatial_shapes"].tolist() == [[6, 6]]
    with torch.no_grad():
        expected = network(**given)
        tokens = by_patch(by_patch.preprocess([image]))[0]
        pooled = whole(whole.preprocess([image]))[0, 0]
    near = {"atol": 1e-4 if side == 48 else 0.05, "rtol": 1e-4}  # PIL resizes bytes, within a grey level
    torch.testing.assert_close(tokens, F.layer_norm(expected.last_hidden_state[0], (32,)), **near)
    torch.testing.assert_close(pooled, F.layer_norm(expected.pooler_output[0], (32,)), **near)


def test_one_patch_is_the_pooled_vector(checkpoints: dict[str, Path]) -> None:
    vision = encoder(checkpoints, "clip", pooled=True)
    pixels = vision.preprocess([picture(48, 48)])
    with torch.no_grad():
        token = vision.network.vision_model(pixels).last_hidden_state[:, 0]
        pooled = vision.network.vision_model.post_layernorm(token)
        assert torch.allclose(vision(pixels)[:, 0], F.layer_norm(pooled, (32,)), atol=1e-6)
        assert torch.allclose(
            vision.image_embeds(pixels), vision.network.visual_projection(pooled), atol=1e-6
        )


def test_a_grid_that_does_not_divide_overlaps_and_one_too_fine_is_refused(
    checkpoints: dict[str, Path],
) -> None:
    assert encoder(checkpoints, "clip", places=(4, 4))(torch.zeros(1, 3, 48, 48)).shape == (1, 16, 32)
    with pytest.raises(ConfigError, match="at most"):
        encoder(checkpoints, "clip", places=(7, 7))


def test_places_cover_all_of_a_wide_frame(checkpoints: dict[str, Path]) -> None:
    """What stands at the left border is seen in the places of the first column, and there alone."""
    vision = encoder(checkpoints, "clip", places=(3, 3))
    wide = torch.full((48, 96, 3), 128, dtype=torch.uint8)
    marked = wide.clone()
    marked[:, :8] = 255
    changed = (vision.preprocess([wide]) != vision.preprocess([marked])).any(dim=1)[0]
    assert changed[:, :4].all()
    assert not changed[:, 16:].any()


def test_frozen_weights_have_no_gradient_and_are_stored_elsewhere(checkpoints: dict[str, Path]) -> None:
    frozen, tuned = encoder(checkpoints, "clip"), encoder(checkpoints, "clip", frozen=False)
    assert frozen.stored_elsewhere
    assert not any(p.requires_grad for p in frozen.parameters())
    assert not frozen.train().network.training
    assert not tuned.stored_elsewhere
    assert all(p.requires_grad for p in tuned.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_it_exports_and_the_graph_gives_the_same(checkpoints: dict[str, Path], kind: str) -> None:
    vision, pixels = encoder(checkpoints, kind, places=(2, 2)), torch.randn(2, 3, 48, 48)
    with torch.no_grad():
        program = torch.export.export(vision, (pixels,))
        torch.testing.assert_close(program.module()(pixels), vision(pixels), atol=1e-5, rtol=1e-4)


def test_a_batch_gives_what_each_frame_gives_alone(checkpoints: dict[str, Path]) -> None:
    vision = encoder(checkpoints, "clip")
    pixels = torch.randn(3, 3, 48, 48)
    with torch.no_grad():
        alone = torch.cat([vision(pixels[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(vision(pixels), alone, atol=1e-5, rtol=1e-4)


# ---------------------------------------------------------------- what is missing
@pytest.mark.parametrize(
    ("kind", "hub_id"),
    [
        ("clip", "openai/clip-vit-base-patch32"),
        ("siglip", "google/siglip-base-patch16-224"),
        ("dinov2", "facebook/dinov2-base"),
    ],
)
def test_offline_the_error_names_hub_id_folder_and_command(
    kind: Any, hub_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hub.WEIGHTS_HOME, str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError) as caught:
        PretrainedVision(PretrainedVisionConfig(kind=kind, source=hub_id), (4, 4))
    assert f"hf download {hub_id} --local-dir {tmp_path / hub_id}" in str(caught.value)


def test_a_filled_weights_folder_serves_the_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(hub.WEIGHTS_HOME, str(tmp_path))
    write_checkpoint("clip", tmp_path / "openai" / "clip-vit-base-patch16")
    assert PretrainedVision(PretrainedVisionConfig(kind="clip"), (4, 4)).width == 32


def test_a_checkpoint_of_another_kind_is_refused(checkpoints: dict[str, Path]) -> None:
    with pytest.raises(WeightsError, match=r"'siglip'.*loads clip"):
        PretrainedVision(PretrainedVisionConfig(kind="clip", source=str(checkpoints["siglip"])), (4, 4))


def test_a_folder_without_preprocessing_or_with_half_its_weights_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = write_checkpoint("dinov2", tmp_path)
    config = PretrainedVisionConfig(kind="dinov2", source=str(folder))
    state = load_file(folder / "model.safetensors")
    del state["encoder.layer.1.norm1.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks 1 weights of Dinov2Model.*layer\.1\.norm1\.weight"):
        PretrainedVision(config, (4, 4))
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(WeightsError, match=r"holds neither preprocessor_config\.json"):
        PretrainedVision(config, (4, 4))
