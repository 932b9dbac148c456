"""LabRecorder's remote commands from a plain socket, as PsychoPy scripts send them."""

from __future__ import annotations

import json
import socket
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiment.recording import offer_recording
from experiment.remote import RemoteControl
from realtime.errors import ConfigError, SessionError
from realtime.time.clock import ManualClock
from recordings.session.session import Session
from tests.experiment.test_closed_loop import advance, session


class Noted:
    """Takes down what is asked of a recording."""

    def __init__(self):
        self.asked, self.on = [], False

    def start(self):
        self.on = True
        self.asked.append("start")

    def stop(self):
        self.on = False
        self.asked.append("stop")

    def seconds(self):
        return 1.5 if self.on else None

    def marker(self, text):
        self.asked.append(("marker", text))

    def name_next(self, entities, root, template):
        self.asked.append((entities, None if root is None else str(root), template))

    def take_all_streams(self, *, on):
        self.asked.append(("all", on))


@pytest.fixture
def remote():
    control = RemoteControl(Noted(), port=0).launch()
    yield control
    control.stop()


def send(port: int, *lines: str) -> list[str]:
    """Send lines over one connection; returns an answer for each."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        answers = connection.makefile("r", encoding="utf-8")
        told = []
        for line in lines:
            connection.sendall(f"{line}\n".encode())
            told.append(answers.readline().rstrip("\n"))
        return told


def test_the_commands_of_labrecorder_do_what_they_say(remote):
    answers = send(
        remote.port, "update", "select all",
        "filename {root:/data} {template:sub-%p_task-%b.xdf} {participant:P007} {task:rest} {modality:eeg}",
        "start", "start", "status", "marker eyes closed", "stop", "status", "select none",
    )  # fmt: skip
    assert [answer.split()[0] for answer in answers] == ["OK"] * 10
    assert json.loads(answers[5][3:]) == {"recording": True, "seconds": 1.5}
    assert json.loads(answers[8][3:]) == {"recording": False, "seconds": None}
    assert remote._recording.asked == [
        ("all", True),
        ({"sub": "P007", "task": "rest"}, "/data", "sub-{sub}_task-{task}"),
        "start", ("marker", "eyes closed"), "stop", ("all", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("begin", "no command"), ("marker", "no command"), ("filename rest", "fields"), ("", "no command"),
        ("filename {template:%z}", "placeholder"), ("marker " + "x" * 5000, "4096 bytes"),
    ],
)  # fmt: skip
def test_what_is_no_command_is_answered_with_the_reason_and_the_next_one_works(remote, line, word):
    answer = send(remote.port, line)[0]
    assert answer.startswith("ERR")
    assert word in answer
    assert send(remote.port, "update") == ["OK"]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_do_harm(line):
    control = RemoteControl(Noted(), port=0)
    try:
        answer = control.answer(line)
    finally:
        control._server.server_close()
    assert answer.split()[0] in ("OK", "ERR")
    assert "\n" not in answer


def test_it_listens_on_the_loopback_alone_and_a_port_that_is_taken_is_refused(remote):
    assert remote._server.server_address[0] == "127.0.0.1"
    with pytest.raises(ConfigError, match="choose another"):
        RemoteControl(Noted(), remote.port)


def test_a_script_starts_marks_and_stops_a_real_recording(tmp_path):
    clock = ManualClock(99.0)
    running = session(clock)
    recording = offer_recording(running, tmp_path, remote=0)
    port = next(worker.port for worker in running.workers if isinstance(worker, RemoteControl))
    try:
        assert send(port, "filename {participant:P1} {task:rest}", "start") == ["OK", "OK"]
        advance(running, clock, 99.0, 104.0)
        assert send(port, "marker door opens") == ["OK"]
        time.sleep(0.3)
        assert send(port, "stop") == ["OK"]
    finally:
        running.closing.close()
    (folder,) = recording.folders
    assert folder.name == "sub-P1_ses-01_task-rest_run-01"
    with Session(folder) as recorded:
        assert [marker.text for marker in recorded.markers()] == ["door opens"]


def test_a_second_recording_is_refused_in_words_while_the_first_goes_on_to_its_end(tmp_path):
    clock = ManualClock(99.0)
    running = session(clock)
    recording = offer_recording(running, tmp_path)
    try:
        first = recording.start({"task": "rest"})
        advance(running, clock, 99.0, 102.0)
        with pytest.raises(
            SessionError, match="task-rest_run-01 is being recorded: end that recording first"
        ):
            recording.start({"task": "calibration"})
        assert recording.current == first
        advance(running, clock, 102.0, 104.0)
        recording.stop()
        second = recording.start()
    finally:
        running.closing.close()
    assert recording.folders == [first, second]
    assert "task-rest" not in second.name  # that was the first one's alone
    with Session(first) as recorded:
        assert recorded.eeg().n_samples > 4 * 200
    assert json.loads((first / "manifest.json").read_text("utf-8"))["complete"]
