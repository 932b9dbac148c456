"""One odd chunk condemns nothing: it is stepped over and named, and every other sample is read."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from recordings.session.info import describe
from recordings.session.session import Session
from recordings.xdf.format import Tag, varint
from recordings.xdf.reader import XdfReader
from recordings.xdf.repair import repair
from recordings.xdf.writer import StreamHeader, pack_chunk
from tests.support.files.xdf_bytes import (
    eeg_file,
    eeg_header,
    footer_chunk,
    header_chunk,
    offset_chunk,
    sample_chunks,
    wave,
    write_chunks,
)

N = 2500
STAMPS = 5000 + np.arange(N) / 250


def _audit(path: Path) -> dict:
    with Session(path) as session:
        return describe(session)


def _assert_whole(path: Path, n: int = N, labels: str = "Fz Cz Pz Oz") -> list[str]:
    """Every sample is read, without a gap; returns the problems."""
    audit = _audit(path)
    (eeg,) = audit["eeg"]
    assert (eeg["samples"], eeg["gaps"], eeg["lost_samples"]) == (n, 0, 0)
    assert eeg["rate_effective"] == pytest.approx(250, abs=0.01)
    assert eeg["labels"] == labels.split()
    with Session(path) as session:
        _, samples = session.eeg().read()
    assert np.array_equal(samples, wave(n)[: len(samples)])
    return audit["problems"]


ODD_CHUNKS = {
    "a kind that is not known": pack_chunk(7, b"private note"),
    "fifty of an unknown kind": pack_chunk(7, b"private note") * 50,
    "no content at all": b"\x01\x00",
    "no room for the stream's number": b"\x01\x03\x03\x00\x01",
    "samples of a stream without a header": sample_chunks(STAMPS[:5], wave(5), stream=9)[0],
    "an offset of such a stream": offset_chunk(5000.0, 1.0, stream=9),
    "a footer of such a stream": footer_chunk(5, stream=9),
    "more samples than its length holds": pack_chunk(Tag.SAMPLES, varint(2**60) + bytes(20), 1),
    "bytes after its last sample": pack_chunk(Tag.SAMPLES, varint(1) + b"\x00" + bytes(17), 1),
    "a stamp of four bytes": pack_chunk(Tag.SAMPLES, b"\x01\x01\x04" + bytes(20), 1),
    "half a clock offset": pack_chunk(Tag.CLOCK_OFFSET, bytes(8), 1),
    "a header without a number of channels": header_chunk("<info><name>x</name></info>", 5),
    "a header of an unknown format": header_chunk(
        "<info><channel_count>1</channel_count><channel_format>float128</channel_format></info>", 5
    ),
    "an XML bomb": header_chunk('<!DOCTYPE i [<!ENTITY a "aaaa">]><info>&a;</info>', 5),
    "a second header that says otherwise": header_chunk(eeg_header("Amp", ("a", "b"))),
    "a file header that is no XML": pack_chunk(Tag.FILE_HEADER, b"<info"),
}


@pytest.mark.parametrize("odd", ODD_CHUNKS)
def test_a_chunk_that_cannot_be_used_is_stepped_over_and_named(tmp_path, odd):
    path = eeg_file(tmp_path / "odd.xdf", STAMPS, extra=[ODD_CHUNKS[odd]])
    problems = _assert_whole(path)
    assert len([p for p in problems if "byte" in p]) == 1, problems
    kept = repair(path)
    assert kept.samples[0] == ("Amp", N)
    assert len(kept.damages) == 1
    assert not _assert_whole(kept.path)


def test_the_same_header_once_more_is_harmless(tmp_path):
    path = eeg_file(tmp_path / "twice.xdf", STAMPS, extra=[header_chunk(eeg_header())])
    assert not _assert_whole(path)
    assert repair(path).was_whole


def test_a_stream_without_channels_and_one_without_samples_are_no_reason_to_refuse_others(tmp_path):
    empty = [header_chunk(eeg_header("Nothing", ()), 2), header_chunk(eeg_header("Silent"), 3)]
    none = pack_chunk(Tag.SAMPLES, varint(2) + (b"\x08" + struct.pack("<d", 1.0)) * 2, 2)
    path = eeg_file(
        tmp_path / "empty.xdf", STAMPS, extra=[*empty, none, footer_chunk(2, 2), footer_chunk(0, 3)]
    )
    assert not _assert_whole(path)


HEADERS = {
    "a bare ampersand": (("<name>Amp<", "<name>EEG & EOG<"), "EEG & EOG"),
    "a decimal comma": (("250.0", "250,0000000000"), "Amp"),
    "Latin-1": (("<name>Amp<", "<name>M\xfctze<"), "Mütze"),
    "a control character": (("<name>Amp<", "<name>A\x01mp<"), "Amp"),
    "an end that is missing": (("</channels></desc></info>", ""), "Amp"),
    "a tag that is not closed": (("</name>", "</name><note>"), "Amp"),
    "a format of another spelling": (("float32", "cf_float32"), "Amp"),
}


@pytest.mark.parametrize("odd", HEADERS)
def test_a_header_that_can_be_read_in_only_one_way_is_read_in_that_way(tmp_path, odd):
    (old, new), name = HEADERS[odd]
    text = eeg_header().xml().replace(old, new)
    assert new in text
    chunk = pack_chunk(Tag.STREAM_HEADER, text.encode("latin-1"), 1)
    path = write_chunks(tmp_path / "a.xdf", chunk, *sample_chunks(STAMPS, wave(N)), footer_chunk(N))
    _assert_whole(path)
    assert _audit(path)["eeg"][0]["name"] == name
    kept = repair(path).path  # what is written from it is whole for every reader
    assert _audit(kept)["eeg"][0]["name"] == name
    assert not [p for p in _assert_whole(kept) if "mended" in p]


def test_a_footer_is_advice(tmp_path):
    chunks = header_chunk(eeg_header()), *sample_chunks(STAMPS, wave(N))
    cut = pack_chunk(Tag.STREAM_FOOTER, b"<?xml version='1.0'?><info><first_timestamp>1<", 1)
    assert any(
        "footer of stream 1" in p for p in _assert_whole(write_chunks(tmp_path / "cut.xdf", *chunks, cut))
    )
    offsets = [offset_chunk(5000.0 + k, 2e-5 * (k % 3)) for k in range(10)] + [offset_chunk(5010.0, 3e-4)]
    few = write_chunks(tmp_path / "few.xdf", *chunks, *offsets, footer_chunk(N - 400))
    assert any("counts 2100 samples, the file holds 2500" in p for p in _assert_whole(few))


def test_offsets_that_cannot_have_been_measured_are_left_out(tmp_path):
    offsets = [(6000.0 + 5 * k, 1000.0) for k in range(12)]
    offsets[3], offsets[7], offsets[11] = (6015.0, float("nan")), (6035.0, 1e9), (6055.0, 4e9)
    path = write_chunks(
        tmp_path / "offsets.xdf",
        header_chunk(eeg_header()),
        *(pack_chunk(Tag.CLOCK_OFFSET, struct.pack("<dd", at - 1000.0, value), 1) for at, value in offsets),
        *sample_chunks(STAMPS, wave(N)),
        footer_chunk(N),
    )
    assert any("3 of 12 clock offsets" in p for p in _assert_whole(path))
    audit = _audit(path)
    assert audit["start"] == pytest.approx(6000.0, abs=1e-3)
    assert audit["streams"][0]["clock_offset_s"] == 1000.0


def test_marker_texts_of_a_windows_code_page_keep_their_letters(tmp_path):
    header = StreamHeader("M", "Markers", 1, 0.0, "string")
    text = "Blöcke".encode("latin-1")
    sample = varint(1) + b"\x08" + struct.pack("<d", 5002.0) + varint(len(text)) + text
    path = eeg_file(
        tmp_path / "m.xdf", STAMPS, extra=[header_chunk(header, 2), pack_chunk(Tag.SAMPLES, sample, 2)]
    )
    with Session(path) as session:
        assert [m.text for m in session.markers()] == ["Blöcke"]


def test_the_commands_go_the_same_way(tmp_path, command):
    path = eeg_file(tmp_path / "odd.xdf", STAMPS, extra=[ODD_CHUNKS["fifty of an unknown kind"]])
    code, out, _ = command("info", path, "--json")
    audit = json.loads(out)
    assert code == 0
    assert audit["eeg"][0]["samples"] == N
    assert [p for p in audit["problems"] if "50 times from byte" in p]
    code, out, _ = command("repair", path)
    assert code == 0
    assert "saved: 2500 samples of Amp" in out


def test_a_file_without_any_stream_that_can_be_read_is_refused_in_one_sentence(tmp_path, command):
    path = write_chunks(tmp_path / "none.xdf", ODD_CHUNKS["a header without a number of channels"])
    code, _, err = command("info", path)
    assert code == 2
    assert "holds no stream that can be read" in err


def test_an_unreadable_chunk_is_noted_once_however_often_it_is_read(tmp_path):
    path = eeg_file(tmp_path / "odd.xdf", STAMPS, extra=[ODD_CHUNKS["bytes after its last sample"]])
    with XdfReader(path) as reader:
        for _ in range(3):
            reader.read(1)
        assert len(reader.left_out.sentences()) == 1


@pytest.mark.parametrize("seed", [0, 3, 5, 12, 29])
def test_chunks_stamped_back_from_an_arrival_that_jitters_are_no_gap_and_missing_ones_are(tmp_path, seed):
    n, per_chunk = 250 * 20, 25
    times = 5000 + np.arange(n) / 250
    stamps = times + np.repeat(np.random.default_rng(seed).uniform(0, 0.03, n // per_chunk), per_chunk)
    whole = eeg_file(tmp_path / "whole.xdf", stamps)
    lossy = eeg_file(tmp_path / "lossy.xdf", np.delete(stamps, slice(2500, 2625)))
    with Session(whole) as session:
        given, _ = session.eeg().read()
        found = describe(session)["eeg"][0]
    assert (found["gaps"], found["lost_samples"]) == (0, 0)
    assert np.abs(given - np.median(given - times) - times).max() < 0.03
    with Session(lossy) as session:
        found = describe(session)["eeg"][0]
    assert found["gaps"] == 1
    assert abs(found["lost_samples"] - 125) <= 5  # 0.5 s, within what 30 ms of jitter hide
