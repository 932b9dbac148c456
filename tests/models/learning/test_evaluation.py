"""Figures that carry their own answer: scores of known rank, and noise that must come out at chance."""

from __future__ import annotations

from math import comb
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.learning.judging import metrics
from models.learning.judging.judge import Runs, judged
from models.learning.judging.metrics import Scored
from models.learning.judging.report import worth_report
from realtime.chance import auc


def run_of(scores: np.ndarray, step_s: float = 2.0, length_s: float = 2.0) -> Scored:
    return Scored(np.asarray(scores, float), step_s * np.arange(len(scores)), "run", length_s)


def noise(n: int, signal: float = 0.0, seed: int = 0) -> Scored:
    scores = np.random.default_rng(seed).standard_normal((n, n))
    return run_of(scores + signal * np.eye(n))


def test_impostors_are_at_least_four_seconds_away_and_never_overlap():
    near = run_of(np.zeros((6, 6))).impostors()
    assert near[0].tolist() == [False, False, True, True, True, True]
    long = run_of(np.zeros((6, 6)), length_s=6.0).impostors()
    assert long[0].tolist() == [False, False, False, True, True, True]


def test_the_share_of_impostors_beaten_is_counted_ties_half():
    scores = np.zeros((5, 5))
    scores[0] = [3, 9, 1, 3, 5]  # of the impostors 1, 3, 5: one below, one equal, one above
    result = metrics.contest([run_of(scores)], least=1)
    assert result.n_impostors[0] == 3
    assert result.beaten[0] == pytest.approx(0.5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 40), st.integers(9, 40), st.integers(2, 10))
def test_n_way_is_the_exact_expectation_over_all_draws_of_impostors(below, n, ways):
    below = min(below, n)
    result = metrics.Contest(np.array([float(below)]), np.array([n]))
    assert result.n_way(ways)[0] == pytest.approx(comb(below, ways - 1) / comb(n, ways - 1))


def test_retrieval_finds_the_true_one_among_all_of_the_run():
    result = metrics.Contest(np.array([10.0, 9.0, 5.0]), np.array([10, 10, 10]))
    assert result.top(1).tolist() == [1, 0, 0]
    assert result.top(5).tolist() == [1, 1, 0]


def test_noise_is_at_chance_and_a_perfect_score_at_one():
    chance = metrics.summary([noise(60, seed=s) for s in range(8)])
    assert chance["two_way"] == pytest.approx(0.5, abs=0.03)
    assert chance["ten_way"] == pytest.approx(0.1, abs=0.03)
    low, high = chance["two_way_ci"]
    assert low < 0.5 < high
    perfect = metrics.summary([noise(60, signal=100)])
    assert perfect["two_way"] == perfect["ten_way"] == perfect["top_1"] == perfect["auc"] == 1.0


def test_in_words_an_interval_is_at_near_or_above_chance():
    assert metrics.verdict((0.47, 0.58)) == metrics.verdict((0.5, 0.7)) == "at chance"
    assert metrics.verdict((0.51, 0.9)) == "near chance"
    assert metrics.verdict((0.55, 0.6)) == "above chance"
    assert metrics.verdict((0.2, 0.49)) == "below chance"
    assert metrics.summary([noise(60, signal=100)])["verdict"] == "above chance"
    assert metrics.summary([noise(60, seed=s) for s in range(8)])["verdict"] == "at chance"


def test_the_shifted_null_is_at_chance_where_the_scores_are_perfect():
    shifts = metrics.null_two_way([noise(60, signal=3, seed=s) for s in range(11)])
    assert len(shifts) == 9
    assert shifts.mean() == pytest.approx(0.5, abs=0.02)


def test_one_shift_alone_shares_a_pairing_and_is_not_trusted():
    # A stimulus that repeats every 6 s: shifted by 6 s it fits as well as the true one.
    n = 60
    periodic = np.cos(2 * np.pi * (np.arange(n)[:, None] - np.arange(n)[None, :]) / 3)
    null = metrics.null_two_way([run_of(periodic)])
    assert null.max() - null.min() > 0.3


