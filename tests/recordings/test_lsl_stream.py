"""Other LSL streams reach a recording as they are."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid

import numpy as np
import pytest

from realtime.errors import StreamNotFound
from realtime.lsl.selector import StreamSelector
from recordings.lsl_stream import LslStream
from recordings.recorder import Recorder
from recordings.session.session import Session


def _outlets(prefix):
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.odd_outlets", prefix],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdout.readline() == "ready\n"
    return child


@pytest.fixture
def prefix():
    prefix = f"odd-{uuid.uuid4().hex[:8]}"
    child = _outlets(prefix)
    yield prefix
    child.kill()
    child.wait()


def _at_rest(count, seconds=0.5):
    """A count, once it has stood still for so long: what was on its way has arrived."""
    since, last = time.monotonic(), count()
    while time.monotonic() < since + seconds:
        time.sleep(0.01)
        if count() != last:
            since, last = time.monotonic(), count()
    return last


def _until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_streams_of_any_format_are_recorded_as_they_are(tmp_path, prefix):
    kinds = ("string", "count", "double", "irregular")
    streams = [LslStream(StreamSelector(source_id=f"{prefix}-{kind}"), resolve_s=20.0) for kind in kinds]
    headers = {header: stream for stream in streams if (header := stream.open())}
    with Recorder(tmp_path, {}, others={s.name: header for header, s in headers.items()}) as recorder:
        for stream in streams:
            stream.feed(recorder)
        _until(lambda: min(recorder.health().samples[s.name] for s in streams) >= 100)
        for stream in streams:
            stream.close()
            assert stream.failure is None
    with Session(tmp_path) as session:
        read = {s.info.source_id.rpartition("-")[2]: s for s in session.reader.streams.values()}
        for kind, format in zip(kinds, ("string", "int32", "double64", "float32"), strict=True):
            stream = read[kind]
            assert stream.info.format == format
            stamps, values = session.reader.read(stream.info.stream_id)
            numbers = np.array([float(row[0]) for row in values])
            assert (np.diff(np.round(numbers)) == 1).all()
            np.testing.assert_allclose(np.diff(stamps), 1 / 250, atol=1e-6)  # the sender's own
            assert len(stream.offset_values) >= 1
            assert abs(stream.offset_values).max() < 0.05  # one machine, one clock
        assert read["double"].info.root.findtext("desc/channels/channel/label") == "Fz"
        assert float(session.reader.read(read["double"].info.stream_id)[1][0, 0]) % 1 == pytest.approx(1e-7)


def test_a_stream_that_is_lost_is_recorded_again_when_it_comes_back(tmp_path):
    prefix = f"odd-{uuid.uuid4().hex[:8]}"
    child = _outlets(prefix)
    stream = LslStream(StreamSelector(source_id=f"{prefix}-count"), resolve_s=20.0)
    header = stream.open()
    with Recorder(tmp_path, {}, others={stream.name: header}) as recorder:
        stream.feed(recorder)
        _until(lambda: recorder.health().samples[stream.name] >= 100)
        child.kill()
        child.wait()
        before = _at_rest(lambda: recorder.health().samples[stream.name])
        child = _outlets(prefix)
        _until(lambda: recorder.health().samples[stream.name] >= before + 100, 60.0)
        stream.close()
    child.kill()
    child.wait()
    with Session(tmp_path) as session:
        stamps, values = session.reader.read(1)
        assert (np.diff(values[:, 0]) != 1).sum() == 1  # the new one counts for itself
        assert np.diff(stamps).max() > 0.1


def test_a_stream_that_is_not_there_is_named():
    with pytest.raises(StreamNotFound, match="no LSL stream fits 'name=nobody'"):
        LslStream(StreamSelector.parse("name=nobody"), resolve_s=0.3).open()
