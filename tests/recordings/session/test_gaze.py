"""Gaze that was recorded: read, replayed, and held against what was attended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from realtime.gaze import GazePoint
from realtime.types import Attention, EegInfo, Frame, RawChunk, VideoInfo
from recordings.recorder import Recorder
from recordings.report.page import session_report
from recordings.session.gaze import against_map, all_gaze
from recordings.session.headers import ATTENTION, attention_header, attention_row
from recordings.session.outcome import PlacesAttended, places_attended
from recordings.session.session import Session
from recordings.xdf.writer import StreamHeader

START = 100.0
GAZE = StreamHeader(
    "pupil_capture", "Gaze", 3, 0.0, "double64", "pupil",
    description={"channels": {"channel": [{"label": n} for n in ("confidence", "norm_pos_x", "norm_pos_y")]}},
)  # fmt: skip
_NONE = np.zeros(0, np.float32)


def leading(k: int) -> np.ndarray:
    """The map of the k-th interval: one of four places leads, in turn."""
    places = np.full(4, 0.1, np.float32)
    places[k % 4] = 0.7
    return places.reshape(2, 2)


def looked(t: float) -> tuple[float, float]:
    """Eyes on the place that leads in the interval of that second, from the top left."""
    k = int(t // 2) % 4
    return 0.25 + 0.5 * (k % 2), 0.25 + 0.5 * (k // 2)


@pytest.fixture(scope="module")
def session_folder(tmp_path_factory) -> Path:
    """Intervals of 2 s of video; each ends half a second of EEG later."""
    folder = tmp_path_factory.mktemp("gaze") / "visit"
    eeg, video = EegInfo("Cap", ("Fz", "Cz"), "uV", 100.0, "cap"), VideoInfo("film", 32, 24, 5.0, "film")
    with Recorder(folder, {"eeg": eeg}, {"video": video}, {"gaze": GAZE}) as recorder:
        stamps = START + np.arange(4100) / 100
        noise = np.random.default_rng(0).normal(0, 10, (4100, 2)).astype(np.float32)
        recorder.eeg("eeg", RawChunk(noise, stamps))
        for n in range(205):
            recorder.frame("video", Frame(np.full((24, 32, 3), n, np.uint8), START + n / 5, n))
        recorder.add_stream(ATTENTION, attention_header((2, 2)))
        for k in range(19):
            attention = Attention(_NONE, _NONE, leading(k), _NONE, certainty=0.99)
            recorder.samples(ATTENTION, np.array([START + 2 * k + 2.5]), np.array([attention_row(attention)]))
        times = np.arange(0, 40, 0.05)
        rows = [(1.0, looked(t)[0], 1 - looked(t)[1]) for t in times]
        recorder.samples("gaze", START + times, np.array(rows))
    return folder


def test_gaze_is_read_on_the_sessions_clock(session_folder):
    with Session(session_folder) as session:
        gaze = all_gaze(session)
        assert len(gaze) == 800
        assert gaze[100].stamp - session.start == pytest.approx(5.0, abs=1e-6)
    assert (gaze[100].x, gaze[100].y) == pytest.approx(looked(5.0))


def test_eyes_on_the_place_that_leads_have_no_distance_to_it_and_by_chance_they_have(session_folder):
    with Session(session_folder) as session:
        found = against_map(all_gaze(session), session.start, places_attended(session))
    assert found.n == 19
    assert (found.inside, found.distance) == (19, pytest.approx(0.0, abs=1e-6))
    assert found.by_chance == pytest.approx(0.5)  # the middles of the four places are half a picture apart
    assert found.inside_by_chance == pytest.approx(0.23, abs=0.03)  # one in four, but for its own
    assert found.interval[0] > 0.8


def test_of_too_little_gaze_nothing_is_said():
    attended = PlacesAttended(np.array([2.5, 4.5]), np.ones(2), np.stack([leading(0), leading(1)]))
    assert against_map([GazePoint(0.1 * n, 0.2, 0.2) for n in range(3)], 0.0, attended) is None


def test_the_report_holds_them_against_each_other(session_folder):
    html = session_report(session_folder)
    assert "Gaze and attention" in html
    assert "n = 19 intervals" in html
    assert "100% [83%, 100%]" in html


def test_a_replay_shows_where_was_looked(session_folder):
    from experiment.compose import open_replay
    from experiment.model_choice import ModelChoice

    running = open_replay(session_folder, ModelChoice())
    view, start = running.view, running.runner.start
    with running.closing:
        for second in (1.05, 5.05, 39.05):
            view._clock.set(start + second + 0.01)
            points = view.gaze(0.3)
            seconds = [p.stamp - start for p in points]
            np.testing.assert_allclose(seconds, np.arange(-5, 1) * 0.05 + second, atol=1e-3)
            assert (points[-1].x, points[-1].y) == pytest.approx(looked(second))
        running.pipeline.close()
