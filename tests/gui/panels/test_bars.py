"""The bars above and below the panels: what streams deliver, what was lost, how late it is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from experiment.state import Actions, Mode
from gui.pages.header_bar import HeaderBar, eeg_words
from gui.pages.health_bar import HealthBar
from gui.words import clock
from realtime.types import EegHealth, StreamState
from tests.support.fake_view import FakeView


@pytest.mark.parametrize(
    ("state", "sign", "tone"),
    [
        (StreamState.LIVE, "● LIVE", ""),
        (StreamState.SEARCHING, "○ SEARCHING", "muted"),
        (StreamState.STALLED, "▲ STALLED 4 s", "warn"),
        (StreamState.LOST, "✕ LOST 4 s", "alarm"),
        (StreamState.FINISHED, "■ ENDED", "muted"),
    ],
)
def test_a_state_is_a_sign_a_word_and_a_tone(state, sign, tone, qtbot, view):
    header = HeaderBar(Mode.LIVE, Actions())
    qtbot.addWidget(header)
    view.state, view.eeg_until = state, view.now() - 4
    header.refresh(view)
    assert header.eeg.state.text() == sign
    assert header.eeg.state.property("tone") == tone


def test_the_header_tells_what_streams_deliver_with_units():
    words = eeg_words(EegHealth("Muse", StreamState.LIVE, 5, 256.0, 255.96))
    assert words == "Muse · 5 ch · 256.0 Hz"


def test_a_recording_is_told_with_its_length(qtbot, view):
    header = HeaderBar(Mode.LIVE, Actions(toggle_recording=lambda: None, recorded_s=lambda: 754.0))
    qtbot.addWidget(header)
    header.refresh(view)
    assert header.recording.text() == "● REC 00:12:34"
    assert header.record.text() == "Stop"
    assert clock(3600 * 11 + 61) == "11:01:01"


def test_the_health_line_tells_every_loss(qtbot, view):
    bar = HealthBar()
    qtbot.addWidget(bar)
    view.counters = lambda: {
        "latency_p95_ms": 31.4,
        "skipped_ticks": 2,
        "late_intervals": 3,
        "frames_dropped": 4,
    }
    view.eeg_health = lambda: EegHealth("Muse", gaps=5, lost_samples=60, drift_ppm=-7.4)
    whole = view.video_health()
    view.video_health = lambda: replace(whole, thinned=6)
    bar.refresh(view)
    assert [figure.value.text() for figure in bar.figures] == [
        "31 ms p95", "2", "3", "4", "6", "−7 ppm", "5 · 60 samples",
    ]  # fmt: skip


def test_a_late_reading_is_marked_with_a_sign_beside_the_colour(qtbot, view):
    bar = HealthBar()
    qtbot.addWidget(bar)
    view.counters = lambda: {"latency_p95_ms": 250.0}
    bar.refresh(view)
    assert bar.latency.value.text() == "▲ 250 ms p95"
    assert bar.latency.value.property("tone") == "warn"


def test_before_the_first_reading_there_is_no_latency(qtbot, view):
    bar = HealthBar()
    qtbot.addWidget(bar)
    view.counters = lambda: {"latency_p95_ms": float("nan")}
    bar.refresh(view)
    assert bar.latency.value.text() == "–"


def test_frames_the_network_was_too_slow_for_are_told_once_there_are_any(qtbot):
    view, bar = FakeView(), HealthBar()
    qtbot.addWidget(bar)
    bar.refresh(view)
    assert bar.thinned.isHidden()
    whole = view.video_health()
    view.video_health = lambda: replace(whole, thinned=7)
    bar.refresh(view)
    assert not bar.thinned.isHidden()
    assert bar.thinned.value.text() == "7"
    bar.refresh(view, frozenset({"thinned"}))
    assert bar.thinned.value.text() == "▲ 7"
