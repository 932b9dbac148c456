"""Losses against sums written out pair by pair, against the original implementations, and over processes."""

from __future__ import annotations

import math
import os
import socket

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import distributed as dist
from torch import multiprocessing as mp

from models.learning.training import distillation, losses, ranks


def unit(*shape: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=-1)


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


LABELS = torch.tensor([[1, -1, 0, -1], [-1, 1, -1, 1], [0, -1, 1, -1], [-1, 1, -1, 1]], dtype=torch.int8)


# ---------------------------------------------------------------- contrastive losses
def test_siglip_and_infonce_agree_with_open_clip(golden):
    file = np.load(golden / "losses.npz", allow_pickle=False)
    a, b = (torch.from_numpy(file[name]).double() for name in ("a", "b"))
    for name, value in zip(file["names"], file["values"], strict=True):
        kind, *numbers = str(name).split("_")
        facts = {part[0]: float(part[1:]) for part in numbers if part[0] in "tb"}
        logits = facts["t"] * a @ b.T + facts.get("b", 0.0)
        found = losses.siglip(logits) if kind.startswith("sig") else losses.infonce(logits)
        assert float(found) == pytest.approx(float(value), rel=1e-5), name


def test_siglip_is_the_sum_over_pairs_that_are_not_ignored():
    logits = 5 * unit(4, 4)
    written_out = sum(
        -math.log(sigma(float(LABELS[i, j]) * float(logits[i, j])))
        for i in range(4)
        for j in range(4)
        if LABELS[i, j] != 0
    )
    assert float(losses.siglip(logits, LABELS)) == pytest.approx(written_out / 4)


def test_the_gradient_of_siglip_on_a_pair_is_sigma_minus_y_and_none_where_ignored():
    logits = (3 * unit(4, 4)).requires_grad_()
    losses.siglip(logits, LABELS).backward()
    expected = (logits.detach().sigmoid() - (LABELS > 0).double()) * (LABELS != 0) / 4
    assert torch.allclose(logits.grad, expected)


def test_infonce_leaves_ignored_pairs_out_of_both_denominators():
    logits = 4 * unit(4, 4, seed=1)
    labels = 2 * torch.eye(4, dtype=torch.int8) - 1
    labels[0, 2] = labels[2, 0] = 0
    kept = labels != 0
    total = 0.0
    for i in range(4):
        row = sum(math.exp(float(logits[i, j])) for j in range(4) if kept[i, j])
        column = sum(math.exp(float(logits[j, i])) for j in range(4) if kept[j, i])
        total -= math.log(math.exp(float(logits[i, i])) / row) / 8
        total -= math.log(math.exp(float(logits[i, i])) / column) / 8
    assert float(losses.infonce(logits, labels)) == pytest.approx(total)


def test_multi_positive_is_supcon_written_out():
    logits = 4 * unit(4, 4, seed=2)

    def one_way(logits, labels):
        rows = []
        for i in range(4):
            below = sum(math.exp(float(logits[i, a])) for a in range(4) if labels[i, a] != 0)
            positives = [p for p in range(4) if labels[i, p] == 1]
            rows.append(
                -sum(math.log(math.exp(float(logits[i, p])) / below) for p in positives) / len(positives)
            )
        return sum(rows) / 4

    written_out = (one_way(logits, LABELS) + one_way(logits.T, LABELS.T)) / 2
    assert float(losses.multi_positive(logits, LABELS)) == pytest.approx(written_out)


def test_multi_positive_with_one_positive_a_row_is_infonce():
    logits = 4 * unit(6, 6, seed=3)
    labels = 2 * torch.eye(6, dtype=torch.int8) - 1
    assert float(losses.multi_positive(logits, labels)) == pytest.approx(float(losses.infonce(logits)))


def test_joint_ce_makes_modalities_compete_and_siglip_does_not():
    video, text = (4 * unit(3, 3, seed=s) for s in (4, 5))
    labels = 2 * torch.eye(3, dtype=torch.int8) - 1
    video, text = video.requires_grad_(), text.requires_grad_()
    losses.joint_ce([video, text], [labels, labels]).backward()
    p = torch.cat([video, text], dim=1).detach().softmax(dim=1)
    target = torch.cat([torch.eye(3), torch.eye(3)], dim=1).double() / 2
    assert torch.allclose(torch.cat([video.grad, text.grad], dim=1), (p - target) / 3)
    louder = text.detach() + 5
    again = video.detach().requires_grad_()
    losses.joint_ce([again, louder], [labels, labels]).backward()
    assert (again.grad.diagonal() < video.grad.diagonal()).all()  # loud text: the video is pulled harder
    alone = video.detach().requires_grad_()
    losses.siglip(alone, labels).backward()
    both = video.detach().requires_grad_()
    (losses.siglip(both, labels) + losses.siglip(louder, labels)).backward()
    assert torch.equal(both.grad, alone.grad)


