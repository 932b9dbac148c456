"""What liblsl would still deliver reaches us: a plain inlet stands beside and is asked the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from realtime.lsl.eeg import LslEeg, StreamSelector
from realtime.time.stamps import StampFitter
from realtime.types import RawChunk
from tests.support.namespaces import cable

PATIENCE_S = 20.0


def started(module: str, *arguments: str, at: Sequence[str] = (), **more) -> subprocess.Popen:
    """A process of a module of the tests, once it is ready; `at` is what its command begins with."""
    child = subprocess.Popen(
        [*at, sys.executable, "-m", f"tests.realtime.lsl.{module}", *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **more,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    return child


@contextmanager
def sender(
    at: Sequence[str] = (), env: Mapping[str, str] | None = None, **sending
) -> Iterator[subprocess.Popen]:
    child = started("numbered_sender", json.dumps(sending), at=at, env=env)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


class Receiver:
    """This program and a plain inlet beside it, in a process of their own."""

    def __init__(self, name: str, lost_s: float, **more):
        self.process = started("numbered_receiver", name, f"{lost_s}", **more)

    def told(self) -> dict[str, Any]:
        """Stop receiving; what came to both."""
        report: dict[str, Any] = json.loads(self.process.communicate(timeout=PATIENCE_S)[0])
        return report


def both_have_all(report: dict[str, Any], seconds: float) -> None:
    assert report["plain"]["missing"] == 0
    assert report["ours"]["missing"] == 0
    assert report["ours"]["n"] > 250 * seconds
    assert abs(report["ours"]["last"] - report["plain"]["last"]) < 250
    assert report["state"] == "LIVE"


@contextmanager
def connected(selector: str, **more) -> Iterator[LslEeg]:
    source = LslEeg(StreamSelector.parse(selector), resolve_s=PATIENCE_S, **more)
    source.open()
    try:
        yield source
    finally:
        source.close()


def read_for(source: LslEeg, seconds: float) -> list[RawChunk]:
    chunks, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        if (chunk := source.read(0.02)) is not None:
            chunks.append(chunk)
    return chunks


def stop_sender(name: str, stopped_s: float, lost_s: float) -> dict[str, Any]:
    with sender(name=name, source_id=name) as child:
        receiver = Receiver(name, lost_s)
        time.sleep(1.0)
        os.kill(child.pid, signal.SIGSTOP)
        time.sleep(stopped_s)
        os.kill(child.pid, signal.SIGCONT)
        time.sleep(2.0 + stopped_s / 5)  # it has that much to send
        return receiver.told()


def stop_receiver(name: str, stopped_s: float) -> dict[str, Any]:
    with sender(name=name, source_id=name):
        receiver = Receiver(name, 10.0)
        time.sleep(0.5)
        os.kill(receiver.process.pid, signal.SIGSTOP)
        time.sleep(stopped_s)
        os.kill(receiver.process.pid, signal.SIGCONT)
        time.sleep(1.0)
        return receiver.told()


def cut_link(folder: Path, name: str, cut_s: float, lost_s: float) -> dict[str, Any]:
    """Cut the cable between sender and receiver; what was sent meanwhile waits for TCP's next attempt."""
    with cable(folder) as link:
        there, here = link.ends
        with sender(there, link.environment, name=name, source_id=name):
            receiver = Receiver(name, lost_s, at=here, env=link.environment)
            time.sleep(1.0)
            link.cut(joined=False)
            time.sleep(cut_s)
            link.cut(joined=True)
            time.sleep(2.0 + 1.2 * cut_s)  # attempts come half as often each time
            return receiver.told()


@pytest.mark.slow
def test_a_sender_that_was_stopped_loses_nothing(source_id):
    report = stop_sender(source_id, 2.0, lost_s=1.0)
    assert report["was_lost"]
    both_have_all(report, 3.0)


@pytest.mark.long
@pytest.mark.parametrize("stopped_s", [5.0, 12.0, 30.0, 120.0])
def test_a_sender_that_was_stopped_for_long_loses_nothing(source_id, stopped_s):
    report = stop_sender(source_id, stopped_s, lost_s=10.0)
    assert report["was_lost"] == (stopped_s > 10)
    both_have_all(report, stopped_s + 1)


@pytest.mark.slow
def test_a_receiver_that_was_stopped_gets_what_came_meanwhile(source_id):
    both_have_all(stop_receiver(source_id, 2.0), 2.0)


