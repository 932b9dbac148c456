"""`phosphene calibrate`, from its door: a headset and a film go in, a model that a session runs comes out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pylsl
import pytest

from models.checkpoint import load_checkpoint
from models.learning.ancestry import ancestry_of
from tests.support.flashes import SMALL
from tests.support.small_session import write_small

ROOT = Path(__file__).resolve().parents[2]
TINY = {"recipe.steps": 4, "recipe.batch": 8, "recipe.check_every": 2, "recipe.match": 0.0}


@pytest.mark.long
def test_a_headset_and_a_film_become_a_model_that_the_session_goes_on_with(tmp_path):
    film = write_small(tmp_path / "film", seconds=120.0) / "stimulus.mkv"
    name = "phosphene-test-calibrate"
    headset = subprocess.Popen(
        [sys.executable, "-m", "phosphene", "headset", "--source-id", name, "--channels", "4"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert pylsl.resolve_byprop("source_id", name, 1, 60)
        settings = [word for pair in (SMALL | TINY).items() for word in ("--set", f"{pair[0]}={pair[1]}")]
        command = [
            sys.executable, "-m", "phosphene", "calibrate", "--eeg", f"source_id={name}", "--video", film,
            "--seconds", "20", "--out", tmp_path / "model", "--sessions", tmp_path / "sessions",
            "--sub", "07", "--json", *settings,
        ]  # fmt: skip
        done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=True, text=True, timeout=240)
    finally:
        headset.terminate()
        headset.wait(10)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["folder"] == str(tmp_path / "model")
    assert 0.2 < found["minutes"] < 0.4
    assert "goes on with the new model" in done.stderr
    (one,) = ancestry_of(load_checkpoint(tmp_path / "model"))
    assert one["sessions"][0]["subject"] == "07"
