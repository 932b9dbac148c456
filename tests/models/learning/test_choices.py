"""What the attention chose is counted against the truth: objects in a frame, and one of several videos."""

from __future__ import annotations

import numpy as np
import pytest

from models.learning.judging.attended import Hits, by_place
from models.learning.judging.report_choices import attended_section, patterns_section, watched_section
from models.learning.judging.watched import DRAWS, Watched, sets_of

QUARTERS = np.array([[0, 0, 0.5, 0.5], [0.5, 0, 1, 0.5], [0, 0.5, 0.5, 1], [0.5, 0.5, 1, 1]])


def test_the_object_with_the_highest_share_a_place_is_the_one_that_was_chosen():
    maps = np.full((3, 16), 0.02)
    maps[0, [0, 1, 4, 5]] = 0.19  # all on the first quarter of 4 × 4 places
    maps[1, 15] = 0.70  # on a corner of the last
    maps[2] = 1 / 16  # nowhere
    maps /= maps.sum(axis=1, keepdims=True)
    found = Hits.of(maps, [QUARTERS] * 3, np.array([0, 1, 2]), (4, 4))
    assert found.hit == pytest.approx([1.0, 0.0, 0.25])  # where all are even, one in four
    assert found.share[0] == pytest.approx(maps[0, [0, 1, 4, 5]].sum())
    assert found.share[1] == pytest.approx(maps[1, [2, 3, 6, 7]].sum())
    assert found.even == pytest.approx([0.25] * 3)
    told = (found + found).told()
    assert told["n"] == 6
    assert told["chance"] == 0.25
    assert told["hit_rate_ci"][0] < told["hit_rate"] < told["hit_rate_ci"][1]


def test_a_large_object_is_not_chosen_for_its_size():
    boxes = np.array([[0, 0, 1, 0.75], [0, 0.75, 0.25, 1]])
    maps = np.full((1, 16), 0.05)
    maps[0, 12] = 0.25
    assert Hits.of(maps, [boxes], np.array([1]), (4, 4)).hit == [1.0]


def test_what_is_read_of_the_whole_frame_is_no_place():
    shares = np.array([[0.5, 0.4, 0.1], [1.0, 0.0, 0.0]])
    assert by_place(shares) == pytest.approx(np.array([[0.8, 0.2], [0.0, 0.0]]))


def test_a_window_is_set_beside_videos_that_are_4_s_away_and_always_the_same():
    starts = np.arange(0.0, 20.0, 2.0)
    rows, columns = sets_of(starts, 2.0, 3)
    assert np.array_equal(columns[:, 0], rows)
    assert (np.abs(starts[columns[:, 1:]] - starts[rows][:, None]) >= 4.0).all()
    assert (np.bincount(rows) == DRAWS).all()
    assert np.array_equal(columns, sets_of(starts, 2.0, 3)[1])
    assert len(sets_of(starts[:2], 2.0, 2)[0]) == 0


def test_shares_are_counted_ranked_and_held_against_the_truth():
    rng = np.random.default_rng(0)
    own = rng.uniform(0.0, 1.0, (4000, DRAWS))
    watched = rng.random((4000, DRAWS)) < own  # a share that is a probability
    first = np.where(watched, own, 1 - own)
    told = Watched(np.stack([first, 1 - first], axis=2)).told()
    assert told["calibration"]["error"] < 0.02
    assert told["right"] == pytest.approx((first > 0.5).mean(), abs=1e-4)
    assert told["auc"] == pytest.approx(5 / 6, abs=0.01)  # of a share with density 2p
    blind = Watched(np.full((50, DRAWS, 4), 0.25)).told()
    assert blind["auc"] == 0.5
    assert blind["chance"] == 0.25


def test_the_page_says_what_was_found_and_draws_what_it_can_place():
    hits = Hits(np.ones(3), np.full(3, 0.9), np.full(3, 0.25), np.full(3, 0.25))
    assert "3 of 3" in attended_section(hits.told())
    shares = np.stack([np.full((20, DRAWS), 0.8), np.full((20, DRAWS), 0.2)], axis=2)
    page = watched_section({"2": Watched(shares).told()})
    assert "1 of 2" in page
    assert "<svg" in page
    head = patterns_section([{"O1": 1.0, "Fp1": -0.5, "Right AUX": 0.3}])
    assert head.count("<title>O1 +1.00") == 1
    assert "Right AUX" not in head
