"""Recurrent mixers against loops written from their papers, and the rules every mixer keeps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from models.network.mixers.gru import Gru, GruConfig
from models.network.mixers.mamba import Mamba, MambaConfig, SelectiveSsm
from models.network.mixers.s4d import DiagonalSsm, S4d, S4dConfig

WIDTH, FRAMES = 6, 9
Array = NDArray[np.float64]


def make(kind: str) -> nn.Module:
    torch.manual_seed(3)
    if kind == "gru":
        return Gru(GruConfig(layers=2), WIDTH).eval()
    if kind == "s4d":
        return S4d(S4dConfig(layers=2, state=4), WIDTH).eval()
    return Mamba(MambaConfig(layers=2, state=3), WIDTH).eval()


MIXERS = {kind: make(kind) for kind in ("gru", "s4d", "mamba")}
every_mixer = pytest.mark.parametrize("kind", MIXERS)
masks = st.lists(st.booleans(), min_size=FRAMES, max_size=FRAMES)


def frames(n: int = 2, length: int = FRAMES, seed: int = 0) -> Tensor:
    return torch.randn(n, length, WIDTH, generator=torch.Generator().manual_seed(seed))


def run_by_step(mixer: nn.Module, x: Tensor, mask: Tensor) -> Tensor:
    state = mixer.init_state(x[:, 0])
    out = []
    for f in range(x.shape[1]):
        y, state = mixer.step(x[:, f], mask[:, f], state)
        out.append(y)
    return torch.stack(out, dim=1)


# ---------------------------------------------------------------- rules of every mixer
@every_mixer
@given(masks, masks)
@settings(max_examples=15, deadline=None)
def test_an_invalid_frame_reads_as_if_it_were_not_there(
    kind: str, first: list[bool], second: list[bool]
) -> None:
    x, mask = frames(), torch.tensor([first, second])
    with torch.no_grad():
        whole = MIXERS[kind](x, mask)
        for row in range(2):
            left = x[row, mask[row]].unsqueeze(0)
            if left.shape[1]:
                alone = MIXERS[kind](left, torch.ones(1, left.shape[1], dtype=torch.bool))
                torch.testing.assert_close(whole[row, mask[row]], alone[0], atol=1e-5, rtol=1e-4)
    assert not whole[~mask].any()


@every_mixer
@given(masks, masks)
@settings(max_examples=10, deadline=None)
def test_steps_equal_the_whole(kind: str, first: list[bool], second: list[bool]) -> None:
    x, mask = frames(seed=1), torch.tensor([first, second])
    with torch.no_grad():
        difference = run_by_step(MIXERS[kind], x, mask) - MIXERS[kind](x, mask)
    assert difference.abs().max() < 1e-5


@every_mixer
@given(masks)
@settings(max_examples=10, deadline=None)
def test_what_lies_in_an_invalid_frame_changes_no_bit(kind: str, valid: list[bool]) -> None:
    mask = torch.tensor([valid, valid])
    x = frames(seed=2)
    poisoned = torch.where(mask.unsqueeze(-1), x, float("nan"))
    with torch.no_grad():
        assert torch.equal(MIXERS[kind](x, mask), MIXERS[kind](poisoned, mask))
        assert torch.equal(run_by_step(MIXERS[kind], x, mask), run_by_step(MIXERS[kind], poisoned, mask))


@every_mixer
def test_an_output_depends_on_no_later_frame(kind: str) -> None:
    x, mask = frames(seed=4), torch.ones(2, FRAMES, dtype=torch.bool)
    later = x.clone()
    later[:, 5:] += 1.0
    with torch.no_grad():
        before, after = MIXERS[kind](x, mask), MIXERS[kind](later, mask)
    assert torch.allclose(before[:, :5], after[:, :5], atol=1e-6)
    assert not torch.allclose(before[:, 5:], after[:, 5:], atol=1e-3)


@every_mixer
def test_every_interval_starts_afresh(kind: str) -> None:
    x, mask = frames(3, seed=5), torch.ones(3, FRAMES, dtype=torch.bool)
    with torch.no_grad():
        together = MIXERS[kind](x, mask)
        for i in range(3):
            torch.testing.assert_close(together[i : i + 1], MIXERS[kind](x[i : i + 1], mask[:1]))


@every_mixer
def test_gradients_are_finite_and_reach_every_parameter(kind: str) -> None:
    mixer = make(kind).train()
    mask = torch.tensor([[True] * 5 + [False] * 4, [False] * FRAMES])
    x = frames(seed=6).requires_grad_()
    mixer(x, mask).square().sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert not x.grad[~mask].any()
    for name, parameter in mixer.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


@every_mixer
def test_it_exports_and_the_graph_gives_the_same(kind: str) -> None:
    x, mask = frames(length=5), torch.tensor([[True, True, False, True, False]] * 2)
    with torch.no_grad():
        program = torch.export.export(MIXERS[kind], (x, mask))
        torch.testing.assert_close(program.module()(x, mask), MIXERS[kind](x, mask))


# ---------------------------------------------------------------- against loops from the papers
def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def test_the_gru_equals_its_equations() -> None:
    """Cho et al. 2014 with the reset gate applied after the recurrent product, as torch documents its GRU."""
    torch.manual_seed(0)
    mixer = Gru(GruConfig(), WIDTH).double().eval()
    p = {name: value.numpy() for name, value in mixer.gru.state_dict().items()}
    x = frames(1).double()
    u = mixer.norm(x).detach().numpy()[0]
    h, expected = np.zeros(WIDTH), []
    for f in range(FRAMES):
        from_x = p["weight_ih_l0"] @ u[f] + p["bias_ih_l0"]
        from_h = p["weight_hh_l0"] @ h + p["bias_hh_l0"]
        (xr, xz, xn), (hr, hz, hn) = np.split(from_x, 3), np.split(from_h, 3)
        r, z = sigmoid(xr + hr), sigmoid(xz + hz)
        h = (1 - z) * np.tanh(xn + r * hn) + z * h
        expected.append(x[0, f].numpy() + h)
    with torch.no_grad():
        ours = mixer(x, torch.ones(1, FRAMES, dtype=torch.bool))[0].numpy()
    np.testing.assert_allclose(ours, expected, atol=1e-12)


def test_s4d_equals_the_discretised_system_run_in_complex_numbers() -> None:
    """Gu et al. 2022, section 3: x' = A x + u, y = 2 Re(C x) + D u, A diagonal, zero-order hold."""
    torch.manual_seed(0)
    ssm = DiagonalSsm(WIDTH, state=8).double()
    u = frames(1).double()[0]
    a = (-ssm.log_decay.exp() + 1j * ssm.frequency).detach().numpy()
    c = torch.view_as_complex(ssm.c.detach().contiguous()).numpy()
    dt = ssm.log_dt.exp().detach().numpy()
    expected = np.zeros((FRAMES, WIDTH))
    for h in range(WIDTH):
        a_bar = np.exp(a[h] * dt[h])
        b_bar = (a_bar - 1) / a[h]
        x = np.zeros(4, dtype=complex)
        for f in range(FRAMES):
            x = a_bar * x + b_bar * u[f, h].item()
            expected[f, h] = 2 * (c[h] * x).sum().real + ssm.d[h].item() * u[f, h].item()
    with torch.no_grad():
        np.testing.assert_allclose(ssm(u.unsqueeze(0))[0].numpy(), expected, atol=1e-12)


