"""A session without a window needs nothing of the window: proven in fresh interpreters."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pylsl
import pytest

from tests.support.small_session import write_small

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
sys.argv = ["phosphene", *sys.argv[1:]]
import phosphene
try:
    phosphene.main()
except SystemExit as end:
    code = int(end.code or 0)
else:
    code = 0
windowed = {"gui", "PySide6", "shiboken6", "pyqtgraph"}
print(sorted({name.split(".")[0] for name in sys.modules} & windowed), file=sys.stderr)
sys.exit(code)
"""


def headless(*arguments: object) -> dict:
    """The summary of a headless verb, once it is sure that nothing of a window was imported."""
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments), "--headless", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("film") / "small", seconds=20.0) / "stimulus.mkv"


@pytest.fixture(scope="module")
def headset():
    name = "phosphene-test-headless"
    command = [sys.executable, "-m", "phosphene", "headset", "--source-id", name, "--channels", "4"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    assert pylsl.resolve_byprop("source_id", name, 1, 60)
    yield f"source_id={name}"
    process.terminate()
    process.wait(10)


@pytest.mark.slow
def test_a_demo_without_a_window_imports_nothing_of_it():
    assert headless("demo", "--seconds", 3)["errors"] == []


def test_a_replay_without_a_window_imports_nothing_of_it(tmp_path):
    session = write_small(tmp_path / "small", seconds=5.0)
    assert headless("replay", session, "--speed", "max")["readings"] > 5


@pytest.mark.slow
def test_a_live_session_without_a_window_imports_nothing_of_it(headset, film):
    summary = headless("live", "--eeg", headset, "--video", film, "--seconds", 3)
    assert summary["eeg"]["samples"] > 100
    assert summary["errors"] == []


@pytest.mark.slow
def test_a_recording_without_a_window_imports_nothing_of_it(headset, film, tmp_path):
    feedback = ("--feedback", "--feedback-style", "brightness", "--feedback-set", "baseline_s=1")
    summary = headless("record", tmp_path, "--eeg", headset, "--video", film, "--seconds", 3, *feedback)
    (folder,) = summary["recordings"]
    assert (Path(folder) / "session.xdf").stat().st_size > 10_000
    assert summary["feedback"] == {"began": 0}
