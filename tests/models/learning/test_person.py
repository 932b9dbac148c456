"""A model that knows somebody, continued: for the same person or another, never below what it was."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from commands.app import app
from models.checkpoint import load_checkpoint
from models.config import preset
from models.learning.ancestry import ancestry_of, still_there
from models.learning.evaluate import unseen
from models.learning.person import begin, train_from, whose
from models.learning.studies import today
from models.learning.train import Material, train_sessions
from models.learning.training.recipe import Recipe
from models.learning.transfer import shared_labels, transfer
from models.network.network import Network
from realtime.errors import ConfigError, SessionError
from tests.support.flashes import SMALL, fresh, write_flashes

FEW = Recipe(steps=8, batch=8, check_every=4, match=0.0)


@pytest.fixture(scope="module")
def days(tmp_path_factory) -> list[Path]:
    """Three days of one person; answers of the last go the other way, as another person's."""
    root = tmp_path_factory.mktemp("days")
    gains = (1.0, 1.0, -1.0)
    return [write_flashes(root / f"day{k}", 40.0, k, gain) for k, gain in enumerate(gains)]


@pytest.fixture(scope="module")
def parent(days, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("models") / "anna"
    recipe = Recipe(steps=60, batch=16, warmup=5, match=0.0, validation=0)
    return train_sessions(Material(days[:1]), out, preset("demo", SMALL), recipe).folder


def train(*words: object) -> str:
    settings = [f"recipe.{name}={value}" for name, value in FEW.model_dump(exclude_unset=True).items()]
    given = [word for setting in settings for word in ("--set", setting)]
    result = CliRunner().invoke(app, ["train", *map(str, words), *given])
    assert result.exit_code == 0, result.output
    return result.output


# ---------------------------------------------------------------- other electrodes
def test_what_belongs_to_an_electrode_goes_with_its_name():
    network = fresh(preset("demo", SMALL), ("O1", "O2", "Fp1")).eval()
    eeg, valid = torch.randn(2, 3, 500), torch.ones(2, 3, 500, dtype=torch.bool)
    seen = network.encode_eeg(eeg, valid, torch.ones(2, 3)).grid
    moved = transfer(network, ("Fp1", "Cz", "O1", "O2"))
    order = [2, 0, 0, 1]
    other = torch.where(torch.tensor([1, 0, 1, 1])[None, :, None] > 0, eeg[:, order], torch.randn(2, 4, 500))
    found = moved.network.eval().encode_eeg(other, valid[:, order], torch.ones(2, 4)).grid
    assert torch.allclose(found, seen, atol=1e-5)  # what is new says nothing yet
    assert (moved.new, moved.missing) == (("Cz",), ())
    fewer = transfer(network, ("O2", "Fp1"))
    assert fewer.missing == ("O1",)
    assert "O1" in fewer.told()[0]
    silent = eeg.clone()
    silent[:, 0] = 0
    without = fewer.network.eval().encode_eeg(eeg[:, 1:], valid[:, 1:], torch.ones(2, 2)).grid
    assert torch.allclose(without, network.encode_eeg(silent, valid, torch.ones(2, 3)).grid, atol=1e-5)


def test_spatial_filters_and_electrodes_of_a_montage_move_as_well():
    network = Network(preset("demo", {**SMALL, "eeg.spatial": 2}), ("O1", "O2", "Fp1"))
    moved = transfer(network, ("Fp1", "O1", "O2")).network
    before, after = (n.eeg_tower.encoder.spatial.filters for n in (network, moved))
    assert torch.equal(after, before[:, [2, 0, 1]])
    cbramod = Network(preset("demo", {**SMALL, "eeg": "cbramod", "eeg.layers": 1}), ("O1", "O2", "Fp1"))
    eeg, valid = torch.randn(2, 3, 500), torch.ones(2, 3, 500, dtype=torch.bool)
    seen = cbramod.eval().encode_eeg(eeg, valid, torch.ones(2, 3)).grid
    turned = transfer(cbramod, ("Fp1", "O1", "O2")).network.eval()
    assert torch.allclose(turned.encode_eeg(eeg[:, [2, 0, 1]], valid, torch.ones(2, 3)).grid, seen, atol=1e-5)
    assert transfer(cbramod, ("Cz", "O1")).network.labels == ("Cz", "O1")


def test_a_model_without_a_common_electrode_is_refused_in_words():
    with pytest.raises(ConfigError, match="no electrode is the same"):
        transfer(fresh(preset("demo", SMALL)), ("T7", "T8"))
    assert shared_labels(("O1",), ("Fz", "O1"), ("Fz", "O1")) == ("O1",)
    assert shared_labels(("O1", "Pz"), ("Fz", "O1"), ("Fz", "O1")) == ("Fz", "O1")


# ---------------------------------------------------------------- the same person, or another
def test_the_same_person_is_known_by_the_signal_and_the_old_sessions_are_mixed_in(days, parent, tmp_path):
    said = train(days[1], "--from", parent, "--out", tmp_path / "today")
    assert "unchanged, the model tells" in said
    made = load_checkpoint(tmp_path / "today")
    first, second = ancestry_of(made)
    assert (first["how"], first["name"], second["name"]) == ("fresh", "anna", "today")
    assert second["how"] in ("same person, mixed", "unchanged")
    assert [one["name"] for one in second["sessions"]] == ["day1"]
    trained_on = {part["session"] for part in made.split["train"]}
    assert trained_on == {"day0", "day1"}
    assert still_there(tmp_path / "today", [first, second]) == [
        tmp_path / "today" / first["sessions"][0]["path"],
        tmp_path / "today" / second["sessions"][0]["path"],
    ]
    shown = CliRunner().invoke(app, ["info", str(tmp_path / "today")])
    assert shown.exit_code == 0, shown.output
    assert "fresh" in shown.output
    assert "day0" in shown.output
    told = json.loads(CliRunner().invoke(app, ["info", str(tmp_path / "today"), "--json"]).output)
    assert [one["name"] for one in told["ancestry"]] == ["anna", "today"]


def test_another_person_is_known_by_the_signal(days, parent):
    told = []
    assert whose(begin(parent, Material(days[2:]), mix=True), told.append) == "new"
    assert whose(begin(parent, Material(days[1:2]), mix=True), told.append) == "same"
    assert len(told) == 2


def test_what_no_step_makes_better_stays_as_it_was(days, parent, tmp_path):
    """A rate that destroys everything: the unchanged model is among what is judged, and wins."""
    recipe = Recipe(**FEW.model_dump(exclude_unset=True), lr=3.0, ema=0.0, warmup=0)
    result = train_from(parent, Material(days[1:2]), tmp_path / "out", recipe, "same-person")
    assert result.trained.steps == 0
    before, after = (load_checkpoint(f).network.state_dict() for f in (parent, tmp_path / "out"))
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert ancestry_of(load_checkpoint(tmp_path / "out"))[-1]["how"] == "unchanged"


def test_too_little_to_judge_changes_nothing(parent, tmp_path):
    short, told = write_flashes(tmp_path / "short", 12.0, 5), []
    result = train_from(parent, Material([short]), tmp_path / "out", FEW, "new-person", tell=told.append)
    assert result.trained.steps == 0
    assert "stays as it was" in told[-1]
    before, after = (load_checkpoint(f).network.state_dict() for f in (parent, tmp_path / "out"))
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_without_the_old_sessions_steps_are_gentle(days, parent, tmp_path):
    moved = shutil.copytree(parent, tmp_path / "elsewhere" / "deeper" / "anna")
    told = []
    recipe = Recipe(**{**FEW.model_dump(exclude_unset=True), "steps": 4})
    result = train_from(moved, Material(days[1:2]), tmp_path / "out", recipe, "same-person", tell=told.append)
    assert result.metrics["ancestry"][-1]["how"] in ("same person, gently", "unchanged")
    with pytest.raises(SessionError, match="trained on all"):  # its parent was
        unseen(begin(parent, Material(days[:1]), mix=False).recordings, load_checkpoint(result.folder))


def test_the_network_of_a_model_that_is_continued_is_its_own(days, parent, tmp_path):
    words = ["train", str(days[1]), "--from", str(parent), "--out", str(tmp_path), "--set", "mixer=gru"]
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, ConfigError)
    assert "the network is the model's own" in str(refused.exception)


@pytest.mark.long
def test_the_study_of_today_judges_the_past_unchanged_continued_and_against_beginning_anew(days, tmp_path):
    test = write_flashes(tmp_path / "later", 40.0, 9)
    sides = today.Sides(Material(days[:1]), Material(days[1:2]), Material([test]))
    found = list(today.rows(sides, [1], FEW, SMALL))
    assert [row["from"] for row in found] == ["past, unchanged", "past", "nothing"]
    assert all({"chosen", "network", "ridge", "cca"} <= set(row) for row in found)
    assert {row["network"]["n_windows"] for row in found} == {found[0]["cca"]["n_windows"]}
    table = today.as_markdown(found).splitlines()
    assert len(table) == 5
    assert {line.count("|") for line in table} == {8}
