"""JSON on standard output is strict: what is not a number is null, and a warning says so."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from commands.output import print_json
from experiment.state import Mode


@dataclass(frozen=True)
class Offset:
    mean: float
    path: Path


def strict(text: str):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse)


def printed(value, capsys):
    print_json(value)
    return strict(capsys.readouterr().out)


def test_a_number_that_is_not_known_is_null_and_named_in_the_warnings(capsys):
    value = {"eeg": {"rate": float("nan")}, "rows": [1.0, float("inf")], "warnings": ["a gap"]}
    assert printed(value, capsys) == {
        "eeg": {"rate": None},
        "rows": [1.0, None],
        "warnings": ["a gap", "eeg.rate is null: it is not known", "rows[1] is null: it is not known"],
    }


def test_without_such_a_number_nothing_is_added(capsys):
    assert printed({"rate": 250.0}, capsys) == {"rate": 250.0}
    assert printed([1, None, True, "x"], capsys) == [1, None, True, "x"]


def test_numbers_of_numpy_paths_and_data_classes_are_printed_as_values(capsys):
    value = {
        "a": np.float32(0.5), "n": np.int64(3), "nan": np.float64("nan"), "rows": np.array([[1.0, np.nan]]),
        "offset": Offset(0.25, Path("here")), "mode": Mode.LIVE, "yes": np.bool_(True),
    }  # fmt: skip
    found = printed(value, capsys)
    assert found.pop("warnings") == ["nan is null: it is not known", "rows[0][1] is null: it is not known"]
    assert found == {
        "a": 0.5, "n": 3, "nan": None, "rows": [[1.0, None]], "offset": {"mean": 0.25, "path": "here"},
        "mode": "Live", "yes": True,
    }  # fmt: skip


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=12,
    )
)
def test_whatever_is_printed_is_strict_json(value):
    with redirect_stdout(io.StringIO()) as out:
        print_json({"value": value})
    assert "value" in strict(out.getvalue())


def test_a_session_without_a_reading_says_why_its_numbers_are_null(run, session):
    code, out, _ = run("replay", session, "--speed", "1", "--seconds", 0.1, "--headless", "--json")
    summary = strict(out)
    assert code == 0
    assert summary["video"]["similarity_mean"] is None
    assert "similarity_mean is null: there was no reading" in summary["warnings"]
