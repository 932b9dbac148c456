"""`--backend auto`: sessions begin at once and get faster; a replay at full speed stays as it began."""

from __future__ import annotations

import json

import pytest

from models.inference.backends import installed
from models.inference.cache import COMPILED_HOME
from models.inference.engine import EAGER, Engine
from models.inference.stages import compile_stages
from tests.support.backends import only_swift


def test_a_replay_at_full_speed_runs_on_what_was_built_before_from_start_to_end_and_builds_nothing(
    run, session, tmp_path, monkeypatch
):
    only_swift(monkeypatch, tmp_path)

    def replayed(backend: str) -> dict:
        code, out, _ = run("replay", session, "--speed", "max", "--headless", "--json", "--backend", backend)
        assert code == 0
        return json.loads(out)

    nothing_built = replayed("auto")
    assert [row["backend"] for row in nothing_built["backends"]] == [EAGER]
    assert not list(tmp_path.iterdir())
    labels = tuple(nothing_built["eeg"]["channels"])
    compile_stages(Engine.from_preset("demo", labels).network, "auto", folder=tmp_path)
    built = replayed("auto")
    assert [row["backend"] for row in built["backends"]] == ["swift fp32"]
    assert built["backend"] == "swift fp32"
    assert built["digest"] == nothing_built["digest"] == replayed("eager")["digest"]
    assert built["readings"] == nothing_built["readings"] > 0


@pytest.mark.long
@pytest.mark.skipif(not installed("openvino"), reason="openvino is not installed")
def test_the_demo_goes_over_while_it_runs_and_the_next_one_begins_with_what_was_built(
    run, tmp_path, monkeypatch
):
    monkeypatch.setenv(COMPILED_HOME, str(tmp_path))
    found = []
    for seconds in ("75", "15"):
        code, out, _ = run("demo", "--backend", "auto", "--headless", "--json", "--seconds", seconds)
        assert code == 0
        found.append(json.loads(out))
        assert "openvino fp32" in found[-1]["backend"]
    first, second = found
    assert [row["backend"] for row in first["backends"]] == [EAGER, first["backend"]]
    assert first["backends"][1]["since_s"] < 60
    assert second["backends"][-1]["since_s"] < 2
