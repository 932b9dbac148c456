"""Other LSL streams reach a recording as they are."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import time
import uuid

import numpy as np
import pylsl
import pytest

from realtime.errors import StreamNotFound
from realtime.lsl.selector import StreamSelector
from recordings.lsl_streams import LslStreams
from recordings.recorder import Recorder
from recordings.session.session import Session


def _outlets(prefix):
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.support.outlets.odd_outlets", prefix],
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


def test_a_recording_that_ends_at_once_still_has_its_streams_clock(tmp_path, prefix):
    streams = LslStreams([StreamSelector(source_id=f"{prefix}-double")], resolve_s=20.0)
    headers = streams.open()
    name = next(name for name in headers if f"{prefix}-double" in name)
    with Recorder(tmp_path, {}, others=headers) as recorder:
        streams.feed(recorder)
        _until(lambda: recorder.health().samples[name] >= 1)  # liblsl has not measured its clock by then
        streams.close()
    with Session(tmp_path) as session:
        (stream,) = (s for s in session.reader.streams.values() if s.info.source_id == f"{prefix}-double")
        assert len(stream.offset_values) == 1


def test_streams_of_any_format_are_recorded_as_they_are(tmp_path, prefix):
    kinds = ("string", "count", "double", "irregular")
    streams = LslStreams([StreamSelector(source_id=f"{prefix}-{kind}") for kind in kinds], resolve_s=20.0)
    headers = streams.open()
    with Recorder(tmp_path, {}, others=headers) as recorder:
        streams.feed(recorder)
        _until(lambda: min(recorder.health().samples[name] for name in headers) >= 100)
        streams.close()
    assert streams.warnings == []
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
    streams = LslStreams([StreamSelector(source_id=f"{prefix}-count")], resolve_s=20.0)
    ((name, header),) = streams.open().items()
    with Recorder(tmp_path, {}, others={name: header}) as recorder:
        streams.feed(recorder)
        _until(lambda: recorder.health().samples[name] >= 100)
        child.kill()
        child.wait()
        before = _at_rest(lambda: recorder.health().samples[name])
        child = _outlets(prefix)
        _until(lambda: recorder.health().samples[name] >= before + 100, 60.0)
        streams.close()
    child.kill()
    child.wait()
    assert "broke off" in streams.warnings[0]
    assert "came back" in streams.warnings[1]
    assert json.loads((tmp_path / "manifest.json").read_text())["warnings"] == streams.warnings
    with Session(tmp_path) as session:
        stamps, values = session.reader.read(1)
        assert (np.diff(values[:, 0]) != 1).sum() == 1  # the new one counts for itself
        assert np.diff(stamps).max() > 0.1


def test_a_stream_that_is_not_there_is_named():
    with pytest.raises(StreamNotFound, match="no LSL stream fits 'name=nobody'"):
        LslStreams([StreamSelector.parse("name=nobody")], resolve_s=0.3).open()


def _markers(name, n_channels=1):
    info = pylsl.StreamInfo(name, "Markers", n_channels, 0, "string", f"{name}-id")
    return pylsl.StreamOutlet(info)


def _texts(folder, name):
    """What each stream of that name holds, in the order of the file."""
    with Session(folder) as session:
        found = [s.info.stream_id for s in session.reader.streams.values() if s.info.name == name]
        return [[list(row) for row in session.reader.read(number)[1]] for number in found]


def test_all_that_fit_are_recorded_also_those_that_join_or_come_back_with_other_columns(tmp_path):
    a, b, c = (f"marks-{uuid.uuid4().hex[:8]}" for _ in range(3))
    first, second = _markers(a), _markers(b)
    streams = LslStreams([StreamSelector(type="Markers")], resolve_s=20.0)
    headers = streams.open()
    with Recorder(tmp_path, {}, others=headers) as recorder:
        streams.feed(recorder)
        first.push_sample(["a0"])
        second.push_sample(["b0"])
        third = _markers(c)
        _until(third.have_consumers)
        third.push_sample(["c0"])
        _until(lambda: sum(recorder.health().samples.values()) >= 3)
        del first
        wide = _markers(a, 2)
        _until(wide.have_consumers)
        wide.push_sample(["a1", "x"])
        _until(lambda: sum(recorder.health().samples.values()) >= 4)
        streams.close()
    assert _texts(tmp_path, a) == [[["a0"]], [["a1", "x"]]]
    assert _texts(tmp_path, b) == [[["b0"]]]
    assert _texts(tmp_path, c) == [[["c0"]]]
    assert sum("joined" in sentence for sentence in streams.warnings) == 2


def test_markers_are_recorded_without_being_chosen(tmp_path):
    name = f"marks-{uuid.uuid4().hex[:8]}"
    outlet = _markers(name)
    streams = LslStreams([])
    with Recorder(tmp_path, {}, others=streams.open()) as recorder:
        streams.feed(recorder)
        _until(outlet.have_consumers)
        outlet.push_sample(["m0"])
        _until(lambda: sum(recorder.health().samples.values()) >= 1)
        streams.close()
    assert streams.warnings == []
    assert _texts(tmp_path, name) == [[["m0"]]]


def test_texts_that_are_not_utf8_are_kept_byte_by_byte(tmp_path):
    name = f"marks-{uuid.uuid4().hex[:8]}"
    outlet = _markers(name)
    streams = LslStreams([StreamSelector(name=name)], resolve_s=20.0)
    with Recorder(tmp_path, {}, others=streams.open()) as recorder:
        streams.feed(recorder)
        _until(outlet.have_consumers)
        outlet.push_sample(["m0"])
        _push_bytes(outlet, b"caf\xe9")
        outlet.push_sample(["m2"])
        _until(lambda: sum(recorder.health().samples.values()) >= 3)
        streams.close()
    assert streams.warnings == []
    assert b"caf\xe9" in (tmp_path / "session.xdf").read_bytes()
    assert _texts(tmp_path, name) == [[["m0"], ["café"], ["m2"]]]


def _push_bytes(outlet, text):
    values, lengths = (ctypes.c_char_p * 1)(text), (ctypes.c_uint32 * 1)(len(text))
    pylsl.lib.lib.lsl_push_sample_buftp(
        outlet.obj, ctypes.byref(values), ctypes.byref(lengths), ctypes.c_double(0.0), ctypes.c_int(1)
    )
