"""The whole network: what each side may know of the other, what is masked, streaming, packing, export."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.network.masks import allowed_items
from models.network.network import Batch, Beside, Output
from models.network.towers import joined, pick
from tests.support.networks import LABELS, small_batch, small_network

MIXERS = ["tcn", "gru", "s4d", "mamba", "none"]
COMPRESSIONS = ["resampler", "pma", "mean"]
FUSIONS = ["gated", "perceiver", "qformer"]
NOT_A_NUMBER = float("nan")


def outputs_equal(one: Output, other: Output) -> bool:
    """Bit for bit, in everything but the grids of videos that differ by intent."""
    return all(
        torch.equal(a, b)
        for a, b in (
            (one.eeg.grid, other.eeg.grid),
            (one.eeg.tokens, other.eeg.tokens),
            (one.video.grid, other.video.grid),
            (one.video.latents, other.video.latents),
            (one.similarity, other.similarity),
            (one.fused.tokens, other.fused.tokens),
            (one.fused.logit, other.fused.logit),
        )
    )


def test_shuffling_the_video_leaves_the_eeg_embedding_bit_equal() -> None:
    network = small_network()
    batch = small_batch(network, n_batch=3)
    shuffled = batch._replace(frames={path: frames.flip(0) for path, frames in batch.frames.items()})
    one, other = network(batch), network(shuffled)
    assert torch.equal(one.eeg.grid, other.eeg.grid)
    assert torch.equal(one.eeg.tokens, other.eeg.tokens)
    assert not torch.equal(one.fused.tokens, other.fused.tokens)


def test_shuffling_the_eeg_leaves_the_video_embedding_bit_equal() -> None:
    network = small_network()
    batch = small_batch(network, n_batch=3)
    one, other = network(batch), network(batch._replace(eeg=batch.eeg.flip(0)))
    assert torch.equal(one.video.grid, other.video.grid)
    assert torch.equal(one.video.latents, other.video.latents)


def test_similarity_is_the_mean_over_shared_slots_of_the_cosine() -> None:
    network = small_network()
    batch = small_batch(network, n_intervals=2)
    batch.frame_valid[0, 1, 5:9] = False
    batch.eeg_valid[0, 0, :, 40:60] = False  # points 40 to 59 are slots 8 to 11
    out = network(batch)
    for t in range(2):
        for m in range(2):
            slots = [g for g in range(40) if not (m == 1 and 5 <= g < 9) and not (t == 0 and 8 <= g < 12)]
            e, v = out.eeg.grid[0, t, slots], out.video.grid[0, m, slots]
            cosine = torch.cosine_similarity(e, v, dim=-1).mean()
            torch.testing.assert_close(out.similarity[0, t, m], cosine, rtol=1e-5, atol=1e-6)


def test_one_sample_alone_gives_what_it_gives_in_a_batch() -> None:
    network = small_network()
    batch = small_batch(network, n_batch=3)
    whole = network(batch)
    first = Batch(
        *(
            None
            if part is None
            else {k: v[:1] for k, v in part.items()}
            if isinstance(part, dict)
            else part[:1]
            for part in batch
        )
    )
    alone = network(first)
    torch.testing.assert_close(alone.similarity, whole.similarity[:1], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(alone.fused.logit, whole.fused.logit[:1], rtol=1e-5, atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_what_is_marked_invalid_changes_nothing_bit_for_bit(data: st.DataObject) -> None:
    network = small_network()
    batch = small_batch(network, n_batch=1, n_intervals=2)
    slots = data.draw(st.lists(st.integers(0, 39), max_size=40))
    points = data.draw(st.lists(st.integers(0, 299), max_size=40))
    batch.frame_valid[0, data.draw(st.integers(0, 1)), slots] = False
    batch.eeg_valid[0, 0, data.draw(st.integers(0, 3)), points] = False
    frames = torch.where(batch.frame_valid[..., None, None], batch.frames["fast"], NOT_A_NUMBER)
    eeg = torch.where(batch.eeg_valid, batch.eeg, NOT_A_NUMBER)
    one, other = network(batch), network(batch._replace(frames={"fast": frames}, eeg=eeg))
    assert outputs_equal(one, other)
    assert torch.isfinite(other.fused.logit).all()


def test_an_electrode_without_scale_or_without_data_reads_as_silence() -> None:
    network = small_network()
    batch = small_batch(network)
    silent = batch._replace(eeg=batch.eeg.clone())
    silent.eeg[:, :, 2] = 0
    batch.eeg_scale[:, :, 2] = torch.tensor([0.0, NOT_A_NUMBER])[:, None]
    assert outputs_equal(network(batch), network(silent))


def test_an_item_that_may_not_be_read_changes_nothing_for_those_who_read_others() -> None:
    network = small_network(masks="own")
    batch = small_batch(network, n_intervals=3)
    other = {"fast": batch.frames["fast"].clone()}
    other["fast"][:, 2] = 0.0
    one, two = network(batch), network(batch._replace(frames=other))
    assert torch.equal(one.fused.logit[:, :2], two.fused.logit[:, :2])
    assert not torch.equal(one.fused.logit[:, 2], two.fused.logit[:, 2])


def test_eeg_without_any_video_passes_through_unfused() -> None:
    network = small_network()
    batch = small_batch(network)
    batch.frame_valid[1] = False
    out = network(batch, explain=True)
    assert torch.equal(out.fused.tokens[1], out.eeg.tokens[1])
    assert (out.similarity[1] == 0).all()
    assert (out.fused.attention[1] == 0).all()


@pytest.mark.parametrize("masks", ["own", "own+1", "past", "global"])
def test_one_interval_at_a_time_with_cached_latents_equals_the_whole_at_once(masks: str) -> None:
    network = small_network(masks=masks)
    batch = small_batch(network, n_batch=1, n_intervals=4)
    ends = torch.tensor([[-3.0, -2.0, -1.0, 0.0]])
    whole = network(batch, explain=True)
    seen = []
    for t in range(4):
        view = network.encode_video(
            {"fast": batch.frames["fast"][:, t]}, batch.frame_valid[:, t], explain=True
        )
        seen.append((view, network.project(view.latents)))
    for t in range(4):
        eeg = network.encode_eeg(batch.eeg[:, t], batch.eeg_valid[:, t], batch.eeg_scale[:, t], explain=True)
        known = seen if masks == "global" else seen[: t + 1]
        media = tuple(torch.cat(parts)[None] for parts in zip(*(item for _, item in known), strict=True))
        order = torch.arange(len(known))[None]
        ids = torch.full((1, eeg.tokens.shape[1]), t)
        allowed = allowed_items(
            ids, order, torch.zeros_like(order), torch.ones(1, len(known), dtype=torch.bool), masks
        )
        # Times count from this interval's end here, from the last one's there.
        beside = Beside(allowed, torch.zeros(1, 1), ends[:, : len(known)] - ends[:, t])
        video = pick(joined([view for view, _ in known]), None)
        out = network.meet(pick(eeg, None), video, media, beside, explain=True)
        close = {"rtol": 1e-5, "atol": 1e-5}
        torch.testing.assert_close(out.fused.logit[0, 0], whole.fused.logit[0, t], **close)
        torch.testing.assert_close(out.fused.tokens[0, 0], whole.fused.tokens[0, t], **close)
        torch.testing.assert_close(out.similarity[0, 0, t], whole.similarity[0, t, t], **close)
        items = len(known)
        torch.testing.assert_close(out.fused.shares[0, 0], whole.fused.shares[0, t, :items], **close)


@pytest.mark.parametrize("name", ["fast", "slow", "both"])
def test_frames_of_many_videos_are_packed_by_item(name: str) -> None:
    """(B, M, F, 3, H, W) → (B, M, F, P, Dv) → (B, M·n, D), each video read by its own items alone."""
    small = {"kind": "tiny", "image_px": 32, "width": 16}
    changes: dict[str, Any] = {
        "fast": {},
        "slow": {"slow": small, "fast": None},
        "both": {"slow": small},
    }[name]
    network = small_network(**changes)
    batch = small_batch(network, n_intervals=2, n_videos=2)
    images = {path: torch.randn(2, 4, 40 // every, 3, 32, 32) for path, every in network.config.paths.items()}
    frames = {path: network.encode_frames(pixels, path) for path, pixels in images.items()}
    for path, pixels in images.items():
        assert frames[path].shape == (2, 4, pixels.shape[2], *network.frame_shape(path))
        torch.testing.assert_close(
            frames[path][1, 3], network.encode_frames(pixels[1, 3], path), rtol=1e-4, atol=1e-5
        )
    out = network(batch._replace(frames=frames), explain=True)
    assert out.video.latents.shape == (2, 4, 17, 16, 32)
    assert out.fused.attention.shape == (2, 2, 40, 4 * 17 * 16)
    by_item = out.fused.attention.unflatten(-1, (4, -1)).sum(dim=-1)  # items: video 0 at t 0, 1; video 1
    assert (by_item[:, 0, :, [1, 3]] == 0).all()
    assert (by_item[:, 1, :, [0, 2]] == 0).all()
    torch.testing.assert_close(by_item.sum(dim=-1), torch.ones(2, 2, 40))


def test_a_token_reads_the_item_its_id_names() -> None:
    network = small_network()
    batch = small_batch(network, n_intervals=1, n_videos=3)
    ids = torch.zeros(2, 40, dtype=torch.int64)
    ids[:, 20:] = 2
    ids[:, 39] = -1
    out = network(batch._replace(media_id_per_q=ids), explain=True)
    by_item = out.fused.attention.unflatten(-1, (3, -1)).sum(dim=-1)[0, 0]
    expected = torch.nn.functional.one_hot(ids[0].clamp(min=0), 3).float() * (ids[0] >= 0)[:, None]
    torch.testing.assert_close(by_item, expected)
    assert torch.equal(out.fused.tokens[:, 0, 39], out.eeg.tokens[:, 0, 39])


@pytest.mark.parametrize("lag_s", [0.0, 0.5, 0.75])
def test_slot_g_of_the_eeg_is_made_of_the_points_from_slot_g_on(lag_s: float) -> None:
    network = small_network(grid__lag_s=lag_s)
    batch = small_batch(network, n_batch=1)
    later = batch.eeg.clone()
    later[..., 150:155] += 40.0  # slot 30
    one, other = network(batch).eeg.grid[0, 0], network(batch._replace(eeg=later)).eeg.grid[0, 0]
    changed = (one != other).any(dim=-1).nonzero().flatten().tolist()
    # Slots 10 to 30 reach it within 0.5 s, two more at each end by the smoothing over five.
    assert changed == list(range(8, 33))
    assert torch.equal(network.eeg_tower.token_times, network.video_tower.times)


@pytest.mark.parametrize("mixer", MIXERS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_every_combination_learns_and_tells_its_attention(mixer: str, compression: str, fusion: str) -> None:
    network = small_network(mixer=mixer, compression=compression, fusion=fusion).train()
    batch = small_batch(network)
    batch.frame_valid[0, 0, 3:6] = False
    out = network(batch, explain=True)
    loss = out.similarity.square().sum() + out.fused.logit.sum() + out.fused.tokens.square().sum()
    loss.backward()
    for name, value in network.named_parameters():
        if value.requires_grad and name not in ("log_scale", "bias"):  # of the similarity's logit
            assert torch.isfinite(value.grad).all(), name
    assert out.video.attention.shape == (2, 1, 17, 16, 40)
    torch.testing.assert_close(out.fused.attention.sum(dim=-1), torch.ones(2, 1, 40))
    torch.testing.assert_close(out.eeg.channels.sum(dim=-1), torch.ones(2, 1))


def test_the_same_seed_builds_the_same_network_for_any_electrodes() -> None:
    one, other = small_network(seed=5), small_network(seed=5)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    assert one.labels == LABELS
