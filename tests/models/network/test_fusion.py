"""Fusions: the original's numbers, the identity at the start, rows with nothing to read, readouts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from models.network.fusion.gated import GatedBlock, GatedConfig
from models.network.fusion.perceiver import PerceiverConfig
from models.network.fusion.qformer import QFormerConfig
from models.network.interfaces import Fused, Media
from realtime.errors import ConfigError
from tests.support.networks import fill_by_rule

WIDTH, T, S, M, N_LATENTS = 16, 2, 6, 3, 4
R = M * N_LATENTS
SMALL: dict[str, Any] = {"heads": 2, "head_width": 8}
CONFIGS = {
    "linear": GatedConfig(readout="linear", depth=2, **SMALL),
    "cosine": GatedConfig(readout="cosine", **SMALL),
    "mlp": GatedConfig(readout="mlp", **SMALL),
    "modulated": GatedConfig(readout="mlp", modulate_values=True, **SMALL),
    "as published": GatedConfig(readout="linear", rotary=False, time_bias_s=None, agreement=None, **SMALL),
    "perceiver": PerceiverConfig(latents=4, heads=2),
    "qformer": QFormerConfig(queries=4, heads=2, window_s=1.0),
}
fusions = pytest.mark.parametrize("name", CONFIGS)
TOKEN_TIMES = torch.linspace(-2.5, -0.5, T * S).view(1, T, S)
MEDIA_TIMES = torch.linspace(-2.5, -0.5, R)[None]


def fusion(name: str, opened: float = 0.7) -> nn.Module:
    torch.manual_seed(0)
    part = CONFIGS[name].build(WIDTH).eval()
    with torch.no_grad():
        for parameter, value in part.named_parameters():
            if parameter.endswith("_gate"):
                value.fill_(opened)
    return part


def inputs(seed: int = 1, n_batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    tokens = torch.randn(n_batch, T, S, WIDTH, generator=random)
    return (
        tokens,
        torch.randn(n_batch, R, WIDTH, generator=random),
        torch.ones(n_batch, T, S, R, dtype=torch.bool),
    )


def fuse(
    part: Any,
    tokens: Tensor,
    media: Tensor,
    allowed: Tensor,
    explain: bool = False,
    agreement: Tensor | None = None,
) -> Fused:
    agreed = torch.zeros_like(allowed[:, :, 0], dtype=torch.float32) if agreement is None else agreement
    beside = Media(part.project(media), MEDIA_TIMES, allowed, agreed)
    return part(tokens, TOKEN_TIMES, beside, explain)


@pytest.mark.parametrize("which", ["own", "global"])
def test_the_gated_block_equals_flamingo_pytorch(golden: Path, which: str) -> None:
    numbers = {name: torch.from_numpy(value) for name, value in np.load(golden / "flamingo.npz").items()}
    config = GatedConfig(heads=4, head_width=32, rotary=False, time_bias_s=None, agreement=None)
    block = GatedBlock(config, 128).eval()
    fill_by_rule(block, golden / "flamingo_state_dict.txt", "block", gain=0.3)
    with torch.no_grad():
        block.attn_gate.fill_(0.7)
        block.ff_gate.fill_(-0.4)
    keys = block.attn.keys(numbers["latents"].flatten(1, 2))
    items = torch.arange(3).repeat_interleave(6)
    allowed = numbers["media_of_query"][:, :, None] == items
    if which == "global":
        allowed = torch.ones_like(allowed)
    row_any = allowed.any(dim=-1, keepdim=True)
    media = Media(keys, torch.zeros(1, 18), allowed[:, None], torch.zeros(1, 1, 18))
    out, _ = block(numbers["queries"], torch.zeros(1, 12), keys, media, allowed, row_any, False)
    torch.testing.assert_close(out, numbers[f"out_{which}"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["linear", "cosine", "mlp", "modulated", "as published"])
def test_a_fresh_gated_block_is_the_identity(name: str) -> None:
    tokens, media, allowed = inputs()
    fused = fuse(fusion(name, opened=0.0), tokens, media, allowed)
    assert torch.equal(fused.tokens, tokens)
    assert fused.gate == 0


@fusions
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_what_may_not_be_read_changes_nothing_and_who_may_read_nothing_passes_through(
    name: str, data: st.DataObject
) -> None:
    part = fusion(name)
    tokens, media, allowed = inputs(n_batch=1)
    # Rows of an interval read the same or nothing: what else there may be, some fusions refuse.
    flags = st.lists(st.booleans(), min_size=T * M, max_size=T * M)
    rows = st.lists(st.booleans(), min_size=T * S, max_size=T * S)
    items = torch.tensor(data.draw(flags)).view(1, T, 1, M) & torch.tensor(data.draw(rows)).view(1, T, S, 1)
    allowed = items.repeat_interleave(N_LATENTS, dim=3)
    readable = allowed.any(dim=(1, 2))[:, :, None]
    first = fuse(part, tokens, media, allowed)
    second = fuse(part, tokens, torch.where(readable, media, 9.0), allowed)
    for one, other in zip(first, second, strict=True):
        assert one is other is None or torch.equal(one, other)
    row_any = allowed.any(dim=-1)
    assert torch.equal(first.tokens[~row_any], tokens[~row_any])
    assert (first.pooled[~row_any.any(dim=-1)] == 0).all()


@fusions
def test_the_explicit_path_equals_the_fast_one_and_its_rows_sum_to_one(name: str) -> None:
    tokens, media, allowed = inputs()
    allowed[0, 1, 2] = False
    allowed[1, :, :, :4] = False
    fast, told = fuse(fusion(name), tokens, media, allowed), fuse(fusion(name), tokens, media, allowed, True)
    for field in ("tokens", "pooled", "logit"):
        torch.testing.assert_close(getattr(told, field), getattr(fast, field), rtol=1e-5, atol=1e-5)
    assert fast.attention is None
    torch.testing.assert_close(told.attention.sum(dim=-1), allowed.any(dim=-1).float())
    assert (told.attention[~allowed] == 0).all()


@fusions
def test_one_sample_alone_gives_what_it_gives_in_a_batch(name: str) -> None:
    part = fusion(name)
    tokens, media, allowed = inputs(n_batch=3)
    whole = fuse(part, tokens, media, allowed)
    alone = fuse(part, tokens[1:2], media[1:2], allowed[1:2])
    torch.testing.assert_close(alone.logit, whole.logit[1:2], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(alone.tokens, whole.tokens[1:2], rtol=1e-5, atol=1e-5)


@fusions
def test_the_match_sees_which_media_it_is_given_and_every_gradient_is_finite(name: str) -> None:
    part = fusion(name).train()
    tokens, media, allowed = inputs()
    allowed[0, 1] = False
    fused = fuse(part, tokens, media, allowed)
    assert (fused.logit - fuse(part, tokens, media.flip(0), allowed).logit).abs().max() > 1e-5
    (fused.logit.sum() + fused.tokens.square().sum()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in part.parameters())


@pytest.mark.parametrize("name", ["perceiver", "qformer"])
def test_rows_of_an_interval_that_differ_in_what_they_may_read_are_refused(name: str) -> None:
    tokens, media, allowed = inputs()
    allowed[0, 1, 2, :4] = False
    with pytest.raises(ConfigError, match=f"fusion = '{name}'.*rows differ.*choose fusion = 'gated'"):
        fuse(fusion(name), tokens, media, allowed)
    fuse(fusion("mlp"), tokens, media, allowed)


@fusions
def test_what_agrees_with_the_interval_is_read_more(name: str) -> None:
    tokens, media, allowed = inputs()
    agreement = torch.zeros(2, T, R)
    agreement[:, :, 4:8] = 0.2
    plain, leaning = (
        fuse(fusion(name), tokens, media, allowed, True, agreed).attention[..., 4:8].sum(dim=-1).mean()
        for agreed in (None, agreement)
    )
    if name == "as published":
        assert leaning == plain
    else:
        assert leaning > plain + 0.1


@pytest.mark.parametrize("name", ["linear", "cosine", "mlp", "modulated"])
def test_gates_that_start_at_zero_receive_a_gradient(name: str) -> None:
    part = fusion(name, opened=0.0)
    fuse(part, *inputs()).logit.sum().backward()
    assert (part.blocks[0].attn_gate.grad != 0).all()


def test_the_gate_told_is_the_one_that_what_was_read_goes_through() -> None:
    for name in ("mlp", "cosine"):
        part = fusion(name)
        torch.nn.init.constant_(part.get_parameter("blocks.0.attn_gate"), 0.3)
        assert fuse(part, *inputs()).gate.item() == pytest.approx(np.tanh(0.3), abs=1e-6)


def test_the_readouts_are_their_formulas() -> None:
    tokens, media, allowed = inputs()
    allowed[0, 0, 1] = False
    counted = allowed.any(dim=-1)
    for name in ("linear", "cosine", "mlp"):
        part: Any = fusion(name)
        fused = fuse(part, tokens, media, allowed)
        for b in range(2):
            for t in range(T):
                q, x = tokens[b, t][counted[b, t]], fused.tokens[b, t][counted[b, t]]
                if name == "linear":
                    expected = part.readout.head(x.mean(dim=0))[0]
                elif name == "mlp":
                    expected = part.readout.mlp(torch.cat((q, x - q, q * (x - q)), dim=-1)).mean()
                else:
                    y = x - q
                    length = q.norm(dim=-1) * (y.square().sum(dim=-1) + q.square().sum(dim=-1)).sqrt()
                    expected = 10 * ((y * q).sum(dim=-1) / length).mean()
                torch.testing.assert_close(fused.logit[b, t], expected, rtol=1e-4, atol=1e-5)


def test_an_own_time_bias_makes_a_query_read_its_own_time() -> None:
    tokens, media, allowed = inputs()
    attention = fuse(fusion("mlp"), tokens, media, allowed, explain=True).attention
    centre = (attention * MEDIA_TIMES).sum(dim=-1)
    assert (centre - TOKEN_TIMES).abs().max() < 0.15
    plain = fuse(fusion("as published"), tokens, media, allowed, explain=True).attention
    assert ((plain * MEDIA_TIMES).sum(dim=-1) - TOKEN_TIMES).abs().max() > 0.5


def test_values_are_modulated_by_the_query() -> None:
    tokens, media, allowed = inputs()
    part: Any = fusion("modulated")
    with torch.no_grad():
        part.blocks[0].attn.modulate.weight.zero_()
        part.blocks[0].ff_gate.zero_()
    assert torch.equal(fuse(part, tokens, media, allowed).tokens, tokens)
