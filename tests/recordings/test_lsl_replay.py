"""A session goes out over LSL as it came in: recorded again it is the same, bit by bit."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pylsl
import pytest

from realtime.errors import ConfigError, SessionError
from realtime.lsl.eeg import LslEeg, StreamSelector
from realtime.time.clock import LslClock
from recordings.lsl_replay import LslReplay, serve_session
from recordings.lsl_streams import LslStreams
from recordings.recorder import Recorder
from recordings.session.session import Session
from recordings.xdf.writer import StreamHeader, XdfWriter
from tests.support.small_session import INFO, RATE, write_small

pytestmark = pytest.mark.slow

SECONDS = 3.0


@contextmanager
def replaying(folder, *options):
    """A child that is ready to stream the session in `folder`."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.lsl_replay_child", str(folder), *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert child.stdout.readline() == "ready\n"
        yield child
    finally:
        child.kill()
        child.communicate()


def go(child) -> float:
    """Let it play; returns when its first sample is due."""
    child.stdin.write("go\n")
    child.stdin.flush()
    return float(child.stdout.readline())


def write_awkward(folder, source_id):
    """A session whose EEG comes from another clock, jitters, has a gap and holds values of every kind."""
    random = np.random.default_rng(3)
    stamps = 100 - 777.25 + np.arange(round(SECONDS * RATE)) / RATE + random.normal(0, 1e-3, 750)
    stamps[400:] += 0.3
    return write_small(
        folder, SECONDS, ahead_s=777.25, info=replace(INFO, source_id=source_id), stamps=stamps
    )


class Again:
    """The streams of a replay, recorded by the program itself into a second session."""

    def __init__(self, folder, source_id):
        self.eeg = LslEeg(StreamSelector(source_id=source_id), resolve_s=20.0)
        info = self.eeg.open()
        self.others = LslStreams([StreamSelector(source_id=s) for s in ("markers", "stimulus")])
        self.recorder = Recorder(folder, {"eeg": info}, others=self.others.open())

    def record(self, child, n_samples):
        with self.recorder as recorder:
            self.others.feed(recorder)
            self.begun = go(child)
            end = time.monotonic() + 30.0
            while recorder.health().samples["eeg"] < n_samples:
                assert time.monotonic() < end
                if (chunk := self.eeg.read(0.1)) is not None:
                    recorder.eeg("eeg", chunk)
            self.sent = json.loads(child.stdout.readline())
            self.others.close()
            self.eeg.close()


@pytest.fixture(scope="module")
def round_trip(tmp_path_factory):
    """The first session, the second, when the replay began and what it says it sent."""
    folder = tmp_path_factory.mktemp("round-trip")
    source_id = f"replayed-{time.monotonic_ns()}"
    write_awkward(folder / "first", source_id)
    with Session(folder / "first") as first:
        with replaying(folder / "first") as child:
            again = Again(folder / "second", source_id)
            again.record(child, first.eeg().n_samples)
        with Session(folder / "second") as second:
            yield first, second, again.begun, again.sent


def _stream(session, type):
    return next(s for s in session.reader.streams.values() if s.info.type == type and s.n_samples)


def test_eeg_recorded_again_from_the_replay_is_bit_equal(round_trip):
    first, second, *_ = round_trip
    before, after = (np.concatenate([p.samples for p in s.eeg().pieces()]) for s in (first, second))
    assert after.tobytes() == before.tobytes()
    assert second.eeg().info == replace(first.eeg().info, host=second.eeg().info.host)


def test_stamps_are_on_the_clock_of_now_with_jitter_gaps_and_the_place_of_every_stream_kept(round_trip):
    first, second, begun, _ = round_trip
    shifts = []
    for type in ("EEG", "Markers", "VideoExternal"):
        before, after = _stream(first, type), _stream(second, type)
        correct = 777.25 if type == "EEG" else 0.0
        times = first.reader.read(before.info.stream_id)[0] + correct
        stamps = second.reader.read(after.info.stream_id)[0]
        shifts.append(stamps - times)
    np.testing.assert_allclose(np.concatenate(shifts), shifts[0][0], rtol=0, atol=1e-8)
    assert shifts[0][0] == pytest.approx(begun - first.start, abs=0.1)


