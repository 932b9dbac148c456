"""Which media an EEG token may read: each mode against its meaning, written out."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.network.masks import allowed_items, guard_rows, intervals_before
from realtime.errors import ConfigError

MODES = ["global", "own", "own+1", "own+3", "past"]


@settings(max_examples=100, deadline=None)
@given(data=st.data(), mode=st.sampled_from(MODES))
def test_every_mode_means_what_its_name_says(data: st.DataObject, mode: str) -> None:
    items = data.draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1), st.booleans()), min_size=1))
    n_items = len(items)
    order, video, valid = (list(column) for column in zip(*items, strict=True))
    ids = data.draw(st.lists(st.integers(-1, n_items - 1), min_size=1, max_size=6))
    allowed = allowed_items(
        torch.tensor([ids]), torch.tensor([order]), torch.tensor([video]), torch.tensor([valid]), mode
    )
    for q, own in enumerate(ids):
        for item in range(n_items):
            behind = order[own] - order[item]
            same_video = video[own] == video[item]
            expected = {
                "global": True,
                "own": item == own,
                "own+1": own >= 0 and same_video and behind in (0, 1),
                "own+3": own >= 0 and same_video and behind in (0, 1, 2, 3),
                "past": own >= 0 and behind >= 0,
            }[mode]
            assert bool(allowed[0, q, item]) == (expected and valid[item])


def test_a_token_may_belong_to_several_items() -> None:
    order, video = torch.tensor([[0, 1, 0, 1]]), torch.tensor([[0, 0, 1, 1]])
    valid = torch.ones(1, 4, dtype=torch.bool)
    allowed = allowed_items(torch.tensor([[[1, 3], [0, -1]]]), order, video, valid, "own")
    assert allowed.tolist() == [[[False, True, False, True], [True, False, False, False]]]


def test_a_row_that_allows_nothing_is_opened_and_marked() -> None:
    allowed = torch.tensor([[[True, False], [False, False]]])
    safe, row_any = guard_rows(allowed)
    assert safe.tolist() == [[[True, False], [True, True]]]
    assert row_any.tolist() == [[[True], [False]]]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"masks='mine' is unknown: legal are"):
        intervals_before("mine")
