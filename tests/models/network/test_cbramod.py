"""CBraMod against the numbers of its original, and the rules for weights and missing patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from models.network import hub
from models.network.eeg.cbramod import (
    CBraMod,
    CBraModConfig,
    CBraModEncoder,
    dft_matrices,
    load_cbramod,
    montage_order,
)
from models.network.eeg.cbramod_compact import CBraModCompactConfig, CBraModCompactEncoder
from realtime.config import GridConfig
from realtime.errors import ConfigError, WeightsError


def fill_by_rule(network: torch.nn.Module, gain: float) -> dict[str, torch.Tensor]:
    """Weights without a file: entry i of the sorted state dict is gain·sin(0.37·j + i), norms around 1."""
    state = {}
    for i, (name, value) in enumerate(sorted(network.state_dict().items())):
        wave = gain * torch.sin(0.37 * torch.arange(value.numel(), dtype=torch.float64) + i)
        wave = wave + (1.0 if name.endswith("weight") and value.dim() == 1 else 0.0)
        state[name] = wave.reshape(value.shape).to(value.dtype)
    network.load_state_dict(state)
    return state


@pytest.fixture(scope="module")
def network() -> CBraMod:
    network = CBraMod().eval()
    fill_by_rule(network, gain=0.05)
    return network


@pytest.fixture(scope="module")
def original() -> dict[str, NDArray[np.float32]]:
    with np.load(Path(__file__).parents[2] / "golden" / "cbramod.npz") as file:
        return dict(file)


def relative_error(ours: torch.Tensor, theirs: NDArray[np.float32]) -> float:
    return float(np.abs(ours.detach().numpy() - theirs).max() / np.abs(theirs).max())


def test_the_state_dict_has_the_published_names_and_shapes(network: CBraMod, golden: Path) -> None:
    ours = {f"{name} {list(value.shape)}" for name, value in network.state_dict().items()}
    assert ours == set((golden / "cbramod_state_dict.txt").read_text().splitlines())


def test_every_stage_equals_the_original(network: CBraMod, original: dict[str, NDArray[np.float32]]) -> None:
    x = torch.from_numpy(original["x"])
    with torch.no_grad():
        assert relative_error(network.patch_embedding(x), original["patch_embedding"]) < 1e-5
        assert relative_error(network.features(x), original["features"]) < 1e-5
        assert relative_error(network(x), original["output"]) < 1e-5


def test_masked_patches_equal_the_original(
    network: CBraMod, original: dict[str, NDArray[np.float32]]
) -> None:
    masked = torch.from_numpy(original["mask"]) == 1
    with torch.no_grad():
        ours = network(torch.from_numpy(original["x"]), masked)
    assert masked.any()
    assert relative_error(ours, original["output_masked"]) < 1e-5


def test_the_matrices_give_the_spectrum_of_rfft() -> None:
    x = torch.randn(7, 200, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    cos, sin = (matrix.double() for matrix in dft_matrices(200))
    expected = torch.fft.rfft(x, norm="forward")
    assert torch.allclose(torch.complex(x @ cos, -(x @ sin)), expected, atol=1e-7)


def test_what_lies_under_a_masked_patch_changes_nothing(network: CBraMod) -> None:
    x = torch.randn(1, 5, 2, 200, generator=torch.Generator().manual_seed(1))
    masked = torch.zeros(1, 5, 2, dtype=torch.bool)
    masked[0, 3, 1] = True
    changed = x.clone()
    changed[0, 3, 1] = float("nan")
    with torch.no_grad():
        assert torch.equal(network.features(x, masked), network.features(changed, masked))
        assert not torch.equal(network.features(x, masked), network.features(x))


def test_gradients_are_finite_where_a_patch_is_silent() -> None:
    network = CBraMod(n_layers=1)
    x = torch.randn(1, 3, 2, 200)
    x[0, 1] = 0.0
    x.requires_grad_()
    network.features(x).square().sum().backward()
    assert x.grad is not None
    assert torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_published_files_load_to_the_last_bit(network: CBraMod, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    state = network.state_dict()
    state["final_layer.1.weight"] = torch.zeros(2, 200)  # the task head that braindecode saves beside it
    if suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    for name in (str(path), str(tmp_path)):
        loaded = load_cbramod(name).state_dict()
        assert all(torch.equal(value, loaded[key]) for key, value in network.state_dict().items())


def test_a_hub_id_is_found_in_the_weights_folder(
    network: CBraMod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hub.WEIGHTS_HOME, str(tmp_path))
    folder = hub.weights_folder("weighting666/CBraMod")
    folder.mkdir(parents=True)
    torch.save(network.state_dict(), folder / "pretrained_weights.pth")
    assert torch.equal(load_cbramod().proj_out[0].bias, network.proj_out[0].bias)


def test_missing_weights_are_one_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(hub.WEIGHTS_HOME, str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError) as caught:
        load_cbramod()
    message = str(caught.value)
    folder = tmp_path / "weighting666" / "CBraMod"
    assert "braindecode/cbramod-pretrained" in message
    assert f"hf download weighting666/CBraMod --local-dir {folder}" in message


def test_a_path_that_is_not_there_asks_no_hub(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="not on this machine"):
        load_cbramod(str(tmp_path / "nowhere" / "cbramod.pth"))


def test_weights_that_do_not_fit_name_the_tensor(network: CBraMod, tmp_path: Path) -> None:
    state = dict(network.state_dict())
    state["proj_out.0.bias"] = torch.zeros(7)
    del state["encoder.layers.3.norm1.bias"]
    torch.save(state, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match=r"3\.norm1\.bias is missing; proj_out.* is \(7,\)"):
        load_cbramod(str(tmp_path))


def test_a_file_that_must_be_unpickled_is_refused(tmp_path: Path) -> None:
    torch.save({"model": CBraMod(n_layers=1)}, tmp_path / "weights.pth")
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        load_cbramod(str(tmp_path))


def test_it_exports_and_the_graph_gives_the_same(network: CBraMod) -> None:
    x, masked = torch.randn(1, 4, 2, 200), torch.zeros(1, 4, 2, dtype=torch.bool)
    masked[0, 0] = True
    with torch.no_grad():
        program = torch.export.export(network, (x, masked))
        assert torch.allclose(program.module()(x, masked), network(x, masked), atol=1e-6)
    assert not any("fft" in str(node.target) for node in program.graph.nodes)


# ---------------------------------------------------------------- as an encoder
LABELS = ("CZ", "O2", "FP1", "T3")
GRID = GridConfig()


def encoder(**changes: object) -> CBraModEncoder:
    torch.manual_seed(0)
    return CBraModEncoder(CBraModConfig(layers=2, **changes), LABELS, GRID).eval()


def interval(n: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    eeg = 20 * torch.randn(n, len(LABELS), GRID.n_times, generator=torch.Generator().manual_seed(1))
    return eeg, torch.ones_like(eeg, dtype=torch.bool), torch.full((n, len(LABELS)), 20.0)


def test_the_encoder_reads_the_last_two_whole_seconds_in_hundreds_of_microvolts() -> None:
    eeg, valid, scale = interval()
    x, masked = encoder().patches(eeg, valid)
    assert x.shape == (2, 4, 2, 200)
    assert not masked.any()
    assert torch.equal(x[:, 0].flatten(1), eeg[:, LABELS.index("FP1"), -400:] / 100)
    earlier = eeg.clone()
    earlier[:, :, :100] += 50.0
    assert torch.equal(encoder()(eeg, valid, scale).grid, encoder()(earlier, valid, scale).grid)


def test_channels_are_put_into_the_montage_order_of_the_pretraining() -> None:
    assert montage_order(LABELS) == [2, 1, 3, 0]  # FP1, O2, T7, CZ
    assert montage_order(("X1", "PZ", "x2", "fp2")) == [3, 1, 0, 2]  # unknown ones after, as they come


def test_the_order_of_the_stream_does_not_matter_to_the_pretrained_part() -> None:
    eeg, valid, _ = interval()
    swap = [3, 1, 0, 2]
    one, other = encoder(), CBraModEncoder(CBraModConfig(layers=2), tuple(LABELS[i] for i in swap), GRID)
    assert torch.equal(one.patches(eeg, valid)[0], other.patches(eeg[:, swap], valid[:, swap])[0])


def test_tokens_come_in_time_order_with_the_times_of_their_pictures() -> None:
    eeg, valid, scale = interval()
    features = encoder()(eeg, valid, scale)
    assert features.tokens.shape == (2, 8, 200)
    assert encoder().token_times.tolist() == [-2.0] * 4 + [-1.0] * 4  # centres, lag_s before the answer
    assert features.grid.shape == (2, GRID.n_slots, encoder().grid_width)


def test_a_second_reaches_only_its_own_slots() -> None:
    spread = encoder().spread
    parts = torch.randn(1, 2, 4 * 200)
    changed = parts.clone()
    changed[:, 1] += 1.0
    before, after = spread(parts), spread(changed)
    assert torch.equal(before[:, :40], after[:, :40])
    assert not torch.isclose(before[:, 40:], after[:, 40:]).all(dim=-1).any()


def test_a_patch_with_too_few_valid_samples_is_masked_and_never_read() -> None:
    eeg, valid, scale = interval()
    valid[0, 1, 300:350] = False  # 0.25 s of the last second of O2
    valid[0, 2, 100:130] = False  # 0.15 s is little enough
    poisoned = torch.where(valid, eeg, float("nan"))
    _, masked = encoder().patches(poisoned, valid)
    assert masked.nonzero().tolist() == [[0, 1, 1]]
    for ours, theirs in zip(
        encoder()(eeg, valid, scale)[:2], encoder()(poisoned, valid, scale)[:2], strict=True
    ):
        assert torch.equal(ours, theirs)


def test_shares_of_electrodes_sum_to_one_and_follow_the_signal() -> None:
    eeg, valid, scale = interval()
    shares = encoder()(eeg, valid, scale, explain=True).channels
    assert shares is not None
    assert torch.allclose(shares.sum(dim=1), torch.ones(2))


def test_the_sum_with_the_compact_tower_starts_as_the_compact_tower() -> None:
    both = CBraModCompactEncoder(CBraModCompactConfig(cbramod=CBraModConfig(layers=1)), LABELS, GRID).eval()
    eeg, valid, scale = interval()
    assert torch.equal(both(eeg, valid, scale).grid, both.compact(eeg, valid, scale).grid)
    torch.nn.init.ones_(both.cbramod.spread.out.bias)
    out = both(eeg, valid, scale, explain=True)
    assert torch.allclose(out.grid, both.compact(eeg, valid, scale).grid + 1)
    assert out.tokens is None
    assert out.channels is not None
    assert torch.allclose(out.channels.sum(dim=1), torch.ones(2))


def test_frozen_weights_neither_move_nor_drop_out() -> None:
    frozen = encoder(frozen=True, dropout=0.5).train()
    eeg, valid, scale = interval()
    assert torch.equal(frozen(eeg, valid, scale).grid, frozen(eeg, valid, scale).grid)
    frozen(eeg, valid, scale).grid.sum().backward()
    assert all(p.grad is None for p in frozen.network.parameters())
    assert frozen.spread.mix.weight.grad is not None


def test_a_checkpoint_of_trained_weights_does_not_ask_for_the_published_ones(tmp_path: Path) -> None:
    gone = str(tmp_path / "cbramod.pth")
    with hub.filled_later():
        encoder(weights=gone)
        with pytest.raises(WeightsError, match="not on this machine"):
            encoder(weights=gone, frozen=True)
    with pytest.raises(WeightsError, match="not on this machine"):
        encoder(weights=gone)


def test_a_grid_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"grid\.eeg_hz=250"):
        CBraModEncoder(CBraModConfig(layers=1), LABELS, GridConfig(eeg_hz=250, slots_hz=50, hop_s=0.5))
