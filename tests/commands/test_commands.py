"""Commands as a user types them: what they print, what they leave behind, and how they end."""

from __future__ import annotations

import json
import shutil

import pytest

from recordings.session.example import EXAMPLE


def one_line(err: str) -> str:
    """The message, sure to be one line and to come from us."""
    lines = [line for line in err.splitlines() if line.strip()]
    assert len(lines) == 1, err
    assert lines[0].startswith("phosphene: ")
    return lines[0]


def test_a_replay_at_full_speed_gives_a_summary_with_everything_promised(run, session):
    code, out, _ = run("replay", session, "--speed", "max", "--headless", "--json")
    summary = json.loads(out)
    assert code == 0
    assert {
        "readings",
        "intervals",
        "skipped_ticks",
        "eeg",
        "video",
        "latency_ms",
        "stage_ms",
        "digest",
        "weights",
        "backend",
        "rss_mb",
        "errors",
    } <= set(summary)
    assert summary["readings"] == summary["intervals"] >= 20
    assert summary["skipped_ticks"] == 0
    assert summary["errors"] == []
    assert summary["eeg"]["name"] == "Cap"
    assert summary["video"]["frames"] == 240
    assert summary["weights"] == "untrained"


@pytest.mark.slow
def test_the_digest_is_the_same_at_every_speed_and_from_a_second_run(run, session):
    digests = {
        json.loads(run("replay", session, "--speed", speed, "--headless", "--json")[1])["digest"]
        for speed in ("max", "max", "8", "3")
    }
    assert len(digests) == 1


def test_a_replay_from_the_middle_gives_fewer_readings(run, session):
    early, late = (
        json.loads(run("replay", session, "--speed", "max", "--start", start, "--headless", "--json")[1])
        for start in (5, 6)
    )
    assert early["readings"] - late["readings"] == 4


def test_a_loop_goes_on_until_the_seconds_are_over(run, session):
    replay = ("replay", session, "--speed", "max", "--headless", "--json")
    once = json.loads(run(*replay)[1])["readings"]
    code, out, _ = run(*replay, "--loop", "--seconds", 4)
    assert code == 0
    assert json.loads(out)["readings"] > once > 0


def test_a_truncated_session_names_the_command_that_repairs_it(run, session, tmp_path):
    broken = shutil.copytree(session, tmp_path / "broken")
    xdf = broken / "session.xdf"
    xdf.write_bytes(xdf.read_bytes()[:-700])
    before = xdf.read_bytes()
    code, _, err = run("replay", broken, "--headless")
    assert code == 2
    assert "phosphene repair" in one_line(err)
    assert xdf.read_bytes() == before


def test_without_a_display_the_session_is_shown_as_text(run, session, monkeypatch):
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, _, err = run("replay", session, "--speed", "max")
    assert code == 0
    assert "no display" in err
    assert "untrained" in err


def test_the_shipped_example_is_small_and_replays(run):
    files = list(EXAMPLE.iterdir())
    assert sum(file.stat().st_size for file in files) < 2 * 2**20
    code, out, _ = run("replay", EXAMPLE, "--speed", "max", "--headless", "--json")
    assert code == 0
    assert json.loads(out)["readings"] >= 100


def test_a_damaged_recording_is_repaired_beside_and_then_replays(run, session, tmp_path):
    broken = shutil.copytree(session, tmp_path / "broken")
    xdf = broken / "session.xdf"
    xdf.write_bytes(xdf.read_bytes()[:-700])
    code, out, _ = run("repair", broken)
    assert code == 0
    assert "left out" in out
    code, out, _ = run("replay", broken / "session.repaired.xdf", "--speed", "max", "--headless", "--json")
    assert code == 0
    assert json.loads(out)["readings"] >= 15


def test_an_audit_says_what_a_session_holds(run, session):
    code, out, _ = run("info", session, "--json")
    report = json.loads(out)
    assert code == 0
    assert {stream["name"] for stream in report["streams"]} >= {"Cap"}
    assert report["duration_s"] == pytest.approx(8.0, abs=0.1)


def test_models_lists_presets_and_every_word_of_every_part_for_people_and_for_programs(run, monkeypatch):
    code, out, _ = run("models", "--json")
    family = json.loads(out)
    assert code == 0
    assert set(family["presets"]) == {"demo", "laptop", "lab"}
    assert {"gated", "perceiver", "qformer"} <= set(family["parts"]["fusion"]["words"])
    assert family["parts"]["mixer"]["words"]["gru"]["settings"] == {"layers": 1}
    monkeypatch.setenv("COLUMNS", "200")
    code, printed, _ = run("models")
    assert code == 0
    assert "clip (openai/clip-vit-base-patch32)" in printed
    for part, about in family["parts"].items():
        assert part in printed
        for word, of_it in about["words"].items():
            assert of_it["is"], f"{word} does not say what it is"
            assert word in printed
