"""The program where something of this system is missing, or something of another program is in the way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from realtime.errors import RunError
from realtime.time.clock import check_lsl_clock

ROOT = Path(__file__).resolve().parents[2]
ABSENT = """
import os, signal, sys, psutil
for module, name in (
    (os, "sched_getaffinity"), (os, "posix_fadvise"), (os, "O_CLOEXEC"), (psutil.Process, "cpu_affinity"),
    (signal, "SIGKILL"), (signal, "SIGHUP"), (signal, "pthread_sigmask"),
):
    if hasattr(module, name):
        delattr(module, name)
"""


def shown(command: list[str], folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_the_demo_runs_where_linux_own_functions_are_absent(tmp_path):
    # In the subject's process as well: Python runs sitecustomize at its start.
    (tmp_path / "sitecustomize.py").write_text(ABSENT, encoding="utf-8")
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    command = [sys.executable, "-m", "phosphene", "demo", "--headless", "--json", "--seconds", "4"]
    done = shown(command, tmp_path, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["errors"] == []
    assert summary["readings"] > 0


@pytest.mark.parametrize("room", ["models", "commands", "gui"])
def test_a_folder_of_the_users_that_hides_a_package_is_told_in_one_line(tmp_path, room):
    (tmp_path / room).mkdir()
    (tmp_path / room / "__init__.py").touch()
    for verb in (["demo", "--headless"], ["--version"], []):
        done = shown([sys.executable, "-m", "phosphene", *verb], tmp_path, PYTHONPATH=str(ROOT))
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"phosphene: its package `{room}` is taken from {tmp_path / room}")
        assert "another folder" in line
        assert done.stdout == ""


def test_a_program_that_imports_the_public_face_is_told_the_same(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").touch()
    command = [sys.executable, "-c", "import phosphene; phosphene.Engine"]
    done = shown(command, tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 1
    assert "ImportError: phosphene: its package `models` is taken from" in done.stderr


def test_a_folder_without_python_in_it_is_in_nobodys_way(tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "weights.bin").touch()
    done = shown([sys.executable, "-m", "phosphene", "--version"], tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 0


@pytest.mark.slow
def test_the_demo_started_from_such_a_folder_by_the_installed_command_has_its_subject(tmp_path):
    (tmp_path / "realtime").mkdir()
    (tmp_path / "realtime" / "__init__.py").touch()
    code = "import phosphene; phosphene.main()"
    command = [sys.executable, "-P", "-c", code, "demo", "--headless", "--json", "--seconds", "3"]
    done = shown(command, tmp_path, PYTHONPATH=str(ROOT))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["eeg"]["samples"] > 0


def test_clocks_that_are_not_one_are_told_with_what_lies_between_them(monkeypatch):
    assert abs(check_lsl_clock()) < 0.001
    monkeypatch.setattr("pylsl.local_clock", lambda: 3.5e6)
    with pytest.raises(RunError, match="away from this system's monotonic clock") as told:
        check_lsl_clock()
    assert "\n" not in str(told.value)


def test_no_headset_is_served_by_a_clock_that_is_not_ours(run, monkeypatch):
    monkeypatch.setattr("pylsl.local_clock", lambda: 3.5e6)
    code, _, err = run("headset", "--seconds", 1)
    assert code == 1
    assert err.startswith("phosphene: LSL's clock is")
    assert len(err.splitlines()) == 1