def test_the_bias_starts_the_sigmoid_at_the_true_share_of_pairs():
    assert sigma(losses.bias_for(64)) == pytest.approx(1 / 64)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 400)), min_size=2, max_size=12))
def test_three_states_are_symmetric_and_every_window_belongs_to_itself(windows):
    sessions, starts = (torch.tensor(column) for column in zip(*windows, strict=True))
    labels = losses.three_state(sessions, starts, n_slots=80, near=20, positive=4)
    assert torch.equal(labels, labels.T)
    assert (labels.diagonal() == 1).all()
    for i, (run, start) in enumerate(windows):
        for j, (other_run, other_start) in enumerate(windows):
            apart = abs(start - other_start)
            if i != j:
                expected = -1 if run != other_run or apart >= 100 else (1 if apart <= 4 else 0)
                assert labels[i, j] == expected


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6))
def test_random_partners_are_mismatched_and_never_twice_the_same(seed, k):
    rows, columns = losses.random_partners(LABELS, k, torch.Generator().manual_seed(seed))
    assert (LABELS[rows, columns] == -1).all()
    pairs = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    negatives = (LABELS == -1).sum(dim=1)
    assert len(pairs) == int(negatives.clamp(max=k).sum())


def test_the_match_loss_weighs_both_sides_alike_whatever_their_numbers():
    positive, negative = torch.tensor([0.3, -1.0]), torch.tensor([0.5])
    expected = sum(math.log1p(math.exp(-x)) for x in (0.3, -1.0)) / 2 + math.log1p(math.exp(0.5))
    assert float(losses.match_bce(positive, negative)) == pytest.approx(expected)
    assert float(losses.match_bce(positive, negative.repeat(9))) == pytest.approx(expected)


# ---------------------------------------------------------------- distillation
def test_distribution_kd_is_the_kl_of_the_teachers_similarities():
    student, teacher = unit(4, 4, seed=6), unit(4, 7, seed=7)
    target = teacher @ teacher.T
    total = 0.0
    for i in range(4):
        p = [math.exp(float(target[i, j]) / 0.1) for j in range(4)]
        q = [math.exp(float(student[i, j]) / 0.1) for j in range(4)]
        p, q = ([x / sum(row) for x in row] for row in (p, q))
        total += sum(a * math.log(a / b) for a, b in zip(p, q, strict=True)) / 4
    assert float(distillation.distribution_kd(student, 3 * teacher)) == pytest.approx(total)


def test_distribution_kd_is_zero_for_a_student_that_sees_as_the_teacher_and_ignores_what_it_should():
    teacher = unit(4, 7, seed=8)
    same = teacher @ teacher.T
    assert float(distillation.distribution_kd(same, teacher)) == pytest.approx(0, abs=1e-12)
    ignored = LABELS == 0
    elsewhere = same + 5 * ignored
    assert float(distillation.distribution_kd(elsewhere, teacher, ignore=ignored)) == pytest.approx(
        0, abs=1e-12
    )


def test_distribution_kd_over_rows_of_each_process_is_the_mean_of_the_whole():
    student, teacher = unit(4, 4, seed=6), unit(4, 7, seed=7)
    parts = [distillation.distribution_kd(student[r], teacher, rows=r) for r in (slice(0, 2), slice(2, 4))]
    assert float(sum(parts) / 2) == pytest.approx(float(distillation.distribution_kd(student, teacher)))


def test_what_the_teacher_takes_for_the_same_becomes_positive_but_ignored_pairs_stay_ignored():
    teacher = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.99, 0.05]])
    alike = distillation.similar_labels(teacher, LABELS, threshold=0.9)
    assert alike[0, 3] == 1
    assert alike[0, 2] == 0
    assert alike[0, 1] == -1
    logits = 4 * unit(4, 4, seed=9)
    found = distillation.multi_positive_kd(logits, teacher, LABELS)
    assert float(found) == pytest.approx(float(losses.multi_positive(logits, alike)))


