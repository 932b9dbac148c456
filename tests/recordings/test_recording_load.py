"""A headset of 64 channels at 1000 Hz over LSL and a camera are recorded together: not one sample is lost."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

from realtime.lsl.eeg import LslEeg, StreamSelector
from realtime.types import Frame, VideoInfo
from realtime.virtual.film.film import Film
from realtime.virtual.headset import HeadsetOptions, VirtualHeadset
from realtime.worker import Worker
from recordings.recorder import Recorder
from recordings.session.session import Session

FPS = 30.0


def record(folder, source_id: str, seconds: float) -> Recorder:
    """Record the headset and a film's frames at their own pace for so long."""
    film = Film(3, FPS, (640, 480))
    pictures = [film.frame(n) for n in range(30)]
    source = LslEeg(StreamSelector(source_id=source_id), resolve_s=30.0)
    info = source.open()
    recorder = Recorder(folder, {"cap": info}, {"camera": VideoInfo("camera", 640, 480, FPS, "test")}).start()

    def read() -> None:
        if (chunk := source.read(0.1)) is not None:
            recorder.eeg("cap", chunk)

    reader = Worker("EEG", read, on_exit=source.close).start()
    begin = time.monotonic()
    for n in range(int(seconds * FPS)):
        time.sleep(max(0.0, begin + n / FPS - time.monotonic()))
        recorder.frame("camera", Frame(pictures[n % len(pictures)], begin + n / FPS, n))
    reader.stop()
    recorder.close()
    reader.raise_failure()
    return recorder


@pytest.mark.slow
@pytest.mark.parametrize(
    "seconds", [3, pytest.param(600, marks=[pytest.mark.long, pytest.mark.timeout(900)])]
)
def test_every_sample_a_headset_sends_is_in_the_recording(tmp_path, source_id, seconds):
    options = HeadsetOptions(channels=64, rate=1000.0, source_id=source_id, ramp="number", seed=11)
    command = [sys.executable, "-m", "phosphene", "headset", "--channels", "64", "--rate", "1000"]
    command += ["--source-id", source_id, "--ramp", "number", "--seed", "11"]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    spent = time.process_time()
    try:
        recorder = record(tmp_path, source_id, seconds)
    finally:
        child.kill()
        child.wait()
    spent = time.process_time() - spent
    written = {path.suffix: path.stat().st_size / 1e6 / seconds for path in tmp_path.iterdir()}
    print(f"\n{spent / seconds:.0%} of a core; MB/s on the disk:", written)
    assert recorder.failure is None
    with Session(tmp_path) as session:
        track = session.eeg()
        sent = VirtualHeadset(options, start=0.0)
        number = 0
        for piece in track.pieces():
            first = int(piece.samples[0, 0])
            if number == 0:
                sent.read(first)  # before the recording began
            expected, stamps = sent.read(len(piece.samples))
            assert np.array_equal(piece.samples, expected.astype(np.float32))
            assert np.ptp(piece.stamps - stamps) < 1e-6  # the sender's clock began somewhere else
            number += len(expected)
        assert number >= (seconds - 1) * 1000
        health = recorder.health()
        assert health.samples["cap"] == number == track.n_samples
        video = session.video()
        assert video.n_samples + health.frames_dropped["camera"] == int(seconds * FPS)
        assert np.array_equal(np.diff(video.frame_index), np.ones(video.n_samples - 1))