@pytest.mark.long
def test_a_receiver_that_was_stopped_for_long_gets_what_came_meanwhile(source_id):
    both_have_all(stop_receiver(source_id, 15.0), 15.0)


@pytest.mark.slow
def test_a_link_that_was_cut_loses_nothing(source_id, tmp_path):
    report = cut_link(tmp_path, source_id, 1.5, lost_s=1.0)
    assert report["was_lost"]
    both_have_all(report, 2.5)


@pytest.mark.long
@pytest.mark.parametrize("cut_s", [8.0, 14.0, 60.0])
def test_a_link_that_was_cut_for_long_loses_nothing(source_id, tmp_path, cut_s):
    both_have_all(cut_link(tmp_path, source_id, cut_s, lost_s=10.0), cut_s + 1)


@pytest.mark.parametrize("has_id", [True, False])
def test_a_headset_that_is_started_again_is_taken_back_with_and_without_a_source_id(source_id, has_id):
    one = {"name": source_id, "source_id": source_id if has_id else ""}
    with sender(**one) as first, connected(f"name={source_id}", stall_s=0.3, lost_s=1.0) as source:
        read_for(source, 0.5)
        first.kill()
        with sender(**one):
            end = time.monotonic() + PATIENCE_S
            while not (chunk := source.read(0.05)) or not chunk.reconnected:
                assert time.monotonic() < end
            assert len(read_for(source, 0.5)) > 1
    assert "connected again" in source.health().warnings[-1]


def wait_for(source: LslEeg, there) -> None:
    end = time.monotonic() + PATIENCE_S
    while not there(source.read(0.05)):
        assert time.monotonic() < end


def test_where_a_user_is_asked_a_headset_without_a_source_id_is_taken_by_his_word_alone(source_id):
    one = {"name": source_id, "source_id": ""}
    with sender(**one) as first, connected(f"name={source_id}", stall_s=0.3, lost_s=1.0) as source:
        source.newcomers.ask()
        read_for(source, 0.3)
        first.kill()
        with sender(**one) as stranger:
            wait_for(source, lambda chunk: source.newcomers.offered is not None)
            offered = source.newcomers.offered
            assert (offered.name, offered.source_id) == (source_id, "")
            source.newcomers.answer(offered.uid, take=False)
            assert read_for(source, 0.6) == []
            assert source.newcomers.offered is None
            stranger.kill()
        with sender(**one):
            wait_for(source, lambda chunk: source.newcomers.offered is not None)
            source.newcomers.answer(source.newcomers.offered.uid, take=True)
            wait_for(source, lambda chunk: chunk is not None and chunk.reconnected)
    assert source.newcomers.offered is None


def test_where_a_user_is_asked_the_same_source_id_needs_no_word(source_id):
    one = {"name": source_id, "source_id": source_id}
    with sender(**one) as first, connected(f"name={source_id}", stall_s=0.3, lost_s=1.0) as source:
        source.newcomers.ask()
        read_for(source, 0.3)
        first.kill()
        with sender(**one):
            wait_for(source, lambda chunk: chunk is not None and chunk.reconnected)


@pytest.mark.slow
@pytest.mark.parametrize("jump_s", [20.0, 200_000.0, -12.0])
def test_a_clock_that_is_set_while_it_runs_is_said_and_time_goes_on(source_id, jump_s):
    with (
        sender(name=source_id, source_id=source_id, jump_at=3.0, jump_s=jump_s),
        connected(f"name={source_id}") as source,
    ):
        chunks = read_for(source, 6.0)
    fitter = StampFitter(250.0)
    given = [part for chunk in chunks for part in fitter.push(chunk)] + fitter.flush()
    times = np.concatenate([part.stamps for part in given])
    assert (fitter.gaps, fitter.lost_samples) == (0, 0)
    assert np.diff(times) == pytest.approx(1 / 250, abs=2e-3)
    assert np.abs(times[-1] - time.monotonic()) < 5
    (event,) = source.health().warnings
    assert "clock was set by" in event


def test_samples_come_in_their_own_format_beside_and_the_description_is_the_senders(source_id):
    with sender(name=source_id, source_id=source_id, format="double64"):
        source = LslEeg(StreamSelector(name=source_id), resolve_s=PATIENCE_S)
        info = source.open()
        chunks = read_for(source, 0.5)
        source.close()
    assert chunks[0].raw.dtype == np.float64
    np.testing.assert_array_equal(chunks[0].raw.astype(np.float32), chunks[0].samples)
    assert "<manufacturer>Ünit &amp; Söhne</manufacturer>" in info.header
