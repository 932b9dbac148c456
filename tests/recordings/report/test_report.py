"""The report of a session says what was recorded, stands alone, and is honest about what is not there."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from realtime.chance import wilson
from realtime.errors import SessionError
from recordings.report.page import session_report, write_report
from recordings.report.stills import laid_over
from recordings.report.svg import Chart, clock_words, nice_ticks, time_ticks
from recordings.session.outcome import Readings, all_feedback, all_readings, events_once, places_attended
from recordings.session.session import Session
from recordings.xdf.writer import StreamHeader
from tests.recordings.test_recorded_pipeline import _advance, _live
from tests.support.small_session import write_small
from tests.support.told_session import START, write_told


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    return write_told(tmp_path_factory.mktemp("sessions") / "visit", gap=(30.0, 3.0))


class Page(HTMLParser):
    """The page's words and shapes; fails where tags do not close in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.words, self.tags, self.references = [], [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.references += [v for k, v in attributes if k in ("src", "href", "action")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))

    def count(self, tag, **attributes):
        wanted = {k.rstrip("_"): v for k, v in attributes.items()}.items()
        return sum(t == tag and wanted <= a.items() for t, a in self.tags)


# --- the page --------------------------------------------------------------------------------------------


def test_the_report_tells_what_the_session_came_to(told):
    page = Page(session_report(told))
    with Session(told) as session:
        (readings,) = all_readings(session)
    assert "visit" in page.text
    assert "sub 07, task watch" in page.text
    share, n, (low, high) = readings.accuracy()
    assert f"{share:.0%} 2-way accuracy, 95 % interval {low:.0%} to {high:.0%}, n = {n} windows" in page.text
    assert n == 19  # of 2 s each, in 37 s
    assert f"{len(readings.time)} readings in" in page.text
    assert "2 × feedback" in page.text
    assert "The baseline was over at 0:05" in page.text
    for times in (("0:15", "0:18.5", "3.50 s"), ("0:24", "0:25.5", "1.50 s")):
        assert re.search(r" · \d\d:\d\d:\d\d ".join(times), page.text)  # with the time of day beside each
    assert f"{np.percentile(readings.latency_ms, 95):.0f} ms" in page.text
    assert "Cap: 1 gaps, 750 samples lost" in page.text
    assert "Oz is noisy" in page.text
    assert "1 of 4 bad most of the time" in page.text
    assert "600 15.00 0 0" in page.text  # frames, a second, dropped, missing


def test_the_page_stands_alone_and_is_whole(told):
    html = session_report(told)
    page = Page(html)
    assert all(reference.startswith("data:image/jpeg;base64,") for reference in page.references)
    assert len(page.references) == 12
    assert not re.search(r"<script|@import|url\(|https?://", html)
    assert "prefers-color-scheme: dark" in html
    assert page.count("svg", role="img") == 7
    assert len(html) < 200_000


