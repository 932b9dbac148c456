"""Stamps that are missing, stray or of a clock that was set: every sample is used, the place is named."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.time.clock import ManualClock
from recordings.replay import ReplayEeg
from recordings.session.info import describe
from recordings.session.session import Session
from recordings.session.stamps import clock_sets, jumps_in, shifts
from tests.support.files.xdf_bytes import (
    eeg_file,
    eeg_header,
    footer_chunk,
    header_chunk,
    offset_chunk,
    sample_chunks,
    wave,
    write_chunks,
)

RATE, N = 250, 5000
TRUE = 5000 + np.arange(N) / RATE


def _audit(path: Path) -> dict:
    with Session(path) as session:
        return describe(session)


def _times(path: Path) -> np.ndarray:
    with Session(path) as session:
        return np.concatenate([piece.times for piece in session.eeg().pieces()])


def _stamps(change) -> np.ndarray:
    stamps = TRUE.copy()
    change(stamps)
    return stamps


def _set(stamps, at, seconds, until=None):
    stamps[at:until] += seconds


JUMPS = {
    "ahead by 200 000 s for good": lambda s: _set(s, 2500, 200_000.0),
    "ahead by 200 000 s for ten seconds": lambda s: _set(s, 1250, 200_000.0, 3750),
    "to the time since 1970": lambda s: _set(s, 2507, 1.7e9),
    "back by 12 s": lambda s: _set(s, 2500, -12.0),
    "back to zero": lambda s: _set(s, 2511, -5010.0),
    "ahead and back by another step": lambda s: (_set(s, 1250, 1e6), _set(s, 3750, -999_000.0)),
    "for one packet": lambda s: _set(s, 2500, 40.0, 2525),
    "for one sample": lambda s: _set(s, 2510, 1000.0, 2511),
    "for the first sample": lambda s: _set(s, 0, 200_000.0, 1),
    "for the last sample": lambda s: _set(s, N - 1, 200_000.0),
    "one is no number": lambda s: s.__setitem__(2513, math.nan),
    "a whole packet is no number": lambda s: s.__setitem__(slice(2500, 2525), math.nan),
    "the first packet is no number": lambda s: s.__setitem__(slice(0, 25), math.nan),
    "the last packet is infinite": lambda s: s.__setitem__(slice(N - 25, N), math.inf),
}


@pytest.mark.parametrize("jump", JUMPS)
def test_all_samples_are_used_at_their_true_times(tmp_path, jump):
    path = eeg_file(tmp_path / "jump.xdf", _stamps(JUMPS[jump]))
    times = _times(path)
    apart = times - times[100] - (TRUE - TRUE[100])
    assert np.abs(apart).max() < 0.002
    audit = _audit(path)
    (eeg,) = audit["eeg"]
    assert (eeg["samples"], eeg["gaps"], eeg["lost_samples"]) == (N, 0, 0)
    assert audit["duration_s"] == pytest.approx(19.996, abs=0.01)


def test_the_place_is_named(tmp_path):
    problems = _audit(eeg_file(tmp_path / "a.xdf", _stamps(JUMPS["back by 12 s"])))["problems"]
    assert [p for p in problems if "set back by 12.0 s at sample 2500 (5010.0 s)" in p], problems


@pytest.mark.parametrize("pause", [20.0, 3580.0, 40_000.0])
def test_a_pause_is_a_gap_of_its_true_length(tmp_path, pause):
    audit = _audit(eeg_file(tmp_path / "pause.xdf", _stamps(lambda s: _set(s, 2500, pause))))
    (eeg,) = audit["eeg"]
    assert (eeg["gaps"], eeg["lost_samples"]) == (1, round(pause * RATE))
    assert audit["duration_s"] == pytest.approx(19.996 + pause, abs=0.01)


def _with_offsets(path: Path, stamps: np.ndarray, collected: np.ndarray) -> Path:
    return write_chunks(
        path,
        header_chunk(eeg_header()),
        *(offset_chunk(float(at), 0.0) for at in collected),
        *sample_chunks(stamps, wave(N)),
        footer_chunk(N),
    )


def test_measurements_of_the_recorder_tell_a_pause_from_a_clock_that_was_set(tmp_path):
    stamps = _stamps(lambda s: _set(s, 2500, 5000.0))
    while_it_ran = np.arange(5000.0, 5021.0, 5.0)
    audit = _audit(_with_offsets(tmp_path / "set.xdf", stamps, while_it_ran))
    assert audit["eeg"][0]["gaps"] == 0
    assert audit["duration_s"] == pytest.approx(19.996, abs=0.01)
    afterwards = np.append(while_it_ran, [10_012.0, 10_017.0])
    audit = _audit(_with_offsets(tmp_path / "pause.xdf", stamps, afterwards))
    assert (audit["eeg"][0]["gaps"], audit["eeg"][0]["lost_samples"]) == (1, 5000 * RATE)


@pytest.mark.parametrize("jump", ["ahead by 200 000 s for ten seconds", "for one packet", "back by 12 s"])
def test_a_replay_gives_every_sample_and_comes_to_its_end(tmp_path, jump):
    path = eeg_file(tmp_path / "a.xdf", _stamps(JUMPS[jump]))
    with Session(path) as session:
        clock = ManualClock(session.start)
        source, n = ReplayEeg(session, clock), 0
        source.open()
        while not source.finished:
            chunk = source.read()
            n += 0 if chunk is None else len(chunk.stamps)
            if chunk is None:
                clock.sleep_until(clock.now() + 0.25)
            assert clock.now() < session.end + 1.0
        assert n == N


def test_the_command_exports_a_recording_whose_clock_was_set(tmp_path, command):
    mne = pytest.importorskip("mne")
    path = eeg_file(tmp_path / "a.xdf", _stamps(JUMPS["ahead by 200 000 s for good"]))
    code, out, _ = command("info", path, "--json")
    assert code == 0
    assert "set ahead by 200000.0 s" in json.dumps(json.loads(out)["problems"])
    assert command("export", path, tmp_path / "a_raw.fif")[0] == 0
    raw = mne.io.read_raw_fif(tmp_path / "a_raw.fif", verbose="error")
    assert raw.n_times == N
    np.testing.assert_allclose(raw.get_data().T * 1e6, wave(N), atol=1e-4)


@settings(max_examples=200, deadline=None)
@given(
    sets=st.lists(
        st.tuples(st.integers(1, 999), st.one_of(st.integers(-1000, -1), st.integers(1, 1000))),
        max_size=5,
        unique_by=lambda one: one[0],
    )
)
def test_however_often_a_clock_is_set_back_or_far_ahead_time_goes_on_as_it_was(sets):
    true = 1e4 + np.arange(1000) * 0.01
    stamps = true.copy()
    for at, size in sets:  # whole steps: none is nearly the way back
        stamps[at:] += 3.0 * size if size < 0 else 1e5 * size
    found = clock_sets(jumps_in(stamps, 0.01), 0.01)
    np.testing.assert_allclose(stamps + shifts(found, np.arange(1000)), true, atol=1e-5)