def test_s4d_starts_with_the_poles_of_s4d_lin() -> None:
    ssm = DiagonalSsm(2, state=6)
    assert torch.allclose(-ssm.log_decay.exp(), torch.tensor(-0.5))
    assert torch.allclose(ssm.frequency[0], torch.tensor([0.0, math.pi, 2 * math.pi]))
    assert ((ssm.log_dt.exp() >= 0.001) & (ssm.log_dt.exp() <= 0.1)).all()


def selective_scan(p: dict[str, Array], x: Array, rank: int, state: int) -> Array:
    """Algorithm 2 of Gu & Dao 2023, one scalar state at a time."""
    inner = p["A_log"].shape[0]
    h, inputs, out = np.zeros((inner, state)), [np.zeros(inner)] * 3, []
    for frame in x:
        u, gate = np.split(p["in_proj.weight"] @ frame, 2)
        inputs = [*inputs[-3:], u]
        u = sum(p["conv1d.weight"][:, 0, k] * inputs[k] for k in range(4)) + p["conv1d.bias"]
        u = u * sigmoid(u)
        dt, b, c = np.split(p["x_proj.weight"] @ u, [rank, rank + state])
        dt = np.log1p(np.exp(p["dt_proj.weight"] @ dt + p["dt_proj.bias"]))
        y = np.zeros(inner)
        for d in range(inner):
            for n in range(state):
                h[d, n] = np.exp(-dt[d] * np.exp(p["A_log"][d, n])) * h[d, n] + dt[d] * b[n] * u[d]
                y[d] += c[n] * h[d, n]
        out.append(p["out_proj.weight"] @ ((y + p["D"] * u) * gate * sigmoid(gate)))
    return np.array(out)


def test_mamba_equals_algorithm_2_of_its_paper() -> None:
    torch.manual_seed(0)
    ssm = SelectiveSsm(WIDTH, state=3, expand=2).double()
    x = frames(1).double()
    weights = {name: value.numpy() for name, value in ssm.state_dict().items()}
    with torch.no_grad():
        np.testing.assert_allclose(ssm(x)[0].numpy(), selective_scan(weights, x[0].numpy(), 1, 3), atol=1e-10)


def test_mamba_equals_the_mixer_of_transformers_with_the_same_weights() -> None:
    from transformers.models.mamba.configuration_mamba import MambaConfig as TheirConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    ours = SelectiveSsm(32, state=4, expand=2)
    their_config = TheirConfig(hidden_size=32, state_size=4, expand=2, num_hidden_layers=1)
    theirs = MambaMixer(their_config, layer_idx=0).eval()
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, FRAMES, 32)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), atol=1e-6, rtol=1e-5)