def test_times_are_those_of_the_session_and_of_the_day(told, monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        page = Page(session_report(told))
        begun = json.loads((told / "manifest.json").read_text())["begun"]
    finally:
        monkeypatch.undo()
        time.tzset()
    there = datetime.fromisoformat(begun).astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"{there:%d %B %Y, %H:%M:%S} (JST)" in page.text
    assert f"0:15 · {there + timedelta(seconds=15):%H:%M:%S}" in page.text


def test_nothing_within_chance_is_accentuated(tmp_path, told):
    within = Page(session_report(write_told(tmp_path / "within", gain=0.0)))
    assert within.count("div", class_="figure-card model") == 0
    assert within.count("polyline", class_="line") == 0
    assert within.count("polyline", class_="line quiet") >= 2
    assert "do not stand out from chance" in within.text
    above = Page(session_report(told))
    assert above.count("div", class_="figure-card model") == 2
    assert above.count("polyline", class_="line quiet") == 0


def test_no_accuracy_of_fewer_than_ten_windows(tmp_path):
    page = Page(session_report(write_told(tmp_path / "short", seconds=18.0, feedback=())))
    with Session(tmp_path / "short") as session:
        (readings,) = all_readings(session)
    assert f"2-way accuracy: n = {readings.accuracy()[1]} windows of the 10 it takes" in page.text
    assert not re.search(r"\d+% 2-way", page.text)


def test_notes_and_intervals_stand_where_they_belong(tmp_path):
    folder = write_told(tmp_path / "noted")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["options"]["notes"] = "gel on <Cz>"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    html = session_report(folder)
    assert "gel on &lt;Cz&gt;" in html
    text = Page(html).text
    for share in re.finditer(r"(\d+)% \[(\d+)%, (\d+)%\], n = (\d+)", text):
        value, low, high, n = map(int, share.groups())
        assert low <= value <= high
        assert n >= 10
    assert re.search(r"windows above chance's 95 %: \d+% \[\d+%, \d+%\], n = \d+", text)


def with_map(reading, row, column, certainty):
    places = np.full((2, 2), 0.1, np.float32)
    places[row, column] = 0.7
    return replace(reading, attention=replace(reading.attention, places=places, certainty=certainty))


@pytest.mark.parametrize(("certainty", "coloured"), [(0.99, True), (0.5, False)])
def test_stills_carry_the_map_where_the_network_is_trained(tmp_path, certainty, coloured):
    from recordings.pipeline_recording import PipelineRecording
    from recordings.session.options import RecordingOptions

    clock, _, pipeline, *_ = _live()
    recording = PipelineRecording(pipeline, tmp_path, RecordingOptions(pictures_mb=4000))
    with recording:
        forward = pipeline.taps._taps[-1][0]
        pipeline.taps._taps[-1][0] = lambda reading: forward(with_map(reading, 0, 1, certainty))
        live = _advance(pipeline, clock, 99.0, 115.0, 0.05)
    with Session(tmp_path) as session:
        attended = places_attended(session)
    np.testing.assert_allclose(attended.time, np.array([r.end for r in live]) - session.start)
    np.testing.assert_allclose(attended.places[3], [[0.1, 0.7], [0.1, 0.1]], atol=1e-6)
    image = np.full((60, 80, 3), 100, np.uint8)
    over = laid_over(image, attended.places[3], sure=certainty >= 0.95)
    np.testing.assert_array_equal(over[-1, 0], image[0, 0])  # at or below its even share
    saturation = int(over[5, 75].max()) - int(over[5, 75].min())
    assert (saturation > 60) == coloured
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["model"]["weights"] == "untrained"
    assert "stands out" not in session_report(tmp_path)  # an untrained map means nothing
    manifest["model"]["weights"] = "mine"
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert f"the leading place stands out: {certainty:.0%}" in session_report(tmp_path)


def test_what_was_recorded_is_drawn_where_it_belongs(told):
    page = Page(session_report(told))
    assert page.count("rect", class_="feedback") == 2
    assert page.count("line", class_="event") == 4
    assert page.count("rect", class_="active") == 2
    assert page.count("rect", class_="there") == 3  # EEG before and after its gap, and the video
    lines = [a["points"].split() for t, a in page.tags if t == "polyline"]
    assert len(lines[0]) == len(np.arange(3.0, 40.0, 0.25))


def test_what_others_named_cannot_break_the_page(told):
    html = session_report(told)
    assert "drifting &lt;away&gt;" in html
    assert "<away>" not in html


def test_pictures_of_the_participant_can_be_left_out(told):
    assert Page(session_report(told, stills=False)).references == []


def test_a_session_without_readings_says_so_and_tells_the_rest(tmp_path):
    page = Page(session_report(write_small(tmp_path / "plain")))
    assert "No readings were recorded" in page.text
    assert "Nothing was found wrong" in page.text or "Needs a look" in page.text
    assert "Cap" in page.text
    assert "Latency" not in page.text
    assert "2-way" not in page.text


def test_a_run_that_was_recorded_is_reported(tmp_path):
    from recordings.pipeline_recording import PipelineRecording
    from recordings.session.options import RecordingOptions

    clock, _, pipeline, *_ = _live()
    with PipelineRecording(pipeline, tmp_path, RecordingOptions(pictures_mb=4000)):
        live = _advance(pipeline, clock, 99.0, 115.0, 0.05)
    page = Page(session_report(tmp_path))
    with Session(tmp_path) as session:
        (readings,) = all_readings(session)
        np.testing.assert_allclose(readings.time + session.start, [r.end for r in live])
    np.testing.assert_array_equal(readings["similarity"], [r.similarity for r in live])
    assert f"{len(live)} readings" in page.text
    assert "too short to say what chance gives" in page.text


def test_feedback_that_was_recorded_as_a_stream_tells_its_latency_and_parameters(tmp_path):
    from recordings.recorder import Recorder
    from tests.support.told_session import CAP

    header = StreamHeader("Phosphene feedback", "Feedback", 4, 0.0, "double64", "f",
                          description={"parameters": '{"sham":"yoked"}'})  # fmt: skip
    with Recorder(tmp_path, {"eeg": CAP}, {}, {"feedback": header}) as recorder:
        from realtime.types import RawChunk

        stamps = START + np.arange(2500) / 250
        recorder.eeg("eeg", RawChunk(np.zeros((2500, 4), np.float32), stamps))
        ends = START + np.arange(3.0, 9.0, 0.25)
        rows = np.column_stack([np.zeros((len(ends), 3)), ends + 0.042])
        recorder.samples("feedback", ends, rows)
        recorder.marker(START + 7.0, "feedback on")
    with Session(tmp_path) as session:
        feedback = all_feedback(session, events_once(session))
    np.testing.assert_allclose(feedback.latency_ms, 42.0, atol=1e-3)
    assert feedback.spans == [(7.0, pytest.approx(9.996))]  # it never ended
    page = Page(session_report(tmp_path))
    assert "until it left by LSL 42 ms" in page.text
    assert '"sham": "yoked"' in page.text


def test_readings_that_were_computed_afterwards_have_no_latency(tmp_path):
    page = Page(session_report(write_told(tmp_path / "again", 12.0, latency_ms=1e6)))
    assert "computed afterwards" in page.text


def test_it_is_written_beside_the_session_or_where_asked(told, tmp_path):
    shutil.copytree(told, tmp_path / "copy")
    path = write_report(tmp_path / "copy")
    assert path == tmp_path / "copy" / "report.html"
    assert path.read_text().startswith("<!doctype html>")
    assert write_report(tmp_path / "copy" / "session.xdf") == path
    assert write_report(tmp_path / "copy", tmp_path / "other.html").is_file()
    with pytest.raises(SessionError, match="cannot be written"):
        write_report(tmp_path / "copy", tmp_path / "none" / "report.html")
    with pytest.raises(SessionError, match="is not here"):
        session_report(tmp_path / "nothing")


def test_real_sessions_are_reported(shared_data):
    for run in ("sessions/p300-muse/run01", "sessions/cvep32/run01"):
        assert "No readings were recorded" in Page(session_report(shared_data / run)).text


def test_a_browser_shows_it(told, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is here to show the page")
    path, picture = write_report(told, tmp_path / "report.html"), tmp_path / "page.png"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1100,1500"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={picture}", path.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    from realtime.video.opencv import cv2

    image = cv2.imread(str(picture))
    assert image.shape[:2] == (1500, 1100)
    teal = (np.abs(image.astype(int) - (117, 106, 11)).max(axis=2) < 12).sum()  # what the model says, light
    assert teal > 1500


def test_windows_that_do_not_overlap_are_counted_as_they_were_live():
    values = {"two_way": np.array([np.nan] * 4 + [2 / 3] * 20)}
    readings = Readings("r", np.arange(24) * 0.25, values, np.zeros(0))
    np.testing.assert_array_equal(readings.apart("two_way"), [4, 12, 20])
    share, n, interval = readings.accuracy()
    assert (share, n) == (2 / 3, 3)
    assert interval == wilson(2, 3)
    values["two_way"][-1] = 0.7  # it has counted windows from before the recording
    assert readings.accuracy() == (0.7, 3, None)


# --- charts ----------------------------------------------------------------------------------------------


@settings(max_examples=100)
@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.integers(2, 10))
def test_ticks_are_few_round_and_within(low, length, about):
    assume(length > 1e-9 * abs(low))  # a double holds no ticks between numbers that are almost the same
    ticks = nice_ticks(low, low + length, about)
    assert len(ticks) <= 2 * about + 3
    assert all(low - 1e-6 * length <= tick <= low + length * (1 + 1e-6) for tick in ticks)


@settings(max_examples=100)
@given(st.floats(1.0, 1e6))
def test_times_are_ticked_at_whole_seconds(length):
    ticks = time_ticks(0.0, length)
    assert 1 <= len(ticks) <= 10
    assert all(tick == int(tick) for tick in ticks)


def test_times_are_said_as_on_a_clock():
    said = [clock_words(t) for t in (0, 9.94, 59.97, 61, 3599.99, 3723.5)]
    assert said == ["0:00", "0:09.9", "1:00", "1:01", "1:00:00", "1:02:03.5"]


def test_an_hour_of_readings_keeps_its_extremes_in_few_points():
    time, value = np.arange(14_400) * 0.25, np.zeros(14_400)
    value[7_321], value[9_999] = 1.0, -1.0
    chart = Chart("t", (0, 3600), (-1, 1), 200)
    chart.line(time, value)
    points = re.findall(r'points="([^"]*)"', str(chart))[0].split()
    assert len(points) < 4000
    ys = [float(point.split(",")[1]) for point in points]
    assert (min(ys), max(ys)) == (chart.py(1.0), chart.py(-1.0))


def test_a_pause_and_what_is_not_known_break_the_line():
    time = np.concatenate([np.arange(20), 40 + np.arange(20)]) * 0.25
    value = np.ones(40)
    value[5] = np.nan
    chart = Chart("t", (0, 15), (0, 2), 200).line(time, value)
    assert str(chart).count("<polyline") == 3
