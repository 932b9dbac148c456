"""The compact EEG encoder: against its steps written out, and what its channel shares say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.network.eeg.compact import CompactConfig, CompactEncoder
from realtime.config import GridConfig
from realtime.errors import ConfigError

GRID = GridConfig(interval_s=1.0, lag_s=0.1, eeg_hz=200, slots_hz=40)
LABELS = ("Fz", "Cz", "Pz")


def encoder() -> CompactEncoder:
    torch.manual_seed(0)
    part = CompactEncoder(CompactConfig(hidden=8, kernel_s=0.1), LABELS, GRID).eval()
    with torch.no_grad():
        assert part.norm.running_mean is not None
        assert part.norm.running_var is not None
        part.norm.running_mean.normal_()
        part.norm.running_var.uniform_(0.5, 2.0)
    return part


def eeg(n_items: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    x = 20 * torch.randn(n_items, 3, GRID.n_times, generator=torch.Generator().manual_seed(1))
    return x, torch.ones_like(x, dtype=torch.bool), torch.tensor([[20.0, 10.0, 40.0]]).expand(n_items, -1)


def test_it_equals_its_steps_written_out() -> None:
    """Scale, clip, look 0.1 s (20 points) ahead, norm, ELU, mean over a slot's points, smooth over five."""
    part = encoder()
    x, valid, scale = eeg()
    unit = (x[0] / scale[0][:, None]).clamp(-8, 8)
    points = torch.stack([(part.conv.weight * unit[:, t : t + 21]).sum(dim=(1, 2)) for t in range(200)])
    mean, var = part.norm.running_mean, part.norm.running_var
    normed = (points - mean) / (var + 1e-5).sqrt() * part.norm.weight + part.norm.bias
    slots = F.elu(normed).view(40, 5, 8).mean(dim=1)
    padded = torch.cat((torch.zeros(2, 8), slots, torch.zeros(2, 8)))
    smooth = torch.stack(
        [(part.smooth.weight * padded[g : g + 5].T).sum(dim=(1, 2)) + part.smooth.bias for g in range(40)]
    )
    torch.testing.assert_close(part(x, valid, scale).grid[0], slots + F.elu(smooth), rtol=1e-4, atol=1e-4)


def test_values_beyond_the_clip_count_as_the_clip() -> None:
    part = encoder()
    x, valid, scale = eeg()
    high, higher = x.clone(), x.clone()
    high[0, 1, 50], higher[0, 1, 50] = 80.0, 1e9  # 8 and 1e8 times the scale of 10
    assert torch.equal(part(high, valid, scale).grid, part(higher, valid, scale).grid)


def test_the_share_of_an_electrode_is_its_part_of_what_the_first_convolution_passes_on() -> None:
    part = encoder()
    x, valid, scale = eeg(2)
    shares = part(x, valid, scale, explain=True).channels
    gain = part.norm.weight / (part.norm.running_var + 1e-5).sqrt()
    unit = part.condition(x, valid, scale)
    energy = torch.zeros(2, 3)
    for n in range(2):
        for c in range(3):
            for slot in range(40):
                seen = (part.conv.weight[:, c] * unit[n, c, 5 * slot : 5 * slot + 21]).sum(dim=1) * gain
                energy[n, c] += seen.square().sum()
    torch.testing.assert_close(shares, energy / energy.sum(dim=1, keepdim=True), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_an_electrode_that_is_silent_has_no_share() -> None:
    x, valid, scale = eeg()
    valid[0, 2] = False
    shares = encoder()(x, valid, scale, explain=True).channels
    assert shares[0, 2] == 0
    assert float(shares.sum()) == pytest.approx(1)
    assert (encoder()(x, ~torch.ones_like(valid), scale, explain=True).channels == 0).all()


def test_spatial_filters_stand_before_the_first_convolution_and_their_electrodes_share_its_energy() -> None:
    torch.manual_seed(0)
    part = CompactEncoder(CompactConfig(hidden=8, kernel_s=0.1, spatial=2), LABELS, GRID).eval()
    assert part.spatial is not None
    part.spatial.filters.copy_(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.5, 0.0]]))
    plain = CompactEncoder(CompactConfig(hidden=8, kernel_s=0.1), LABELS[:2], GRID).eval()
    weights = {name: value for name, value in part.state_dict().items() if not name.startswith("spatial")}
    weights["conv.weight"] = weights["conv.weight"] * torch.tensor([1.0, 0.5])[:, None]
    plain.load_state_dict(weights)
    x, valid, scale = eeg(2)
    found = part(x, valid, scale, explain=True)
    wanted = plain(x[:, :2], valid[:, :2], scale[:, :2], explain=True)
    torch.testing.assert_close(found.grid, wanted.grid)
    torch.testing.assert_close(found.channels[:, :2], wanted.channels)
    assert found.channels[:, 2].max() == 0


def test_filters_that_learn_start_as_they_were_set_and_frozen_ones_have_no_parameter() -> None:
    learns = CompactEncoder(CompactConfig(spatial=2, spatial_learns=True), LABELS, GRID)
    assert torch.equal(learns.spatial.weight, learns.spatial.filters)
    learns(*eeg()).grid.sum().backward()
    assert learns.spatial.change.grad.abs().sum() > 0
    frozen = CompactEncoder(CompactConfig(spatial=2), LABELS, GRID)
    assert not list(frozen.spatial.parameters())


def test_more_components_than_electrodes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"eeg\.spatial=4 components of 3 electrodes"):
        CompactEncoder(CompactConfig(spatial=4), LABELS, GRID)
