"""A frame that comes on between two slots counts from where it came on, and not from the next slot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.checkpoint import load_checkpoint
from models.config import load, preset
from models.inference.engine import Engine
from models.network.network import Network
from models.network.towers import agreement, in_part
from realtime.align import frames_on_show
from realtime.model import OtherVideo
from realtime.types import Interval
from tests.models.inference.test_engine import N_SLOTS, interval
from tests.support.networks import small_network

SLOT_S = 1 / 40
EXAMPLE_WEIGHTS = Path(__file__).parents[3] / "models/weights/demo"


@settings(deadline=None, max_examples=60)
@given(
    period=st.floats(1.01 * SLOT_S, 0.2),
    jitter=st.floats(0, 0.9),
    seed=st.integers(0, 2**16),
)
def test_a_slot_is_the_mean_of_what_was_on_show_since_the_slot_before(period, jitter, seed):
    rng = np.random.default_rng(seed)
    gaps = np.maximum(1.01 * SLOT_S, period * (1 + jitter * rng.uniform(-1, 1, 200)))
    stamps, colours = np.cumsum(gaps), rng.normal(size=200)
    slots = (np.arange(40) + np.ceil((stamps[0] + 0.3) / SLOT_S)) * SLOT_S
    position, valid, age = frames_on_show(stamps, slots, 1.0)
    rows = torch.from_numpy(colours[position]).reshape(1, -1, 1, 1)
    mixed = in_part(rows, torch.from_numpy(valid)[None], torch.from_numpy(age)[None], SLOT_S).flatten()
    fine = slots[1:, None] - SLOT_S + (np.arange(2000) + 0.5) / 2000 * SLOT_S
    mean = colours[np.searchsorted(stamps, fine, side="right") - 1].mean(axis=1)
    assert mixed[0] == rows[0, 0, 0, 0]
    assert mixed[1:].numpy() == pytest.approx(mean, abs=5e-3)


def test_a_frame_beside_a_slot_without_one_is_not_mixed_with_what_is_not_there():
    rows = torch.tensor([1.0, float("nan"), 3.0, 4.0]).reshape(1, 4, 1, 1)
    valid, age = torch.tensor([[True, False, True, True]]), torch.full((1, 4), 0.4 * SLOT_S)
    seen = in_part(torch.where(valid[:, :, None, None], rows, 0.0), valid, age, SLOT_S).flatten()
    assert seen[[0, 2, 3]].tolist() == pytest.approx([1.0, 3.0, 0.6 * 3.0 + 0.4 * 4.0])


def test_a_path_of_every_fifth_slot_shares_out_five_slots():
    network = small_network(partial_slots=True, slow={"kind": "tiny", "image_px": 32}, slow_every=5)
    n_slots = network.config.grid.n_slots
    frames = {
        p: torch.zeros(1, n_slots // k, *network.frame_shape(p)) for p, k in network.config.paths.items()
    }
    for rows in frames.values():
        rows[:, 1:] = 1.0
    age = torch.full((1, n_slots), 10.0)
    age[0, 1], age[0, 5] = 0.5 * SLOT_S, 2.5 * SLOT_S
    mixed = network.on_slots(frames, torch.ones(1, n_slots, dtype=torch.bool), age)
    for rows in mixed.values():
        assert rows[0, :3, 0, 0].tolist() == pytest.approx([0.0, 0.5, 1.0])


def test_networks_of_today_learn_so_and_older_ones_go_on_as_they_learned():
    config = preset("demo")
    assert config.partial_slots
    older = config.model_dump(mode="json")
    del older["partial_slots"]
    assert not load(older).partial_slots
    assert not load_checkpoint(EXAMPLE_WEIGHTS).network.config.partial_slots
    network = small_network(partial_slots=False)
    rows = {"fast": torch.randn(1, network.config.grid.n_slots, *network.frame_shape("fast"))}
    valid = torch.ones(1, network.config.grid.n_slots, dtype=torch.bool)
    assert torch.equal(network.on_slots(rows, valid, 0.01 * valid)["fast"], rows["fast"])


@torch.inference_mode()
def similarity_of(network: Network, cut: Interval, frames: torch.Tensor, age: torch.Tensor | None) -> float:
    """What training would say of an interval: similarity to frames (1, F, P, Dv) of these ages (1, F)."""
    valid = torch.ones(frames.shape[:2], dtype=torch.bool)
    rows = frames if age is None else in_part(frames, valid, age, SLOT_S)
    given = (torch.from_numpy(part)[None] for part in (cut.eeg, cut.eeg_valid, cut.eeg_scale))
    video = network.encode_video({"fast": rows}, valid)
    return float(agreement(network.encode_eeg(*given), video)[0, 0, 0])


@pytest.mark.parametrize("ahead", [False, True])
def test_live_every_video_is_shared_out_as_in_training(ahead):
    engine, random = Engine(small_network(partial_slots=True)), np.random.default_rng(0)
    ages = random.uniform(0, 1.3 * SLOT_S, (2, N_SLOTS)).astype(np.float32)
    (cut, main), (_, beside) = interval(8), interval(9)
    cut = replace(cut, frame_age=ages[0])
    other = OtherVideo(cut.frame_seq, cut.frame_valid, beside, ages[1])
    if ahead:
        engine.look(8, [OtherVideo(cut.frame_seq, cut.frame_valid, main, ages[0]), other])
    found = engine.score(cut, main, [other])
    for told, rows, age in ((found, main, ages[0]), (found.others[0], beside, ages[1])):
        frames = torch.from_numpy(rows["fast"])[None]
        expected = similarity_of(engine.network, cut, frames, torch.from_numpy(age)[None])
        assert told.similarity == pytest.approx(expected, abs=1e-5)
        assert abs(expected - similarity_of(engine.network, cut, frames, None)) > 1e-3
