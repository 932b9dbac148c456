"""What is there to connect to, an LSL of one's own, and whether this machine can run the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pylsl
import pytest

from experiment import doctor
from realtime.lsl.discovery import list_all_streams, list_eeg_streams


@pytest.fixture
def outlets(source_id):
    """Streams of this process: EEG, markers, and EEG without a rate; taken down by reference."""
    kinds = (
        ("eeg", "EEG", 250.0, "float32"),
        ("marks", "Markers", 0.0, "string"),
        ("odd", "EEG", 0.0, "float32"),
    )
    return [
        pylsl.StreamOutlet(
            pylsl.StreamInfo(f"{source_id}-{name}", kind, 2, rate, format, f"{source_id}-{name}")
        )
        for name, kind, rate, format in kinds
    ]


def test_streams_are_listed_with_what_is_needed_to_choose_one(source_id, outlets):
    found = {s.source_id: s for s in list_all_streams(1.0)}
    eeg = found[f"{source_id}-eeg"]
    assert (eeg.name, eeg.type, eeg.n_channels, eeg.rate_nominal, eeg.format) == (
        f"{source_id}-eeg",
        "EEG",
        2,
        250.0,
        "float32",
    )
    assert found[f"{source_id}-marks"].format == "string"
    assert "irregular" in str(found[f"{source_id}-odd"])


def test_of_these_only_what_can_be_used_as_eeg_is_offered(source_id, outlets):
    ours = [s.source_id for s in list_eeg_streams(1.0) if s.source_id.startswith(source_id)]
    assert ours == [f"{source_id}-eeg"]


def in_new_process(code: str, **environment: str) -> str:
    """What `code` prints in an interpreter without our LSL config."""
    bare = {key: value for key, value in os.environ.items() if key != "LSLAPICFG"}
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**bare, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ended.stdout


ISOLATED = """
import os, subprocess, sys
from pathlib import Path
from realtime.lsl.isolation import isolate
path = isolate()
assert isolate() == path and os.environ["LSLAPICFG"] == str(path)
import pylsl
outlets = [pylsl.StreamOutlet(pylsl.StreamInfo(name, "EEG", 1, 10, "float32", name)) for name in ("a", "b")]
code = "import pylsl; print(sorted(s.name() for s in pylsl.resolve_streams(1.0)))"
print(outlets[0].get_info().session_id())
print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip())
print(path)
"""


def test_an_isolated_program_and_its_children_see_each_other_and_no_one_else(outlets):
    session, seen, path = in_new_process(ISOLATED).split("\n")[:3]
    assert session.startswith("phosphene-")
    assert seen == "['a', 'b']"
    assert not Path(path).exists()  # gone with the process that made it


CROWD = """
import sys
import pylsl
crowd = [pylsl.StreamOutlet(pylsl.StreamInfo(f"{n}", "EEG", 1, 10, "float32", f"{n}")) for n in range(40)]
print("ready", flush=True)
sys.stdin.read()
"""


def test_an_isolated_program_finds_its_own_where_all_of_lsls_default_ports_are_taken(tmp_path):
    config = tmp_path / "lsl_api.cfg"
    config.write_text(
        "[ports]\nIPv6 = disable\n[multicast]\nResolveScope = machine\nAddressesOverride = {127.0.0.1}\n"
        "[lab]\nSessionID = crowd\n[log]\nlevel = -3\n"
    )
    crowd = subprocess.Popen(
        [sys.executable, "-c", CROWD],
        env={**os.environ, "LSLAPICFG": str(config)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert crowd.stdout.readline().strip() == b"ready"
        _, seen, _ = in_new_process(ISOLATED).split("\n")[:3]
    finally:
        crowd.communicate()
    assert seen == "['a', 'b']"


def test_a_child_of_an_isolated_program_stays_in_its_session(tmp_path):
    config = tmp_path / "lsl_api.cfg"
    config.write_text("[lab]\nSessionID = phosphene-parent\n")
    printed = in_new_process(
        "from realtime.lsl.isolation import isolate; print(isolate())", LSLAPICFG=str(config)
    )
    assert printed.strip() == str(config)


def test_the_doctor_looks_at_everything_and_says_what_to_do_where_something_is_wrong(tmp_path):
    findings = {finding.name: finding for finding in doctor.examine(tmp_path)}
    assert {name for name in findings if not name.startswith("GPU: ")} == {  # these where there is a card
        "LSL library",
        "LSL clock",
        "LSL streams",
        "multicast",
        "cameras",
        "display",
        "Qt",
        "GPU",
        "disk",
        "packages",
    }
    assert all(finding.seen for finding in findings.values())
    assert all(finding.ok != bool(finding.advice) for finding in findings.values())
    assert findings["LSL library"].ok
    assert findings["LSL streams"].ok
    assert str(tmp_path) in findings["disk"].seen


def test_a_check_that_breaks_is_a_finding_itself(tmp_path):
    *_, disk = doctor.examine(tmp_path / "missing")
    assert not disk.ok
    assert "FileNotFoundError" in disk.seen


def test_without_a_screen_the_doctor_names_the_ways_to_one(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    display = next(f for f in doctor.examine() if f.name == "display")
    assert not display.ok
    assert "xvfb-run" in display.advice
