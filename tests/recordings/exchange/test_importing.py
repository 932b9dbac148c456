"""Recordings by others become sessions: nothing of them is lost, and the video lies where it was shown."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from realtime.config import ConditioningConfig
from realtime.errors import ConfigError, SessionError, VideoError
from recordings.exchange.importing import import_eeg, import_xdf
from recordings.intervals import SessionIntervals
from recordings.session.session import Session
from recordings.video.files import VideoReader, VideoWriter
from recordings.xdf.writer import StreamHeader, XdfWriter
from tests.support.pictures.numbered import numbered_frame, read_number

RATE = 250.0
AHEAD_S = -812.0078125  # what LabRecorder's machine was ahead of the headset's
LABELS = ("Fz", "Cz", "Pz")
DIALECT = """<?xml version="1.0"?><info>	<name>Gerät</name>	<type>EEG</type>
	<channel_count>3</channel_count>
	<nominal_srate>250.0000000000000</nominal_srate>
	<channel_format>double64</channel_format>
	<source_id>sn-7</source_id>	<hostname>lab</hostname>	<desc>		<maker>Somebody</maker>		<channels>
<channel><label>Fz</label><unit>uV</unit></channel><channel><label>Cz</label><unit>uV</unit></channel>
<channel><label>Pz</label><unit>uV</unit></channel></channels>	</desc></info>"""


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    """Three seconds of numbered pictures at a rate that varies."""
    path = tmp_path_factory.mktemp("film") / "A film.mp4.mkv"
    times = np.cumsum(np.random.default_rng(0).choice([0.033, 0.04, 0.1], 60))
    with VideoWriter(path, (64, 64)) as writer:
        for n, at in enumerate(times):
            writer.write(numbered_frame(n, 64, 64), float(at))
    return path


def write_labrecorder(path):
    """An XDF as another recorder writes it: other header texts, stamps of another clock, a second stream."""
    headers = {
        7: DIALECT,
        3: StreamHeader("Game", "Markers", 1, 0.0, "string", "game"),
        12: StreamHeader("Chair", "ACC", 2, 50.0, "int16", "chair"),
    }
    random = np.random.default_rng(1)
    with XdfWriter(path, headers) as writer:
        for i, collected in enumerate((500.0, 505.0)):
            writer.clock_offset(7, collected, AHEAD_S + 1e-5 * i)
        for second in range(8):
            n = 250 * second + np.arange(250)
            writer.samples(7, 500 - AHEAD_S + n / RATE, random.normal(0, 20, (250, 3)))
            writer.samples(12, 500 + second + np.arange(50) / 50, np.stack([n[:50], -n[:50]], 1))
            writer.samples(3, [500.5 + second], [["trial"]])
        writer.samples(3, [502.125], [["film"]])
    return path


@pytest.fixture
def labrecorder(tmp_path):
    return write_labrecorder(tmp_path / "recording.xdf")


def assert_streams_are_kept(original, imported):
    """Header, raw stamps, values and clock offsets of every stream of the first are those of the second."""
    for stream_id, before in original.reader.streams.items():
        after = imported.reader.streams[stream_id]
        assert after.info.xml == before.info.xml
        assert after.offset_times.tolist() == before.offset_times.tolist()
        assert after.offset_values.tolist() == before.offset_values.tolist()
        pairs = zip(original.reader.read(stream_id), imported.reader.read(stream_id), strict=True)
        for old, new in pairs:
            np.testing.assert_array_equal(new, old, strict=isinstance(old, np.ndarray))


# --- XDF --------------------------------------------------------------------------------------------------


def test_an_xdf_and_a_video_become_a_session_at_a_marker(tmp_path, labrecorder, film):
    made = import_xdf(labrecorder, film, tmp_path / "new" / "run01", start_marker="film")
    with Session(labrecorder) as original, Session(tmp_path / "new" / "run01") as session:
        assert made == session.path
        assert session.reader.complete
        assert_streams_are_kept(original, session)
        track = session.video()
        with VideoReader(film) as reader:
            np.testing.assert_allclose(track.times, 502.125 + reader.pts - reader.pts[0], rtol=0, atol=1e-9)
        assert track.frame_index.tolist() == track.seq.tolist() == list(range(60))
        assert (track.path.name, track.width, track.height) == (film.name, 64, 64)
        assert track.path.read_bytes() == film.read_bytes()
        with VideoReader(track.path) as reader:
            assert read_number(reader.frame(41)) == 41


@pytest.mark.parametrize("offset_s", [-1.25, 0.0, 2.5])
def test_the_video_may_begin_so_many_seconds_after_the_first_eeg_sample(
    tmp_path, labrecorder, film, offset_s
):
    import_xdf(labrecorder, film, tmp_path / "new", offset_s=offset_s)
    with Session(tmp_path / "new") as session:
        assert session.video().times[0] == pytest.approx(500.0 + offset_s, abs=1e-9)
        assert f"begins {offset_s:g} s after" in session.video_streams[0].text(
            "desc/acquisition/stamp_source"
        )


def test_an_imported_session_gives_intervals(tmp_path, labrecorder, film):
    import_xdf(labrecorder, film, tmp_path / "new", start_marker="film")
    with Session(tmp_path / "new") as session:
        intervals = SessionIntervals(session, ConditioningConfig())
        assert intervals.labels == LABELS
        interval, position = intervals.interval(round(506.0 * 40))
        assert interval.eeg_valid.all()
        assert interval.frame_valid.mean() > 0.6
        assert position.max() < 60


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({}, "when does the video begin"),
        ({"start_marker": "film", "offset_s": 1.0}, "when does the video begin"),
        ({"start_marker": "start"}, "no marker 'start'; the file has 'film', 'trial'"),
        ({"start_marker": "trial"}, r"'trial' is there 8 times \(at 0.500, 1.500"),
        ({"offset_s": 2500.0}, "from 2500.000 s to 250.* no moment in common"),
        ({"offset_s": -60.0}, "no moment in common"),
    ],
)
def test_a_beginning_that_is_not_clear_is_refused_and_leaves_nothing_behind(
    tmp_path, labrecorder, film, where, message
):
    with pytest.raises((ConfigError, SessionError), match=message):
        import_xdf(labrecorder, film, tmp_path / "new", **where)
    assert not (tmp_path / "new").exists()


def test_nothing_is_written_over(tmp_path, labrecorder, film):
    import_xdf(labrecorder, film, tmp_path / "new", offset_s=0.0)
    before = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    with pytest.raises(SessionError, match="never overwritten"):
        import_xdf(labrecorder, film, tmp_path / "new", offset_s=1.0)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / film.name).write_text("mine")
    with pytest.raises(SessionError, match="exists already"):
        import_xdf(labrecorder, film, tmp_path / "other", offset_s=1.0)
    assert {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()} == before
    assert [path.name for path in (tmp_path / "other").iterdir()] == [film.name]


def test_a_video_that_lies_in_the_folder_already_stays_there(tmp_path, labrecorder, film):
    (tmp_path / "new").mkdir()
    video = tmp_path / "new" / "film.mkv"
    video.write_bytes(film.read_bytes())
    import_xdf(labrecorder, video, tmp_path / "new", offset_s=0.0)
    with Session(tmp_path / "new") as session:
        assert session.video().path == video


def test_a_recording_with_a_chunk_that_cannot_be_read_is_imported_without_it(tmp_path, labrecorder, film):
    content = labrecorder.read_bytes()
    at = content.rindex(b"trial")
    labrecorder.write_bytes(content[: at - 1] + b"\x09" + content[at:])  # a text longer than its chunk
    path = import_xdf(labrecorder, film, tmp_path / "s", offset_s=0.0)
    with Session(path) as session:
        assert session.eeg().n_samples > 0
        assert (
            len([m for m in session.markers() if m.text.startswith("trial")]) == content.count(b"trial") - 1
        )


def test_a_recording_that_is_cut_off_leaves_nothing_behind(tmp_path, labrecorder, film):
    labrecorder.write_bytes(labrecorder.read_bytes()[:-10])
    with pytest.raises(SessionError, match="phosphene repair"):
        import_xdf(labrecorder, film, tmp_path / "s", offset_s=0.0)
    assert not (tmp_path / "s").exists()


def test_what_is_no_video_or_holds_no_eeg_is_named(tmp_path, labrecorder, film):
    with pytest.raises(VideoError, match="no video file"):
        import_xdf(labrecorder, tmp_path / "none.mkv", tmp_path / "new", offset_s=0.0)
    with XdfWriter(tmp_path / "words.xdf", {1: StreamHeader("m", "Markers", 1, 0.0, "string")}) as writer:
        writer.samples(1, [0.0], [["x"]])
    with pytest.raises(SessionError, match="has no EEG stream"):
        import_xdf(tmp_path / "words.xdf", film, tmp_path / "new", offset_s=0.0)


@pytest.mark.parametrize(
    "name", ["clock_resets", "two_streams_same_name", "muse_eeg_acc_gyro_ppg", "muse_empty_siblings"]
)
def test_recordings_by_other_recorders_are_kept_whole(tmp_path, shared_data, film, name):
    import_xdf(shared_data / "xdf" / f"{name}.xdf", film, tmp_path / "new", offset_s=0.5)
    with Session(shared_data / "xdf" / f"{name}.xdf") as original, Session(tmp_path / "new") as session:
        assert_streams_are_kept(original, session)
        first = min(original.eeg(f"id={s.stream_id}").span[0] for s in original.eeg_streams)
        assert session.video().times[0] == pytest.approx(first + 0.5, abs=1e-6)


def test_pyxdf_reads_an_imported_session_as_it_read_the_original(tmp_path, shared_data, film):
    pyxdf = pytest.importorskip("pyxdf")
    source = shared_data / "xdf" / "clock_resets.xdf"
    import_xdf(source, film, tmp_path / "new", offset_s=0.0)
    by_id = [
        {stream["info"]["stream_id"]: stream for stream in pyxdf.load_xdf(path)[0]}
        for path in (source, tmp_path / "new" / "session.xdf")
    ]
    assert len(by_id[1]) == len(by_id[0]) + 1
    for stream_id, stream in by_id[0].items():
        assert np.array_equal(by_id[1][stream_id]["time_stamps"], stream["time_stamps"])
        assert np.array_equal(by_id[1][stream_id]["time_series"], stream["time_series"])


# --- files that mne reads ---------------------------------------------------------------------------------


def write_fif(path, meas_date=None, first_samp=0, skip=False):
    """Five seconds of EEG, an eye channel and a trigger; annotations at 1 and 2.5 s, a code at 3 s."""
    mne = pytest.importorskip("mne")
    info = mne.create_info([*LABELS, "EOG", "STI"], RATE, ["eeg"] * 3 + ["eog", "stim"], verbose="ERROR")
    data = np.random.default_rng(2).normal(0, 20e-6, (5, 1250))
    data[4] = 0
    data[4, 750:760] = 17
    raw = mne.io.RawArray(data, info, first_samp=first_samp, verbose="ERROR")
    raw.set_meas_date(meas_date)
    notes = mne.Annotations([1.0, 2.5], [0.0, 0.5], ["cat", "film"])
    if skip:
        notes.append(4.0, 0.5, "BAD_ACQ_SKIP")
    raw.set_annotations(notes, verbose="ERROR")
    raw.save(path, fmt="double", verbose="ERROR")
    return data


@pytest.mark.parametrize(("meas_date", "first_samp"), [(None, 0), (None, 500), (1.6e9, 500), (1.6e9, 0)])
def test_a_fif_and_a_video_become_a_session(tmp_path, film, meas_date, first_samp):
    data = write_fif(tmp_path / "a_raw.fif", meas_date, first_samp)
    import_eeg(tmp_path / "a_raw.fif", film, tmp_path / "new", start_marker="film")
    with Session(tmp_path / "new") as session:
        info = session.eeg().info
        assert (info.labels, info.unit, info.rate_nominal) == (LABELS, "microvolts", RATE)
        times, samples = session.eeg().read()
        np.testing.assert_allclose(times, 1000 + np.arange(1250) / RATE)
        assert np.array_equal(samples, (data[:3].T * 1e6).astype(np.float32))
        texts = [(round(marker.stamp - 1000, 6), marker.text) for marker in session.markers()]
        assert texts == [(1.0, "cat"), (2.5, "film"), (3.0, "17")]
        assert session.video().times[0] == 1002.5
        others = next(s for s in session.reader.streams.values() if s.info.type == "AUX")
        values = session.reader.read(others.info.stream_id)[1]
        np.testing.assert_array_equal(values[:, 0], (data[3] * 1e6).astype(np.float32))
        np.testing.assert_array_equal(values[:, 1], data[4])
        described = others.info.root.findall("desc/channels/channel")
        assert [(c.findtext("label"), c.findtext("unit")) for c in described] == [
            ("EOG", "microvolts"),
            ("STI", ""),
        ]


def test_what_mne_marks_as_not_recorded_becomes_a_gap(tmp_path, film):
    write_fif(tmp_path / "a_raw.fif", skip=True)
    import_eeg(tmp_path / "a_raw.fif", film, tmp_path / "new", offset_s=0.0)
    with Session(tmp_path / "new") as session:
        times, _ = session.eeg().read()
        assert len(times) == 1250 - 125
        steps = np.diff(times)
        assert np.flatnonzero(steps > 1.5 / RATE).tolist() == [999]
        assert steps[999] == pytest.approx(0.5 + 1 / RATE)
        assert [marker.text for marker in session.markers()] == ["cat", "film", "17"]


def test_a_video_that_begins_long_before_the_eeg_lies_at_no_negative_time(tmp_path, film):
    write_fif(tmp_path / "a_raw.fif")
    import_eeg(tmp_path / "a_raw.fif", film, tmp_path / "new", offset_s=-1.5)
    with Session(tmp_path / "new") as session:
        assert session.video().times[0] == pytest.approx(session.eeg().span[0] - 1.5)
        assert session.start > 0


@pytest.mark.parametrize(
    ("name", "n_channels", "rate"),
    [("test.edf", 138, 512), ("test.bdf", 72, 2048), ("test.vhdr", 26, 1000), ("eeglab_data.set", 32, 128)],
)
def test_files_of_other_formats_are_imported_as_mne_reads_them(
    tmp_path, shared_data, film, name, n_channels, rate
):
    mne = pytest.importorskip("mne")
    import_eeg(shared_data / "eeg" / name, film, tmp_path / "new", offset_s=0.0)
    raw = mne.io.read_raw(shared_data / "eeg" / name, verbose="ERROR")
    with Session(tmp_path / "new") as session:
        track = session.eeg()
        assert (track.info.n_channels, track.info.rate_nominal) == (n_channels, rate)
        assert track.info.labels == tuple(raw.copy().pick("eeg").ch_names)
        expected = (raw.get_data("eeg").T * 1e6).astype(np.float32)
        assert np.array_equal(track.read()[1], expected)
        noted = sorted(zip(raw.annotations.onset, raw.annotations.description, strict=True))
        told = [(marker.stamp - 1000, marker.text) for marker in session.markers()]
        assert [text for _, text in told if not text.isdigit()] == [str(text) for _, text in noted]
        np.testing.assert_allclose(
            [at for at, text in told if not text.isdigit()], [at for at, _ in noted], atol=1e-9
        )


def test_a_missing_mne_is_named_with_the_extra_that_brings_it(tmp_path, film, monkeypatch):
    monkeypatch.setitem(sys.modules, "mne", None)
    with pytest.raises(ConfigError, match=r"reading a\.set needs mne.*pip install 'phosphene\[mne\]'"):
        import_eeg(tmp_path / "a.set", film, tmp_path / "new", offset_s=0.0)


def test_a_file_that_mne_cannot_read_is_named(tmp_path, film):
    pytest.importorskip("mne")
    with pytest.raises(SessionError, match="there is no file"):
        import_eeg(tmp_path / "a.set", film, tmp_path / "new", offset_s=0.0)
    for name in ("a.set", "a.txt", "a.gdf"):
        (tmp_path / name).write_bytes(b"no EEG at all" * 40)
        with pytest.raises(SessionError, match=f"mne cannot read .*{name}: "):
            import_eeg(tmp_path / name, film, tmp_path / "new", offset_s=0.0)
    assert not (tmp_path / "new").exists()
