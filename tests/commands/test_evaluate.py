"""`phosphene evaluate` on a session it was trained on, and on another one, as a user types it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from commands.app import app
from models.config import preset
from models.learning.train import Material, train_sessions
from realtime.errors import SessionError
from tests.support.flashes import QUICK, SMALL, write_flashes


@pytest.mark.long
def test_a_seen_session_is_refused_and_another_one_is_judged_on_a_page(tmp_path):
    seen, other = (write_flashes(tmp_path / f"run{i}", 50.0, i) for i in range(2))
    train_sessions(Material([seen]), tmp_path / "model", preset("demo", SMALL), QUICK)
    runner = CliRunner()
    refused = runner.invoke(app, ["evaluate", str(tmp_path / "model"), str(seen)])
    assert isinstance(refused.exception, SessionError)
    assert refused.exception.exit_code == 2  # what the program ends with
    page = tmp_path / "page.html"
    asked = ["evaluate", str(tmp_path / "model"), str(other), "--no-controls", "--json"]
    found = runner.invoke(app, [*asked, "--report", str(page)])
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout[found.stdout.index("{") :])
    assert {"lag_s", "watched", "baselines", "baselines_here"} <= set(told)
    assert "Which video was watched?" in page.read_text(encoding="utf-8")
