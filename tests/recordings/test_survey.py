"""What a time line can show before anything was played: gaps where they are, and the recorded readings."""

from __future__ import annotations

import time

import pytest

from recordings.session.session import Session
from recordings.session.tracks import EegTrack
from recordings.survey import Survey, gaps_of
from tests.support.small_session import write_small


def finished(survey: Survey) -> Survey:
    survey.start()
    deadline = time.monotonic() + 60
    while not survey.done and time.monotonic() < deadline:
        time.sleep(0.01)
    assert survey.done
    return survey


def test_every_gap_between_trials_is_found_where_it_is(shared_data):
    folder = shared_data / "sessions" / "cvep32" / "run01"  # 32 trials of 4.2 s with 1 s between them
    survey = finished(Survey(folder))
    with Session(folder) as session:
        first = session.eeg().span[0]
    assert len(survey.gaps) == 31
    for number, (start, stop) in enumerate(survey.gaps):
        assert start - first == pytest.approx(5.2 * number + 4.2, abs=0.02)
        assert stop - first == pytest.approx(5.2 * (number + 1), abs=0.02)


def test_a_session_without_a_gap_has_none_and_no_readings(tmp_path):
    survey = finished(Survey(write_small(tmp_path)))
    assert survey.gaps == survey.similarity == ()


def test_asking_for_the_gaps_of_a_damaged_file_ends_quietly(tmp_path):
    survey = finished(Survey(tmp_path / "nothing"))
    assert survey.gaps == ()


def test_gaps_come_in_the_order_of_time(shared_data):
    with Session(shared_data / "sessions" / "cvep32" / "run01") as session:
        track: EegTrack = session.eeg()
        found = [gap for gap in gaps_of(track) if gap is not None]
    assert found == sorted(found)