def test_feature_kd_is_one_minus_the_cosine_of_the_mapped_student():
    kd = distillation.FeatureKD(3, 2)
    with torch.no_grad():
        kd.map.weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1, 0]]))
    student = torch.tensor([[2.0, 0, 9], [1, 1, 5]])
    teacher = torch.tensor([[0.5, 0], [1, 0]])
    assert float(kd(student, teacher)) == pytest.approx((0 + 1 - math.sqrt(0.5)) / 2, abs=1e-6)


def test_reconstruction_is_the_squared_error_at_hidden_slots_alone():
    task = distillation.Reconstruction(2, 2)
    with torch.no_grad():
        task.head.weight.copy_(torch.eye(2))
        task.head.bias.zero_()
    grid = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    target = torch.tensor([[[0.0, 0.0], [3.0, 2.0]]])
    assert float(task(grid, target, torch.tensor([[False, True]]))) == pytest.approx(2.0)
    assert float(task(grid, target, torch.tensor([[False, False]]))) == 0.0


def test_stretches_are_hidden_whole_and_about_as_many_as_asked():
    task = distillation.Reconstruction(2, 2, share=0.3, stretch=10)
    hidden = task.hide(400, 80, torch.Generator().manual_seed(0))
    assert hidden.shape == (400, 80)
    assert (hidden.unflatten(1, (8, 10)).sum(dim=2) % 10 == 0).all()
    assert float(hidden.float().mean()) == pytest.approx(0.3, abs=0.03)


def test_weights_rise_evenly_to_what_they_shall_be():
    weights = [distillation.warm_up(step, 0.3, 100) for step in (0, 50, 100, 500)]
    assert weights == pytest.approx([0, 0.15, 0.3, 0.3])
    assert distillation.warm_up(0, 0.3, 0) == 0.3


# ---------------------------------------------------------------- several processes
def toy_loss(weight: torch.Tensor, eeg: torch.Tensor, video: torch.Tensor) -> torch.Tensor:
    """What a process does: its own rows of EEG against everybody's video."""
    x, z = (torch.nn.functional.normalize(side @ weight, dim=1) for side in (eeg, video))
    everybody = ranks.gather_rows(z)
    runs = ranks.gather_rows(torch.arange(len(eeg)) + 100 * ranks.rank())
    labels = losses.three_state(runs, torch.zeros_like(runs), n_slots=80)
    logits = 10 * x @ everybody.T - 2
    return losses.siglip(logits, labels[ranks.own_rows(len(everybody))])


def in_a_process(rank: int, port: int, eeg, video, weight, results):
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=2)
    mine = slice(3 * rank, 3 * rank + 3)
    leaf = weight.clone().requires_grad_()
    loss = toy_loss(leaf, eeg[mine], video[mine])
    loss.backward()
    both = torch.cat([loss.detach()[None], leaf.grad.flatten()])
    dist.all_reduce(both)  # data-parallel training takes the mean over processes
    results[rank] = (both / 2).tolist()
    dist.destroy_process_group()


def test_the_sigmoid_loss_over_two_processes_is_that_of_one_in_value_and_gradient():
    eeg, video, weight = unit(6, 5, seed=10), unit(6, 5, seed=11), unit(5, 4, seed=12)
    leaf = weight.clone().requires_grad_()
    loss = toy_loss(leaf, eeg, video)
    loss.backward()
    alone = torch.cat([loss.detach()[None], leaf.grad.flatten()])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with mp.get_context("spawn").Manager() as manager:
        results = manager.dict()
        mp.spawn(in_a_process, (port, eeg, video, weight, results), nprocs=2)
        for rank in range(2):
            assert torch.allclose(torch.tensor(results[rank], dtype=torch.float64), alone, rtol=1e-10)


def test_the_same_moment_of_one_film_is_no_negative_whoever_watches():
    where = torch.tensor([[0, 100, 7, 100], [1, 940, 7, 110], [1, 2000, 7, 900], [2, 100, 8, 100]])
    labels = losses.pair_labels(where, n_slots=80)
    assert labels.tolist() == [[1, 0, -1, -1], [0, 1, -1, -1], [-1, -1, 1, -1], [-1, -1, -1, 1]]


def test_a_film_that_repeats_gives_negatives_at_another_phase_alone():
    ends = torch.tensor([0, 10, 50, 205, 210 + 60])
    where = torch.stack((torch.zeros(5, dtype=torch.int64), ends, torch.full((5,), 7), ends), dim=1)
    labels = losses.pair_labels(where, n_slots=210, near=20, period=210)
    assert labels[0].tolist() == [1, 0, -1, 0, -1]  # 205 of 210 is five slots before the next beginning
    assert labels[2].tolist() == [-1, -1, 1, -1, 0]
