"""The tiny ViT: against torch's own transformer layer, and what its patches and pixels mean."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from models.network.vision.tiny import Block, TinyVit, TinyVitConfig


def tiny(places: tuple[int, int] = (4, 4), **changes: object) -> TinyVit:
    torch.manual_seed(0)
    config = TinyVitConfig.model_validate({"image_px": 32, "patch_px": 4, "width": 16, **changes})
    return TinyVit(config, places).eval()


def test_a_block_equals_torchs_pre_norm_transformer_layer() -> None:
    torch.manual_seed(1)
    block = Block(16, 4).eval()
    layer = nn.TransformerEncoderLayer(16, 4, 64, activation="gelu", norm_first=True, batch_first=True).eval()
    pairs = {
        "self_attn.in_proj": "qkv",
        "self_attn.out_proj": "out",
        "linear1": "mlp.0",
        "linear2": "mlp.2",
        "norm1": "norm1",
        "norm2": "norm2",
    }
    ours, theirs = dict(block.named_parameters()), dict(layer.named_parameters())
    with torch.no_grad():
        for their, our in pairs.items():
            for kind in ("weight", "bias"):
                name = f"{their}_{kind}" if their.endswith("in_proj") else f"{their}.{kind}"
                theirs[name].copy_(ours[f"{our}.{kind}"])
    x = torch.randn(2, 9, 16)
    torch.testing.assert_close(block(x), layer(x), rtol=1e-5, atol=1e-5)


def test_a_wide_frame_is_seen_whole_and_its_places_lie_in_its_own_geometry() -> None:
    """A light in one cell of a 256 × 128 picture of 4 × 8 cells changes the patches of that cell most."""
    encoder = tiny(places=(4, 8), image_px=64, patch_px=8, layers=1)
    dark = torch.full((128, 256, 3), 40, dtype=torch.uint8)
    for cell in (0, 7, 13, 31):
        row, column = divmod(cell, 8)
        lit = dark.clone()
        lit[32 * row : 32 * row + 32, 32 * column : 32 * column + 32] = 240
        with torch.no_grad():
            change = (encoder(encoder.preprocess([lit])) - encoder(encoder.preprocess([dark])))[0]
        assert change.norm(dim=1).argmax() == cell


def test_the_whole_equals_its_steps_written_out() -> None:
    encoder = tiny()
    images = torch.randn(1, 3, 32, 32)
    tokens = []
    for row in range(8):
        for column in range(8):
            cut = images[0, :, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
            tokens.append((encoder.patch.weight * cut).sum(dim=(1, 2, 3)) + encoder.patch.bias)
    x = torch.stack(tokens)[None] + encoder.place
    for block in encoder.blocks:
        x = block(x)
    x = x.view(8, 8, 16)
    for row in range(4):
        for column in range(4):
            mean = x[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].mean(dim=(0, 1))
            expected = (mean - mean.mean()) / (mean.var(unbiased=False) + 1e-5).sqrt()
            torch.testing.assert_close(encoder(images)[0, 4 * row + column], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 3), (2, 1), (3, 3)])
def test_a_patch_stands_where_it_was_in_the_picture(row: int, column: int) -> None:
    encoder = tiny(layers=1)
    with torch.no_grad():
        encoder.blocks[0].out.weight.zero_()  # without attention nothing wanders
    picture = torch.full((96, 128, 3), 128, dtype=torch.uint8)
    spot = picture.clone()
    spot[24 * row : 24 * row + 24, 32 * column : 32 * column + 32] = 255
    plain, changed = encoder(encoder.preprocess([picture, spot]))
    moved = (changed - plain).norm(dim=1).view(4, 4)
    assert moved.argmax() == 4 * row + column


def test_pixels_are_zero_at_mid_grey_and_two_at_the_ends() -> None:
    pixels = [torch.full((20, 30, 3), value, dtype=torch.uint8) for value in (0, 255)]
    dark, bright = tiny().preprocess(pixels)
    assert dark.shape == (3, 32, 32)
    torch.testing.assert_close(dark, torch.full_like(dark, -2.0))
    torch.testing.assert_close(bright, torch.full_like(bright, 2.0))


def test_a_frame_is_squeezed_with_antialiasing() -> None:
    stripes = torch.zeros(64, 64, 3, dtype=torch.uint8)
    stripes[:, ::2] = 255
    (small,) = tiny().preprocess([stripes])
    assert small[:, :, 2:-2].abs().max() < 0.3


def test_each_patch_is_normed_and_a_frozen_encoder_has_nothing_to_train() -> None:
    patches = tiny()(torch.randn(2, 3, 32, 32))
    torch.testing.assert_close(patches, F.layer_norm(patches, (16,)), rtol=1e-3, atol=1e-3)
    assert not any(p.requires_grad for p in tiny().parameters())
    assert all(p.requires_grad for p in tiny(frozen=False).parameters())
