"""What others' recorders wrote reads the same here as in pyxdf."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
import pyxdf

from recordings.xdf.format import MAGIC, Tag
from recordings.xdf.reader import XdfReader
from recordings.xdf.sync import trusted
from recordings.xdf.writer import StreamHeader, XdfWriter, pack_chunk
from tests.support.files.pyxdf_way import dejittered, synchronized

logging.getLogger("pyxdf").setLevel(logging.CRITICAL)

FILES = [
    "xdf/minimal.xdf",
    "xdf/empty_streams.xdf",
    "xdf/clock_resets.xdf",
    "xdf/two_streams_same_name.xdf",
    "xdf/muse_eeg_acc_gyro_ppg.xdf",
    "xdf/muse_empty_siblings.xdf",
    "sessions/p300-muse/run01/session.xdf",
    "sessions/eeglab32/run01/session.xdf",
    "sessions/cvep32/run01/session.xdf",
]


@pytest.fixture(params=FILES)
def file(request, shared_data) -> Path:
    return shared_data / request.param


def test_every_sample_stamp_offset_and_footer_is_pyxdfs(file):
    streams, header = pyxdf.load_xdf(str(file), synchronize_clocks=False, dejitter_timestamps=False)
    with XdfReader(file) as reader:
        assert reader.header.findtext("version") == header["info"]["version"][0]
        assert set(reader.streams) == {s["info"]["stream_id"] for s in streams}
        for theirs in streams:
            mine = reader.streams[theirs["info"]["stream_id"]]
            stamps, values = reader.read(mine.info.stream_id)
            assert np.array_equal(stamps, theirs["time_stamps"])
            assert len(values) == len(stamps) == mine.n_samples
            if isinstance(values, list):
                assert values == theirs["time_series"]
            elif len(values):
                assert values.dtype == theirs["time_series"].dtype
                assert np.array_equal(values, theirs["time_series"], equal_nan=True)
            assert mine.offset_times.tolist() == theirs["clock_times"]
            assert mine.offset_values.tolist() == theirs["clock_values"]
            assert mine.info.name == theirs["info"]["name"][0]
            assert (mine.footer is not None) == ("footer" in theirs)


def test_clock_synchronisation_and_dejittering_give_what_pyxdf_gives(file):
    synced, _ = pyxdf.load_xdf(str(file), synchronize_clocks=True, dejitter_timestamps=False)
    straight, _ = pyxdf.load_xdf(str(file), synchronize_clocks=True, dejitter_timestamps=True)
    with XdfReader(file) as reader:
        for theirs, straightened in zip(synced, straight, strict=True):
            stream = reader.streams[theirs["info"]["stream_id"]]
            stamps, _ = reader.read(stream.info.stream_id)
            n, times, values = trusted(stream)
            mine = synchronized(stamps[:n], times, values)
            np.testing.assert_allclose(mine, theirs["time_stamps"], rtol=0, atol=1e-6)
            regular, segments = dejittered(mine, stream.info.rate_nominal)
            np.testing.assert_allclose(regular, straightened["time_stamps"], rtol=0, atol=1e-6)
            found = [(s.start, s.stop - 1) for s in segments]
            assert found == straightened["info"]["segments"]


def test_reading_by_time_gives_the_same_samples_as_reading_all_and_choosing(file):
    random = np.random.default_rng(1)
    with XdfReader(file) as reader:
        for i, stream in reader.streams.items():
            stamps, values = reader.read(i)
            if not len(stamps):
                continue
            for start, stop in np.sort(random.choice(stamps, (5, 2)), axis=1):
                part, samples = reader.read(i, start, stop)
                keep = (stamps >= start) & (stamps < stop)
                assert np.array_equal(part, stamps[keep])
                chosen = [v for v, k in zip(values, keep, strict=True) if k]
                assert np.array_equal(np.array(samples), np.array(chosen).reshape(np.shape(samples)))
            assert stream.n_samples == len(stamps)


def _file_with_left_out_stamps(path: Path, stamped: list[list[bool]], rate: float) -> None:
    """A float stream whose sample k has value k and stamp k / rate, written or left out."""
    writer = XdfWriter(path, {1: StreamHeader("s", "EEG", 2, rate, "float32")})
    writer.close()
    header = path.read_bytes().split(b"</info>")[1]  # of the stream, up to the end of its XML
    start = path.read_bytes().index(header)
    head = path.read_bytes()[: start + len(header) + len(b"</info>")]
    assert head.startswith(MAGIC)
    k = 0
    for chunk in stamped:
        content = bytes([1, len(chunk)])
        for has_stamp in chunk:
            stamp = b"\x08" + np.float64(k / rate).tobytes() if has_stamp else b"\x00"
            content += stamp + np.array([k, -k], np.float32).tobytes()
            k += 1
        head += pack_chunk(Tag.SAMPLES, content, 1)
    path.write_bytes(head)


@pytest.mark.parametrize(
    "stamped",
    [
        [[True] * 6, [False] * 6, [False] * 6, [True] * 6],
        [[True, False, False, True, False, False], [False, False, True, False, False, True]],
        [[False] * 3, [False] * 3],
    ],
)
def test_left_out_stamps_are_counted_on_from_the_sample_before_in_whatever_order_chunks_are_read(
    tmp_path, stamped
):
    path = tmp_path / "a.xdf"
    _file_with_left_out_stamps(path, stamped, 8.0)
    theirs = pyxdf.load_xdf(str(path), synchronize_clocks=False, dejitter_timestamps=False)[0][0]
    edges = np.cumsum([0, *(len(chunk) for chunk in stamped)])
    for order in (range(len(stamped)), reversed(range(len(stamped)))):
        reader = XdfReader(path)
        for k in order:
            stamps, values = reader.read_chunk(1, k)
            part = slice(edges[k], edges[k + 1])
            assert np.array_equal(stamps, theirs["time_stamps"][part])
            assert np.array_equal(values, theirs["time_series"][part])


def test_the_extra_sample_and_the_senseless_offset_of_a_dying_outlet_are_left_out(tmp_path):
    path = tmp_path / "a.xdf"
    random = np.random.default_rng(0)
    with XdfWriter(path, {1: StreamHeader("s", "EEG", 1, 100.0, "float32")}) as writer:
        for k in range(12):
            value = 20.0 + 1e-5 * random.standard_normal()
            writer.clock_offset(1, 5.0 * k + 20, value)
            writer.samples(1, 5.0 * k + np.arange(500) / 100, np.ones((500, 1), np.float32))
        writer.clock_offset(1, 60.0, 4e9)
        writer.samples(1, [60.0], [[9.0]])
    data = path.read_bytes().replace(b"<sample_count>6001<", b"<sample_count>6000<")
    path.write_bytes(data)
    stream = XdfReader(path).streams[1]
    n, times, values = trusted(stream)
    assert n == 6000
    assert len(times) == 12
    assert values.max() < 21
    theirs = pyxdf.load_xdf(str(path), dejitter_timestamps=False)[0][0]
    mine = synchronized(XdfReader(path).read(1)[0][:n], times, values)
    np.testing.assert_allclose(mine, theirs["time_stamps"], rtol=0, atol=1e-6)
