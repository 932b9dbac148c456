"""A session is read by time, and what is missing is said in one line."""

from __future__ import annotations

import json
import os
import shutil
import struct
import tracemalloc

import numpy as np
import pytest

from realtime.errors import SessionError
from realtime.types import EegInfo
from recordings.session.session import Session
from recordings.session.tracks import describe_eeg
from recordings.xdf.format import Tag
from recordings.xdf.index import StreamInfo
from recordings.xdf.reader import XdfReader
from recordings.xdf.writer import StreamHeader, XdfWriter, pack_chunk
from tests.support.files.xdf_bytes import footer_chunk
from tests.support.small_session import FPS, RATE, write_small


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_small(tmp_path_factory.mktemp("sessions") / "run01")


def test_a_session_says_what_it_holds(folder):
    with Session(folder) as session:
        assert session.name == "run01"
        assert session.eeg().info == EegInfo("Cap", ("C3", "C4", "Cz"), "uV", RATE, "cap-1", "lab")
        assert session.start == 100.0
        assert session.end == pytest.approx(106.0 - 1 / RATE)
        assert session.duration == pytest.approx(6.0 - 1 / RATE)
        assert session.markers() == [(101.0, "cat"), (102.5, "dog")]
        video = session.video()
        assert video.path == folder / "stimulus.mkv"
        assert (video.width, video.height, video.codec) == (64, 64, "libx264")
        assert video.fps_nominal == pytest.approx(FPS)
        assert video.frame_index.tolist() == list(range(180))
        np.testing.assert_allclose(video.times, 100 + np.arange(180) / FPS)


def test_eeg_is_read_by_time(folder):
    with Session(folder) as session:
        times, samples = session.eeg().read(102.0, 103.0)
        assert samples[:, 0].tolist() == list(range(500, 750))
        np.testing.assert_allclose(times, 100 + samples[:, 0] / RATE)
        assert len(session.eeg().read(200.0, 201.0)[0]) == 0
        assert len(session.eeg().read()[0]) == 1500


def test_reading_a_second_does_not_read_the_rest(tmp_path, monkeypatch):
    write_small(tmp_path, seconds=60.0, frames=False)
    with Session(tmp_path) as session:
        track = session.eeg()
        read = []
        whole = session.reader.read_chunk
        monkeypatch.setattr(session.reader, "read_chunk", lambda i, k: read.append(k) or whole(i, k))
        times, _ = track.read(130.0, 131.0)
        assert len(times) == 250
        assert len(read) < 20  # of 240


def test_the_xdf_itself_may_be_named(folder):
    assert Session(folder / "session.xdf").eeg().n_samples == 1500


def test_stamps_of_another_clock_are_brought_to_the_sessions(tmp_path):
    write_small(tmp_path, ahead_s=-5000.5)
    with Session(tmp_path) as session:
        times, samples = session.eeg().read(102.0, 103.0)
        np.testing.assert_allclose(times, 100 + samples[:, 0] / RATE, atol=1e-9)
        assert session.eeg().offsets[0].value == -5000.5
        assert session.eeg().offsets[0].collected == pytest.approx(100.0)


def test_a_camera_that_stamps_late_is_put_right_by_its_measured_delay(tmp_path):
    write_small(tmp_path)
    path = tmp_path / "session.xdf"
    path.write_bytes(path.read_bytes().replace(b"<offset_mean>0.0<", b"<offset_mean>.04<"))
    assert Session(tmp_path).video().times[0] == pytest.approx(99.96)


def test_a_session_without_video_serves_where_none_is_needed(tmp_path):
    write_small(tmp_path, frames=False)
    with Session(tmp_path) as session:
        assert session.duration > 5
        assert session.eeg().n_samples == 1500
        with pytest.raises(SessionError, match=r"no video \(VideoExternal\) stream: it holds id=1 Cap \(EEG"):
            session.video()


def test_a_video_that_is_not_there_is_named(tmp_path):
    write_small(tmp_path)
    (tmp_path / "stimulus.mkv").unlink()
    with Session(tmp_path) as session, pytest.raises(SessionError, match=r"'stimulus\.mkv', which is not in"):
        session.video()


def test_a_video_outside_the_folder_is_refused(tmp_path):
    header = StreamHeader(
        "v", "VideoExternal", 1, 0.0, "int32", description={"video": {"file": "../../etc/passwd"}}
    )
    with XdfWriter(tmp_path / "session.xdf", {1: header}) as writer:
        writer.samples(1, [1.0], [[0]])
    with pytest.raises(SessionError, match="outside the session's folder"):
        Session(tmp_path).video()


def test_one_of_several_eeg_streams_has_to_be_chosen(tmp_path):
    headers = {i: StreamHeader(f"Cap {i}", "EEG", 1, 100.0, "float32", f"cap-{i}") for i in (1, 2, 3)}
    headers[4] = StreamHeader("Empty", "EEG", 1, 100.0, "float32")
    headers[5] = StreamHeader("Words", "EEG", 1, 100.0, "string")
    with XdfWriter(tmp_path / "session.xdf", headers) as writer:
        for i in (1, 2, 3):
            writer.samples(i, [0.0, 0.01], [[i], [i]])
        writer.samples(5, [0.0], [["x"]])
    with Session(tmp_path) as session:
        with pytest.raises(SessionError, match=r"3 EEG streams; choose one with --eeg id=1 or --eeg id=2"):
            session.eeg()
        assert session.eeg("name=Cap 2").info.name == "Cap 2"
        assert session.eeg("Cap 2").info.name == "Cap 2"
        assert session.eeg("source_id=cap-3").info.name == "Cap 3"
        assert session.eeg("type=EEG, source_id=cap-3").info.name == "Cap 3"
        assert session.eeg("id=1").read()[1].tolist() == [[1], [1]]
        with pytest.raises(SessionError, match=r"no EEG stream that fits 'name=Hat'.*id=2 Cap 2"):
            session.eeg("name=Hat")
        with pytest.raises(SessionError, match="3 EEG streams; choose one"):
            session.eeg("type=EEG")
        with pytest.raises(SessionError, match="choose by name=, type=, source_id=, host=, id="):
            session.eeg("colour=red")
        with pytest.raises(SessionError, match="has no samples"):
            session.eeg("name=Empty")
        with pytest.raises(SessionError, match="holds texts"):
            session.eeg("name=Words")


