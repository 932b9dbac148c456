"""What a training shows while it runs and leaves behind: lines, curves, how to go on, a row of its own."""

from __future__ import annotations

import json
import signal
import sys
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from commands.app import app
from experiment.console import LineByLine
from models.learning.runs import runs_in
from models.learning.training import curves
from models.learning.training.fit import Progress
from models.learning.training.validation import Validation
from realtime.errors import WeightsError
from tests.support.flashes import SMALL, write_flashes

RECIPE = {
    "steps": 8,
    "batch": 8,
    "warmup": 2,
    "match": 0,
    "validation": 0.3,
    "check_every": 4,
    "patience": 99,
    "refit": "false",
}
SETTINGS = {**SMALL, **{f"recipe.{name}": value for name, value in RECIPE.items()}}


def test_an_interrupted_training_says_how_to_go_on_and_has_curves_and_a_row(tmp_path, monkeypatch):
    session = write_flashes(tmp_path / "sub-anna_ses-1", 30.0, 0)
    chosen = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    words = ["train", str(session), "--out", str(tmp_path / "models" / "anna"), *chosen]
    monkeypatch.setattr(sys, "argv", ["phosphene", *words])
    as_it_is = curves.TrainingCurves.__call__

    def press(self, progress):
        as_it_is(self, progress)
        if progress.step == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(curves.TrainingCurves, "__call__", press)
    stopped = CliRunner().invoke(app, words)
    assert stopped.exit_code == 0, stopped.exception
    assert f"to go on: phosphene {' '.join(words)} --resume" in stopped.stderr
    (row,) = runs_in([tmp_path / "models"])
    assert (row.state, row.steps, row.subject) == ("interrupted", 3, "anna")
    monkeypatch.setattr(curves.TrainingCurves, "__call__", as_it_is)
    done = CliRunner().invoke(app, [*words, "--resume"])
    assert done.exit_code == 0, done.exception
    assert "going on from" in done.stderr
    assert "100 %, step 8 of 8, loss" in done.stderr  # no terminal: lines
    ElementTree.parse(tmp_path / "models" / "anna" / "curves.svg")
    monkeypatch.chdir(tmp_path)
    (told,) = json.loads(CliRunner().invoke(app, ["runs", "--json"]).stdout)
    assert (told["state"], told["steps"], told["subject"]) == ("finished", 8, "anna")
    assert 0.2 < told["minutes"] < 0.5
    assert 0 <= told["held_out"] <= 1


@pytest.fixture(scope="module")
def two_sessions(tmp_path_factory):
    root = tmp_path_factory.mktemp("watched")
    return [str(write_flashes(root / f"run{i}", 45.0, i)) for i in range(2)]


def test_a_baseline_says_how_much_of_the_films_is_read_and_reads_each_once(two_sessions, tmp_path):
    words = ["baseline", *two_sessions, "--cache", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.exception
    assert "100 %, reading films, 0:00 left" in done.stderr
    again = CliRunner().invoke(app, words)
    assert "reading films" not in again.stderr
    assert json.loads(again.stdout) == json.loads(done.stdout)


def test_resume_is_refused_where_nothing_was_begun(tmp_path):
    found = CliRunner().invoke(app, ["train", str(tmp_path), "--out", str(tmp_path / "new"), "--resume"])
    assert isinstance(found.exception, WeightsError)
    assert "train without --resume" in str(found.exception)


def test_off_a_terminal_a_line_comes_now_and_then_with_the_time_that_is_left(capsys):
    clock = iter([0.0, 10.0, 20.0, 21.0, 90.0])
    say = LineByLine(lambda: next(clock))
    for done in (0, 10, 20, 21, 100):
        say("loss 1.000", done / 100)
    assert capsys.readouterr().err.splitlines() == [
        "0 %, loss 1.000, just begun",
        "20 %, loss 1.000, 1:20 left",
        "100 %, loss 1.000, 0:00 left",
    ]


def test_the_time_that_is_left_is_that_of_the_work_at_hand(capsys):
    clock = iter([0.0, 10.0, 20.0, 35.0, 36.0])
    say = LineByLine(lambda: next(clock))
    for words, done in (("films", 0.5), ("films", 1.0), ("step", 0.0), ("step", 0.5), ("step", 0.6)):
        say(words, done)
    assert capsys.readouterr().err.splitlines() == [
        "50 %, films, just begun",
        "100 %, films, 0:00 left",
        "50 %, step, 0:15 left",
    ]


def test_curves_hold_every_step_and_look_and_begin_anew_where_steps_do(tmp_path):
    heard = []
    picture = curves.TrainingCurves(heard.append)
    assert picture.write(tmp_path / "none") is None
    for step in (1, 2, 3, 1, 2):
        look = Validation(0.9, 0.1, 0.9, None) if step == 2 else None
        picture(Progress(step, 3, 1.0 / step, {}, 1e-3, 0.1, {}, look))
    assert [progress.step for progress in heard] == [1, 2, 3, 1, 2]
    drawn = ElementTree.parse(picture.write(tmp_path)).getroot()
    space = "{http://www.w3.org/2000/svg}"
    losses, accuracies = drawn.findall(f"{space}g")
    assert len(losses.findall(".//*[@class='rule']")) == 1  # the second part begins
    assert accuracies.findall(".//*[@class='line']")


def test_models_stand_in_a_table_newest_first_whatever_is_damaged_beside_them(tmp_path, monkeypatch):
    for name, text in {
        "a": "{",
        "b": json.dumps({"metrics": {"training": 7}, "split": {"train": [3, {}]}}),
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "checkpoint.json").write_text(text)
    made = {
        "metrics": {
            "training": {"steps": 60, "best_step": 40, "reason": "finished",
                         "history": [{"step": 40, "similarity": 0.9}]},
            "ancestry": [{"name": "past"}, {"name": "today", "sessions": [{"subject": "anna"}]}],
        },
        "split": {"train": [{"from_s": 0, "to_s": 90.0}], "validation": [{"from_s": 92.0, "to_s": 120.0}]},
    }  # fmt: skip
    (tmp_path / "c" / "deep").mkdir(parents=True)
    (tmp_path / "c" / "deep" / "checkpoint.json").write_text(json.dumps(made))
    judged = {"two_way": 0.93, "two_way_ci": [0.91, 0.95], "verdict": "above chance"}
    (tmp_path / "c" / "deep" / "evaluation.json").write_text(json.dumps(judged))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "training.state").write_bytes(b"")
    monkeypatch.setenv("COLUMNS", "400")
    said = CliRunner().invoke(app, ["runs", str(tmp_path)]).stdout
    rows = {line.split("│")[1].strip(): line for line in said.splitlines() if "│" in line}
    assert set(rows) == {str(tmp_path / name) for name in ("a", "b", "c/deep", "d")}
    (row,) = [run for run in runs_in([tmp_path]) if run.subject]
    assert (row.minutes, row.steps, row.held_out, list(row.ancestry)) == (1.97, 60, 0.9, ["past"])
    assert "0.930 [0.910, 0.950] above chance" in rows[str(tmp_path / "c/deep")]
    assert "killed" in rows[str(tmp_path / "d")]
    nothing = CliRunner().invoke(app, ["runs", str(tmp_path / "none")])
    assert "phosphene train" in nothing.stderr


@pytest.mark.parametrize("setting", ["places=2", "places=2x2"])
def test_places_are_read_from_a_command_as_they_are_from_python(setting):
    from models.config import preset

    name, _, value = setting.partition("=")
    assert preset("demo", {name: value}).places == (2, 2)
