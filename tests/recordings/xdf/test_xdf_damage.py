"""Damaged XDF: one clear error, no memory taken for a lie; and what repair saves."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import pyxdf
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.errors import SessionError
from recordings.xdf.format import BOUNDARY, MAGIC, Tag, varint
from recordings.xdf.reader import XdfReader
from recordings.xdf.repair import repair
from recordings.xdf.writer import StreamHeader, XdfWriter, pack_chunk

EEG, MARKERS = 1, 2
N_CHUNKS = 6


def _write(path: Path) -> dict[int, list[tuple[float, list]]]:
    """A small file in which sample k is stamped k / 8 and holds [k, -k]; returns what it holds."""
    headers = {
        EEG: StreamHeader("EEG", "EEG", 2, 8.0, "float32"),
        MARKERS: StreamHeader("Markers", "Markers", 1, 0.0, "string"),
    }
    held: dict[int, list] = {EEG: [], MARKERS: []}
    now = [0.0]
    with XdfWriter(path, headers, boundary_s=1.0, fsync_s=1e9, clock=lambda: now[0]) as writer:
        for chunk in range(N_CHUNKS):
            numbers = np.arange(4 * chunk, 4 * chunk + 4)
            now[0] = chunk / 2
            writer.clock_offset(EEG, chunk / 2, 0.25)
            writer.samples(EEG, numbers / 8, np.stack([numbers, -numbers], 1).astype(np.float32))
            held[EEG] += [(k / 8, [k, -k]) for k in numbers.tolist()]
            writer.samples(MARKERS, [chunk / 2], [[f"event {chunk}"]])
            held[MARKERS].append((chunk / 2, [f"event {chunk}"]))
    return held


def _read(path: Path) -> dict[int, list[tuple[float, list]]]:
    with XdfReader(path) as reader:
        return {
            i: [(float(s), [v if isinstance(v, str) else float(v) for v in row])
                for s, row in zip(*reader.read(i), strict=True)]
            for i in reader.streams
        }  # fmt: skip


def _chunks(data: bytes) -> list[tuple[int, int, int]]:
    """Start, stop and tag of each chunk, walked by hand."""
    found, at = [], 4
    while at < len(data):
        n = data[at]
        length = int.from_bytes(data[at + 1 : at + 1 + n], "little")
        found.append((at, at + 1 + n + length, struct.unpack_from("<H", data, at + 1 + n)[0]))
        at = found[-1][1]
    return found


def test_after_a_cut_at_any_byte_repair_gives_every_sample_up_to_the_last_whole_chunk(tmp_path, monkeypatch):
    monkeypatch.setattr("recordings.xdf.repair.os.fsync", lambda fd: None)  # 2000 files, none kept
    whole = tmp_path / "whole.xdf"
    held = _write(whole)
    data = whole.read_bytes()
    chunks = _chunks(data)
    headers_end = max(stop for _, stop, tag in chunks if tag == Tag.STREAM_HEADER)
    path, repaired = tmp_path / "cut.xdf", tmp_path / "cut.repaired.xdf"
    for cut in range(headers_end, len(data)):
        path.write_bytes(data[:cut])
        repaired.unlink(missing_ok=True)
        whole_samples = [_stream(data, a) for a, stop, tag in chunks if tag == Tag.SAMPLES and stop <= cut]
        n_eeg, n_markers = 4 * whole_samples.count(EEG), whole_samples.count(MARKERS)
        result = repair(path)
        assert result.path == repaired
        assert not result.was_whole
        assert _read(repaired) == {EEG: held[EEG][:n_eeg], MARKERS: held[MARKERS][:n_markers]}, cut
        assert result.samples == (("EEG", n_eeg), ("Markers", n_markers))
    # What was repaired is whole for others too, footers included.
    streams, _ = pyxdf.load_xdf(str(repaired), synchronize_clocks=False, dejitter_timestamps=False)
    assert [s["footer"]["info"]["sample_count"] for s in streams] == [[str(4 * N_CHUNKS)], [str(N_CHUNKS)]]
    assert XdfReader(repaired).complete


def _stream(data: bytes, start: int) -> int:
    at = start + 1 + data[start] + 2
    return int.from_bytes(data[at : at + 4], "little")


def test_a_cut_inside_a_chunk_is_an_error_that_names_the_byte_and_the_way_out(tmp_path):
    path = tmp_path / "session.xdf"
    _write(path)
    data = path.read_bytes()
    start, stop, _ = _chunks(data)[-3]
    path.write_bytes(data[: stop - 1])
    with pytest.raises(SessionError, match=rf"byte {start}: .*cut off.*phosphene repair .*session\.xdf"):
        XdfReader(path)
    with XdfReader(path, tolerate_truncation=True) as reader:
        assert reader.damage.offset == start
        assert not reader.complete
        assert reader.streams[EEG].n_samples == 4 * N_CHUNKS


def test_repair_of_a_whole_file_changes_nothing(tmp_path):
    path = tmp_path / "session.xdf"
    _write(path)
    before = path.read_bytes()
    result = repair(path)
    assert result.was_whole
    assert result.path == path
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["session.xdf"]


def test_repair_in_place_keeps_the_damaged_file(tmp_path):
    path = tmp_path / "session.xdf"
    held = _write(path)
    damaged = path.read_bytes()[:-30]
    path.write_bytes(damaged)
    result = repair(path, in_place=True)
    assert result.path == path
    assert result.backup == tmp_path / "session.damaged.xdf"
    assert result.backup.read_bytes() == damaged
    assert _read(path) == held
    path.write_bytes(damaged)
    with pytest.raises(SessionError, match=r"session\.damaged\.xdf exists already"):
        repair(path, in_place=True)


def test_a_hole_in_the_middle_costs_only_what_lies_before_the_next_boundary(tmp_path):
    path = tmp_path / "session.xdf"
    held = _write(path)
    data = bytearray(path.read_bytes())
    samples = [(a, b) for a, b, tag in _chunks(data) if tag == Tag.SAMPLES and _stream(data, a) == EEG]
    a, b = samples[3]
    data[a:b] = bytes(b - a)
    path.write_bytes(data)
    result = repair(path)
    found = _read(result.path)
    assert [s for s in found[EEG] if s not in held[EEG]] == []
    assert len(found[EEG]) >= len(held[EEG]) - 8  # boundaries lie two chunks apart
    assert held[EEG][:12] == found[EEG][:12]
    assert held[EEG][-4:] == found[EEG][-4:]
    assert len(result.damages) == 1
    assert f"byte {a}" in result.damages[0]


def test_samples_whose_stamps_count_on_from_lost_ones_are_not_given_wrong_times(tmp_path):
    path = tmp_path / "a.xdf"
    XdfWriter(path, {1: StreamHeader("s", "EEG", 1, 10.0, "int8")}).close()
    data = path.read_bytes()
    head = data[: _chunks(data)[-1][0]]

    def samples(first: float | None, n: int) -> bytes:
        stamp = b"\x00" if first is None else b"\x08" + struct.pack("<d", first)
        return pack_chunk(Tag.SAMPLES, varint(n) + stamp + b"\x01" + b"\x00\x01" * (n - 1), 1)

    lost = bytes(len(samples(2.0, 3)))
    boundary = pack_chunk(Tag.BOUNDARY, BOUNDARY)
    path.write_bytes(
        head + samples(1.0, 3) + lost + boundary + samples(None, 2) + samples(5.0, 2) + samples(None, 2)
    )
    stamps, _ = XdfReader(repair(path).path).read(1)
    np.testing.assert_allclose(stamps, [1.0, 1.1, 1.2, 5.0, 5.1, 5.2, 5.3])


def test_nothing_can_be_saved_without_a_stream_header(tmp_path):
    path = tmp_path / "a.xdf"
    path.write_bytes(MAGIC + bytes(100))
    with pytest.raises(SessionError, match="nothing can be saved"):
        repair(path)


def _file(path: Path, *chunks: bytes) -> Path:
    path.write_bytes(MAGIC + b"".join(chunks))
    return path


def _header(xml: str | None = None, **entries: str) -> bytes:
    fields = {
        "name": "s",
        "channel_count": "1",
        "nominal_srate": "10",
        "channel_format": "float32",
        **entries,
    }
    body = xml or "<info>" + "".join(f"<{k}>{v}</{k}>" for k, v in fields.items()) + "</info>"
    return pack_chunk(Tag.STREAM_HEADER, body.encode(), 1)


BOMB = '<?xml version="1.0"?><!DOCTYPE i [<!ENTITY a "aaaaaaaaaa">]><info>&a;</info>'
LIES = {
    "a chunk longer than any disk": (varint(2**63),),
    "a length of 3 bytes": (b"\x03\x01\x00\x00",),
    "a length that leads nowhere": (pack_chunk(Tag.SAMPLES, b"\x01\x00", 1), bytes(30)),
    "zeros": (bytes(100),),
}
HOLLOW = {
    "an unknown tag": (b"\x01\x02\x09\x00",),
    "samples before their header": (pack_chunk(Tag.SAMPLES, b"\x01\x00", 1),),
    "an XML bomb": (_header(BOMB),),
    "no channel count": (_header("<info><name>s</name></info>"),),
    "2^60 channels": (_header(channel_count=str(2**60)),),
    "minus one channel": (_header(channel_count="-1"),),
    "an unknown format": (_header(channel_format="float128"),),
}


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_ends_in_one_clear_error_and_takes_no_memory(tmp_path, lie):
    _refused(_file(tmp_path / "bad.xdf", *LIES[lie]), r"bad\.xdf: damaged at byte \d+: .*phosphene repair")


@pytest.mark.parametrize("lie", HOLLOW)
def test_a_file_of_which_nothing_can_be_used_is_refused_with_the_reason(tmp_path, lie):
    _refused(_file(tmp_path / "bad.xdf", *HOLLOW[lie]), r"bad\.xdf holds no stream .*\(byte \d+: ")


def _refused(path: Path, words: str) -> None:
    tracemalloc.start()
    with pytest.raises(SessionError, match=words) as caught:
        XdfReader(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2_000_000
    assert "\n" not in str(caught.value)


INSIDE = {
    "a text longer than its chunk": ("string", varint(1) + b"\x00" + varint(2**40)),
    "2^60 texts in 20 bytes": ("string", varint(2**60) + bytes(20)),
    "2^60 samples in 20 bytes": ("float32", varint(2**60) + bytes(20)),
    "a stamp of 4 bytes": ("float32", b"\x01\x01\x04" + bytes(20)),
    "bytes after the last sample": ("int8", varint(1) + b"\x00\x05\x07"),
    "a stamp that is missing its end": ("int8", varint(2) + b"\x00\x05\x08\x01\x02"),
    "stamps that do not fit the length": ("int8", varint(2) + b"\x08" + bytes(8) + b"\x05\x00" + bytes(9)),
}


@pytest.mark.parametrize("lie", INSIDE)
def test_a_chunk_that_is_not_what_its_length_promises_gives_no_sample_and_takes_no_memory(tmp_path, lie):
    format, content = INSIDE[lie]
    path = _file(tmp_path / "bad.xdf", _header(channel_format=format), pack_chunk(Tag.SAMPLES, content, 1))
    tracemalloc.start()
    with XdfReader(path) as reader:
        assert len(reader.read(1)[0]) == 0
        assert len(reader.left_out.sentences()) == 1
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "nothing was recorded"), (b"RIFF....", "no XDF file"), (b"\x1f\x8b\x08\x00", "compressed")],
)
def test_a_file_that_is_no_xdf_is_named_for_what_it_is(tmp_path, content, message):
    (tmp_path / "a.xdf").write_bytes(content)
    with pytest.raises(SessionError, match=message):
        XdfReader(tmp_path / "a.xdf")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SessionError, match=r"nowhere\.xdf cannot be opened: No such file"):
        XdfReader(tmp_path / "nowhere.xdf")


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("small") / "a.xdf"
    _write(path)
    return path.read_bytes()


@settings(max_examples=300, deadline=None)
@given(at=st.floats(0, 1), new=st.binary(min_size=1, max_size=12))
def test_whatever_bytes_are_overwritten_the_reader_reads_or_says_so(tmp_path_factory, small, at, new):
    data = bytearray(small)
    start = int(at * (len(data) - len(new)))
    data[start : start + len(new)] = new
    path = tmp_path_factory.mktemp("fuzz") / "a.xdf"
    path.write_bytes(data)
    with contextlib.suppress(SessionError):  # anything else would be a crash
        _read(path)
    with contextlib.suppress(SessionError):
        _read(repair(path).path)
