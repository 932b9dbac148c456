"""A training over several processes, on one machine or on several, by the command itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from models.checkpoint import load_checkpoint
from tests.support.flashes import SMALL, write_flashes

ROOT = Path(__file__).resolve().parents[3]


def train(session: Path, out: Path, recipe: dict[str, object], **environment: str) -> subprocess.Popen[str]:
    """Start the program's own command."""
    settings = {**SMALL, **{f"recipe.{name}": value for name, value in recipe.items()}}
    changes = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    command = [
        sys.executable,
        "-m",
        "phosphene",
        "train",
        str(session),
        "--out",
        str(out),
        "--json",
        *changes,
    ]
    given = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        command, cwd=out.parent, env=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


STEPS = {"steps": 40, "batch": 16, "warmup": 5, "check_every": 20, "accelerator": "cpu", "match": 0.0}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return write_flashes(tmp_path_factory.mktemp("flashes") / "run", 80.0, 0)


def told(process: subprocess.Popen[str]) -> tuple[str, str]:
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err[-2000:]
    return out, err


def assert_learned(out: Path, words: str) -> None:
    """One answer, a model that can be loaded, and better than chance where it was not trained."""
    found = json.loads(words)
    assert found["trained"]["reason"] == "finished"
    assert max(look["similarity"] for look in found["trained"]["history"]) > 0.6
    assert load_checkpoint(out).name == out.name


@pytest.mark.slow
def test_two_processes_of_one_machine_train_one_model_and_one_of_them_tells(session, tmp_path):
    out = tmp_path / "both"
    words, progress = told(train(session, out, {**STEPS, "devices": 2}))
    assert_learned(out, words)
    assert progress.count("just begun") == 1


@pytest.mark.slow
def test_two_machines_train_one_model_where_each_is_given_its_number(session, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out = tmp_path / "both"
    there = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    machines = [
        train(session, out, {**STEPS, "nodes": 2}, NODE_RANK=str(number), **there) for number in (0, 1)
    ]
    (first, _), (second, _) = (told(machine) for machine in machines)
    assert_learned(out, first)
    assert not second
