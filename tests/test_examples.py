"""Every example runs, uses nothing but the public face, and shows what its text says."""

from __future__ import annotations

import ast
import json
import runpy
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import phosphene
from recordings.session.example import make_example

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
ALLOWED = {"phosphene", "numpy", "torch"}


def main_of(name: str) -> Callable[..., Any]:
    """The example's `main`, in a module of its own."""
    return runpy.run_path(str(ROOT / "examples" / f"{name}.py"))["main"]


@pytest.fixture(scope="module")
def headset() -> Iterator[str]:
    """A virtual headset in another process; gives what selects it."""
    source_id = "phosphene-examples"
    command = [sys.executable, "-m", "phosphene", "headset", "--source-id", source_id, "--seconds", "120"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield f"source_id={source_id}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_short_and_imports_the_public_face_alone(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 60
    imported = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").split(".")[0])
    assert imported - set(sys.stdlib_module_names) <= ALLOWED


def test_a_replay_gives_a_reading_for_every_hop_and_maps_that_share_out_one():
    arrays = main_of("replay_to_arrays")()
    assert len(arrays["time"]) == 109
    np.testing.assert_allclose(np.diff(arrays["time"]), 0.25, atol=1e-9)
    assert (arrays["where"] >= 0).all()
    assert (arrays["where"].sum(axis=(1, 2)) < 1 + 1e-4).all()  # the rest went to the frame as a whole
    assert (arrays["where"].sum(axis=(1, 2)) > 0.1).all()
    np.testing.assert_allclose(arrays["when"].sum(axis=1), 1.0, atol=1e-4)
    assert 0 <= arrays["match"].min() <= arrays["match"].max() <= 1


def test_a_model_of_ones_own_is_fed_with_the_sessions_intervals(capsys):
    fit = main_of("intervals_to_torch")()
    assert 0 < fit <= 1  # a fit on its own data cannot be worse than the mean
    assert "27 intervals, EEG (8, 500), frames (80,)" in capsys.readouterr().out


@pytest.mark.slow
def test_training_leaves_a_checkpoint_that_is_judged_on_a_session_it_has_not_seen(tmp_path):
    make_example(tmp_path / "other", seed=1)
    judged = main_of("train_and_evaluate")(str(tmp_path / "out"), phosphene.EXAMPLE, str(tmp_path / "other"))
    assert (tmp_path / "out" / "checkpoint.json").is_file()
    assert judged["n_windows"] >= 10
    assert 0 <= judged["two_way_ci"][0] <= judged["two_way"] <= judged["two_way_ci"][1] <= 1
    assert {"ridge", "cca"} <= set(judged["baselines"])


@pytest.mark.parametrize(("name", "part"), [("own_eeg_encoder", "eeg"), ("own_fusion", "fusion")])
def test_a_part_of_ones_own_trains_and_comes_back_from_its_checkpoint(name, part, tmp_path):
    engine = main_of(name)(str(tmp_path / "out"), phosphene.EXAMPLE)
    chosen = getattr(engine.network.config, part)
    assert chosen.kind in {"spatial", "plain"}
    built = engine.network.eeg_tower.encoder if part == "eeg" else engine.network.junction.fusion
    assert type(built).__name__ == type(chosen).__name__.replace("Config", "") + (
        "Encoder" if part == "eeg" else "Fusion"
    )
    assert engine.card.weights == "out"
    engine.compile("eager")  # runs it once, as a live session does


@pytest.mark.slow
def test_a_callback_hears_of_every_live_reading(headset, capsys):
    summary = main_of("live_callback")(headset, "film", "5")
    lines = [line for line in capsys.readouterr().out.splitlines() if "ms old" in line]
    assert len(lines) == summary["readings"] > 0


@pytest.mark.slow
def test_another_program_receives_each_decision(headset):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        other.settimeout(1.0)
        address = f"127.0.0.1:{other.getsockname()[1]}"
        sent = main_of("feedback_to_another_program")(headset, "film", "7", address)
        received = [json.loads(other.recv(4096)) for _ in range(sent)]
    assert sent > 0
    assert [each["end"] for each in received] == sorted(each["end"] for each in received)
    assert any("baseline" in event for each in received for event in each["events"])