def test_markers_and_frame_numbers_come_with_their_whole_description(round_trip):
    first, second, _, sent = round_trip
    for type in ("Markers", "VideoExternal"):
        before, after = _stream(first, type), _stream(second, type)
        values = [s.reader.read(i.info.stream_id)[1] for s, i in ((first, before), (second, after))]
        assert np.array_equal(*values)
        for name in ("name", "type", "n_channels", "rate_nominal", "format", "source_id"):
            assert getattr(after.info, name) == getattr(before.info, name)
        described = [ElementTree.tostring(i.info.root.find("desc")).split() for i in (before, after)]
        assert b"".join(described[0]) == b"".join(described[1])
    assert sent == {"Cap EEG 1": 750, "Markers Markers 2": 2, "stimulus VideoExternal 3": 90}


def test_a_loop_goes_on_with_rising_stamps_at_any_speed(tmp_path, source_id):
    write_small(tmp_path, 3.0, frames=False, info=replace(INFO, source_id=source_id))
    with replaying(tmp_path, "8", "loop") as child:
        found = pylsl.resolve_byprop("source_id", source_id, timeout=20.0)
        inlet = pylsl.StreamInlet(found[0], recover=False)
        inlet.open_stream(timeout=10.0)
        assert inlet.info().nominal_srate() == 8 * RATE
        begun = go(child)
        samples, stamps = [], []
        while len(stamps) < 1000:
            some, at = inlet.pull_chunk(timeout=2.0, as_numpy=True)
            assert len(at), "the loop stopped"
            samples.append(some[:, 0])
            stamps.extend(at)
        del inlet
        child.stdin.close()  # it is told to stop
        child.stdin = None
        assert json.loads(child.stdout.readline())["Cap EEG 1"] >= 1000
    numbers, stamps = np.concatenate(samples), np.array(stamps)
    assert np.array_equal(numbers, np.arange(len(numbers)) % 750)
    steps = np.diff(stamps)
    np.testing.assert_allclose(steps[numbers[1:] > 0], 1 / (8 * RATE), atol=1e-7)
    np.testing.assert_allclose(steps[numbers[1:] == 0], 1.0, atol=1e-7)
    assert stamps[0] == pytest.approx(begun, abs=0.1)


def test_integers_of_every_size_texts_and_streams_without_a_sample_can_go_out(tmp_path, source_id):
    formats = ("int8", "int16", "int32", "int64", "double64", "string", "float32")
    headers = {
        i: StreamHeader(format, "Any", 2, 0.0, format, f"{source_id}-{format}")
        for i, format in enumerate(formats, 1)
    }
    with XdfWriter(tmp_path / "session.xdf", headers) as writer:
        for i, format in enumerate(formats[:-1], 1):
            rows = [["ä", ""], ["b\n<", "é"]] if format == "string" else np.array([[1, -2], [3, 127]])
            writer.samples(i, [5.0, 5.1], rows)
    with Session(tmp_path) as session:
        replay = LslReplay(session)
        found = pylsl.resolve_bypred(f"starts-with(source_id,'{source_id}')", len(formats), 20.0)
        inlets = {info.name(): pylsl.StreamInlet(info, recover=False) for info in found}
        for inlet in inlets.values():
            inlet.open_stream(timeout=10.0)
        sent = replay.play(LslClock(), lambda: False, lead_s=0.1)
        assert list(sent.values()) == [2, 2, 2, 2, 2, 2, 0]
        for format in formats:
            inlet = inlets.pop(format)
            rows = inlet.pull_chunk(timeout=0.2)[0]
            expected = {"string": [["ä", ""], ["b\n<", "é"]], "float32": []}
            assert rows == expected.get(format, [[1, -2], [3, 127]])
            del inlet


def test_a_stop_is_obeyed_at_once(tmp_path, source_id):
    write_small(tmp_path, 2.0, frames=False, info=replace(INFO, source_id=source_id))
    stop = threading.Event()
    with Session(tmp_path) as session:
        sent = {}
        thread = threading.Thread(
            target=lambda: sent.update(serve_session(session, LslClock(), stop.is_set, lead_s=60.0))
        )
        thread.start()
        stop.set()
        thread.join(5.0)
        assert not thread.is_alive()
    assert set(sent.values()) == {0}


@pytest.mark.parametrize("speed", [0.0, -1.0, float("inf"), float("nan")])
def test_a_speed_that_lsl_cannot_carry_is_refused(tmp_path, speed):
    write_small(tmp_path, 1.0, frames=False)
    with Session(tmp_path) as session, pytest.raises(ConfigError, match="give a number above 0"):
        serve_session(session, LslClock(), lambda: False, speed)


def test_a_session_without_a_sample_is_refused(tmp_path):
    XdfWriter(tmp_path / "session.xdf", {1: StreamHeader("Cap", "EEG", 1, 100.0, "float32")}).close()
    with Session(tmp_path) as session, pytest.raises(SessionError, match="holds no sample"):
        serve_session(session, LslClock(), lambda: False)
