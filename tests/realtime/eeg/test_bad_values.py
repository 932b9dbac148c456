"""What is no measurement is missing where it is, on its channel, and told by kind."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.config import ConditioningConfig, GridConfig
from realtime.eeg.bad_values import KINDS, BadValues
from realtime.eeg.intake import EegIntake
from realtime.time.clock import ManualClock
from tests.support.fakes import ArrayEeg

RATE = 250.0
N = 2500


def eeg(n_channels: int = 3) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 20, (N, n_channels))


def counted(values: BadValues, channel: int) -> dict[str, int]:
    return {kind: int(n) for kind, n in zip(KINDS, values.counts[:, channel], strict=True) if n}


def spoiled() -> np.ndarray:
    x = eeg(6)
    x[500:512, 0] = np.nan
    x[700, 0] = np.inf
    x[800:803, 1] = 1e9
    x[1000:1500, 2] = 7.0
    x[:, 3] = np.clip(x[:, 3] * 1e4, -187_500, 187_500)
    x[900:1400, 4] = 187_500.0
    return x


def test_each_kind_is_found_where_it_is_and_nothing_else():
    values = BadValues(6, RATE)
    judged = values.push(spoiled())
    bad = [set(np.flatnonzero(judged.bad[:, k])) for k in range(6)]
    assert bad[0] == {*range(500, 512), 700}
    assert bad[1] == {800, 801, 802}
    assert bad[2] == set(range(1025, 1500))  # known to stand still after a tenth of a second
    assert bad[4] == set(range(902, 1400))  # known to be the end of the range at the third
    assert bad[5] == set()
    assert counted(values, 0) == {"not_a_number": 13}
    assert counted(values, 1) == {"out_of_range": 3}
    assert counted(values, 2) == {"constant": 475}
    assert counted(values, 4) == {"constant": 475, "railing": 23}
    assert set(counted(values, 3)) == {"railing"}
    assert np.isfinite(judged.microvolt).all()


@given(st.lists(st.integers(1, N - 1), max_size=8))
def test_the_verdict_does_not_depend_on_how_samples_are_chunked(cuts):
    x = spoiled()
    whole, parts = BadValues(6, RATE), BadValues(6, RATE)
    expected = whole.push(x)
    found = [parts.push(x[a:b]) for a, b in itertools.pairwise(sorted({0, N, *cuts}))]
    for name in ("microvolt", "bad", "again"):
        np.testing.assert_array_equal(
            np.concatenate([getattr(f, name) for f in found]), getattr(expected, name)
        )
    np.testing.assert_array_equal(whole.counts, parts.counts)


@pytest.mark.parametrize("offset", [0.0, 4200.0, 1.5e5, -2e4])
@pytest.mark.parametrize("step", [0.01, 0.128, 0.5])
def test_eeg_in_coarse_steps_with_an_electrode_offset_is_all_good(offset, step):
    values = BadValues(3, RATE)
    judged = values.push(np.round((eeg() + offset) / step) * step)
    assert np.count_nonzero(judged.bad) <= 3


def _through(x: np.ndarray, reference: str = "as recorded") -> EegIntake:
    source = ArrayEeg(ManualClock(1e9), x, 100 + np.arange(len(x)) / RATE, RATE)
    config = ConditioningConfig(reference=reference)
    intake = EegIntake(source, source.open(), config, GridConfig())
    while intake.pump():
        pass
    return intake


@pytest.mark.parametrize("reference", ["as recorded", "average"])
def test_a_bad_stretch_takes_its_own_channel_alone_and_the_rest_is_as_without_it(reference):
    clean = eeg()
    x = clean.copy()
    x[1000:1050, 1] = np.nan
    x[1500:1700, 1] = 1e9
    got, want = _through(x, reference), _through(clean, reference)
    rows, valid = got.ring.read(want.ring.first, want.ring.head)
    whole, all_there = want.ring.read(want.ring.first, want.ring.head)
    assert valid[:, [0, 2]].all() == all_there.all() == True  # noqa: E712
    seconds = (want.ring.first + np.arange(len(rows))) / 200 - 100
    gone = seconds[~valid[:, 1]]
    assert gone[0] == pytest.approx(4.0, abs=0.02)
    assert gone[-1] == pytest.approx(6.8, abs=0.02)
    assert len(gone) == pytest.approx((0.2 + 0.8) * 200, abs=10)
    if reference == "as recorded":
        np.testing.assert_array_equal(rows[:, [0, 2]], whole[:, [0, 2]])
    late = seconds > 6.8 + 3.0
    np.testing.assert_allclose(rows[late], whole[late], atol=2.0)
    assert np.abs(rows[valid]).max() < 150


def test_what_is_missing_is_told_by_channel():
    x = eeg()
    x[100:110, 0] = np.nan
    x[:, 2] = 187_500.0
    intake = _through(x)
    (first, second) = intake.health().warnings
    assert first.startswith("ch1: of 2500 values 10 no numbers")
    assert second.startswith("ch3: of 2500 values 2475 standing still, 23 at the end")
    faults = {row["label"]: row["fault"] for row in intake.channels()}
    assert faults == {"ch1": "", "ch2": "", "ch3": "railing"}
