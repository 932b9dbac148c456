"""An anonymous copy holds every sample, and nothing that says who, when, where or with which device."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import av
import numpy as np
import pytest

from realtime.config import ConditioningConfig
from realtime.errors import SessionError
from recordings.exchange.anonymizing import anonymize
from recordings.exchange.importing import import_xdf
from recordings.intervals import SessionIntervals
from recordings.session.info import describe
from recordings.session.session import Session
from recordings.video.files import VideoReader
from recordings.xdf.writer import StreamHeader, XdfWriter
from tests.support.pictures.numbered import numbered_frame, read_number
from tests.support.small_session import write_small

UNIX = 1_773_303_164.0  # 2026-03-12, 08:12:44 UTC
TELLING = (
    "jane", "doe", "1988", "5d2a77", "laptop", "192.168", "7f3c", "b0a1", "2026", "12.3.",
    "datetime", "created_at", "1773303", "acme", "oslo", "nurse", "manifest", "at home",
)  # fmt: skip

HEADER = """<?xml version="1.0"?><info><name>Jane's Muse</name><type>EEG</type>
<channel_count>3</channel_count><nominal_srate>250</nominal_srate><channel_format>float32</channel_format>
<source_id>MUSE-5D2A77</source_id><version>1.1</version><created_at>1773303001.5</created_at>
<uid>7f3c9e</uid><session_id>jane1988</session_id><hostname>janes-laptop</hostname>
<v4address>192.168.1.7</v4address><desc>
<subject><name>Jane Doe</name><birthday>1988-02-29</birthday></subject>
<acquisition><manufacturer>Acme</manufacturer><serial_number>5D2A77</serial_number></acquisition>
<cap><owner>Nurse in Oslo</owner></cap>
<channels><channel><label>Fz</label><unit>uV</unit><owner>Doe</owner></channel>
<channel><label>Cz</label><unit>uV</unit><location><X>1</X><lab>Oslo</lab></location></channel>
<channel><label>Pz</label><unit>uV</unit></channel></channels>
<reference><label>TP9</label></reference></desc></info>"""


def write_film(path, format):
    """Two seconds of numbered pictures and a tone, in a file that says whose, where and when."""
    with av.open(str(path), "w", format=format) as out:
        out.metadata.update(title="Jane Doe at home", comment="Oslo", creation_time="2026-03-12T08:12:44Z")
        video = out.add_stream("libx264", rate=30, options={"bf": "2", "g": "20"})
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        sound = out.add_stream("aac", rate=48_000)
        for n in range(60):
            out.mux(video.encode(av.VideoFrame.from_ndarray(numbered_frame(n, 64, 64), format="rgb24")))
        out.mux(video.encode(None))
        for n in range(90):
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            silence.pts, silence.sample_rate = 1024 * n, 48_000
            out.mux(sound.encode(silence))
        out.mux(sound.encode(None))
    return path


@pytest.fixture(params=["matroska", "mp4"])
def telling(tmp_path, request):
    """A session full of what must not get out, its EEG stamped by the calendar."""
    headers = {
        1: HEADER,
        2: StreamHeader("Notes of Jane", "Markers", 1, 0.0, "string", "game-b0a1", "janes-laptop"),
    }
    with XdfWriter(tmp_path / "jane.xdf", headers) as writer:
        for i in range(2):
            writer.clock_offset(1, 500.0 + 2 * i, 500.0 - UNIX - 3e-4 * i)
        n = np.arange(1000)
        writer.samples(1, UNIX + n / 250, np.stack([n, -n, np.sin(n)], 1).astype(np.float32))
        notes = ["cat", "Jane Doe sits down, 2026-03-12T08:12:45.25+01:00", "on 12.3.2026 at JANES-LAPTOP",
                 "IMG_20260312.jpg, device muse-5d2a77", "film"]  # fmt: skip
        for k, text in enumerate(notes):
            writer.samples(2, [500.5 + k / 2], [[text]])
    film = write_film(
        tmp_path / f"Jane 2026-03-12.{'mp4' if request.param == 'mp4' else 'mkv'}", request.param
    )
    import_xdf(tmp_path / "jane.xdf", film, tmp_path / "jane", start_marker="film")
    manifest = {"begun": "2026-03-12", "options": {"entities": {"sub": "jane"}}}
    (tmp_path / "jane" / "manifest.json").write_text(json.dumps(manifest))
    return tmp_path / "jane"


def said_by(folder) -> str:
    """All bytes of all files below a folder and their names, in small letters."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return "".join(p.name + "\n" + p.read_bytes().decode("latin-1") for p in files).lower()


@pytest.mark.parametrize("keep_video", [False, True])
def test_nothing_that_tells_is_left_in_any_byte(tmp_path, telling, keep_video):
    before = said_by(telling)
    assert [word for word in TELLING if word not in before] == []
    with Session(telling) as session:
        anonymize(session, tmp_path / "nobody", keep_video, words=["Jane", "Doe"])
    after = said_by(tmp_path / "nobody")
    today = datetime.now(UTC)
    for word in (*TELLING, *(f"{today:{form}}" for form in ("%Y-%m-%d", "%Y%m%d"))):
        assert word not in after, after[max(0, after.index(word) - 80) :][:200]
    assert (
        sorted(p.name for p in (tmp_path / "nobody").iterdir())
        == ["session.xdf", "video.mkv"][: 1 + keep_video]
    )


