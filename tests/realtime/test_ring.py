"""Fixed memory, written by index, read by copying."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.ring import GridRing, SequenceRing


def rows(start: int, n: int) -> np.ndarray:
    """Rows whose every value is their own position (as far as float32 counts exactly)."""
    return np.repeat((np.arange(start, start + n) % 2**20).astype(np.float32)[:, None], 2, axis=1)


@given(
    steps=st.lists(st.tuples(st.integers(0, 30), st.integers(1, 70)), min_size=1, max_size=12),
    start=st.integers(-1000, 10**9),
)
def test_every_valid_row_is_the_one_written_at_its_position(steps, start):
    ring = GridRing(50, 2)
    written: set[int] = set()
    head = start
    for hole, n in steps:
        head += hole
        ring.write(head, rows(head, n))
        written |= set(range(head, head + n))
        head += n
    values, valid = ring.read(head - 80, head + 10)
    for position, row, ok in zip(range(head - 80, head + 10), values, valid, strict=True):
        assert ok.tolist() == [position in written and position >= head - 50] * 2
        assert (row == (position % 2**20 if ok.all() else 0)).all()


def test_history_is_not_rewritten():
    ring = GridRing(10, 2)
    ring.write(5, rows(5, 3))
    with pytest.raises(ValueError, match="position 7 was already passed"):
        ring.write(7, rows(7, 1))


def test_the_sequence_ring_hands_out_its_newest_rows_in_order():
    ring = SequenceRing(8, {"stamp": ((), np.float64)})
    assert len(ring.tail("stamp")[1]) == 0
    for n in range(30):
        assert ring.append(stamp=n / 10) == n
        first, stamps = ring.tail("stamp")
        assert first == max(0, n - 6)
        assert (stamps == np.arange(first, n + 1) / 10).all()
