"""Hours of stream time in minutes: memory stays flat. The clock is injected; nothing sleeps."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QApplication

from experiment.state import Actions, Mode
from gui.main_window import MainWindow
from models.inference.engine import Engine
from realtime.memory import rss_mb
from realtime.pipeline import Pipeline
from realtime.time.clock import ManualClock
from realtime.types import EegHealth, EegInfo, RawChunk, StreamState
from realtime.video.file import FileCamera
from realtime.view import PipelineView
from recordings.video.files import VideoWriter
from tests.support.fakes import ArithmeticModel

RATE, N_CHANNELS, CHUNK = 1000.0, 64, 50


class EndlessEeg:
    """64 channels at 1000 Hz in chunks, up to the clock's time; always the same second of noise."""

    finished = False

    def __init__(self, clock, chunk=CHUNK):
        self.clock, self.chunk, self.sent = clock, chunk, 0
        self.noise = np.random.default_rng(0).normal(0, 20, (int(RATE), N_CHANNELS)).astype(np.float32)

    def open(self):
        return EegInfo("endless", tuple(f"E{i}" for i in range(N_CHANNELS)), "uV", RATE)

    def read(self, timeout_s=0.0):
        if (self.sent + self.chunk) / RATE > self.clock.now():
            return None
        stamps = (self.sent + np.arange(self.chunk)) / RATE
        start = self.sent % int(RATE)
        self.sent += self.chunk
        return RawChunk(self.noise[start : start + self.chunk], stamps)

    def health(self):
        return EegHealth("endless", StreamState.LIVE)

    def close(self):
        pass


class ForgetfulModel(ArithmeticModel):
    """Keeps nothing of what it was given."""

    def score(self, interval, embeddings, others=()):
        scores = super().score(interval, embeddings, others)
        self.intervals.clear()
        self.seen.clear()
        self.others.clear()
        self.encoded["fast"].clear()
        self.encoded_of.clear()
        return scores


@pytest.fixture
def film(tmp_path):
    """Two seconds of 1280×720 at 30 frames a second."""
    path = tmp_path / "film.mkv"
    writer = VideoWriter(path, (1280, 720), 30)
    for n in range(60):
        writer.write(np.full((720, 1280, 3), n * 4, np.uint8), n / 30)
    writer.close()
    return path


def growth(taken_mb):
    """The least by which one quarter of the time takes more than the quarter before.

    What leaks grows in every quarter. Buffers of a film's decoder are made once, when they are first wanted,
    which on a busy machine is late: one step, in one quarter. The growth of the whole stands beside it.
    """
    medians = [float(np.median(quarter)) for quarter in np.array_split(taken_mb, 4)]
    return min(np.diff(medians)), medians[-1] - medians[0]


@pytest.mark.parametrize(
    "stream_s", [40, pytest.param(3600, marks=[pytest.mark.long, pytest.mark.timeout(3000)])]
)
def test_memory_stays_flat_with_64_channels_at_1000_hz_and_a_720p_film(film, stream_s):
    clock = ManualClock(0.0)
    camera = FileCamera(film, loop=True, clock=clock)
    pipeline = Pipeline(EndlessEeg(clock), camera, lambda labels: ForgetfulModel())
    taken = []
    for tick in range(1, stream_s * 60 + 1):  # often enough to take every frame
        clock.set(tick / 60)
        pipeline.advance(clock.now())
        if tick % 60 == 0:
            taken.append(rss_mb())
    leaked, grown = growth(taken)
    pipeline.close()
    print(f"{stream_s} s of stream: {leaked:+.1f} MB a quarter, {grown:+.1f} in all")
    assert leaked < 4
    assert grown < 60
    assert pipeline.published == pytest.approx(stream_s * 4, abs=16)
    assert pipeline.video.n_frames == pytest.approx(stream_s * 30, abs=60)
    assert pipeline.eeg.health().gaps == 0


@pytest.mark.parametrize(
    "stream_s", [10, pytest.param(3600, marks=[pytest.mark.long, pytest.mark.timeout(3000)])]
)
def test_memory_stays_flat_with_the_window_open_and_the_network_of_the_demo(film, qtbot, tmp_path, stream_s):
    clock = ManualClock(0.0)
    camera = FileCamera(film, loop=True, clock=clock)
    pipeline = Pipeline(EndlessEeg(clock), camera, lambda labels: Engine.from_preset("demo", labels))
    view = PipelineView(pipeline, clock, lambda: None)
    settings = QSettings(str(tmp_path / "layout.ini"), QSettings.Format.IniFormat)
    window = MainWindow(view, Mode.LIVE, Actions(), settings)
    qtbot.addWidget(window)
    window.show()
    taken = []
    for tick in range(1, stream_s * 60 + 1):
        clock.set(tick / 60)
        pipeline.advance(clock.now())
        if tick % 12 == 0:  # five pictures a second: each shows what is new, whatever its share of the time
            window.draw()
            QApplication.processEvents()
        if tick % 60 == 0:
            taken.append(rss_mb())
    leaked, grown = growth(taken)
    pipeline.close()
    print(f"{stream_s} s of stream with the window: {leaked:+.1f} MB a quarter, {grown:+.1f} in all")
    assert leaked < 4
    assert grown < 60
    assert window.page.similarity.has_content
    assert pipeline.published == pytest.approx(stream_s * 4, abs=16)
