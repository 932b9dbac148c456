"""What liblsl would still deliver reaches us: a plain inlet stands beside and is asked the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pylsl
import pytest

from realtime.lsl.eeg import LslEeg, StreamSelector
from realtime.time.stamps import StampFitter
from realtime.types import RawChunk, StreamState

PATIENCE_S = 20.0


@contextmanager
def sender(**sending) -> Iterator[subprocess.Popen]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.realtime.lsl.numbered_sender", json.dumps(sending)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    try:
        yield child
    finally:
        child.kill()
        child.wait()


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


def numbers(chunks: list[RawChunk]) -> np.ndarray:
    return np.concatenate([chunk.samples[:, 0] for chunk in chunks]).astype(int)


def plain_inlet(name: str) -> pylsl.StreamInlet:
    (found,) = pylsl.resolve_byprop("name", name, timeout=PATIENCE_S)
    inlet = pylsl.StreamInlet(found, max_buflen=360, recover=True)
    inlet.open_stream(timeout=PATIENCE_S)
    return inlet


def stop_and_compare(name: str, stopped_s: float, lost_s: float) -> None:
    """A sender is stopped for longer than it takes to be called lost, and goes on."""
    with sender(name=name, source_id=name) as child, connected(f"name={name}", lost_s=lost_s) as source:
        inlet = plain_inlet(name)
        chunks = read_for(source, 1.0)
        os.kill(child.pid, signal.SIGSTOP)
        chunks += read_for(source, stopped_s)
        assert source.health().state is StreamState.LOST
        os.kill(child.pid, signal.SIGCONT)
        chunks += read_for(source, 2.0)
        assert source.health().state is StreamState.LIVE
        beside = np.array(inlet.pull_chunk(max_samples=200_000)[0])[:, 0].astype(int)
        del inlet
    ours = numbers(chunks)
    assert np.all(np.diff(beside) == 1)
    assert np.all(np.diff(ours) == 1)
    assert ours[-1] - ours[0] > 250 * (stopped_s + 2)


def test_a_sender_that_was_stopped_loses_nothing(source_id):
    stop_and_compare(source_id, 3.0, lost_s=1.0)


@pytest.mark.long
@pytest.mark.parametrize("stopped_s", [12.0, 30.0, 120.0])
def test_a_sender_that_was_stopped_for_long_loses_nothing(source_id, stopped_s):
    stop_and_compare(source_id, stopped_s, lost_s=10.0)


def test_a_reader_that_slept_gets_what_came_meanwhile(source_id):
    with sender(name=source_id, source_id=source_id), connected(f"name={source_id}", lost_s=1.0) as source:
        chunks = read_for(source, 0.5)
        time.sleep(3.0)
        chunks += read_for(source, 1.0)
    assert np.all(np.diff(numbers(chunks)) == 1)


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
