"""What was built is what a command runs: the linear stand-in, int8 calibrated on the session it sees."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import numpy as np
import pylsl
import pytest
from typer.testing import CliRunner

from commands.app import app
from experiment.pictures import pictures_of
from models.inference.engine import Engine
from realtime.time.clock import ManualClock
from realtime.video.file import FileCamera
from realtime.virtual.film.film import Film
from realtime.virtual.film.source import FilmSource
from tests.support.pictures.numbered import read_number
from tests.support.small_session import write_small


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A session of sixteen seconds, and the folder in which a training on it left its weights."""
    folder = tmp_path_factory.mktemp("little")
    session, weights = write_small(folder / "session", seconds=16.0), folder / "weights"
    words = ["train", str(session), "--out", str(weights), "--set", "recipe.steps=1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0
    assert "a linear model" in done.stderr
    return session, weights


def test_what_train_writes_on_little_data_is_what_a_replay_runs(run, trained):
    session, weights = trained
    code, out, err = run("replay", session, "--weights", weights, "--speed", "max", "--headless", "--json")
    summary = json.loads(out)
    assert code == 0
    assert (summary["backend"], summary["weights"]) == ("numpy", "ridge")
    assert summary["readings"] > 30
    assert "stands in for the network" in err


@pytest.mark.slow
def test_and_what_a_recording_runs(run, trained, tmp_path):
    session, weights = trained
    name = f"phosphene-test-{uuid.uuid4().hex}"
    headset = ("headset", "--source-id", name, "--channels", "C3,C4,Cz")
    process = subprocess.Popen([sys.executable, "-m", "phosphene", *headset], stderr=subprocess.DEVNULL)
    try:
        assert pylsl.resolve_byprop("source_id", name, 1, 60)
        sources = ("--eeg", f"source_id={name}", "--video", session / "stimulus.mkv")
        shown = ("--weights", weights, "--headless", "--json", "--seconds", 10)
        code, out, _ = run("record", tmp_path, *sources, *shown)
    finally:
        process.terminate()
        process.wait(10)
    summary = json.loads(out)
    assert code == 0
    assert summary["backend"] == "numpy"
    assert summary["readings"] > 0
    assert len(summary["recordings"]) == 1


class Calibrated(Exception):
    """Ends a command where its network would be compiled."""


def test_int8_of_a_replay_is_calibrated_on_pictures_of_the_session(run, session, monkeypatch):
    given = []

    def compiled(engine, backend, pictures=(), *rest):
        given.append((backend, [read_number(image) for image in pictures]))
        raise Calibrated

    monkeypatch.setattr(Engine, "compile", compiled)
    for backend in ("openvino-int8", "openvino"):
        with pytest.raises(Calibrated):
            run("replay", session, "--backend", backend, "--headless")
    (int8, numbers), (fp32, none) = given
    assert (int8, fp32, none) == ("openvino-int8", "openvino", [])
    assert len(numbers) == 32
    assert (numbers[0], numbers[-1]) == (0, 239)
    assert (np.diff(numbers) > 0).all()


def test_a_film_gives_pictures_spread_over_it_and_is_still_at_its_beginning(session):
    clock = ManualClock(50.0)
    film = FileCamera(session / "stimulus.mkv", loop=False, clock=clock)
    film.open()
    numbers = [read_number(image) for image in pictures_of(film, 4)]
    assert numbers == [0, 80, 159, 239]
    assert read_number(film.read(1.0).image) == 0
    film.close()


def test_a_camera_gives_what_it_shows_during_the_next_seconds():
    clock = ManualClock(100.0)
    camera = FilmSource(Film(7, size=(64, 48)), clock)
    camera.open()

    def now() -> float:
        clock.set(clock.now() + 0.1)
        return clock.now()

    images = pictures_of(camera, 8, now)
    assert len(images) == 8
    assert len({image.tobytes() for image in images}) == 8
