"""The engine: the network live, with what it remembers, equal to the network offline."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from models.inference.attention_maps import certainty
from models.inference.bank import BANK_SIZE, Bank
from models.inference.engine import IMPOSTOR_GAP_S, Engine
from models.network.network import Batch
from realtime.errors import StreamFormatError
from realtime.model import Model
from realtime.types import Interval, Scores
from tests.support.networks import LABELS, small_config, small_network

HOP_S, N_SLOTS, N_TIMES = 0.25, 40, 300


def engine(**changes: Any) -> Engine:
    return Engine(small_network(**changes))


def interval(index: int) -> tuple[Interval, dict[str, np.ndarray]]:
    """A different interval for each index, the same whenever it is asked for."""
    random = np.random.default_rng(index)
    eeg = random.normal(0, 20, (len(LABELS), N_TIMES)).astype(np.float32)
    cut = Interval(
        index=index,
        end=index * HOP_S,
        eeg=eeg,
        eeg_valid=np.ones(eeg.shape, bool),
        eeg_scale=np.full(len(LABELS), 20, np.float32),
        frame_seq=np.arange(N_SLOTS),
        frame_valid=np.ones(N_SLOTS, bool),
    )
    return cut, {"fast": random.normal(size=(N_SLOTS, 16, 16)).astype(np.float32)}


def run(engine: Engine, indices: range | list[int]) -> dict[int, Scores]:
    return {index: engine.score(*interval(index)) for index in indices}


def test_it_is_what_the_pipeline_asks_for_and_says_that_it_is_untrained() -> None:
    built = Engine.from_preset(small_config(), LABELS, seed=3)
    assert isinstance(built, Model)
    assert built.card.weights == "untrained"
    assert built.card.channels is None
    assert built.card.paths == {"fast": 1}
    assert built.card.band_hz == (0.5, 40.0)
    assert built.card.grid.n_times == N_TIMES


def test_the_same_seed_gives_the_same_scores_and_another_seed_others() -> None:
    one, same, other = (
        Engine.from_preset(small_config(), LABELS, seed).score(*interval(8)) for seed in (1, 1, 2)
    )
    assert one.similarity == same.similarity
    assert one.similarity != other.similarity


def test_building_a_network_leaves_the_callers_random_numbers_alone() -> None:
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    Engine.from_preset(small_config(), LABELS, seed=1)
    assert torch.equal(torch.rand(3), expected)


def test_frames_of_any_size_are_embedded_one_by_one_or_together() -> None:
    built, random = engine(), np.random.default_rng(0)
    images = [
        random.integers(0, 255, shape, dtype=np.uint8) for shape in ((48, 64, 3), (90, 32, 3), (32, 32, 3))
    ]
    together = built.encode(images, "fast")
    assert together.shape == (3, 16, 16)
    assert together.dtype == np.float32
    for image, embedding in zip(images, together, strict=True):
        np.testing.assert_allclose(built.encode([image], "fast")[0], embedding, atol=1e-5)


def test_scores_keep_their_ranges_and_attention_sums_to_one() -> None:
    scores = run(engine(), range(8, 12))[11]
    assert -1 <= scores.similarity <= 1
    assert 0 <= scores.match <= 1
    assert scores.gate == pytest.approx(np.tanh(0.6))
    attention = scores.attention
    assert attention.matrix.shape == (40, N_SLOTS)
    assert attention.places.shape == (4, 4)
    np.testing.assert_allclose(attention.matrix.sum(axis=1), 1, rtol=1e-4)
    for shares in (
        attention.frames.sum(),
        attention.places.sum() + attention.whole,
        attention.channels.sum(),
    ):
        assert shares == pytest.approx(1, rel=1e-4)
    assert attention.agreement.shape == (4, 4)
    assert attention.certainty is None  # there is no past yet


@pytest.mark.parametrize("masks", ["own", "own+2", "past"])
def test_live_equals_one_forward_over_the_session(masks: str) -> None:
    """Every tick of a live session against a single offline batch of the intervals it may read."""
    live = engine(masks=masks)
    scores = run(live, range(20, 37))
    n_context = live.network.config.n_context
    indices = [36 - 4 * back for back in range(n_context, -1, -1)]
    parts = [interval(i) for i in indices]
    batch = Batch(
        eeg=stack([cut.eeg for cut, _ in parts]),
        eeg_valid=stack([cut.eeg_valid for cut, _ in parts]),
        eeg_scale=stack([cut.eeg_scale for cut, _ in parts]),
        frames={"fast": stack([embeddings["fast"] for _, embeddings in parts])},
        frame_valid=stack([cut.frame_valid for cut, _ in parts]),
    )
    with torch.inference_mode():
        offline = live.network(batch)
    assert scores[36].similarity == pytest.approx(float(offline.similarity[0, -1, -1]), abs=1e-5)
    assert scores[36].match == pytest.approx(float(offline.fused.logit[0, -1].sigmoid()), abs=1e-5)


def stack(arrays: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(arrays))[None]


def test_an_earlier_interval_that_was_skipped_is_not_read() -> None:
    complete, skipped, alone = engine(masks="own+1"), engine(masks="own+1"), engine(masks="own")
    reads_it = run(complete, [32, 36])[36]
    misses_it = run(skipped, [33, 36])[36]
    assert misses_it.match != reads_it.match
    assert misses_it.match == pytest.approx(run(alone, [36])[36].match, abs=1e-6)


def test_impostors_are_past_video_at_least_four_seconds_away_and_their_number_is_bounded() -> None:
    built = engine()
    scores = run(built, range(0, 60))
    for index, score in scores.items():
        far = [i for i in range(0, 60, 4) if (index - i) * HOP_S >= IMPOSTOR_GAP_S]
        assert len(score.impostors) == len(far)
    cut, _ = interval(59)
    for impostor, index in zip(scores[59].impostors, range(0, 60, 4), strict=False):
        fresh = engine().score(cut, interval(index)[1])
        assert impostor == pytest.approx(fresh.similarity, abs=1e-5)
    for index in range(60, 60 + 4 * BANK_SIZE, 4):
        last = built.score(*interval(index))
    assert BANK_SIZE - 5 < len(last.impostors) <= BANK_SIZE


def test_certainty_is_the_share_of_unwatched_video_whose_best_place_leads_by_less() -> None:
    agreed = torch.tensor([0.9, 0.1, 0.5, 0.0])  # the whole frame, then three places: a lead of 0.3
    strange = torch.tensor(
        [[0.0, 0.2, 0.2, 0.2], [0.0, 0.9, 0.0, 0.0], [0.9, 0.1, 0.3, -0.1], [0.0, 0.4, 0.0, 0.2]]
    )
    assert certainty(agreed, strange) == 0.75
    assert certainty(agreed, strange[:0]) is None
    assert certainty(agreed[:1], strange[:, :1]) is None


def test_the_map_is_certain_where_one_place_moves_what_the_eeg_answers_to() -> None:
    """Agreement of the newest interval by place, against past video; nothing to say before there is any."""
    built = engine()
    scores = run(built, range(0, 60))
    assert scores[15].attention.certainty is None
    told = [score.attention.certainty for index, score in scores.items() if index >= 40]
    assert all(0 <= value <= 1 for value in told)
    assert len(set(told)) > 3
    assert scores[59].attention.agreement.max() <= 1


def test_the_bank_keeps_the_newest_and_says_which() -> None:
    bank = Bank(3)
    view = engine().network.encode_video(
        {"fast": torch.randn(1, 40, 16, 16)}, torch.ones(1, 40, dtype=torch.bool)
    )
    for index in range(5):
        bank.put(index, view._replace(places=view.places + index))
    assert sorted(bank.index.tolist()) == [2, 3, 4]
    for row, index in enumerate(bank.index.tolist()):
        torch.testing.assert_close(bank.view.places[row], view.places[0] + index)


def test_a_reset_forgets_the_session() -> None:
    built = engine(masks="own+1")
    first = run(built, range(20, 44))[40]
    built.reset()
    again = run(built, [40])[40]
    assert len(first.impostors) > 0
    assert len(again.impostors) == 0
    assert again.match != first.match


def test_the_memory_of_a_long_session_is_bounded() -> None:
    built = engine(masks="own+2")
    run(built, range(0, 400, 3))
    assert len(built.memory.items) <= 9
    assert len(built.memory.bank.index) <= BANK_SIZE


def test_what_is_not_there_is_told_as_nothing_and_never_as_nan() -> None:
    cut, embeddings = interval(9)
    blind = replace(cut, frame_valid=np.zeros(N_SLOTS, bool))
    scores = engine().score(blind, {"fast": np.full_like(embeddings["fast"], np.nan)})
    assert scores.similarity == 0
    assert np.isfinite(scores.match)
    assert (scores.attention.matrix == 0).all()
    assert (scores.attention.places == 0).all()
    half = replace(cut, eeg_valid=np.zeros_like(cut.eeg_valid), eeg=np.full_like(cut.eeg, np.nan))
    deaf = engine().score(half, embeddings)
    assert deaf.similarity == 0
    assert (deaf.attention.channels == 0).all()


def test_a_slow_path_tells_its_attention_on_every_slot() -> None:
    built = engine(fast=None, slow={"kind": "tiny", "image_px": 32, "width": 16})
    cut, embeddings = interval(9)
    scores = built.score(cut, {"slow": embeddings["fast"][::5]})
    assert built.card.paths == {"slow": 5}
    assert scores.attention.matrix.shape == (40, N_SLOTS)
    np.testing.assert_allclose(scores.attention.matrix.sum(axis=1), 1, rtol=1e-4)
    assert scores.attention.frames[0] == scores.attention.frames[4]


def test_other_electrodes_than_the_networks_are_refused_with_both_counts() -> None:
    cut, embeddings = interval(9)
    other = replace(cut, eeg=cut.eeg[:3], eeg_valid=cut.eeg_valid[:3], eeg_scale=cut.eeg_scale[:3])
    with pytest.raises(StreamFormatError, match=r"built for 4 electrodes \(Fz, Cz, Pz, Oz\).*has 3"):
        engine().score(other, embeddings)


def test_a_compiled_stage_takes_the_place_of_the_eager_one() -> None:
    built, calls = engine(), []
    eager = built.stages.eeg
    built.stages.eeg = lambda *inputs: (calls.append(inputs[0].shape), eager(*inputs))[1]
    built.score(*interval(9))
    assert calls == [(1, 4, N_TIMES)]
