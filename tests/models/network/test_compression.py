"""Frames reduced to latents: against the original's numbers, written-out loops, and masks."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from models.network.compression import (
    Mean,
    MeanConfig,
    Pma,
    PmaConfig,
    Resampler,
    ResamplerConfig,
    latent_times,
)
from tests.support.networks import fill_by_rule

WIDTH, N_FRAMES, N_LATENTS = 16, 10, 5
FRAME_TIMES = latent_times(N_FRAMES, 1.0, 0.5)
CONFIGS = {
    "resampler": ResamplerConfig(latents_per_s=N_LATENTS, depth=2, heads=2, head_width=8),
    "resampler as published": ResamplerConfig(heads=2, head_width=8, rotary=False, time_bias_s=None),
    "pma": PmaConfig(latents_per_s=N_LATENTS, heads=2),
    "mean": MeanConfig(latents_per_s=N_LATENTS),
}


def compressor(name: str) -> nn.Module:
    torch.manual_seed(0)
    return CONFIGS[name].build(WIDTH, latent_times(N_LATENTS, 1.0, 0.5)).eval()


def frames(seed: int = 1, n_items: int = 2) -> Tensor:
    return torch.randn(n_items, N_FRAMES, WIDTH, generator=torch.Generator().manual_seed(seed))


def all_valid(n_items: int = 2) -> Tensor:
    return torch.ones(n_items, N_FRAMES, dtype=torch.bool)


def test_the_resampler_equals_flamingo_pytorch(golden: Path) -> None:
    numbers = np.load(golden / "flamingo.npz")
    config = ResamplerConfig(depth=2, heads=4, head_width=32, rotary=False, time_bias_s=None)
    resampler = Resampler(config, 128, torch.zeros(6)).eval()
    fill_by_rule(resampler, golden / "flamingo_state_dict.txt", "resampler", gain=0.3)
    x = torch.from_numpy(numbers["x"]).flatten(0, 1)
    latents, _ = resampler(x, torch.ones(6, 10, dtype=torch.bool), torch.zeros(10))
    expected = torch.from_numpy(numbers["latents"]).flatten(0, 1)
    torch.testing.assert_close(latents, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_the_explicit_path_equals_the_fast_one_and_its_shares_sum_to_one(name: str) -> None:
    part, x, mask = compressor(name), frames(), all_valid()
    mask[0, 3:6] = False
    fast = part(x, mask, FRAME_TIMES)
    told = part(x, mask, FRAME_TIMES, explain=True)
    torch.testing.assert_close(told.tokens, fast.tokens, rtol=1e-5, atol=1e-5)
    assert fast.attention is None
    assert told.attention.shape == (2, N_LATENTS, N_FRAMES)
    assert (told.attention[0, :, 3:6] == 0).all()
    total = told.attention.sum(dim=2)
    torch.testing.assert_close(total, (total > 0.5).float())
    assert total.sum() > N_LATENTS


@pytest.mark.parametrize("name", CONFIGS)
@settings(max_examples=25, deadline=None)
@given(valid=st.lists(st.booleans(), min_size=N_FRAMES, max_size=N_FRAMES), seed=st.integers(0, 99))
def test_what_an_invalid_frame_holds_changes_nothing_bit_for_bit(
    name: str, valid: list[bool], seed: int
) -> None:
    part, x = compressor(name), frames(seed, 1)
    mask = torch.tensor([valid])
    other = torch.where(mask[:, :, None], x, float("nan"))
    for explain in (False, True):
        first, second = part(x, mask, FRAME_TIMES, explain), part(other, mask, FRAME_TIMES, explain)
        assert torch.equal(first.tokens, second.tokens)
        assert torch.isfinite(first.tokens).all()


@pytest.mark.parametrize("name", CONFIGS)
def test_an_item_without_a_valid_frame_gives_zeros(name: str) -> None:
    mask = all_valid()
    mask[1] = False
    latents, attention = compressor(name)(frames(), mask, FRAME_TIMES, explain=True)
    assert (latents[1] == 0).all()
    assert (attention[1] == 0).all()
    assert (latents[0] != 0).any()


@pytest.mark.parametrize("name", CONFIGS)
def test_gradients_are_finite_also_where_nothing_is_valid(name: str) -> None:
    part, x, mask = compressor(name).train(), frames().requires_grad_(), all_valid()
    mask[0] = False
    part(x, mask, FRAME_TIMES).tokens.square().sum().backward()
    assert torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in part.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", ["resampler", "pma", "mean"])
def test_each_latent_reads_around_its_own_time(name: str) -> None:
    part = compressor(name)
    attention = part(frames(), all_valid(), FRAME_TIMES, explain=True).attention
    centre = (attention * FRAME_TIMES).sum(dim=2)
    assert ((centre - part.times).abs() < 0.1).all()


def test_pma_equals_the_set_transformer_written_out() -> None:
    """MAB(S, rFF(Z)) of Lee et al. 2019, eq. 6, 7 and 11, one head and one query at a time."""
    torch.manual_seed(3)
    config = PmaConfig(latents_per_s=N_LATENTS, heads=2, rotary=False, time_bias_s=None)
    part = Pma(config, WIDTH, latent_times(N_LATENTS, 1.0, 0.5)).eval()
    x = frames(n_items=1)
    z = part.before(x)[0]
    expected = torch.zeros(N_LATENTS, WIDTH)
    for i, seed in enumerate(part.seeds):
        heads = []
        for cut in (slice(0, 8), slice(8, 16)):
            q, k, v = part.to_q(seed)[cut], part.to_k(z)[:, cut], part.to_v(z)[:, cut]
            heads.append(torch.softmax(k @ q / math.sqrt(8), dim=0) @ v)
        h = part.norm1(seed + part.to_out(torch.cat(heads)))
        expected[i] = part.norm2(h + part.after(h))
    torch.testing.assert_close(part(x, all_valid(1), FRAME_TIMES).tokens[0], expected, rtol=1e-5, atol=1e-5)


def test_the_time_aware_resampler_equals_its_scores_written_out() -> None:
    """S(l, f) = ⟨R(t_l) q_l, R(t_f) k_f⟩ / √d − |t_l − t_f| / τ, over frames and the latents themselves."""
    config = ResamplerConfig(latents_per_s=N_LATENTS, depth=1, heads=1, head_width=4, ff_mult=1)
    torch.manual_seed(4)
    part = Resampler(config, WIDTH, latent_times(N_LATENTS, 1.0, 0.5)).eval()
    attention, ff = part.layers[0]
    x = frames(n_items=1)
    told = part(x, all_valid(1), FRAME_TIMES, explain=True)
    latents = attention.norm_latents(part.latents)
    keys = torch.cat((attention.norm_media(x[0]), latents))
    k, v = attention.to_kv(keys).chunk(2, dim=1)
    times = torch.cat((FRAME_TIMES, part.times))
    tau = attention.attend.bias.log_tau.exp()
    for i in range(N_LATENTS):
        q = turned(attention.to_q(latents[i]), part.times[i])
        scores = torch.stack(
            [
                turned(k[j], times[j]) @ q / 2 - (part.times[i] - times[j]).abs() / tau[0]
                for j in range(len(times))
            ]
        )
        weights = torch.softmax(scores, dim=0)
        row = part.latents[i] + attention.to_out(weights @ v)
        torch.testing.assert_close(told.tokens[0, i], part.norm(row + ff(row)), rtol=1e-4, atol=1e-5)
        seen = weights[:N_FRAMES]
        torch.testing.assert_close(told.attention[0, i], seen / seen.sum(), rtol=1e-4, atol=1e-6)


def turned(x: Tensor, time: Tensor) -> Tensor:
    """Rotary position of four features: two pairs, with periods of 0.1 s and 10 s."""
    out = torch.empty(4)
    for pair, period in enumerate((0.1, 10.0)):
        angle = 2 * math.pi * time / period
        a, b = x[pair], x[pair + 2]
        out[pair], out[pair + 2] = a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()
    return out


def test_the_mean_takes_the_valid_frames_next_to_each_latent() -> None:
    part = Mean(MeanConfig(latents_per_s=5), WIDTH, latent_times(5, 1.0, 0.5))
    mask = all_valid(1)
    mask[0, 1] = False  # of the first latent's two frames
    mask[0, 4:6] = False  # both of the third's
    x = frames(n_items=1)
    latents, attention = part(x, mask, FRAME_TIMES, explain=True)
    torch.testing.assert_close(latents[0, 0], part.norm(x[0, 0]))
    torch.testing.assert_close(latents[0, 1], part.norm(x[0, 2:4].mean(dim=0)))
    assert (latents[0, 2] == 0).all()
    torch.testing.assert_close(attention[0, 1, 2:4], torch.full((2,), 1 / 2))
