"""A small sample of the faults that `python -m tests.faults` does, in the suite."""

from __future__ import annotations

import pytest

from tests.faults.around import xdf_deleted
from tests.faults.bench import Bench
from tests.faults.killed import kills
from tests.faults.signals import gone


@pytest.mark.slow
@pytest.mark.parametrize("fault", [xdf_deleted, gone])
def test_a_fault_comes_to_what_the_table_says(fault, tmp_path):
    with Bench(tmp_path) as bench:
        (row,) = fault(bench)
    assert row.kept.startswith("all ")


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_fifty_kills_of_a_recording_leave_no_wrong_value_and_films_that_play_from_their_first_frame(tmp_path):
    with Bench(tmp_path) as bench:
        (row,) = kills(bench)
    assert row.seen.startswith("50 kills: 0 wrong values")
