"""What `import phosphene` promises: a list of names, each documented, typed, and loaded when it is used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import phosphene

ROOT = Path(__file__).resolve().parents[1]
PUBLIC = [
    "EXAMPLE", "ConditioningConfig", "EegConfig", "EegFeatures", "Engine", "Feedback", "FeedbackChoice",
    "FeedbackConfig", "Fused", "FusionConfig", "GridConfig", "IntervalArrays", "LiveChoice", "Material",
    "Media", "ModelChoice", "PhospheneError", "Pipeline", "Reading", "Recipe", "RecordedArrays",
    "Recorder", "Running", "evaluate_checkpoint", "open_live", "open_replay", "read_intervals",
    "read_recording", "run", "train_sessions",
]  # fmt: skip


def test_the_public_names_are_these_and_no_others():
    assert sorted(phosphene.__all__) == sorted(PUBLIC)
    assert set(PUBLIC) <= set(dir(phosphene))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_says_what_it_is_for(name):
    value = getattr(phosphene, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__name__ == name
        assert (inspect.getdoc(value) or "").strip(), f"{name} has no docstring"


def test_type_checkers_are_told_of_the_same_names_from_the_same_homes():
    tree = ast.parse((ROOT / "phosphene.py").read_text(encoding="utf-8"))
    (checked,) = (n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING")
    told = {
        alias.name: statement.module
        for statement in checked.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert told == phosphene._HOME_OF
    assert sorted(told) == sorted(phosphene.__all__)


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(AttributeError, match="open_replay"):
        phosphene.open_everything  # noqa: B018


def test_importing_the_program_loads_nothing_heavy_and_using_a_reader_no_torch():
    code = (
        "import sys, phosphene\n"
        "heavy = {'torch', 'numpy', 'cv2', 'PySide6', 'pylsl', 'scipy', 'transformers'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "recording = phosphene.read_recording(phosphene.EXAMPLE)\n"
        "assert recording.eeg.shape == (7500, 8)\n"
        "assert not {'torch', 'PySide6'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
