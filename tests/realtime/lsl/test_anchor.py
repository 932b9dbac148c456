"""A sender's clock that is set, seen by when its samples arrive: by how much, whatever else is late."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.lsl.anchor import Anchor
from realtime.time.clock import ManualClock

RATE, CHUNK = 250.0, 25


def anchored(late_s, set_at, by, held_back_s=0.0, n_chunks=400):
    """Chunks that arrive `late_s(k)` late; returns what the clock was found to be set by, seconds.

    From chunk `set_at` on the stamps are `by` seconds ahead; before it comes, nothing is sent for
    `held_back_s`.
    """
    clock = ManualClock(0.0)
    anchor = Anchor(1 / RATE, clock.now, tolerant=False)
    found = []
    for k in range(n_chunks):
        true = (k * CHUNK + np.arange(CHUNK)) / RATE + (held_back_s if k >= set_at else 0.0)
        clock.set(max(clock.now(), true[-1] + late_s(k)))
        stamps = true + (by if k >= set_at else 0.0)
        if k == 0:
            anchor.measured(0.0, float(stamps[-1]), "amp")
        if (offset := anchor.watch(stamps, waited=late_s(k) > 0.1)) is not None:
            found.append(-offset.value)
    return found


def catching_up(k):
    """Eight seconds wait at first, as after a network was loaded; they are taken four times as fast."""
    return max(0.0, 8.4 - 0.3 * k)


@pytest.mark.parametrize("by", [20.0, -12.0, 200_000.0])
@pytest.mark.parametrize("set_at", [10, 30, 60, 350])
def test_a_backlog_is_no_part_of_what_a_clock_was_set_by(by, set_at):
    (found,) = anchored(catching_up, set_at, by)
    assert found == pytest.approx(by, abs=0.01)


def test_a_program_that_was_away_while_a_clock_was_set_takes_samples_as_they_follow():
    (found,) = anchored(lambda k: max(0.0, 6.0 - 0.1 * (k - 100)) if k >= 100 else 0.0, 120, 20.0)
    assert found == pytest.approx(20.0, abs=0.01)


def test_a_sender_that_was_silent_while_its_clock_was_set_has_its_pause():
    (found,) = anchored(lambda k: 0.0, 200, 20.0, held_back_s=5.0)
    assert found == pytest.approx(20.0, abs=0.01)