def test_summed_windows_add_evidence_and_their_impostors_do_not_overlap():
    run = noise(60, signal=1.5, seed=1)
    summed = run.summed(4)
    assert summed.length_s == 8.0
    assert summed.scores.shape == (57, 57)
    expected = np.mean([run.scores[3 + m, 20 + m] for m in range(4)])
    assert summed.scores[3, 20] == pytest.approx(expected)
    assert not summed.impostors()[10, 13]
    assert summed.impostors()[10, 14]
    one, four = (metrics.contest([r]).beaten.mean() for r in (run, summed))
    assert four > one


def test_windows_are_not_summed_across_a_hole():
    starts = np.array([0.0, 2.0, 4.0, 20.0, 22.0])
    summed = Scored(np.zeros((5, 5)), starts, "run", 2.0).summed(2)
    assert summed.starts.tolist() == [0.0, 2.0, 20.0]


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    held = 0
    for i in range(200):
        low, high = metrics.interval((rng.random(150) < 0.7).astype(float), seed=i)
        held += low <= 0.7 <= high
    assert 0.9 <= held / 200 <= 0.99


def test_the_area_under_the_curve_is_the_share_of_pairs_in_order():
    positive, negative = np.array([1.0, 2.0, 2.0]), np.array([0.0, 2.0])
    by_hand = np.mean([(p > q) + 0.5 * (p == q) for p in positive for q in negative])
    assert auc(positive, negative) == pytest.approx(by_hand)
    assert auc(positive, np.zeros(0)) is None


def test_an_honest_probability_is_calibrated_and_a_boastful_one_is_not():
    rng = np.random.default_rng(0)
    p = rng.random(20000)
    truth = rng.random(20000) < p
    honest = metrics.calibration(p[truth], p[~truth])
    boastful = metrics.calibration(np.round(p[truth]), np.round(p[~truth]))
    assert honest.error < 0.03 < boastful.error
    assert honest.brier < boastful.brier


def test_one_who_always_says_a_half_scores_a_quarter():
    half = metrics.calibration(np.full(5, 0.5), np.full(50, 0.5))
    assert half.brier == pytest.approx(0.25)
    assert half.error == pytest.approx(0.0)


def test_stretches_that_are_judged_share_no_window():
    result = metrics.contest([noise(60).summed(4)])
    assert result.n == 15


# ---------------------------------------------------------------- the page
def test_the_page_shows_every_part_and_its_figures():
    runs = [noise(30, signal=2.0, seed=s) for s in range(3)]
    named = [metrics.Scored(r.scores, r.starts, f"run{i}") for i, r in enumerate(runs)]
    odds = [metrics.Scored(1 / (1 + np.exp(-r.scores)), r.starts, r.run) for r in named]
    halves = [metrics.Scored(np.kron(r.scores, np.ones((2, 2))), np.arange(60.0), r.run, 1.0) for r in named]
    found = judged(Runs(named, halves, odds))
    found["baselines"] = {"ridge": metrics.summary(named)}
    found["split"] = {"how": "runs", "test": [{"session": "run0", "from_s": 0.0, "to_s": 60.0}]}
    silent = {"two_way": 0.5, "two_way_ci": [0.4, 0.6]}
    found["controls"] = {"eeg_only": {"similarity": silent, "match": silent}}
    row = {"two_way": 0.9, "two_way_ci": [0.85, 0.95], "ten_way": 0.6}
    found["learning_curve"] = [{"minutes": m, "network": row, "ridge": row, "cca": row} for m in (2, 4)]
    page = worth_report(found, "Model of <one> person")
    assert page.count("<svg") == 4
    assert "Model of &lt;one&gt; person" in page
    for words in (
        f"{found['two_way']:.3f}",
        f"{found['null_two_way']:.3f}",
        "network, match",
        "ridge",
        "run2",
    ):
        assert words in page
    ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])


def test_a_page_of_linear_models_alone_needs_no_network():
    figures = metrics.summary([noise(30, signal=1.0)])
    page = worth_report({**figures, "baselines": {"ridge": figures, "cca": figures}, "split": {}})
    assert "linear models" in page
    assert "CCA" in page
