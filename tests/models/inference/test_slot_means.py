"""A slot shows the mean of what was on show during it: a picture counts from the moment at which it came."""

from __future__ import annotations

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
from models.network.towers import agreement
from realtime.align import frames_at, slot_means
from realtime.model import OtherVideo, means_of
from realtime.types import Interval
from tests.models.inference.test_engine import N_SLOTS, interval
from tests.support.networks import small_network

POINTS = 5


@settings(deadline=None, max_examples=60)
@given(
    gap=st.floats(0.001, 0.3), jitter=st.floats(0, 0.9), lost=st.floats(0, 0.3), seed=st.integers(0, 2**16)
)
def test_each_frame_counts_by_its_share_of_the_slot_and_one_that_is_lost_counts_nothing(
    gap, jitter, lost, seed
):
    rng = np.random.default_rng(seed)
    stamps = 0.1 + np.cumsum(gap * (1 + jitter * rng.uniform(-1, 1, int(3 / gap) + 2)))
    rows, there = rng.normal(size=(len(stamps), 2, 3)).astype(np.float32), rng.random(len(stamps)) >= lost
    at_points = frames_at(stamps, np.arange(N_SLOTS * POINTS) / 200)
    means = slot_means(at_points, N_SLOTS, lambda wanted: (rows[wanted], there[wanted]))
    for slot, shown in enumerate(at_points.reshape(N_SLOTS, POINTS)):
        seen = [rows[n] for n in shown if n >= 0 and there[n]]
        expected = np.mean(seen, axis=0) if seen else np.zeros((2, 3))
        assert means[slot] == pytest.approx(expected, abs=1e-5)


def similarity_of(network: Network, cut: Interval, rows: np.ndarray) -> float:
    """What training would say of an interval: its similarity to rows (F, P, Dv)."""
    with torch.inference_mode():
        given = (torch.from_numpy(part)[None] for part in (cut.eeg, cut.eeg_valid, cut.eeg_scale))
        frames, valid = {"fast": torch.from_numpy(rows)[None]}, torch.ones(1, len(rows), dtype=torch.bool)
        return float(agreement(network.encode_eeg(*given), network.encode_video(frames, valid))[0, 0, 0])


@pytest.mark.parametrize("ahead", [False, True])
def test_live_the_network_sees_the_means_of_every_video(ahead):
    engine, random = Engine(small_network(slot_means=True)), np.random.default_rng(0)
    assert engine.card.slot_means
    (cut, main), (_, beside) = interval(8), interval(9)
    for shown in (main, beside):
        shown[means_of("fast")] = random.normal(size=shown["fast"].shape).astype(np.float32)
    other = OtherVideo(cut.frame_seq, cut.frame_valid, beside)
    if ahead:
        engine.look(8, [OtherVideo(cut.frame_seq, cut.frame_valid, main), other])
    found = engine.score(cut, main, [other])
    for told, shown in ((found, main), (found.others[0], beside)):
        expected = similarity_of(engine.network, cut, shown[means_of("fast")])
        assert told.similarity == pytest.approx(expected, abs=1e-5)
        assert abs(expected - similarity_of(engine.network, cut, shown["fast"])) > 1e-3


def test_networks_of_today_learn_so_and_older_ones_go_on_as_they_learned():
    config = preset("demo")
    assert config.sees_means
    older = config.model_dump(mode="json")
    del older["slot_means"]
    assert not load(older).sees_means
    shipped = Path(__file__).parents[3] / "models/weights/demo"
    assert not load_checkpoint(shipped).network.config.sees_means
    assert not preset("demo", {"fast.frozen": False}).sees_means  # its frames are pictures
    engine = Engine(small_network(slot_means=False))
    cut, shown = interval(8)
    plain = engine.score(cut, shown).similarity
    engine.reset()
    assert engine.score(cut, {**shown, means_of("fast"): 0 * shown["fast"]}).similarity == plain
