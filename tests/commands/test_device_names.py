"""Unnamed electrodes are named once, and the names are kept for the headset."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid

import pytest

from tests.support.small_session import write_small

PREFIX = f"-{uuid.uuid4().hex[:8]}"
NAMES = ("Fp1", "Fp2", "C3", "C4", "P7", "P8", "O1", "O2")


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("film") / "small", seconds=8.0) / "stimulus.mkv"


@pytest.fixture(scope="module")
def sending():
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.outlets.senders", PREFIX, "openbci-gui"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    yield f"name=obci_eeg1{PREFIX}"
    child.kill()
    child.wait()


@pytest.mark.slow
def test_names_that_were_given_once_are_kept_said_and_can_be_taken_back(
    sending, film, run, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    montage = tmp_path / "cap.txt"
    montage.write_text("\n".join(NAMES), encoding="utf-8")

    def live(*more):
        code, out, err = run(
            "live", "--eeg", sending, "--video", film, "--headless", "--json", "--seconds", 0.2, *more
        )
        assert code == 0, err
        return json.loads(out)["eeg"], err

    found, _ = live("--montage", montage)
    assert tuple(found["channels"]) == NAMES
    found, said = live()
    assert tuple(found["channels"]) == NAMES
    assert "as they were kept for openbcigui" in said
    assert "--montage none forgets them" in found["named_by"]
    found, _ = live("--channels", "1=Fz,2=C3")
    assert found["channels"] == ["Fz", "C3"]
    found, _ = live("--montage", "none")
    assert found["channels"] == [f"ch{k}" for k in range(1, 9)]
    assert found["named_by"] == ""
    assert json.loads((tmp_path / "phosphene" / "electrodes.json").read_text("utf-8")) == {}
