"""`--stimulus`: the film the participant is shown is what the session sees, and its end ends the session."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import phosphene
from gui.app import application
from gui.stimulus.player import StimulusPlayer
from recordings.session.session import Session
from recordings.video.files import VideoWriter
from tests.gui.stimulus.test_stimulus_player import _run as run_qt
from tests.support.pictures.numbered import numbered_frame

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def write_film(path, n_frames, fps=30):
    with VideoWriter(path, (160, 120)) as writer:
        for number in range(n_frames):
            writer.write(numbered_frame(number), number / fps)
    return path


@pytest.mark.slow
def test_a_session_on_a_stimulus_ends_with_the_film_and_has_recorded_when_each_frame_was_shown(
    source_id, tmp_path
):
    film = write_film(tmp_path / "film.mkv", 150)
    headset = subprocess.Popen(
        [sys.executable, "-m", "phosphene", "headset", "--source-id", source_id, "--rate", "250"],
        env=ENVIRONMENT, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-c", "import phosphene; phosphene.main()", "record", tmp_path / "out",
             "--eeg", f"source_id={source_id}", "--stimulus", film, "--feedback-style", "brightness",
             "--feedback-set", "baseline_s=1", "--json", "--seconds", "60"],
            env=ENVIRONMENT, capture_output=True, text=True, timeout=90,
        )  # fmt: skip
    finally:
        headset.kill()
        headset.wait()
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["video"]["state"] == "FINISHED"
    assert summary["readings"] >= 4
    with Session(summary["recordings"][0]) as session:
        track = session.video()
        (info,) = session.video_streams
        assert info.text("desc/acquisition/stamp_source") == summary["video"]["stamp_source"] != "file"
        steps = np.diff(track.times)
        assert (steps > 0).all()
        assert track.times[-1] - track.times[0] == pytest.approx(149 / 30, abs=0.5)


def test_the_film_is_darkened_and_what_is_handed_on_is_what_was_shown(tmp_path):
    application()
    player = StimulusPlayer(write_film(tmp_path / "film.mkv", 60))
    player.open()
    player.brightness, player.speed = 0.25, 2.0
    frames = []

    def over():
        while (frame := player.read()) is not None:
            frames.append(frame)
        return len(frames) >= 12

    run_qt(5.0, over)
    player.close()
    run_qt(0.05)
    assert np.mean([frame.image.max() for frame in frames[2:]]) == pytest.approx(0.25 * 255, abs=6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--stimulus", "film.mkv", "--headless"], "needs a screen (--headless)"),
        (["--video", "0", "--screen", "2"], "with --stimulus FILE"),
        (["--video", "0", "--osc", "here"], "write HOST:PORT"),
        (["--video", "0", "--feedback-set", "hold=1"], "one of signal, when"),
        (["--video", "0", "--sham", "nowhere"], "neither “random” nor"),
        (["--video", "0", "--feedback-style", "blink"], "'blink' is not one of 'bar', 'ring'"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(options, words, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["phosphene", "live", "--eeg", "type=EEG", *options])
    with pytest.raises(SystemExit) as end:
        phosphene.main()
    (line,) = capsys.readouterr().err.splitlines()
    assert end.value.code == 2
    assert line.startswith("phosphene: ")
    assert words in line
