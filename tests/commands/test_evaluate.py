"""`phosphene evaluate` on what was learned from, what was not, and a film seen twice, as a user types it."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from commands.app import app
from experiment.console import print_worth
from models.checkpoint import save_checkpoint
from models.config import preset
from models.learning import receptive_field
from models.learning.baselines import LinearModels
from models.learning.data.dataset import Span
from models.learning.data.folds import as_split
from models.learning.kept import save_models
from models.learning.train import Material, fed
from realtime.errors import SessionError
from tests.support.flashes import SMALL, fresh, write_flashes


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Two sessions of one name, and a model of the first: half of it was learned from, the rest held out."""
    folder = tmp_path_factory.mktemp("lab")
    sessions = [write_flashes(folder / name, 30.0, i) for i, name in enumerate(("day1/run", "day2/run"))]
    network = fresh(preset("demo", SMALL))
    recordings = fed(Material(sessions[:1]), network)
    n = recordings.tables[0].n_slots
    train, held = [Span(0, 0, n * 3 // 5 - recordings.n_rows)], [Span(0, n * 3 // 5, n)]
    save_models(folder / "model", LinearModels(recordings).fit(train))
    split = as_split({"train": train, "validation": held}, recordings)
    save_checkpoint(folder / "model", network, "model", split)
    return folder / "model", sessions


def asked(*words):
    """What a verb says, and the JSON it ends with."""
    found = CliRunner().invoke(app, [*map(str, words)])
    return found, json.loads(found.stdout) if found.exit_code == 0 else None


def test_a_session_learned_from_and_validated_on_is_refused_in_a_line_that_says_what_to_do(lab):
    model, (seen, _) = lab
    refused, _ = asked("evaluate", model, seen)
    assert isinstance(refused.exception, SessionError)
    assert refused.exception.exit_code == 2  # what the program ends with
    words = str(refused.exception)
    assert "phosphene crossval" in words
    assert "\n" not in words


@pytest.mark.long
def test_rows_say_whose_data_they_learned_from_and_what_their_intervals_leave_open(lab, monkeypatch, capsys):
    model, (_, other) = lab
    page = model.parent / "page.html"
    _, found = asked("evaluate", model, other, "--no-controls", "--report", page, "--json")
    monkeypatch.setenv("COLUMNS", "160")
    print_worth(found)
    rows = {line.split("│")[1].strip(): line for line in capsys.readouterr().out.splitlines() if "│" in line}
    assert found["verdict"] in rows["network, similarity"]
    assert "above chance" in rows["banded ridge (mTRF)"]
    assert "above chance" in rows["CCA of rises and falls, trained on the tested person"]
    assert "mne's ReceptiveField" in rows
    assert found["baselines"]["ridge"] != found["baselines_here"]["ridge"]
    for words in ("banded ridge (mTRF), trained on the tested person", found["verdict"], "above chance"):
        assert words in page.read_text(encoding="utf-8")


def test_a_film_shown_twice_in_a_playlist_gives_no_impostor_of_itself(lab, monkeypatch):
    model, _ = lab
    bare = shutil.copytree(model, model.parent / "bare")
    (bare / "baselines.safetensors").unlink()
    monkeypatch.setattr(receptive_field, "find_spec", lambda name: None)  # as where MNE is not installed
    listed = [(0.0, "film: a.mkv"), (18.0, "picture: b.png"), (20.0, "film: a.mkv")]
    session = write_flashes(model.parent / "list", 38.0, 5, marks=listed)
    said, found = asked("evaluate", bare, session, "--no-controls", "--json")
    impostors = 1 / found["similarity"]["top_1_chance"] - 1  # of 18 windows one is true, 2 or 3 near
    assert impostors < 13.5  # and in the other showing 2 or 3 show its moments
    assert not found["baselines"]
    assert "100 %, reading films, 0:00 left" in said.stderr
    assert "brings no linear models of its own training" in said.stderr
    assert "mne" not in found["baselines_here"]
    assert "pip install 'phosphene[mne]'" in said.stderr


def test_sessions_of_one_name_stay_apart_and_one_given_twice_is_refused(lab):
    model, (seen, other) = lab
    again = shutil.copytree(other, model.parent / "copy" / "other")
    twice, _ = asked("crossval", other, again)
    assert isinstance(twice.exception, SessionError)
    assert "are the same recording: give it once" in str(twice.exception)
    recordings = Material([seen, other]).recordings(preset("demo", SMALL).grid)
    assert recordings.names == ["day1/run", "day2/run"]
