"""What a first reading is made of came while the network was loaded, and is in the recording."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import pyxdf

from recordings.session.session import Session
from tests.support.pictures.http_camera import HttpCamera
from tests.support.pictures.numbered import draw_number


def picture(number: int) -> np.ndarray:
    return draw_number(np.full((720, 1280, 3), 90, np.uint8), number)


@pytest.mark.slow
def test_a_recording_holds_all_that_its_first_reading_was_made_of(source_id, tmp_path):
    program = [sys.executable, "-m", "phosphene"]
    with HttpCamera(25.0, picture) as camera:
        headset = subprocess.Popen([*program, "headset", "--source-id", source_id], stderr=subprocess.DEVNULL)
        try:
            told = subprocess.run(
                [*program, "record", str(tmp_path), "--eeg", f"source_id={source_id}", "--video", camera.url,
                 "--headless", "--json", "--seconds", "4"],
                capture_output=True, text=True, check=True, timeout=90,
            )  # fmt: skip
        finally:
            headset.kill()
            headset.wait()
    summary = json.loads(told.stdout)
    assert summary["errors"] == []
    assert not [words for words in summary["warnings"] if "dropped" in words or "masked" in words]
    folder = Path(summary["recordings"][0])
    streams, _ = pyxdf.load_xdf(folder / "session.xdf")
    stamps = {stream["info"]["name"][0]: stream["time_stamps"] for stream in streams}
    end = stamps["Phosphene readings"][0]
    assert stamps["Phosphene virtual headset"][0] <= end - 2.0
    with Session(folder) as session:
        video = session.video()
        assert video.times[0] <= end - 2.5
        assert len(video.times) >= 25 * 4
