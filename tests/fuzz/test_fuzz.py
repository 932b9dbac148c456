"""A short run of every fuzz target; `python -m tests.fuzz` runs long ones. Findings stand in `findings/`."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.bounds import bounded
from tests.fuzz.mutation import mutated
from tests.fuzz.targets import TARGETS, try_once

FINDINGS = sorted((Path(__file__).parent / "findings").glob("*.bin"))
_QUICK = {
    "xdf": 100,
    "session": 60,
    "edf": 100,
    "manifest": 30,
    "checkpoint": 10,
    "vision": 20,
    "preparation": 20,
}


@pytest.fixture(scope="module", params=list(TARGETS))
def prepared(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "input").mkdir()
    (folder / "seeds").mkdir()
    target = TARGETS[request.param]
    return request.param, target, target.seeds(folder / "seeds"), folder / "input"


def test_whole_examples_are_read_or_refused_by_mutants_in_one_line(prepared):
    name, target, seeds, folder = prepared
    dice = random.Random(name)
    for _ in range(_QUICK.get(name, 100)):
        data = mutated(seeds, dice)
        with bounded(len(data), memory=False):
            try_once(target, data, folder)


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_at_all_are_read_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("any")
    for name in ("xdf", "header", "edf", "calibration", "linear"):
        try_once(TARGETS[name], data, folder)


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda path: path.stem)
def test_what_was_found_once_is_read_or_refused(tmp_path, finding):
    outcome = try_once(TARGETS[finding.stem.split("-")[0]], finding.read_bytes(), tmp_path)
    assert outcome in ("read", "refused")