def test_a_folder_that_is_missing_empty_or_ambiguous_is_said_so(tmp_path):
    with pytest.raises(SessionError, match="nowhere is not here"):
        Session(tmp_path / "nowhere")
    with pytest.raises(SessionError, match=r"holds no session\.xdf"):
        Session(tmp_path)
    for name in ("a.xdf", "b.xdf"):
        XdfWriter(tmp_path / name, {}).close()
    with pytest.raises(SessionError, match=r"2 recordings \(a\.xdf, b\.xdf\)"):
        Session(tmp_path)
    os.remove(tmp_path / "b.xdf")
    with pytest.raises(SessionError, match="neither EEG nor video: it holds no stream at all"):
        _ = Session(tmp_path).span


def test_a_truncated_session_names_the_way_to_repair_it(tmp_path, folder):
    shutil.copytree(folder, tmp_path / "cut")
    path = tmp_path / "cut" / "session.xdf"
    os.truncate(path, path.stat().st_size - 700)
    with pytest.raises(SessionError, match=r"phosphene repair .*session\.xdf"):
        Session(tmp_path / "cut")


@pytest.mark.parametrize(
    ("desc", "labels", "unit"),
    [
        ("", ("ch1", "ch2"), ""),
        ("<channels><channel><label>C3</label></channel></channels>", ("C3", "ch2"), ""),
        (
            "<channels><channel><label>C3</label></channel><channel><label>C3</label></channel></channels>",
            ("C3", "C3-2"),
            "",
        ),
        (
            "<channels><channel><label>C3</label><unit>V</unit></channel><channel><label/></channel></channels>",
            ("C3", "ch2"),
            "V",
        ),
        (
            "<channels><channel><label>T</label></channel>"
            "<channel><label>Cz</label><type>eeg</type><unit>microvolts</unit></channel></channels>",
            ("T", "Cz"),
            "microvolts",
        ),
    ],
)
def test_labels_and_unit_come_from_the_description(desc, labels, unit):
    xml = (
        "<info><name>n</name><type>EEG</type><channel_count>2</channel_count><nominal_srate>250</nominal_srate>"
        f"<channel_format>float32</channel_format><desc>{desc}</desc></info>"
    )
    info = describe_eeg(StreamInfo.parse(1, xml.encode()))
    assert (info.labels, info.unit) == (labels, unit)


def test_the_shared_sessions_open(shared_data):
    for run, n_channels, n_frames in (("p300-muse/run01", 5, 3694), ("cvep32/run01", 32, 9924)):
        with Session(shared_data / "sessions" / run) as session:
            assert session.eeg().info.n_channels == n_channels
            assert session.eeg().info.unit == "microvolts"
            assert session.video().n_samples == n_frames
            assert session.video().path.is_file()
            assert session.markers()


def test_a_restarted_sender_is_put_on_one_time_line(shared_data):
    """The recorder's clock ran on while the sender's began anew 274 s later."""
    with Session(shared_data / "xdf" / "clock_resets.xdf") as session:
        times, samples = session.eeg().read()
        assert len(times) == len(samples) == 27815
        steps = np.diff(times)
        assert (steps > -0.05).all()
        assert np.flatnonzero(steps > 10).size == 1
        assert steps.max() == pytest.approx(274, abs=1)


def test_a_video_stream_that_names_no_file_is_no_reason_to_refuse_the_one_that_does(tmp_path, command):
    folder = write_small(tmp_path / "small", seconds=4.0)
    header = StreamHeader("webcam", "VideoExternal", 1, 0.0, "int32")
    chunks = [pack_chunk(Tag.STREAM_HEADER, header.xml().encode(), 9), footer_chunk(0, 9)]
    with open(folder / "session.xdf", "ab") as file:
        file.write(b"".join(chunks))
    code, out, _ = command("replay", folder, "--speed", "max", "--headless", "--json")
    assert code == 0
    assert json.loads(out)["intervals"] > 0
    code, out, _ = command("info", folder, "--json")
    assert code == 0
    assert [p for p in json.loads(out)["problems"] if "'webcam' names no video file" in p]


def test_one_frame_stamped_weeks_late_makes_no_table_of_weeks(tmp_path, command):
    folder = write_small(tmp_path / "small", seconds=4.0)
    with XdfReader(folder / "session.xdf") as reader:
        stream = next(s for s in reader.streams.values() if s.info.type == "VideoExternal")
        stamp = reader.read(stream.info.stream_id)[0][-1]
    data = (folder / "session.xdf").read_bytes()
    late = data.replace(struct.pack("<d", stamp), struct.pack("<d", stamp + 2e6))
    (folder / "session.xdf").write_bytes(late)
    tracemalloc.start()
    assert command("export", folder, tmp_path / "o.npz")[0] == 0
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
    _, out, _ = command("info", folder, "--json")
    assert [p for p in json.loads(out)["problems"] if "set ahead by 2000000.0 s" in p]