def test_every_sample_keeps_its_value_and_its_time(tmp_path, telling):
    with Session(telling) as session:
        anonymize(session, tmp_path / "nobody", keep_video=True)
        with Session(tmp_path / "nobody") as copy:
            assert describe(copy)["problems"] == []
            old, new = session.eeg(), copy.eeg()
            assert (new.info.labels, new.info.unit, new.info.rate_nominal) == (
                ("Fz", "Cz", "Pz"),
                "uV",
                250.0,
            )
            assert (new.info.name, new.info.source_id, new.info.host) == ("EEG", "", "")
            assert np.array_equal(new.read()[1], old.read()[1])
            np.testing.assert_allclose(
                new.read()[0], old.read()[0], rtol=0, atol=5e-7
            )  # 1.8e9 s has coarse steps
            assert [o.value - p.value for o, p in zip(new.offsets, old.offsets, strict=True)] == [
                UNIX - 500
            ] * 2
            assert abs(copy.reader.read(1)[0][0] - 500.0) < 1  # the calendar is gone
            assert np.array_equal(copy.video().times, session.video().times)
            assert np.array_equal(copy.video().frame_index, session.video().frame_index)
            with VideoReader(copy.video().path) as reader:
                assert [read_number(reader.frame(n)) for n in range(60)] == list(range(60))


def test_markers_stay_but_for_dates_hosts_serial_numbers_and_given_words(tmp_path, telling):
    with Session(telling) as session:
        anonymize(session, tmp_path / "nobody", words=["jane", "doe"])
    with Session(tmp_path / "nobody") as copy:
        assert copy.markers() == [
            (500.5, "cat"),
            (501.0, "*** *** sits down, ***"),
            (501.5, "on *** at ***"),
            (502.0, "IMG_***.jpg, device ***"),
            (502.5, "film"),
        ]
        assert copy.video_streams == []


def test_a_session_clock_that_tells_the_date_is_moved_by_whole_seconds(tmp_path):
    write_small(tmp_path / "old", start=UNIX, frames=False)
    with Session(tmp_path / "old") as session:
        anonymize(session, tmp_path / "new")
        with Session(tmp_path / "new") as copy:
            assert copy.start == 0.0
            assert np.array_equal(copy.eeg().read()[0], session.eeg().read()[0] - UNIX)
            assert copy.markers() == [(1.0, "cat"), (2.5, "dog")]


def test_an_anonymous_copy_gives_the_same_intervals(tmp_path):
    write_small(tmp_path / "old", ahead_s=4321.25)
    with Session(tmp_path / "old") as session:
        anonymize(session, tmp_path / "new", keep_video=True)
        with Session(tmp_path / "new") as copy:
            tables = [SessionIntervals(s, ConditioningConfig()).table() for s in (session, copy)]
    for old, new in zip(*tables, strict=True):
        assert np.array_equal(old, new)


def test_streams_of_one_type_are_told_apart(tmp_path):
    headers = {i: StreamHeader(f"Cap of {who}", "EEG", 1, 100.0, "int16") for i, who in enumerate("AB", 1)}
    with XdfWriter(tmp_path / "session.xdf", headers) as writer:
        for i in headers:
            writer.samples(i, [1.0, 1.01], [[i], [i]])
    with Session(tmp_path) as session:
        anonymize(session, tmp_path / "new")
    with Session(tmp_path / "new") as copy:
        assert [info.name for info in copy.eeg_streams] == ["EEG", "EEG 2"]


def test_nothing_is_written_over_and_nothing_half_made_is_left(tmp_path):
    write_small(tmp_path / "old")
    with Session(tmp_path / "old") as session:
        anonymize(session, tmp_path / "new", keep_video=True)
        with pytest.raises(SessionError, match="never overwritten"):
            anonymize(session, tmp_path / "new")
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "video.mkv").write_text("mine")
        with pytest.raises(SessionError, match="never overwritten"):
            anonymize(session, tmp_path / "other", keep_video=True)
        assert [p.name for p in (tmp_path / "other").iterdir()] == ["video.mkv"]
        (tmp_path / "old" / "stimulus.mkv").unlink()
    with Session(tmp_path / "old") as session, pytest.raises(SessionError, match="put it there"):
        anonymize(session, tmp_path / "third", keep_video=True)
    assert not list((tmp_path / "third").iterdir())


@pytest.mark.parametrize("name", ["h265_video.mp4", "var_fps_video.mp4", "nasa_13013.mp4", "av1_video.mkv"])
def test_real_videos_keep_every_frame(tmp_path, shared_data, name):
    write_small(tmp_path / "old", frames=False)
    import_xdf(
        tmp_path / "old" / "session.xdf", shared_data / "video" / name, tmp_path / "film", offset_s=0.0
    )
    with Session(tmp_path / "film") as session:
        anonymize(session, tmp_path / "new", keep_video=True)
        with Session(tmp_path / "new") as copy:
            paths = session.video().path, copy.video().path
    with VideoReader(paths[0]) as old, VideoReader(paths[1]) as new:
        assert len(old) == len(new)
        for n in (0, 1, 7, len(old) - 1):
            assert np.array_equal(old.frame(n), new.frame(n))
