"""Films that flicker faster than the usual slots are learned on finer ones; those that move are not."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from commands.app import app
from models.config import preset
from models.learning.data.flicker import configured, films_flicker
from models.learning.person import train_from
from models.learning.train import Material, train_sessions
from models.learning.training.recipe import Recipe
from realtime.types import EegInfo, Frame
from recordings.session.writer import write_session
from tests.support.flashes import SMALL

SECONDS, START, RATE = 24.0, 50.0, 200.0
ROOM = {**SMALL, "grid.lag_s": 0.3}
FEW = Recipe(steps=4, batch=4, warmup=1, match=0.0, validation=0)


def codes(k, rng):
    """Half of the screen is black or white at random, anew in every frame."""
    picture = np.full((32, 32, 3), 120, np.uint8)
    picture[:, 16:] = 255 * rng.integers(2)
    return picture


def crossing(k, rng):
    """A white ball crosses a black screen in half a second, over and over."""
    picture = np.zeros((32, 32, 3), np.uint8)
    at = int(k / 30 * 32) % 32
    picture[12:20, at : at + 6] = 255
    return picture


def cuts(k, rng):
    """Another scene four times a second."""
    return np.full((32, 32, 3), (37 * (k // 15)) % 256, np.uint8)


def written(folder, picture, fps=60.0):
    rng, n = np.random.default_rng(0), round(SECONDS * RATE)
    frames = (Frame(picture(k, rng), START + k / fps, k) for k in range(round(SECONDS * fps)))
    info = EegInfo("Cap", ("O1", "O2", "Fp1"), "uV", RATE, "cap", "lab")
    samples = rng.standard_normal((n, 3)).astype(np.float32)
    write_session(folder, info, START + np.arange(n) / RATE, samples, frames, [])
    return folder


@pytest.mark.parametrize(
    ("picture", "fps", "flickers"),
    [(codes, 60.0, True), (codes, 30.0, False), (crossing, 60.0, False), (cuts, 60.0, False)],
)
def test_codes_at_60_hz_flicker_and_what_moves_or_is_cut_does_not(tmp_path, picture, fps, flickers):
    assert films_flicker([written(tmp_path / "one", picture, fps)]) is flickers


def test_a_training_on_codes_takes_finer_slots_and_says_so_unless_told_otherwise(tmp_path):
    material = Material([written(tmp_path / "one", codes)])
    made = train_sessions(material, tmp_path / "model", "demo", FEW, ROOM)
    assert "the film flickers: it is read 100 times a second" in made.advice
    kept = train_sessions(material, tmp_path / "kept", "demo", FEW, {**ROOM, "grid.slots_hz": 40})
    assert "grid.slots_hz=100" in kept.advice
    on = train_from(tmp_path / "kept", material, tmp_path / "on", FEW, "same-person")
    assert "flickers faster than it is read here, 40 times" in on.advice
    slots = [json.loads((tmp_path / name / "checkpoint.json").read_text()) for name in ("model", "kept")]
    assert [about["config"]["grid"]["slots_hz"] for about in slots] == [100, 40]


def test_what_does_not_go_with_finer_slots_goes_before_them():
    wide = {"grid.eeg_hz": 160, "grid.slots_hz": 40}
    assert configured("demo", wide, flickers=True).grid.slots_hz == 40
    assert configured("demo", {"grid.eeg_hz": 160}, flickers=True).grid.slots_hz == 40
    assert configured(preset("demo"), flickers=True).grid.slots_hz == 40
    assert configured("demo", flickers=False).grid.slots_hz == 40


def test_linear_models_of_codes_are_judged_on_finer_slots_as_well(tmp_path):
    session = written(tmp_path / "one", codes)
    done = CliRunner().invoke(app, ["baseline", str(session), "--json"])
    assert done.exit_code == 0, done.exception
    tables = [json.loads(path.read_text()) for path in (tmp_path / "one").rglob("about.json")]
    assert {round(about["n_slots"] / SECONDS / 10) for about in tables} == {10}
