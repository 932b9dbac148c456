"""With each of the field's usual senders `phosphene live --eeg name=…` needs nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import pytest

from realtime.eeg.units import microvolts_per_unit
from tests.support.outlets.senders import AMPLITUDE_UV, senders
from tests.support.small_session import write_small

PREFIX = f"-{uuid.uuid4().hex[:8]}"
SENDERS = senders()
MEDIAN_UV = AMPLITUDE_UV / 2**0.5  # of |x| of a sine
FILLED = ("unicorn-lsl", "unicorn2lsl", "nic2")  # by what their makers say elsewhere
QUICK = ("unicorn2lsl", "brainamp", "nic2")  # the suite's; the others are marked


@pytest.fixture(scope="module")
def sending():
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.outlets.senders", PREFIX],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    yield
    child.kill()
    child.wait()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("film") / "small", seconds=8.0) / "stimulus.mkv"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.long]) for name in SENDERS]
)
def test_channels_unit_and_microvolts_are_right_without_an_option(name, sending, film, run):
    sender = SENDERS[name]
    eeg = f"name={sender.name}{PREFIX}"
    code, out, err = run("live", "--eeg", eeg, "--video", film, "--headless", "--json", "--seconds", 1.6)
    assert (code, json.loads(out)["errors"]) == (0, []), err
    found = json.loads(out)["eeg"]
    assert tuple(found["channels"]) == sender.electrodes
    assert microvolts_per_unit(found["unit"]) == microvolts_per_unit(sender.unit)
    amplitudes = {row["label"]: row["amplitude_uv"] for row in found["channel_quality"]}
    assert amplitudes == pytest.approx(dict.fromkeys(sender.electrodes, MEDIAN_UV), rel=0.1)
    assert [row["fault"] for row in found["channel_quality"]] == [""] * len(sender.electrodes)
    assert bool(found["named_by"]) == (name in FILLED)
