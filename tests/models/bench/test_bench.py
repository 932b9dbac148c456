"""The bench: both sides take turns, numbers have their spread, the page keeps what stands around them."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from commands.app import app
from models.bench.limits import broken
from models.bench.page import BEGIN, END, as_lines, merged, write_page
from models.bench.setting import Setting
from models.bench.suite import QUICK, SECTIONS, run_bench
from models.bench.timing import Goal, interleaved, middle, ratio, told
from realtime.errors import ConfigError


@pytest.fixture(scope="module")
def measured():
    return run_bench(Setting(quick=True, seconds=0.2, backends=()), ["ring", "tick.demo", "growth"])


def test_what_is_compared_takes_turns():
    order: list[str] = []
    times = interleaved({name: lambda name=name: order.append(name) for name in "ab"}, 0.0, rounds=4)
    assert order == list("ab" * 5)  # the first turn is not counted
    assert [len(taken) for taken in times.values()] == [4, 4]
    assert middle(ratio({"slow": [4.0, 9.0, 8.0], "fast": [2.0, 3.0, 2.0]}, "slow", "fast")) == 3.0


def test_a_number_comes_with_what_four_of_five_values_lie_between():
    assert told("x_ms", [float(i) for i in range(11)]) == {"x_ms": 5.0, "x_ms_spread": [1.0, 9.0]}


def test_a_goal_is_met_on_its_own_side():
    assert Goal("faster", 2.0, 1.5).met
    assert not Goal("later", 2.0, 1.5, "s", most=True).met


def test_parts_are_chosen_by_name_or_by_what_it_begins_with(measured):
    assert {"ring", "tick", "growth"} <= set(measured)
    assert set(measured["tick"]) == {"demo"}
    assert measured["tick"]["demo"]["naive_ms"] > measured["tick"]["demo"]["cached_ms"] > 0
    assert measured["ring"]["write_ratio"] > 10
    with pytest.raises(ConfigError, match="no part rings: legal are vit_b16"):
        run_bench(Setting(), ["rings"])
    assert set(QUICK) < set(SECTIONS)
    assert not {name.split(".")[0] for name in SECTIONS} & {"machine", "quick", "parts", "load", "goals"}


def test_a_part_that_is_measured_anew_takes_its_place_and_the_others_stay(measured):
    again = {**measured, "parts": ["ring"], "ring": {"write_us": 1.0}, "goals": []}
    again = {name: part for name, part in again.items() if name not in ("tick", "growth")}
    result = merged(measured, again)
    assert result["parts"] == ["tick.demo", "ring", "growth"]
    assert result["ring"] == {"write_us": 1.0}
    assert result["tick"] == measured["tick"]
    assert [goal["part"] for goal in result["goals"]] == ["tick.demo"] * len(result["goals"])


def test_the_page_keeps_what_stands_around_the_numbers(measured, tmp_path):
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold numbers\n{END}\nafter\n", encoding="utf-8")
    write_page(measured, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old numbers" not in text
    assert "ring: a write against rolling the buffer" in text
    assert (tmp_path / "performance.svg").read_text(encoding="utf-8").count("<polyline") == 4
    assert any(line.startswith("tick.demo.cached_ms") for line in as_lines(measured))
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ConfigError, match="lacks the marks"):
        write_page(measured, tmp_path)


def test_a_page_that_cannot_take_the_numbers_is_refused_before_anything_is_measured(measured, tmp_path):
    page, kept = tmp_path / "performance.md", tmp_path / "performance.json"
    command = ["bench", "ring", "--quick", "--docs", str(tmp_path)]
    elsewhere = {**measured, "machine": {**measured["machine"], "name": "another"}}
    for text, before, says in (
        (None, measured, "lacks the marks"),
        ("no marks", measured, "lacks the marks"),
        (f"{BEGIN}\n{END}\n", elsewhere, "name was another and is "),
    ):
        kept.write_text(json.dumps(before), encoding="utf-8")
        if text is not None:
            page.write_text(text, encoding="utf-8")
        done = CliRunner().invoke(app, command)
        assert isinstance(done.exception, ConfigError)
        assert says in str(done.exception)
        assert "measuring" not in done.output


def test_a_page_of_this_machine_takes_numbers_after_its_kernel_was_patched(measured, tmp_path):
    (tmp_path / "performance.md").write_text(f"{BEGIN}\n{END}\n", encoding="utf-8")
    before = {**measured, "machine": {**measured["machine"], "system": "Linux-6.0-older"}}
    (tmp_path / "performance.json").write_text(json.dumps(before), encoding="utf-8")
    done = CliRunner().invoke(app, ["bench", "ring", "--quick", "--docs", str(tmp_path)])
    assert done.exit_code == 0, done.exception


def test_the_command_prints_json():
    done = CliRunner().invoke(app, ["bench", "ring", "--quick", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["goals"][0]["name"].startswith("ring")


def test_a_session_that_lost_something_is_told_in_the_programs_own_words():
    video = {"dropped": 0, "thinned": 0}
    whole = {
        "readings": 9, "skipped_ticks": 0, "masked_intervals": 0, "eeg": {"lost_samples": 0}, "video": video,
        "other_videos": [video], "warnings": ["eeg.rate_effective is null: 3 samples do not tell the rate"],
    }  # fmt: skip
    assert not broken(whole)
    slow = {**whole, "skipped_ticks": 2, "other_videos": [{"dropped": 5, "thinned": 0}]}
    slow["warnings"] = [*whole["warnings"], "2 ticks were skipped: this machine was too slow for them"]
    assert (
        broken(slow)
        == "5 frames lost, 2 ticks skipped · 2 ticks were skipped: this machine was too slow for them"
    )
    assert broken({**whole, "readings": 0}) == "no reading"


@pytest.mark.slow
def test_the_training_is_timed_from_recordings_to_a_model_by_the_command_a_user_gives():
    found = run_bench(Setting(quick=True), ["training"])["training"]
    assert found["steps"] == 4
    assert found["minutes"] == pytest.approx(0.5, abs=0.05)
    assert found["total_s"] > 4 * found["step_ms"] / 1e3 > 0
