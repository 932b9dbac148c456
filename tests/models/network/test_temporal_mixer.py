"""The causal convolution, the mixer that does nothing, and the differences every mixer is fed with."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from models.network.interfaces import TemporalMixer
from models.network.mixers.tcn import NoMixerConfig, Tcn, TcnConfig, WithDifferences

WIDTH, N_FRAMES = 8, 12
CONFIGS = {"tcn": TcnConfig(kernel=3, dilations=(1, 2)), "none": NoMixerConfig()}
mixers = pytest.mark.parametrize("kind", CONFIGS)
masks = st.lists(st.booleans(), min_size=N_FRAMES, max_size=N_FRAMES)


def mixer(kind: str) -> TemporalMixer:
    torch.manual_seed(0)
    return CONFIGS[kind].build(WIDTH).eval()


def frames(n_items: int = 2) -> Tensor:
    return torch.randn(n_items, N_FRAMES, WIDTH, generator=torch.Generator().manual_seed(1))


@mixers
@settings(max_examples=25, deadline=None)
@given(valid=masks)
def test_step_by_step_equals_the_whole(kind: str, valid: list[bool]) -> None:
    part, x, mask = mixer(kind), frames(), torch.tensor([valid, valid[::-1]])
    state = part.init_state(x[:, 0])
    steps = []
    for f in range(N_FRAMES):
        y, state = part.step(x[:, f], mask[:, f], state)
        steps.append(y)
    torch.testing.assert_close(torch.stack(steps, dim=1), part(x, mask), rtol=1e-5, atol=1e-5)


@mixers
@settings(max_examples=25, deadline=None)
@given(valid=masks)
def test_what_an_invalid_frame_holds_changes_nothing_bit_for_bit(kind: str, valid: list[bool]) -> None:
    part, x, mask = mixer(kind), frames(1), torch.tensor([valid])
    mixed = part(x, mask)
    assert torch.equal(mixed, part(torch.where(mask[:, :, None], x, float("nan")), mask))
    assert (mixed[~mask] == 0).all()


@mixers
def test_the_future_changes_nothing(kind: str) -> None:
    part, x, mask = mixer(kind), frames(), torch.ones(2, N_FRAMES, dtype=torch.bool)
    other = x.clone()
    other[:, 7:] = 5.0
    assert torch.equal(part(x, mask)[:, :7], part(other, mask)[:, :7])


def test_the_causal_convolution_equals_a_dilated_one() -> None:
    """x + ELU(conv(norm(x))) with torch's own dilated convolution, over frames padded with 0."""
    part, x = mixer("tcn"), frames()
    assert isinstance(part, Tcn)
    y = x
    for block, dilation in zip(part.blocks, (1, 2), strict=True):
        weight = block.conv.weight.view(WIDTH, 3, WIDTH).flip(1).permute(0, 2, 1)  # newest tap last
        past = F.pad(block.norm(y).transpose(1, 2), (2 * dilation, 0))
        y = y + F.elu(F.conv1d(past, weight, block.conv.bias, dilation=dilation)).transpose(1, 2)
    torch.testing.assert_close(part(x, torch.ones(2, N_FRAMES, dtype=torch.bool)), y, rtol=1e-5, atol=1e-5)


def test_differences_start_at_zero_and_never_cross_an_invalid_frame() -> None:
    z = torch.tensor([1.0, 3.0, float("nan"), 2.0, 1.0]).view(1, 5, 1, 1)
    mask = torch.tensor([[True, True, False, True, True]])
    part = WithDifferences(1, 3)
    with torch.no_grad():
        for i, linear in enumerate((part.still, part.change, part.size)):
            linear.weight.copy_(torch.eye(3)[:, i : i + 1])
        part.still.bias.zero_()
    mapped = part(z, mask)[0, :, 0]
    assert mapped.tolist() == [[1, 0, 0], [3, 2, 2], [0, 0, 0], [2, 0, 0], [1, -1, 1]]
