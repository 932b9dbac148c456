"""XDF files: what is written reads back, by our reader and by pyxdf."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

import numpy as np
import pytest
import pyxdf
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import SessionError
from recordings.xdf.format import DTYPES
from recordings.xdf.reader import XdfReader
from recordings.xdf.writer import StreamHeader, XdfWriter

logging.getLogger("pyxdf").setLevel(logging.CRITICAL)

_stamps = st.floats(-1e9, 1e9, allow_nan=False)
_texts = st.text(st.characters(blacklist_categories=("Cs",)), max_size=300)


@st.composite
def _numbers(draw):
    """Format, channels and chunks (stamps, values) of a numeric stream."""
    format = draw(st.sampled_from(sorted(DTYPES)))
    n_channels = draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    chunks = []
    for n in draw(st.lists(st.integers(1, 40), max_size=5)):
        raw = random.bytes(n * n_channels * DTYPES[format].itemsize)
        chunks.append((random.uniform(0, 1e6, n), np.frombuffer(raw, DTYPES[format]).reshape(n, n_channels)))
    return format, n_channels, chunks


@st.composite
def _strings(draw):
    n_channels = draw(st.integers(1, 3))
    sample = st.lists(_texts, min_size=n_channels, max_size=n_channels)
    chunks = draw(st.lists(st.lists(st.tuples(_stamps, sample), min_size=1, max_size=5), max_size=3))
    return "string", n_channels, [tuple(map(list, zip(*chunk, strict=True))) for chunk in chunks]


def _same(mine, theirs) -> bool:
    """Equal bit by bit, not-a-numbers included; an empty array has no type to compare."""
    if isinstance(mine, list):
        return mine == theirs
    return mine.shape == theirs.shape and (
        not mine.size or (mine.dtype == theirs.dtype and mine.tobytes() == theirs.tobytes())
    )


@settings(max_examples=60, deadline=None)
@given(
    streams=st.lists(st.one_of(_numbers(), _strings()), min_size=1, max_size=3),
    offset=st.tuples(_stamps, _stamps),
)
def test_what_is_written_is_read_back_by_us_and_by_pyxdf(tmp_path_factory, streams, offset):
    path = tmp_path_factory.mktemp("xdf") / "session.xdf"
    headers = {
        7 * i: StreamHeader(f"stream {i}", "EEG", n_channels, 250.0, format)
        for i, (format, n_channels, _) in enumerate(streams)
    }
    with XdfWriter(path, headers, boundary_s=0.0) as writer:
        for i, (_, _, chunks) in enumerate(streams):
            writer.clock_offset(7 * i, *offset)
            for stamps, values in chunks:
                writer.samples(7 * i, stamps, values)

    theirs = {s["info"]["stream_id"]: s for s in _pyxdf_raw(path)}
    with XdfReader(path) as reader:
        assert reader.complete
        for i, (_, _, chunks) in enumerate(streams):
            stamps, values = reader.read(7 * i)
            assert _same(stamps, np.concatenate([np.zeros(0), *(np.asarray(s) for s, _ in chunks)]))
            assert _same(stamps, theirs[7 * i]["time_stamps"])
            assert _same(values, theirs[7 * i]["time_series"])
            written = (
                [v for _, part in chunks for v in part]
                if isinstance(values, list)
                else np.concatenate([values[:0], *(part for _, part in chunks)])
            )
            assert _same(values, written)
            assert theirs[7 * i]["footer"]["info"]["sample_count"] == [str(len(stamps))]
            assert theirs[7 * i]["clock_values"] == [offset[1]]
            assert theirs[7 * i]["clock_times"] == [offset[0] - offset[1]]


def _pyxdf_raw(path: Path) -> list[dict]:
    return pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)[0]


def test_the_header_of_a_stream_keeps_every_entry_and_its_signs(tmp_path):
    header = StreamHeader(
        "Müse & <co>", "EEG", 2, 256.0, "float32", "µ-1", "höst",
        {"channels": {"channel": [{"label": "C3", "unit": "µV"}, {"label": "C4", "unit": "µV"}]}},
        {"session_id": "default"},
    )  # fmt: skip
    XdfWriter(tmp_path / "a.xdf", {1: header}).close()
    info = XdfReader(tmp_path / "a.xdf").streams[1].info
    assert (info.name, info.type, info.source_id, info.host) == ("Müse & <co>", "EEG", "µ-1", "höst")
    assert [c.findtext("unit") for c in info.root.findall("desc/channels/channel")] == ["µV", "µV"]
    assert info.text("session_id") == "default"
    theirs = _pyxdf_raw(tmp_path / "a.xdf")[0]["info"]
    assert theirs["desc"][0]["channels"][0]["channel"][1]["label"] == ["C4"]


def test_a_header_given_as_xml_is_kept_as_it_is(tmp_path):
    xml = (
        '<?xml version="1.0"?><info><name>raw</name><type>EEG</type><channel_count>1</channel_count>'
        "<nominal_srate>0</nominal_srate><channel_format>int16</channel_format><uid>u-1</uid></info>"
    )
    with XdfWriter(tmp_path / "a.xdf", {3: xml}) as writer:
        writer.samples(3, [1.0], [[-7]])
    reader = XdfReader(tmp_path / "a.xdf")
    assert reader.streams[3].info.xml == xml
    assert reader.read(3)[1].tolist() == [[-7]]


def test_a_file_is_never_overwritten(tmp_path):
    path = tmp_path / "a.xdf"
    path.write_bytes(b"precious")
    with pytest.raises(SessionError, match="never overwritten"):
        XdfWriter(path, {})
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("format", "values"),
    [
        ("int8", [[300]]),
        ("int16", [[1.5]]),
        ("float32", [["text"]]),
        ("float32", [[1.0, 2.0]]),
        ("float32", [[1.0], [2.0]]),
        ("string", ["bare"]),
        ("string", [["a", "b"]]),
    ],
)
def test_values_that_do_not_fit_the_header_are_refused_and_leave_the_file_as_it_was(tmp_path, format, values):
    path = tmp_path / "a.xdf"
    with XdfWriter(path, {1: StreamHeader("s", "EEG", 1, 0.0, format)}) as writer:
        before = path.read_bytes()
        with pytest.raises(ValueError, match=r"."):
            writer.samples(1, [1.0], values)
        assert path.read_bytes() == before


def test_all_that_was_handed_over_can_be_read_while_the_file_still_grows(tmp_path):
    writer = XdfWriter(tmp_path / "a.xdf", {1: StreamHeader("s", "EEG", 1, 10.0, "float32")})
    for k in range(5):
        writer.samples(1, [float(k)], [[k]])
        reader = XdfReader(tmp_path / "a.xdf")
        assert not reader.complete
        assert reader.read(1)[1].ravel().tolist() == list(range(k + 1))
    writer.close()


def test_boundaries_and_syncs_keep_their_pace(tmp_path, monkeypatch):
    now = [0.0]
    synced = []
    monkeypatch.setattr("recordings.held_file.os.fsync", lambda fd: synced.append(now[0]))
    header = {1: StreamHeader("s", "EEG", 1, 10.0, "float32")}
    writer = XdfWriter(tmp_path / "a.xdf", header, boundary_s=1.0, fsync_s=2.0, clock=lambda: now[0])
    for k in range(60):
        now[0] = k * 0.1
        writer.samples(1, [now[0]], [[k]])
    assert (tmp_path / "a.xdf").read_bytes().count(bytes.fromhex("43a546dccbf5410f")) == 6  # at 0, 1 … 5 s
    assert [round(s) for s in synced] == [0, 2, 4]


def test_a_full_disk_leaves_only_whole_chunks(tmp_path, monkeypatch):
    writer = XdfWriter(tmp_path / "a.xdf", {1: StreamHeader("s", "EEG", 4, 10.0, "float32")})
    writer.samples(1, [1.0], np.ones((1, 4)))
    real = os.write
    room = [10]

    def nearly_full(fd, data):
        n = real(fd, data[: room[0]]) if room[0] else 0
        room[0] -= n
        if not n:
            raise OSError(28, "No space left on device")
        return n

    monkeypatch.setattr("recordings.held_file.os.write", nearly_full)
    with pytest.raises(OSError, match="No space"):
        writer.samples(1, [2.0], np.ones((1, 4)))
    monkeypatch.undo()
    writer.samples(1, [3.0], np.ones((1, 4)))
    writer.close()
    assert XdfReader(tmp_path / "a.xdf").read(1)[0].tolist() == [1.0, 3.0]


def test_an_hour_of_64_channels_opens_in_under_a_second_and_is_read_by_time(tmp_path):
    """At 250 Hz, for the disk's sake; the index looks at chunk headers only, and there are as many."""
    path = tmp_path / "hour.xdf"
    header = StreamHeader("s", "EEG", 64, 250.0, "float32")
    values = np.zeros((25, 64), np.float32)
    with XdfWriter(path, {1: header}, fsync_s=1e9) as writer:
        for k in range(36_000):
            values[:, 0] = k
            writer.samples(1, k * 0.1 + np.arange(25) * 0.004, values)
    begin = time.process_time()  # not wall time: other tests may share the machine
    reader = XdfReader(path)
    opened = time.process_time() - begin
    assert reader.streams[1].n_samples == 900_000
    begin = time.process_time()
    stamps, part = reader.read(1, 3000.0, 3002.0)
    read = time.process_time() - begin
    assert len(stamps) == 500
    assert np.array_equal(part[:, 0], np.floor(stamps * 10 + 1e-6))
    path.unlink()
    assert opened < 1.0, f"opened in {opened:.2f} s"
    assert read < 0.2, f"two seconds read in {read:.2f} s"
